//! A new folder with files of an image, which appears whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sealab_layer::{NodeId, NodeKind};

use super::LayerFailure;
use super::aside::Aside;
use super::list::kind;
use super::opened::printable;
use super::read::Reading;
use crate::failure::Failure;

/// Permissions that are taken from an image; what they would do beyond is for its own users alone.
const MODE_MASK: u32 = 0o777;

/// The folder, which is written aside.
pub(super) struct Copied(Aside);

impl Copied {
    pub(super) fn begin(output: &Path) -> Result<Self, LayerFailure> {
        Aside::begin(output).map(Self)
    }

    /// Writes the file, or all that is in the folder, at `name`; says how many files and bytes there were. Nobody else
    /// writes here, and nothing is written twice, so no symbolic link of the image is ever followed.
    pub(super) fn copy(&self, reading: &Reading<'_>, name: &[u8], id: NodeId) -> Result<(u64, u64), Failure> {
        let files = &reading.opened.files;
        let mut target = self.0.root();
        fs::create_dir_all(&target).map_err(LayerFailure::at(&target))?;
        if let Some(end) = name.iter().rposition(|byte| *byte == b'/') {
            target.push(OsStr::from_bytes(&name[..end]));
            fs::create_dir_all(&target).map_err(LayerFailure::at(&target))?;
        }
        let (mut count, mut bytes) = (0, 0);
        // Of folders, once all that is in them is written.
        let mut modes = Vec::new();
        let mut waiting = vec![(name.to_vec(), id)];
        while let Some((name, id)) = waiting.pop() {
            let Some(node) = files.node(id) else { continue };
            let path = self.0.root().join(OsStr::from_bytes(&name));
            let mode = Permissions::from_mode(node.mode & MODE_MASK);
            match &node.kind {
                NodeKind::Directory => {
                    if !name.is_empty() {
                        fs::create_dir(&path).map_err(LayerFailure::at(&path))?;
                    }
                    modes.push((path, mode));
                    waiting.extend(files.children(id).map(|(below, id)| (joined(&name, below), id)));
                }
                NodeKind::Symlink(to) => {
                    std::os::unix::fs::symlink(OsStr::from_bytes(to), &path)
                        .map_err(LayerFailure::at(&path))?;
                    count += 1;
                }
                NodeKind::Regular => {
                    let mut file = File::create_new(&path).map_err(LayerFailure::at(&path))?;
                    file.set_permissions(Permissions::from_mode(0o600))
                        .map_err(LayerFailure::at(&path))?;
                    bytes += reading.pieces(&name, id, &mut |piece| {
                        Ok(file.write_all(piece).map_err(LayerFailure::at(&path))?)
                    })?;
                    let times = FileTimes::new().set_modified(time(node.mtime));
                    file.set_times(times)
                        .and_then(|()| file.set_permissions(mode))
                        .map_err(LayerFailure::at(&path))?;
                    count += 1;
                }
                other => {
                    // Nobody is left to tell that standard error is gone.
                    let _ = writeln!(
                        std::io::stderr(),
                        "sealab: {}: left out, it is a {}",
                        printable(&name),
                        kind(other)
                    );
                }
            }
        }
        for (path, mode) in modes.into_iter().rev() {
            fs::set_permissions(&path, mode).map_err(LayerFailure::at(&path))?;
        }
        Ok((count, bytes))
    }

    /// Brings the folder to its place.
    pub(super) fn finish(self) -> Result<(), LayerFailure> {
        self.0.finish()
    }
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// The time so many seconds after 1970, or before; 1970 where the system has no such time.
pub(super) fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}
