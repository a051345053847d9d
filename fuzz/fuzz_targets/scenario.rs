//! Scenario files, read and planned.

#![no_main]

#[path = "../checks/place.rs"]
mod place;
#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/scenario.rs"]
mod scenario;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    scenario::check(data);
});
