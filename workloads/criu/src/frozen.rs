//! Dumping a subject and having it live again.

use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use sealab_programs::{Running, Scratch, last_lines, run};

use crate::stage::Stage;
use crate::subject::{Role, Scene};
use crate::{Criu, CriuError, Subject, copy, privilege};

/// How long a dump or a restore may take: a fixed time, and more for much memory.
fn limit(subject: &Subject) -> Duration {
    Duration::from_secs(60 + (subject.size.bytes() >> 24))
}

/// A subject that was dumped. What it had on disk is kept, for each restore to begin with.
pub struct Frozen {
    criu: Criu,
    subject: Subject,
    role: Box<dyn Role>,
    scratch: Scratch,
    images: PathBuf,
    pid: u32,
    elapsed: Duration,
}

/// A subject that lives again, until this is dropped.
pub struct Thawed<'a> {
    frozen: &'a mut Frozen,
    stage: Stage,
    elapsed: Duration,
}

/// What shows that a subject goes on, in words for a report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress(pub String);

impl Criu {
    /// Starts `subject`, waits until its memory is filled, and dumps it into the new folder `images`, which ends it.
    ///
    /// Set `cancelled` from another thread or a signal handler to end all of it; nothing is then left behind. A dump
    /// that fails leaves no folder.
    ///
    /// # Errors
    /// Something is missing on this machine, `images` exists, or a step fails or takes too long.
    pub fn dump(
        &self,
        subject: &Subject,
        images: &Path,
        cancelled: &AtomicBool,
    ) -> Result<Frozen, CriuError> {
        if images.symlink_metadata().is_ok() {
            return Err(CriuError::at(images)(io::ErrorKind::AlreadyExists.into()));
        }
        let images = std::path::absolute(images).map_err(CriuError::at(images))?;
        let mut role = subject.role(self)?;
        let scratch = Scratch::new(&env::temp_dir())?;
        let state = scratch.path().join("state");
        fs::create_dir(&state).map_err(CriuError::at(&state))?;
        let limit = limit(subject);
        let stage = Stage::for_start(cancelled)?;
        let mut scene = Scene {
            stage: &stage,
            state: &state,
            limit,
            cancelled,
        };
        role.prepare(&scene)?;
        let log = state.join("stderr");
        let mut started = stage.start(&role.arguments(&state), &log, cancelled)?;
        role.fill(&mut scene, &mut started.running)
            .map_err(|error| ended_early(&mut started.running, &log, error))?;

        // The set comes into its place whole or not at all.
        let parent = images.parent().unwrap_or(Path::new("/"));
        let aside = Scratch::new(parent)?;
        let whole = aside.path().join("images");
        fs::create_dir(&whole).map_err(CriuError::at(&whole))?;
        let user = if privilege::is_whole()? { None } else { role.user() };
        let mut command = self.command(&stage, user)?;
        command.args(["dump", "--tree"]).arg(started.pid.to_string());
        command.arg("--images-dir").arg(&whole);
        let log = scratch.path().join("dump.log");
        let elapsed = act(&mut command, "criu dump", &log, limit, cancelled)?;
        started.running.wait(limit, cancelled)?;
        drop(stage);
        if user.is_some() {
            own(&whole)?;
        }
        copy::folder(&state, &scratch.path().join("pristine"), limit, cancelled)?;
        fs::rename(&whole, &images).map_err(CriuError::at(&images))?;
        Ok(Frozen {
            criu: self.clone(),
            subject: subject.clone(),
            role,
            scratch,
            images,
            pid: started.pid,
            elapsed,
        })
    }

    /// CRIU on the stage.
    fn command(&self, stage: &Stage, user: Option<(u32, u32)>) -> Result<Command, CriuError> {
        match user {
            Some(user) => privilege::as_user(stage, user, self.program()),
            None => Ok(stage.command(self.program())),
        }
    }
}

