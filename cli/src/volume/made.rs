//! What a command has made so far, and removes again if it does not come to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealab_tpm::CounterAddress;
use sealab_volume::store::{FileStore, Store};

use super::VolumeFailure;

/// New files and a new counter that are removed again unless all went well.
#[derive(Default)]
pub(super) struct Made {
    files: Vec<PathBuf>,
    counter: Option<CounterAddress>,
}

impl Made {
    pub(super) fn file(&mut self, path: &Path, bytes: u64) -> Result<Arc<dyn Store>, VolumeFailure> {
        let store = FileStore::create(path, bytes).map_err(VolumeFailure::at(path))?;
        self.files.push(path.to_owned());
        Ok(Arc::new(store))
    }

    /// A counter, which must not be open any more when this is dropped.
    pub(super) fn counter(&mut self, address: CounterAddress) {
        self.counter = Some(address);
    }

    pub(super) fn keep(mut self) {
        self.files.clear();
        self.counter = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What does not go stays; the failure that led here is told already.
        for path in &self.files {
            let _ = fs::remove_file(path);
        }
        if let Some(counter) = &self.counter {
            let _ = counter.remove();
        }
    }
}
