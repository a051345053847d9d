//! Writing blobs and layouts: aside, synced, renamed. What is not finished is removed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use serde::Serialize;
use tempfile::{NamedTempFile, TempDir};

use super::{Descriptor, Digest, Index, Layout, MAX_MANIFEST_BYTES};
use crate::Error;
use crate::stream::Sha256;

/// Adds blobs to a layout; those it added are removed again unless [`BlobWriter::keep`] is called.
pub(crate) struct BlobWriter {
    directory: PathBuf,
    added: Vec<PathBuf>,
    /// The chunks of the manifest at hand, with their lengths.
    chunks: BTreeMap<Digest, u64>,
    /// Whether blobs were added that are on no disk yet.
    unsynced: bool,
}

/// A blob that has no name yet, removed when dropped.
pub(crate) struct PartialBlob(NamedTempFile);

impl PartialBlob {
    pub(crate) fn file(&self) -> &File {
        self.0.as_file()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl BlobWriter {
    pub(crate) fn within(layout: &Path) -> Self {
        Self {
            directory: layout.join("blobs/sha256"),
            added: Vec::new(),
            chunks: BTreeMap::new(),
            unsynced: false,
        }
    }

    pub(crate) fn begin(&self) -> Result<PartialBlob, Error> {
        tempfile::Builder::new()
            .prefix(".blob.")
            .suffix(".partial")
            .tempfile_in(&self.directory)
            .map(PartialBlob)
            .map_err(Error::io(&self.directory))
    }

    /// Gives a blob its name. The caller has verified that it is what the name says.
    pub(crate) fn finish(&mut self, blob: PartialBlob, digest: &Digest) -> Result<(), Error> {
        let path = self.directory.join(digest.hex());
        blob.file().sync_all().map_err(Error::io(&path))?;
        self.name(blob, path)
    }

    fn name(&mut self, blob: PartialBlob, path: PathBuf) -> Result<(), Error> {
        // As skopeo leaves them: the folder says who may look.
        let permissions = Permissions::from_mode(0o644);
        blob.file()
            .set_permissions(permissions)
            .map_err(Error::io(&path))?;
        match blob.0.persist_noclobber(&path) {
            Ok(_) => self.added.push(path),
            // A blob of this name has this content.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&path)(error.error)),
        }
        Ok(())
    }

    /// Adds a chunk of the manifest at hand, unless it is there. It reaches the disk with all others, in
    /// [`BlobWriter::keep`]: there are thousands.
    pub(crate) fn add_chunk(&mut self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        self.chunks.insert(*digest, bytes.len() as u64);
        let path = self.directory.join(digest.hex());
        if path.exists() {
            return Ok(());
        }
        let blob = self.begin()?;
        blob.file().write_all(bytes).map_err(Error::io(blob.path()))?;
        self.unsynced = true;
        self.name(blob, path)
    }

    /// The chunks that were added since the last call, with their lengths.
    pub(crate) fn take_chunks(&mut self) -> BTreeMap<Digest, u64> {
        std::mem::take(&mut self.chunks)
    }

    /// Adds a manifest or index; gives digest and length.
    pub(crate) fn json(&mut self, value: &impl Serialize, place: &str) -> Result<(Digest, u64), Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| Error::malformed(place, error.to_string()))?;
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(Error::malformed(
                place,
                format!(
                    "it would have {} bytes; at most {MAX_MANIFEST_BYTES} are written",
                    bytes.len()
                ),
            ));
        }
        let blob = self.begin()?;
        blob.file().write_all(&bytes).map_err(Error::io(blob.path()))?;
        let digest = Digest::of(&bytes);
        self.finish(blob, &digest)?;
        Ok((digest, bytes.len() as u64))
    }

    /// Takes a blob over from another layout as it is: by a hard link where that can be, else by a verified copy. One of
    /// the layout itself stays, or stays away where only the manifests were pulled.
    pub(crate) fn share(&mut self, source: &Layout, descriptor: &Descriptor) -> Result<(), Error> {
        let path = self.directory.join(descriptor.digest.hex());
        if path == source.blob_path(&descriptor.digest) || path.exists() {
            return Ok(());
        }
        let mut file = source.open_blob(descriptor)?;
        if fs::hard_link(source.blob_path(&descriptor.digest), &path).is_ok() {
            self.added.push(path);
            return Ok(());
        }
        let blob = self.begin()?;
        let mut hashed = Hashed {
            file: blob.file(),
            hash: Sha256::new(),
        };
        io::copy(&mut file, &mut hashed).map_err(Error::io(blob.path()))?;
        let found = hashed.hash.finish();
        if found != descriptor.digest {
            return Err(Error::Digest {
                expected: descriptor.digest,
                found,
            });
        }
        self.finish(blob, &found)
    }

    pub(crate) fn keep(mut self) -> Result<(), Error> {
        let directory = File::open(&self.directory).map_err(Error::io(&self.directory))?;
        if self.unsynced {
            syncfs(&directory).map_err(|error| Error::io(&self.directory)(error.into()))?;
        }
        directory.sync_all().map_err(Error::io(&self.directory))?;
        self.added.clear();
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        for path in &self.added {
            // Nothing more can be done about one that stays.
            let _ = fs::remove_file(path);
        }
    }
}

