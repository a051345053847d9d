//! Sizes, times and shares of workloads.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/sizes.rs"]
mod sizes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sizes::check(data);
});
