//! What an NBD client may send: its handshake, and its requests.

#![no_main]

#[path = "../checks/nbd.rs"]
mod nbd;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    nbd::check(data);
});
