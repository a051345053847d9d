//! The files of image layers: tars, and authentic file indexes.

#![no_main]

#[path = "../checks/layer_files.rs"]
mod layer_files;
#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/transparent.rs"]
mod transparent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    layer_files::check(data);
});
