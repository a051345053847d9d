//! Folders and files that programs were given or have left.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::{ProgramError, run};

/// The bytes of a file, or of all files of a folder.
///
/// # Errors
/// Something of it cannot be read.
pub fn bytes_of(path: &Path) -> Result<u64, ProgramError> {
    let metadata = fs::symlink_metadata(path).map_err(ProgramError::at(path))?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(ProgramError::at(path))? {
        bytes += bytes_of(&entry.map_err(ProgramError::at(path))?.path())?;
    }
    Ok(bytes)
}

/// Removes a file, or a folder with all that is in it.
///
/// # Errors
/// It is not there, or something of it cannot be removed.
pub fn remove(path: &Path) -> Result<(), ProgramError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(ProgramError::at(path))
}

/// That a folder holds what another holds, byte for byte.
///
/// # Errors
/// It does not, as `diff` tells in words, or it was cancelled or took longer than `limit`. `who` gave it back.
pub fn same(
    wanted: &Path,
    found: &Path,
    who: &str,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<(), ProgramError> {
    let mut command = Command::new("diff");
    command
        .args(["--recursive", "--no-dereference", "--brief", "--"])
        .arg(wanted)
        .arg(found);
    run(
        &mut command,
        &format!("comparing what {who} gave back"),
        limit,
        cancelled,
    )
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_set_that_came_back_changed_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&a, &b] {
            fs::create_dir(path).expect("a folder");
            fs::write(path.join("pages-1.img"), [0; 5000]).expect("a file");
        }
        let limit = Duration::from_secs(20);
        same(&a, &b, "tar", limit, &NEVER).expect("the same");
        fs::write(b.join("pages-1.img"), [1; 5000]).expect("a file");
        same(&a, &b, "tar", limit, &NEVER).expect_err("another byte");
        fs::write(b.join("pages-1.img"), [0; 5000]).expect("a file");
        fs::write(b.join("more"), "").expect("a file");
        same(&a, &b, "tar", limit, &NEVER).expect_err("another file");
    }
}
