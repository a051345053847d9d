//! Block traces.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/trace.rs"]
mod trace;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trace::check(data);
});
