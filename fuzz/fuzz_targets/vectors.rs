//! A vector file.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/vectors.rs"]
mod vectors;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vectors::check(data);
});
