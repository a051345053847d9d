//! Files sealed as sealed-checkpoint, their indexes and manifests.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/sealed.rs"]
mod sealed;
#[path = "../checks/transparent.rs"]
mod transparent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sealed::check(data);
});
