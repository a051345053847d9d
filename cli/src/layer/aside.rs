//! A new folder, written aside, which appears in its place whole or not at all.

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use super::LayerFailure;
use super::image::beside;

/// The folder while it is written; removed when dropped.
pub(super) struct Aside {
    output: PathBuf,
    scratch: TempDir,
}

impl Aside {
    /// Begins the folder `output`, which must not exist.
    pub(super) fn begin(output: &Path) -> Result<Self, LayerFailure> {
        let parent = beside(output);
        if output.symlink_metadata().is_ok() {
            return Err(sealab_layer::Error::Exists(output.to_owned()).into());
        }
        let scratch = tempfile::Builder::new()
            .prefix(".sealab-layer.")
            .suffix(".partial")
            .tempdir_in(&parent)
            .map_err(LayerFailure::at(&parent))?;
        Ok(Self {
            output: output.to_owned(),
            scratch,
        })
    }

    /// Where it is written, which is for the caller to make.
    pub(super) fn root(&self) -> PathBuf {
        self.scratch.path().join("files")
    }

    /// Brings the folder to its place.
    pub(super) fn finish(self) -> Result<(), LayerFailure> {
        let renamed = renameat_with(CWD, self.root(), CWD, &self.output, RenameFlags::NOREPLACE);
        renamed.map_err(|error| match error {
            rustix::io::Errno::EXIST => sealab_layer::Error::Exists(self.output.clone()).into(),
            error => LayerFailure::at(&self.output)(error.into()),
        })
    }
}