/// Runs a command of CRIU's to its end.
fn act(
    command: &mut Command,
    what: &str,
    log: &Path,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<Duration, CriuError> {
    command.arg("-v2").arg("--log-file").arg(log);
    let begun = Instant::now();
    run(command, what, limit, cancelled).map_err(|error| match CriuError::from(error) {
        // CRIU says it in its log; of a chain of errors the first is the reason.
        CriuError::Failed {
            what,
            status,
            message,
        } => CriuError::Failed {
            what,
            status,
            message: first_error(log).unwrap_or(message),
        },
        error => error,
    })?;
    Ok(begun.elapsed())
}

impl Frozen {
    /// What was dumped.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The folder of the image set.
    pub fn images(&self) -> &Path {
        &self.images
    }

    /// The pid that the first process had in its namespace, and gets back.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How long `criu dump` took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Has the subject live again from the image set in `images`: that of the dump, or one that should equal it.
    ///
    /// # Errors
    /// CRIU refuses the set, or a step fails or takes too long.
    pub fn restore(&mut self, images: &Path, cancelled: &AtomicBool) -> Result<Thawed<'_>, CriuError> {
        let images = std::path::absolute(images).map_err(CriuError::at(images))?;
        let limit = limit(&self.subject);
        // An earlier restore may have gone on writing to its files, which then are not those of the dump.
        let state = self.scratch.path().join("state");
        fs::remove_dir_all(&state).map_err(CriuError::at(&state))?;
        copy::folder(&self.scratch.path().join("pristine"), &state, limit, cancelled)?;
        // CRIU writes its statistics where it works, and is not to change the set.
        let work = self.scratch.path().join("work");
        fs::create_dir_all(&work).map_err(CriuError::at(&work))?;
        let stage = Stage::empty(cancelled)?;
        let mut command = self.criu.command(&stage, None)?;
        command
            .args(["restore", "--restore-detached", "--images-dir"])
            .arg(&images);
        command.arg("--work-dir").arg(&work);
        let log = self.scratch.path().join("restore.log");
        let elapsed = act(&mut command, "criu restore", &log, limit, cancelled)?;
        Ok(Thawed {
            elapsed,
            frozen: self,
            stage,
        })
    }
}

impl Thawed<'_> {
    /// How long `criu restore` took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Makes sure that the subject goes on with what it had.
    ///
    /// # Errors
    /// It does not, or not in time.
    pub fn goes_on(&mut self, cancelled: &AtomicBool) -> Result<Progress, CriuError> {
        let state = self.frozen.scratch.path().join("state");
        let scene = Scene {
            stage: &self.stage,
            state: &state,
            limit: limit(&self.frozen.subject),
            cancelled,
        };
        let wrong = |found: String, expected: String| CriuError::NotGoingOn {
            subject: self.frozen.subject.to_string(),
            found,
            expected,
        };
        let alive = || self.stage.cpu_ticks(self.frozen.pid).is_some();
        if !alive() {
            return Err(wrong(
                format!("no process {}", self.frozen.pid),
                "it running".to_owned(),
            ));
        }
        let progress = self.frozen.role.goes_on(&scene, &wrong)?;
        if !alive() {
            return Err(wrong(
                format!("{progress}; but it has ended then"),
                "it running".to_owned(),
            ));
        }
        Ok(Progress(progress))
    }
}

/// Makes the set root's, which was written under other ids.
fn own(images: &Path) -> Result<(), CriuError> {
    for entry in fs::read_dir(images).map_err(CriuError::at(images))? {
        let path = entry.map_err(CriuError::at(images))?.path();
        lchown(&path, Some(0), Some(0)).map_err(CriuError::at(&path))?;
    }
    Ok(())
}

/// The first error in a log of CRIU's.
fn first_error(log: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(log).ok()?).into_owned();
    // Harmless: the kernel's limit on descriptors cannot be raised in a container.
    let error = |line: &&str| line.contains("Error") && !line.contains("RLIMIT_NOFILE");
    let line = text.lines().find(error)?;
    Some(last_lines(line))
}

/// The error of a subject that has ended, with its last words, in place of one that only follows from it.
fn ended_early(running: &mut Running, log: &Path, error: CriuError) -> CriuError {
    if matches!(error, CriuError::Interrupted | CriuError::Unavailable(_)) {
        return error;
    }
    let Some(status) = running.ended() else {
        return error;
    };
    let said = fs::read(log).unwrap_or_default();
    match running.failure(status).into() {
        CriuError::Failed { what, status, .. } => CriuError::Failed {
            what,
            status,
            message: last_lines(&String::from_utf8_lossy(&said)),
        },
        error => error,
    }
}
