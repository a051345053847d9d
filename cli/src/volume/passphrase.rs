//! Passphrases in files: all bytes of the file, as `cryptsetup --key-file` has it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::VolumeFailure;

/// The longest passphrase, in bytes; cryptsetup's own limit is 8 MiB.
const MOST_BYTES: u64 = 64 << 10;

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, VolumeFailure> {
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize + 1));
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(VolumeFailure::at(path))?;
    if bytes.is_empty() || bytes.len() as u64 > MOST_BYTES {
        return Err(VolumeFailure::Format {
            path: path.display().to_string(),
            found: match bytes.len() {
                0 => "it is empty".to_owned(),
                _ => format!("it has more than {MOST_BYTES} bytes"),
            },
            hint: "a passphrase file has 1 to 65,536 bytes, and all of them count, a last line break too",
        });
    }
    Ok(bytes)
}

/// The passphrase of a format that needs one.
pub(super) fn needed(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, VolumeFailure> {
    match path {
        Some(path) => read(path),
        None => Err(VolumeFailure::Call(
            "the volume needs a passphrase; name its file with --passphrase-file".to_owned(),
        )),
    }
}
