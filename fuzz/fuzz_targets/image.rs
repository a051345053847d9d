//! Images of CRIU, read, shown and written again.

#![no_main]

#[path = "../checks/image.rs"]
mod image;
#[path = "../checks/named.rs"]
mod named;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image::check(data);
});
