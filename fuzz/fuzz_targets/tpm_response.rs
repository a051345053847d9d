//! Answers of a TPM to what a counter asks.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/tpm_response.rs"]
mod tpm_response;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tpm_response::check(data);
});
