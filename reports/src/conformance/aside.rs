//! Files too large to hold in memory, written aside like the others.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use sealab_record::RecordError;

/// Has `write` fill a new file beside `path`, syncs it and renames it to `path`; on failure nothing is left behind and
/// what stood at `path` still does.
pub(super) fn write_streamed(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), RecordError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let aside = path.with_file_name(name);
    let filled = || {
        let mut file = BufWriter::new(File::create(&aside)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&aside, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    filled().map_err(|source| {
        // The failure itself is what is reported; a leftover that cannot be removed adds nothing to it.
        let _ = fs::remove_file(&aside);
        RecordError::Write {
            path: path.to_owned(),
            source,
        }
    })
}
