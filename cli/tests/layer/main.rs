//! `sealab layer` as a user calls it: images in layouts, archives and a real registry, with skopeo and umoci at the other
//! end; what is refused and how it is told; what is left when work is ended.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod lazy;
mod lazy_refusals;
mod local;
#[path = "../../../engines/registry/tests/peer/mod.rs"]
mod peer;
mod place;
mod refusals;
mod road;
mod served;
#[path = "../../../engines/registry/tests/hostile/server.rs"]
mod server;
mod tree;
