//! Making the file index of a layer while it is encrypted.

use super::entry::{Budget, Entry};
use super::scan::TarScanner;

/// Looks at a tar as it goes by. What is no tar, or has more entries than an index may have, has no index: that is no error
/// of whoever encrypts it.
pub(crate) struct Scan {
    scanner: Option<TarScanner>,
}

impl Scan {
    /// A scan that is of use where an index is `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            scanner: wanted.then(|| TarScanner::new(Budget::INDEX)),
        }
    }

    /// Takes the next bytes of the tar.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(scanner) = &mut self.scanner
            && scanner.update(bytes).is_err()
        {
            self.scanner = None;
        }
    }

    /// The entries, once all of a tar of `tar_bytes` was taken.
    pub(crate) fn finish(self, tar_bytes: u64) -> Option<Vec<Entry>> {
        self.scanner?.finish(tar_bytes).ok()
    }
}
