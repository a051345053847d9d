//! GnuTLS, whose cryptography is nettle's and its own for x86 CPUs. It is the library that CRIU links.

mod api;
mod ciphers;
mod engine;
mod hashes;

pub(crate) use engine::CANDIDATE;
