//! A folder that goes away with its owner, however that ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::ProgramError;

/// What the guardian does. It waits for the end of its standard input; what still writes to the folder is being killed
/// at the same time, so it may take several attempts.
const GUARDIAN: &str =
    "read -r _; for _ in 1 2 3 4 5; do rm -rf -- \"$0\" 2>/dev/null && exit; sleep 1; done";

/// A folder that is removed when this is dropped. A process that is killed drops nothing, so a shell waits for that.
pub struct Scratch {
    folder: TempDir,
    guardian: Option<Child>,
}

impl Scratch {
    /// A new folder in `parent`. Others may pass through it, since programs are run as other users.
    ///
    /// # Errors
    /// `parent` cannot be written to.
    pub fn new(parent: &Path) -> Result<Self, ProgramError> {
        let folder = tempfile::Builder::new()
            .prefix(".sealab-work-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(parent)
            .map_err(ProgramError::at(parent))?;
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.folder.path());
        if let Some(mut guardian) = self.guardian.take() {
            // Ends its standard input, at which it tries once more.
            drop(guardian.stdin.take());
            let _ = guardian.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_when_dropped() {
        let parent = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::new(parent.path()).expect("scratch");
        fs::write(scratch.path().join("file"), "x").expect("a file");
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).expect("the parent").count(), 0);
    }

    #[test]
    fn it_is_gone_when_its_owner_only_ends() {
        let parent = tempfile::tempdir().expect("a folder");
        let mut scratch = Scratch::new(parent.path()).expect("scratch");
        fs::write(scratch.path().join("file"), "x").expect("a file");
        let mut guardian = scratch.guardian.take().expect("sh");
        drop(guardian.stdin.take());
        guardian.wait().expect("its end");
        assert_eq!(fs::read_dir(parent.path()).expect("the parent").count(), 0);
    }
}
