//! The private and public options of encrypted layers.

#![no_main]

#[path = "../checks/layer_options.rs"]
mod layer_options;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    layer_options::check(data);
});
