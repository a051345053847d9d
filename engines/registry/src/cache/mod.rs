//! A folder that keeps what was fetched of blobs, as it came: of an encrypted layer, its ciphertext. What it gives is
//! worth as much as what a registry gives, and who reads a layer verifies the one like the other.

mod extents;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use extents::{Extent, Extents};
use sealab_layer::image::Digest;

use crate::RegistryError;

/// The file that is locked while a cache is used.
const LOCK: &str = "lock";
/// What the name of a file that is being written begins with.
const PARTIAL: &str = "partial-";

/// A cache in a folder, of one process at a time.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    extents: Mutex<Extents>,
    /// Numbers the files that are being written.
    partial: AtomicU64,
    /// Locked until it is dropped.
    _lock: File,
}

impl Cache {
    /// The cache in `folder`, which is made if it is not there, with at most `limit` bytes of files: those that were
    /// used longest ago are removed beyond. A folder that is not its owner's alone is refused, and one that another
    /// process uses as a cache.
    pub fn open(folder: &Path, limit: u64) -> Result<Self, RegistryError> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(RegistryError::io(folder)(error));
            }
            _ => {}
        }
        let refused = |problem: String| RegistryError::Cache {
            path: folder.to_owned(),
            problem,
        };
        let metadata = fs::metadata(folder).map_err(RegistryError::io(folder))?;
        if !metadata.is_dir() {
            return Err(refused("it is no folder; a cache is one".to_owned()));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(refused(format!(
                "its mode is {mode:o}, so that it is not for its owner alone; chmod 700 it, or name a new folder"
            )));
        }
        let place = folder.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&place)
            .map_err(RegistryError::io(&place))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                refused("another process uses this cache now; name another folder".to_owned())
            }
            TryLockError::Error(error) => RegistryError::io(&place)(error),
        })?;
        let cache = Self {
            extents: Mutex::new(found(folder).map_err(RegistryError::io(folder))?),
            folder: folder.to_owned(),
            limit,
            partial: AtomicU64::new(0),
            _lock: lock,
        };
        cache.shrink(&mut cache.lock(), limit);
        Ok(cache)
    }

    /// What its files take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.lock().taken()
    }

    /// Fills what it has of the `bytes` at `offset` of a blob; gives the parts of them that it has not.
    pub(crate) fn fill(&self, digest: &Digest, offset: u64, bytes: &mut [u8]) -> Vec<Range<usize>> {
        let end = offset.saturating_add(bytes.len() as u64);
        let known = self.lock().used(digest, offset..end);
        let mut gaps = Vec::new();
        let mut done = 0;
        for extent in known {
            // Within `bytes`, so that they fit.
            let from = extent.offset.max(offset);
            let part = (from - offset) as usize..(extent.end().min(end) - offset) as usize;
            let within = from - extent.offset;
            let read = File::open(self.path(&extent))
                .and_then(|file| file.read_exact_at(&mut bytes[part.clone()], within));
            if read.is_err() {
                // Removed or cut by somebody: as if it had never been there.
                self.forget(&mut self.lock(), &extent);
                continue;
            }
            if done < part.start {
                gaps.push(done..part.start);
            }
            done = part.end;
        }
        if done < bytes.len() {
            gaps.push(done..bytes.len());
        }
        gaps
    }

    /// All that it has of a blob from its start on in one piece.
    pub(crate) fn start_of(&self, digest: &Digest) -> Option<Vec<u8>> {
        let extent = *self.lock().used(digest, 0..1).first()?;
        fs::read(self.path(&extent)).ok()
    }

    /// Keeps a part of a blob. Where `replace` is not set, it is not kept if any of it is there.
    pub(crate) fn keep(&self, digest: &Digest, offset: u64, bytes: &[u8], replace: bool) -> io::Result<()> {
        let extent = Extent {
            digest: *digest,
            offset,
            length: bytes.len() as u64,
        };
        let taken = Extent::taken(extent.length);
        let others = |extents: &Extents| extents.overlapping(digest, offset..extent.end());
        if bytes.is_empty() || taken > self.limit || (!replace && !others(&self.lock()).is_empty()) {
            return Ok(());
        }
        let number = self.partial.fetch_add(1, Ordering::Relaxed);
        let partial = self.folder.join(format!("{PARTIAL}{number}"));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .and_then(|mut file| file.write_all(bytes));
        let mut extents = self.lock();
        let kept = written.and_then(|()| {
            for other in others(&extents) {
                self.forget(&mut extents, &other);
            }
            self.shrink(&mut extents, self.limit - taken);
            fs::rename(&partial, self.path(&extent))
        });
        match kept {
            Ok(()) => extents.insert(extent),
            // Where it cannot be removed, it is when the cache is opened again.
            Err(_) => drop(fs::remove_file(&partial)),
        }
        kept
    }

    /// Removes what was used longest ago until no more than `limit` bytes are taken.
    fn shrink(&self, extents: &mut Extents, limit: u64) {
        while extents.taken() > limit
            && let Some(oldest) = extents.oldest()
        {
            self.forget(extents, &oldest);
        }
    }

    fn forget(&self, extents: &mut Extents, extent: &Extent) {
        if extents.remove(extent) {
            // One that is gone already is as good.
            let _ = fs::remove_file(self.path(extent));
        }
    }

    fn path(&self, extent: &Extent) -> PathBuf {
        self.folder.join(extent.name())
    }

    fn lock(&self) -> MutexGuard<'_, Extents> {
        // Whole after a panic too: nothing in between can panic.
        self.extents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the folder has, the oldest first; what was being written when a process ended is removed. Files that are none of
