//! LUKS1 and LUKS2 headers, behind their checksums.

#![no_main]

#[path = "../checks/luks.rs"]
mod luks;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    luks::check(data);
});
