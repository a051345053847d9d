//! A tree as the tar archive of a layer.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_programs::ProgramError;
use tar::{Builder, EntryType, Header};

use crate::content::Made;
use crate::tree::{Entry, EntryKind};
use crate::{ImagesError, Tree};

impl Entry {
    /// What it holds; nothing for a link.
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, ImagesError> {
        Ok(match &self.kind {
            EntryKind::Host(path, length) => {
                let file = File::open(path).map_err(ImagesError::at(path))?;
                Box::new(file.take(*length))
            }
            EntryKind::Masked(path, length, mask) => {
                let file = File::open(path).map_err(ImagesError::at(path))?;
                Box::new(Masked(file.take(*length), *mask))
            }
            EntryKind::Made {
                content,
                seed,
                length,
            } => Box::new(Made::new(*content, *seed, *length)),
            EntryKind::Link(_) => Box::new(std::io::empty()),
        })
    }
}

impl Tree {
    /// Writes the archive of it to `output`, folders before what is in them. Owners are root; `place` names it in errors.
    pub(crate) fn archive(
        &self,
        output: impl Write,
        place: &Path,
        cancelled: &AtomicBool,
    ) -> Result<(), ImagesError> {
        let mut builder = Builder::new(output);
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for entry in &self.entries {
            if cancelled.load(Ordering::Relaxed) {
                return Err(ProgramError::Interrupted.into());
            }
            let parents: Vec<&Path> = entry.path.ancestors().skip(1).collect();
            for folder in parents.into_iter().rev().filter(|path| *path != Path::new("")) {
                if folders.insert(folder.to_owned()) {
                    let mut header = header(EntryType::Directory, 0o755, 0, 0);
                    let added = builder.append_data(&mut header, folder, std::io::empty());
                    added.map_err(ImagesError::at(place))?;
                }
            }
            let added = match &entry.kind {
                EntryKind::Link(target) => {
                    let mut header = header(EntryType::Symlink, entry.mode, entry.mtime, 0);
                    builder.append_link(&mut header, &entry.path, target)
                }
                _ => {
                    let mut header = header(EntryType::Regular, entry.mode, entry.mtime, entry.length());
                    let mut counted = Counted(entry.open()?, 0);
                    let added = builder.append_data(&mut header, &entry.path, &mut counted);
                    if counted.1 != entry.length() {
                        return Err(ImagesError::Wrong {
                            place: entry.path.display().to_string(),
                            found: format!("{} bytes", counted.1),
                            expected: format!("{}, as when it was listed", entry.length()),
                        });
                    }
                    added
                }
            };
            added.map_err(ImagesError::at(place))?;
        }
        builder
            .into_inner()
            .and_then(|mut output| output.flush())
            .map_err(ImagesError::at(place))
    }
}

fn header(kind: EntryType, mode: u32, mtime: u64, length: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(length);
    header
}

struct Masked<R>(R, u8);

impl<R: Read> Read for Masked<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(bytes)?;
        bytes[..count].iter_mut().for_each(|byte| *byte ^= self.1);
        Ok(count)
    }
}

struct Counted(Box<dyn Read>, u64);

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(bytes)?;
        self.1 += count as u64;
        Ok(count)
    }
}
