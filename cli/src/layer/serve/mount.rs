//! Mounting and unmounting.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption, Session};
use rustix::mount::{UnmountFlags, unmount};

use super::filesystem::ImageFilesystem;
use crate::layer::LayerFailure;

const DEVICE: &str = "/dev/fuse";
/// How many reads go on at a time: while one waits for a registry, others go on.
const THREADS: usize = 8;
/// How often it is looked whether the user ended it.
const TICK: Duration = Duration::from_millis(50);
/// How long reads that are under way are waited for in the end.
const GRACE: Duration = Duration::from_secs(2);

/// An empty folder.
pub(super) struct Mountpoint(PathBuf);

impl Mountpoint {
    pub(super) fn check(path: &Path) -> Result<Self, LayerFailure> {
        let refused = |problem: String| LayerFailure::Mount {
            mountpoint: path.display().to_string(),
            problem,
        };
        let mut entries = std::fs::read_dir(path)
            .map_err(|error| refused(format!("{error}; a mountpoint is an empty folder")))?;
        if entries.next().is_some() {
            return Err(refused(
                "it is not empty; name an empty folder, for what is in it would be hidden".to_owned(),
            ));
        }
        if let Err(error) = OpenOptions::new().read(true).write(true).open(DEVICE) {
            return Err(refused(format!(
                "{DEVICE}: {error}; files are served by FUSE, which needs the kernel's module fuse, and in a \
                 container this device"
            )));
        }
        // Looked up once: the folder of the process may not be its own later.
        let path = path.canonicalize().map_err(LayerFailure::at(path))?;
        Ok(Self(path))
    }

    pub(super) fn mount(self, filesystem: ImageFilesystem) -> Result<Mounted, LayerFailure> {
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::RO,
            MountOption::NoSuid,
            MountOption::NoDev,
            MountOption::NoAtime,
            MountOption::FSName("sealab".to_owned()),
            MountOption::Subtype("sealab".to_owned()),
        ];
        config.n_threads = Some(THREADS);
        let mounted = Session::new(filesystem, &self.0, &config).and_then(Session::spawn);
        match mounted {
            Ok(session) => Ok(Mounted {
                session,
                mountpoint: self.0,
            }),
            Err(error) => Err(LayerFailure::Mount {
                mountpoint: self.0.display().to_string(),
                problem: unmounted(&error),
            }),
        }
    }
}

/// Why it could not be mounted, and what would help.
fn unmounted(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return format!(
            "it cannot be mounted without privileges: fusermount3 is missing ({error}); install it (Debian: fuse3), or \
             be root"
        );
    }
    format!("it cannot be mounted: {}", error.to_string().trim())
}

/// Files that are served.
pub(super) struct Mounted {
    session: BackgroundSession,
    mountpoint: PathBuf,
}

impl Mounted {
    /// Serves until `interrupt` is set, and unmounts then, or until it is unmounted.
    pub(super) fn until(self, interrupt: &AtomicBool) -> Result<(), LayerFailure> {
        while !self.session.guard.is_finished() {
            if interrupt.load(Ordering::Relaxed) {
                return self.end();
            }
            thread::sleep(TICK);
        }
        let mountpoint = self.mountpoint;
        self.session.join().map_err(|error| LayerFailure::Mount {
            mountpoint: mountpoint.display().to_string(),
            problem: error.to_string(),
        })
    }

    /// Unmounts, at once where files are open too: their readers get errors when the process has ended.
    fn end(self) -> Result<(), LayerFailure> {
        let Self { session, mountpoint } = self;
        let (sender, ended) = channel();
        thread::spawn(move || sender.send(session.umount_and_join()));
        match ended.recv_timeout(GRACE) {
            Ok(Err(_)) => unmount(&mountpoint, UnmountFlags::DETACH).map_err(|error| LayerFailure::Mount {
                mountpoint: mountpoint.display().to_string(),
                problem: format!("it cannot be unmounted: {error}"),
            }),
            // Detached while files are open, which end with the process.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}
