//! dm-integrity superblocks, and layouts with a journal or a bitmap.

#![no_main]

#[path = "../checks/integrity.rs"]
mod integrity;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    integrity::check(data);
});
