//! The files of an image: an even sample of the host's own, or made up.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_memory::Content;
use sealab_programs::ProgramError;

use crate::{ImageContent, ImagesError};

/// The host's files that images are made of.
const HOST: &str = "/usr";
/// The length of a made-up file, in bytes.
const MADE_BYTES: u64 = 256 << 10;
/// How much an image may lack of the size that is asked for, as a share of it: files are not cut.
const LACK: u64 = 10;
/// A file longer than this share of an image is left out, so that one file does not make up the image.
const LARGEST: u64 = 4;
/// What a tar archive has beside a file's content, in bytes: its header, and on average half a block.
pub(crate) const TAR_BYTES: u64 = 512 + 256;

/// The files of an image, in the order of their paths.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tree {
    pub(crate) entries: Vec<Entry>,
}

/// One file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    /// From the image's root, without a slash before it.
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    /// In seconds since 1970.
    pub(crate) mtime: u64,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum EntryKind {
    /// A file of the host's, with its length in bytes.
    Host(PathBuf, u64),
    /// The same with each byte under a mask that is not 0: other contents, which compress as well.
    Masked(PathBuf, u64, u8),
    /// Made-up content.
    Made {
        content: Content,
        seed: u64,
        length: u64,
    },
    /// A symbolic link, to what.
    Link(PathBuf),
}

impl Entry {
    /// The length of its content, in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self.kind {
            EntryKind::Host(_, length) | EntryKind::Masked(_, length, _) | EntryKind::Made { length, .. } => {
                length
            }
            EntryKind::Link(_) => 0,
        }
    }

    /// What it takes in a tar archive, nearly.
    pub(crate) fn tar_bytes(&self) -> u64 {
        self.length() + TAR_BYTES
    }
}

impl Tree {
    /// Files of `content` that make a layer of about `size` bytes.
    ///
    /// # Errors
    /// The host has too few files, /usr cannot be read, or it was cancelled.
    pub fn new(content: ImageContent, size: u64, cancelled: &AtomicBool) -> Result<Self, ImagesError> {
        match content {
            ImageContent::Host => Self::host(Path::new(HOST), size, cancelled),
            ImageContent::Text => Ok(Self::made(Content::Text, size)),
            ImageContent::Random => Ok(Self::made(Content::Random, size)),
        }
    }