struct Hashed<'a> {
    file: &'a File,
    hash: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A new layout beside its destination, which appears there whole or not at all.
pub(crate) struct NewLayout {
    directory: TempDir,
    destination: PathBuf,
}

impl NewLayout {
    /// Begins the layout `destination`, which must not exist.
    pub(crate) fn begin(destination: &Path) -> Result<(Self, BlobWriter), Error> {
        let fail = Error::io(destination);
        if fs::symlink_metadata(destination).is_ok() {
            return Err(Error::Exists(destination.to_owned()));
        }
        let Some(name) = destination.file_name() else {
            return Err(fail(io::ErrorKind::InvalidInput.into()));
        };
        let made = (|| {
            let directory = tempfile::Builder::new()
                .prefix(&format!(".{}.", name.to_string_lossy()))
                .suffix(".partial")
                .tempdir_in(parent(destination))?;
            fs::create_dir_all(directory.path().join("blobs/sha256"))?;
            synced(
                &directory.path().join("oci-layout"),
                br#"{"imageLayoutVersion":"1.0.0"}"#,
            )?;
            Ok(directory)
        })();
        let directory = made.map_err(fail)?;
        let writer = BlobWriter::within(directory.path());
        Ok((
            Self {
                directory,
                destination: destination.to_owned(),
            },
            writer,
        ))
    }

    /// Writes the index and gives the layout its name.
    pub(crate) fn finish(self, writer: BlobWriter, index: &Index) -> Result<(), Error> {
        let fail = Error::io(&self.destination);
        writer.keep()?;
        let bytes =
            serde_json::to_vec(index).map_err(|error| Error::malformed("the index", error.to_string()))?;
        let named = (|| {
            synced(&self.directory.path().join("index.json"), &bytes)?;
            File::open(self.directory.path().join("blobs"))?.sync_all()?;
            File::open(self.directory.path())?.sync_all()?;
            let (from, to) = (self.directory.path(), &self.destination);
            renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?;
            Ok(())
        })();
        named.map_err(fail)?;
        // The folder has its name: there is nothing left to remove.
        let _ = self.directory.keep();
        let parent = parent(&self.destination);
        File::open(parent)
            .and_then(|parent| parent.sync_all())
            .map_err(Error::io(parent))
    }
}

/// Replaces the index of a layout in one step.
pub(crate) fn replace_index(layout: &Layout, index: &Index) -> Result<(), Error> {
    let path = layout.index_path();
    let bytes =
        serde_json::to_vec(index).map_err(|error| Error::malformed("the index", error.to_string()))?;
    let replaced = (|| {
        let mut file = tempfile::Builder::new()
            .prefix(".index.")
            .permissions(fs::metadata(&path)?.permissions())
            .tempfile_in(layout.directory())?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(layout.directory())?.sync_all()
    })();
    replaced.map_err(Error::io(&path))
}

fn synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Index {
        Index {
            schema_version: 2,
            manifests: Vec::new(),
            other: serde_json::Map::new(),
        }
    }

    #[test]
    fn a_layout_never_replaces_what_came_meanwhile() {
        let place = tempfile::tempdir().unwrap();
        let destination = place.path().join("image");
        let (new, writer) = NewLayout::begin(&destination).unwrap();
        // An empty folder, which a plain rename would replace.
        fs::create_dir(&destination).unwrap();
        assert!(new.finish(writer, &empty()).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(matches!(NewLayout::begin(&destination), Err(Error::Exists(_))));
    }

    #[test]
    fn blobs_that_are_not_kept_go_and_those_before_them_stay() {
        let place = tempfile::tempdir().unwrap();
        let blobs = place.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let count = || fs::read_dir(&blobs).unwrap().count();
        let mut writer = BlobWriter::within(place.path());
        writer.json(&1, "a blob").unwrap();
        writer.keep().unwrap();
        let mut writer = BlobWriter::within(place.path());
        writer.json(&1, "the same").unwrap();
        writer.json(&2, "another").unwrap();
        let unnamed = writer.begin().unwrap();
        assert_eq!(count(), 3);
        drop(writer);
        drop(unnamed);
        assert_eq!(count(), 1);
    }
}
