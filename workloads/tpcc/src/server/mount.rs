//! A volume as a mounted file system: NBD server, nbdfuse, loop device, ext4.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sealab_nbd::{Listener, Options, ServeError, Server};
use sealab_volume::Volume;
use tokio::sync::oneshot;

use super::place::{Note, Place};
use super::program::{Running, find, go_on, run};
use crate::error::{TpccError, Unavailable};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
/// The block of the loop device and the file system: no write is shorter.
const BLOCK: &str = "4096";

/// The programs, with Debian's packages.
const PROGRAMS: [(&str, &str); 6] = [
    ("nbdfuse", "libnbd-bin"),
    ("fusermount3", "fuse3"),
    ("losetup", "mount"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mount", "mount"),
    ("umount", "mount"),
];

/// What is missing here to mount a volume, if anything.
pub(super) fn available() -> Result<(), Unavailable> {
    if !rustix::process::geteuid().is_root() {
        return Err(Unavailable::NotRoot);
    }
    for device in ["/dev/fuse", "/dev/loop-control"] {
        let opened = OpenOptions::new().read(true).write(true).open(device);
        opened.map_err(|error| Unavailable::Device {
            device,
            reason: error.to_string(),
        })?;
    }
    for (program, package) in PROGRAMS {
        find(program, package)?;
    }
    Ok(())
}

/// A mounted volume.
pub(super) struct Mounted {
    // In the order in which they are taken down.
    layers: Layers,
    place: Place,
}

#[derive(Default)]
struct Layers {
    mounted: Option<PathBuf>,
    device: Option<(String, Note)>,
    fuse: Option<(Running, PathBuf)>,
    served: Option<Served>,
}

/// The NBD server on its thread.
struct Served {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl Mounted {
    /// Makes an ext4 file system on `volume` and mounts it.
    pub(super) fn new(volume: Arc<dyn Volume>, interrupted: &AtomicBool) -> Result<Self, TpccError> {
        let place = Place::new()?;
        let mut mounted = Self {
            layers: Layers::default(),
            place,
        };
        mounted.build(volume, interrupted)?;
        Ok(mounted)
    }

    fn build(&mut self, volume: Arc<dyn Volume>, interrupted: &AtomicBool) -> Result<(), TpccError> {
        let (place, layers) = (&self.place, &mut self.layers);
        let socket = place.path().join("nbd");
        layers.served = Some(serve(volume, &socket)?);
        let fuse = place.path().join("fuse");
        let mut nbdfuse = Command::new(find("nbdfuse", "libnbd-bin")?);
        nbdfuse.arg(&fuse);
        nbdfuse.arg(format!("nbd+unix:///?socket={}", socket.display()));
        let running = Running::start(&mut nbdfuse, "nbdfuse", Signal::TERM, place)?;
        let (running, _) = layers.fuse.insert((running, fuse.clone()));
        let file = fuse.join("nbd");
        let began = Instant::now();
        while !file.exists() {
            running.still_there().map_err(cannot_mount)?;
            go_on(interrupted)?;
            if began.elapsed() > PATIENCE {
                return Err(TpccError::TooLong {
                    what: "nbdfuse".to_owned(),
                    seconds: PATIENCE.as_secs(),
                });
            }
            thread::sleep(PAUSE);
        }
        let mut losetup = Command::new(find("losetup", "mount")?);
        losetup.args(["--find", "--show", "--direct-io=on", "--sector-size", BLOCK]);
        let device = run(
            losetup.arg(&file),
            "attaching a loop device",
            PATIENCE,
            place,
            interrupted,
        )
        .map_err(cannot_mount)?
        .trim()
        .to_owned();
        let note = place.note_loop(&device).inspect_err(|_| detach(&device));
        layers.device = Some((device.clone(), note?));
        let mut mkfs = Command::new(find("mkfs.ext4", "e2fsprogs")?);
        mkfs.args([
            "-q",
            "-F",
            "-b",
            BLOCK,
            "-E",
            "lazy_itable_init=0,lazy_journal_init=0",
        ]);
        run(
            mkfs.arg(&device),
            "making a file system",
            PATIENCE,
            place,
            interrupted,
        )?;
        let path = place.path().join("mount");
        let mut mount = Command::new(find("mount", "mount")?);
        mount
            .args(["-t", "ext4", "-o", "noatime"])
            .arg(&device)
            .arg(&path);
        run(
            &mut mount,
            "mounting the file system",
            PATIENCE,
            place,
            interrupted,
        )
        .map_err(cannot_mount)?;
        layers.mounted = Some(path);
        Ok(())
    }

    /// Where the file system is.
    pub(super) fn path(&self) -> PathBuf {
        self.place.path().join("mount")
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn fuse_pid(&self) -> u32 {
        self.layers.fuse.as_ref().map_or(0, |(running, _)| running.pid())
    }

    /// Makes durable what is on the file system.
    pub(super) fn sync(&self) -> Result<(), TpccError> {
        let path = self.path();
        File::open(&path)
            .and_then(|folder| Ok(rustix::fs::syncfs(folder)?))
            .map_err(TpccError::at(&path))
    }

    /// Takes it down; an error where a part of that failed, the last flush included.
    pub(super) fn close(mut self) -> Result<(), TpccError> {
        self.layers.take_down()
    }
}

impl Layers {
    /// Takes down what is there, all of it, whatever fails; the first failure.
    fn take_down(&mut self) -> Result<(), TpccError> {
        let mut first = Ok(());
        let mut done = |result: Result<(), TpccError>| {
            if first.is_ok() {
                first = result;
            }
        };
        if let Some(path) = self.mounted.take() {
            done(unmount(&path));
        }
        if let Some((device, note)) = self.device.take() {
            detach(&device);
            drop(note);
        }
        if let Some((running, path)) = self.fuse.take() {
            done(quiet(
                Command::new("fusermount3").arg("-u").arg(&path),
                "ending nbdfuse",
            ));
            drop(running);
        }
        if let Some(served) = self.served.take() {
            // A server that has ended already has its result.
            let _ = served.stop.send(());
            done(match served.thread.join() {
                Ok(result) => result.map_err(|error| TpccError::Failed {
                    what: "the NBD server".to_owned(),
                    status: "an error".to_owned(),
                    message: error.to_string(),
                }),
                Err(panic) => std::panic::resume_unwind(panic),
            });
        }
        first
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.take_down();
    }
}

fn serve(volume: Arc<dyn Volume>, socket: &Path) -> Result<Served, TpccError> {
    let failed = |error: &dyn std::fmt::Display| TpccError::Failed {
        what: "starting the NBD server".to_owned(),
        status: "an error".to_owned(),
        message: error.to_string(),
    };
    let listener = Listener::unix(socket).map_err(|error| failed(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || {
        let server = Server::new(volume, Options::default());
        runtime.block_on(server.run(listener, async {
            // An owner that is gone stops the server too.
            let _ = stopped.await;
        }))
    });
    Ok(Served { stop, thread })
}

/// What fails for want of permission says what this machine lacks, rather than what went wrong.
fn cannot_mount(error: TpccError) -> TpccError {
    match error {
        TpccError::Failed {
            what,
            status,
            message,
        } => Unavailable::Mount {
            reason: format!("{what} failed with {status}: {message}"),
        }
        .into(),
        other => other,
    }
}

/// Unmounts `path`, on which a program that is ending may still have files.
fn unmount(path: &Path) -> Result<(), TpccError> {
    let began = Instant::now();
    loop {
        let done = quiet(Command::new("umount").arg(path), "unmounting the file system");
        if done.is_ok() || began.elapsed() > PATIENCE {
            return done;
        }
        thread::sleep(PAUSE * 20);
    }
}

/// Detaches a loop device and waits until it is free, so that its file can be unmounted.
fn detach(device: &str) {
    let _ = quiet(Command::new("losetup").arg("-d").arg(device), "detaching");
    let Some(name) = Path::new(device).file_name() else {
        return;
    };
    let backing = Path::new("/sys/block").join(name).join("loop/backing_file");
    let began = Instant::now();
    while fs::metadata(&backing).is_ok() && began.elapsed() < PATIENCE {
        thread::sleep(PAUSE);
    }
}

/// Runs a short command, what it says being only for its error.
fn quiet(command: &mut Command, what: &str) -> Result<(), TpccError> {
    let failed = |status: String, message: String| TpccError::Failed {
        what: what.to_owned(),
        status,
        message,
    };
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| failed("no start".to_owned(), error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(
            output.status.to_string(),
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}
