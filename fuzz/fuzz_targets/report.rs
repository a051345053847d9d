//! Reports of whatever record can be read.

#![no_main]

#[path = "../checks/report.rs"]
mod report;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    report::check(data);
});
