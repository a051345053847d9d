//! Image sets: the golden ones, ones made by hand, and what must be refused.

mod files;
mod memory;
mod sets;

use super::{ImageError, ImageReader, rewrite};

/// The file read and written again.
fn rewritten(name: &str, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    let mut written = Vec::new();
    rewrite(ImageReader::new(name, bytes.len() as u64, bytes)?, &mut written)?;
    Ok(written)
}
