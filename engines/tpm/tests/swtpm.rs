//! Counters in a real TPM's software twin, beside the real tools. From Debian: swtpm, tpm2-tools,
//! libtss2-tcti-swtpm0, socat.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

#[path = "swtpm/addresses.rs"]
mod addresses;
#[path = "swtpm/interposer.rs"]
mod interposer;
#[path = "swtpm/machine.rs"]
mod machine;
#[path = "swtpm/peers.rs"]
mod peers;
#[path = "swtpm/refusals.rs"]
mod refusals;
