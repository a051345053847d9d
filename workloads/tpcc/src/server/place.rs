//! A folder for a server's mounts and sockets, that is cleared however its owner ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::error::TpccError;

/// What the guardian does at the end of its standard input, which is when its owner has ended: whatever is still there goes,
/// in the order in which it can.
const GUARDIAN: &str = r#"
read -r _
[ -d "$0" ] || exit 0
for file in "$0"/pids/*; do [ -f "$file" ] && kill -s KILL -- "-$(cat "$file")"; done
sleep 0.2
umount "$0/mount" || umount -l "$0/mount"
[ -f "$0/loop" ] && losetup -d "$(cat "$0/loop")"
fusermount3 -u -z "$0/fuse"
rm -rf --one-file-system -- "$0"
"#;

/// The folder, with what the guardian needs to know.
pub(super) struct Place {
    folder: TempDir,
    guardian: Option<Child>,
}

impl Place {
    pub(super) fn new() -> Result<Self, TpccError> {
        let parent = std::env::temp_dir();
        // Servers run as other users, who must get through.
        let folder = tempfile::Builder::new()
            .prefix("sealab-db-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(&parent)
            .map_err(TpccError::at(&parent))?;
        for name in ["pids", "fuse", "mount"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).map_err(TpccError::at(&path))?;
        }
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal goes to the whole foreground group.
            .process_group(0)
            .spawn()
            .ok();
        Ok(Self { folder, guardian })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Notes the process group `pid`, to be killed by the guardian until the note is removed.
    pub(super) fn note_group(&self, pid: u32) -> Result<Note, TpccError> {
        Note::write(self.path().join("pids").join(pid.to_string()), &pid.to_string())
    }

    /// Notes the loop device, to be detached by the guardian until the note is removed.
    pub(super) fn note_loop(&self, device: &str) -> Result<Note, TpccError> {
        Note::write(self.path().join("loop"), device)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Ends its standard input. What its owner has taken down already, it does not find.
        if let Some(mut guardian) = self.guardian.take() {
            drop(guardian.stdin.take());
            let _ = guardian.wait();
        }
    }
}

/// A file that tells the guardian what there is.
pub(super) struct Note(PathBuf);

impl Note {
    fn write(path: PathBuf, text: &str) -> Result<Self, TpccError> {
        fs::write(&path, text).map_err(TpccError::at(&path))?;
        Ok(Self(path))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_owner_leaves_the_guardian_ends() {
        let mut place = Place::new().unwrap();
        let mut left = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        std::mem::forget(place.note_group(left.id()).unwrap());
        let mut guardian = place.guardian.take().unwrap();
        drop(guardian.stdin.take());
        guardian.wait().unwrap();
        assert!(!left.wait().unwrap().success());
        assert!(!place.path().exists());
    }

    #[test]
    fn it_is_gone_when_dropped() {
        let place = Place::new().unwrap();
        let path = place.path().to_owned();
        let note = place.note_loop("/dev/none").unwrap();
        drop(note);
        assert!(!path.join("loop").exists());
        drop(place);
        assert!(!path.exists());
    }
}
