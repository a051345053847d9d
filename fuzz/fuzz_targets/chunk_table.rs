//! The chunk tables of encrypted layers.

#![no_main]

#[path = "../checks/chunk_table.rs"]
mod chunk_table;
#[path = "../checks/refusal.rs"]
mod refusal;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    chunk_table::check(data);
});
