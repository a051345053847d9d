//! Run records as JSON.

#![no_main]

#[path = "../checks/record.rs"]
mod record;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    record::check(data);
});
