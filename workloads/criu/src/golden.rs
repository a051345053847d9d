//! A set that the real CRIU made of a real program elsewhere, for machines on which no CRIU can run.

use std::fs;
use std::path::Path;

use crate::CriuError;

/// What made the set, for reports.
pub const GOLDEN_ORIGIN: &str = "a program of two processes, dumped by CRIU 4.1.1 (Debian 13) on another machine, which cannot be restored here";

const ARCHIVE: &[u8] = include_bytes!("../data/criu-4.1.1-plain.tar.zst");

/// Writes the set to the new folder `images`.
///
/// # Errors
/// `images` exists, or writing fails.
pub fn golden_set(images: &Path) -> Result<(), CriuError> {
    fs::create_dir(images).map_err(CriuError::at(images))?;
    let unpacked = zstd::stream::read::Decoder::new(ARCHIVE).and_then(|reader| {
        for entry in tar::Archive::new(reader).entries()? {
            let mut entry = entry?;
            if entry.header().entry_type().is_file()
                && let Some(name) = entry.path()?.file_name()
            {
                let mut file = fs::File::create_new(images.join(name))?;
                std::io::copy(&mut entry, &mut file)?;
            }
        }
        Ok(())
    });
    unpacked.map_err(CriuError::at(images))
}
