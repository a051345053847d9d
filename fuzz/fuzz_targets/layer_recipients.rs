//! JWE packets of encrypted layers.

#![no_main]

#[path = "../checks/layer_recipients.rs"]
mod layer_recipients;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    layer_recipients::check(data);
});
