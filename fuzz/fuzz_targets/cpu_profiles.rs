//! CPU profile files.

#![no_main]

#[path = "../checks/cpu_profiles.rs"]
mod cpu_profiles;
#[path = "../checks/place.rs"]
mod place;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cpu_profiles::check(data);
});
