//! Tar streams of plain sets, sealed and opened.

#![no_main]

#[path = "../checks/archive.rs"]
mod archive;
#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/transparent.rs"]
mod transparent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    archive::check(data);
});
