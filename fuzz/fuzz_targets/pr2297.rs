//! Files sealed as criu-pr2297, behind their authentication.

#![no_main]

#[path = "../checks/named.rs"]
mod named;
#[path = "../checks/pr2297.rs"]
mod pr2297;
#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/transparent.rs"]
mod transparent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    pr2297::check(data);
});