/// a cache's are left alone.
fn found(folder: &Path) -> io::Result<Extents> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let metadata = entry.metadata()?;
        if name.starts_with(PARTIAL) && metadata.is_file() {
            fs::remove_file(entry.path())?;
        } else if let Some(extent) = Extent::named(name) {
            if metadata.is_file() && metadata.len() == extent.length {
                let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((written, extent));
            } else if metadata.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
    }
    files.sort_by_key(|(written, extent)| (*written, extent.offset));
    let mut extents = Extents::default();
    for (_, extent) in files {
        if extents
            .overlapping(&extent.digest, extent.offset..extent.end())
            .is_empty()
        {
            extents.insert(extent);
        } else {
            fs::remove_file(folder.join(extent.name()))?;
        }
    }
    Ok(extents)
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant")]
mod tests {
    use super::*;

    fn blob(number: u8) -> Digest {
        Digest::new([number; 32])
    }

    /// The bytes at `offset` of a blob as the cache has them, and what it has not.
    fn read(cache: &Cache, number: u8, offset: u64, length: usize) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut bytes = vec![0; length];
        let gaps = cache.fill(&blob(number), offset, &mut bytes);
        (bytes, gaps)
    }

    #[test]
    fn what_was_kept_is_there_and_what_was_not_is_told() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("cache");
        let cache = Cache::open(&folder, 1 << 20).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(read(&cache, 1, 5, 10).1, [0..10]);
        cache.keep(&blob(1), 10, b"abcde", false).unwrap();
        cache.keep(&blob(1), 20, b"fghij", false).unwrap();
        let whole = b"\0\0abcde\0\0\0\0\0fghij\0".to_vec();
        assert_eq!(read(&cache, 1, 8, 18), (whole, vec![0..2, 7..12, 17..18]));
        assert_eq!(read(&cache, 1, 11, 3), (b"bcd".to_vec(), vec![]));
        assert_eq!(read(&cache, 2, 11, 3).1, [0..3]);
        // Kept by another thread meanwhile; and anew since it did not hold.
        cache.keep(&blob(1), 12, b"xyz", false).unwrap();
        assert_eq!(read(&cache, 1, 10, 5).0, b"abcde");
        cache.keep(&blob(1), 9, b"ABCD", true).unwrap();
        assert_eq!(read(&cache, 1, 9, 6), (b"ABCD\0\0".to_vec(), vec![4..6]));
        // After all was closed, too; what was cut or is half written is not.
        drop(cache);
        fs::write(folder.join("partial-9"), "x").unwrap();
        fs::write(folder.join("mine"), "x").unwrap();
        let cut = folder.join(Extent::name(&Extent {
            digest: blob(1),
            offset: 20,
            length: 5,
        }));
        fs::write(&cut, "fgh").unwrap();
        let cache = Cache::open(&folder, 1 << 20).unwrap();
        assert_eq!(read(&cache, 1, 9, 4), (b"ABCD".to_vec(), vec![]));
        assert_eq!(read(&cache, 1, 20, 3).1, [0..3]);
        assert!(!cut.exists() && !folder.join("partial-9").exists() && folder.join("mine").exists());
        // Removed behind its back.
        fs::remove_file(folder.join(format!("{}-9-4", blob(1).hex()))).unwrap();
        assert_eq!(read(&cache, 1, 9, 4).1, [0..4]);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn its_files_are_bounded_and_the_longest_unused_leaves() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("cache");
        let cache = Cache::open(&folder, 4 * 4096).unwrap();
        for number in 0..4 {
            cache.keep(&blob(number), 0, &[number; 4096], false).unwrap();
        }
        assert_eq!(read(&cache, 0, 0, 1).1, []);
        cache.keep(&blob(4), 0, b"short", false).unwrap();
        assert_eq!(read(&cache, 1, 0, 1).1, [0..1]);
        for number in [0, 2, 3, 4] {
            assert_eq!(read(&cache, number, 0, 1).1, [], "{number}");
        }
        // One that would not fit alone.
        cache.keep(&blob(5), 0, &[5; 4 * 4096 + 1], false).unwrap();
        assert_eq!(cache.bytes(), 4 * 4096);
        drop(cache);
        let files = || fs::read_dir(&folder).unwrap().count();
        assert_eq!(files(), 5);
        let cache = Cache::open(&folder, 2 * 4096).unwrap();
        assert_eq!((cache.bytes(), files()), (2 * 4096, 3));
    }

    #[test]
    fn a_folder_that_is_not_ones_own_alone_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("cache");
        let refused = |folder: &Path| Cache::open(folder, 1 << 20).unwrap_err().to_string();
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(refused(&folder).contains("its mode is 750"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        let cache = Cache::open(&folder, 1 << 20).unwrap();
        assert!(refused(&folder).contains("another process uses this cache"));
        drop(cache);
        Cache::open(&folder, 1 << 20).unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(refused(&file).contains("it is no folder"));
        assert!(refused(&place.path().join("a/b")).contains("a/b: No such file"));
    }
}
