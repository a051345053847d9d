//! Sealed logs: headers, and what is behind the authentication.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/transparent.rs"]
mod transparent;
#[path = "../checks/sealed_log.rs"]
mod sealed_log;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sealed_log::check(data);
});