    /// An even sample of the files below `root`, in the order of their paths: the same as long as the host is.
    fn host(root: &Path, size: u64, cancelled: &AtomicBool) -> Result<Self, ImagesError> {
        let mut all = Vec::new();
        collect(root, &mut all, cancelled)?;
        all.retain(|entry| entry.tar_bytes() <= size / LARGEST);
        all.sort_by(|one, other| one.path.cmp(&other.path));
        let found: u64 = all.iter().map(Entry::tar_bytes).sum();
        if found < size {
            return Err(ImagesError::TooFew {
                root: root.to_owned(),
                found_mib: found >> 20,
                wanted_mib: size.div_ceil(1 << 20),
            });
        }
        // Of runs of neighbours, as many as fit: files that belong together stand together.
        let taken = sample(&all, size);
        let mut entries: Vec<Entry> = Vec::new();
        for (entry, _) in all.into_iter().zip(taken).filter(|(_, taken)| *taken) {
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    fn made(content: Content, size: u64) -> Self {
        let entries = (0..size.div_ceil(MADE_BYTES + TAR_BYTES)).map(|number| Entry {
            path: format!("data/{:02x}/{number:06}", number % 256).into(),
            mode: 0o644,
            mtime: 0,
            kind: EntryKind::Made {
                content,
                seed: number,
                length: MADE_BYTES.min(size.saturating_sub(number * (MADE_BYTES + TAR_BYTES))),
            },
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Self { entries }
    }

    /// How many files it has.
    pub fn files(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all files' contents.
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(Entry::length).sum()
    }
}

/// So many runs the files are cut into, of which every so manieth is taken.
const RUNS: usize = 64;

/// Which files of `all` make up `size` bytes: a part of each of [`RUNS`] runs, from its beginning.
fn sample(all: &[Entry], size: u64) -> Vec<bool> {
    let mut taken = vec![false; all.len()];
    let mut left = size;
    let run = all.len().div_ceil(RUNS).max(1);
    for (number, start) in (0..all.len()).step_by(run).enumerate() {
        let runs = all.len().div_ceil(run) - number;
        // What earlier runs have left over is shared among those that come.
        let mut share = left / runs as u64;
        for index in start..(start + run).min(all.len()) {
            let bytes = all[index].tar_bytes();
            if bytes <= share {
                taken[index] = true;
                (share, left) = (share - bytes, left - bytes);
            }
        }
    }
    // Large files did not fit into any share.
    for (index, entry) in all.iter().enumerate() {
        if left < size / LACK / 2 {
            break;
        }
        if !taken[index] && entry.tar_bytes() <= left {
            taken[index] = true;
            left -= entry.tar_bytes();
        }
    }
    taken
}

/// The regular files that can be read, and the symbolic links, below `folder`.
fn collect(folder: &Path, entries: &mut Vec<Entry>, cancelled: &AtomicBool) -> Result<(), ImagesError> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(ProgramError::Interrupted.into());
    }
    // A folder that is not for everybody, or goes meanwhile, has no files for an image.
    let Ok(listed) = fs::read_dir(folder) else {
        return Ok(());
    };
    for found in listed.flatten() {
        let path = found.path();
        let Ok(metadata) = found.metadata() else { continue };
        let kind = if metadata.is_dir() {
            collect(&path, entries, cancelled)?;
            continue;
        } else if metadata.is_symlink() {
            match fs::read_link(&path) {
                Ok(target) => EntryKind::Link(target),
                Err(_) => continue,
            }
        } else if metadata.is_file() && rustix::fs::access(&path, rustix::fs::Access::READ_OK).is_ok() {
            EntryKind::Host(path.clone(), metadata.len())
        } else {
            continue;
        };
        entries.push(Entry {
            path: path.strip_prefix("/").unwrap_or(&path).to_owned(),
            mode: metadata.mode() & 0o7777,
            mtime: u64::try_from(metadata.mtime()).unwrap_or(0),
            kind,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_sample_of_the_host_is_even_of_its_size_and_the_same_each_time() {
        const SIZE: u64 = 8 << 20;
        let one = Tree::new(ImageContent::Host, SIZE, &NEVER).expect("/usr");
        assert_eq!(one, Tree::new(ImageContent::Host, SIZE, &NEVER).expect("/usr"));
        let bytes: u64 = one.entries.iter().map(Entry::tar_bytes).sum();
        assert!((SIZE * 9 / 10..=SIZE).contains(&bytes), "{bytes}");
        assert!(one.entries.is_sorted_by(|a, b| a.path < b.path));
        let tops: std::collections::BTreeSet<_> = one
            .entries
            .iter()
            .filter_map(|entry| entry.path.components().nth(1))
            .collect();
        assert!(tops.len() >= 3, "{tops:?}");
    }

    #[test]
    fn made_up_files_are_of_the_size_that_is_asked_for() {
        let tree = Tree::new(ImageContent::Random, 1 << 20, &NEVER).expect("memory");
        let bytes: u64 = tree.entries.iter().map(Entry::tar_bytes).sum();
        assert!((1 << 20..(1 << 20) + 2 * TAR_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(tree.files(), 4);
    }

    #[test]
    fn a_host_with_too_few_files_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "x").expect("a file");
        let error = Tree::host(folder.path(), 5 << 20, &NEVER).expect_err("one file");
        assert!(error.is_unavailable(), "{error}");
        assert!(
            error
                .to_string()
                .ends_with("has 0 MiB of files; an image of 5 MiB needs as many"),
            "{error}"
        );
    }
}
