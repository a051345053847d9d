//! A chunk table is read and written again as the same bytes, and has as many tags as its layer has chunks; or it is
//! refused.

use sealab_layer::chunks::{CHUNK_BYTES, ChunkTable, MAX_TABLE_BYTES};

use crate::refusal;

/// Whether `data` is a chunk table.
pub(crate) fn check(data: &[u8]) -> bool {
    let table = match ChunkTable::parse(data) {
        Ok(table) => table,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            return false;
        }
    };
    assert!(data.len() <= MAX_TABLE_BYTES);
    assert!(table.chunk_bytes() >= CHUNK_BYTES && table.chunk_bytes().is_power_of_two());
    let chunks = table.layer_bytes().div_ceil(u64::from(table.chunk_bytes()));
    assert_eq!(data.len() as u64, 56 + 16 * chunks);
    assert_eq!(table.to_bytes(), data);
    true
}
