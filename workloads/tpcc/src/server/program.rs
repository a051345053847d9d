//! Programs that are waited for a bounded time, and ended by their pid.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::place::{Note, Place};
use crate::error::{TpccError, Unavailable};

/// How often a wait looks whether it is over.
const POLL: Duration = Duration::from_millis(5);
/// What is kept of a program's output.
const OUTPUT_MOST: u64 = 1 << 20;
/// How long a program that is dropped has to end by itself.
const DROP_PATIENCE: Duration = Duration::from_secs(20);

/// A started program in a process group of its own, which ends when this is dropped.
pub(super) struct Running {
    what: String,
    child: Child,
    stdout: File,
    stderr: File,
    /// What asks it to end.
    ending: Signal,
    /// For the guardian.
    _note: Note,
}

impl Running {
    /// Starts `command` without standard input; `what` says in errors what it is for, `ending` asks it to end.
    pub(super) fn start(
        command: &mut Command,
        what: &str,
        ending: Signal,
        place: &Place,
    ) -> Result<Self, TpccError> {
        let file = || tempfile::tempfile().map_err(TpccError::at(&std::env::temp_dir()));
        let (stdout, stderr) = (file()?, file()?);
        let share = |file: &File| -> Result<Stdio, TpccError> {
            let file = file.try_clone().map_err(TpccError::at(&std::env::temp_dir()))?;
            Ok(file.into())
        };
        let mut child = command
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(share(&stdout)?)
            .stderr(share(&stderr)?)
            .process_group(0)
            .spawn()
            .map_err(|error| TpccError::Failed {
                what: what.to_owned(),
                status: "no start".to_owned(),
                message: format!("{}: {error}", command.get_program().display()),
            })?;
        let note = place.note_group(child.id()).inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })?;
        Ok(Self {
            what: what.to_owned(),
            child,
            stdout,
            stderr,
            ending,
            _note: note,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error if the program has ended, which it should not have.
    pub(super) fn still_there(&mut self) -> Result<(), TpccError> {
        match self.child.try_wait().ok().flatten() {
            None => Ok(()),
            Some(status) => Err(self.failure(status)),
        }
    }

    fn failure(&self, status: ExitStatus) -> TpccError {
        let mut said = last_lines(&text(&self.stderr));
        if said.is_empty() {
            said = last_lines(&text(&self.stdout));
        }
        TpccError::Failed {
            what: self.what.clone(),
            status: match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit status {code}"),
                (_, Some(signal)) => format!("signal {signal}"),
                _ => "an unknown status".to_owned(),
            },
            message: said,
        }
    }

    /// Waits for the program's end.
    fn wait(&mut self, limit: Duration, interrupted: &AtomicBool) -> Result<ExitStatus, TpccError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().ok().flatten() {
                return Ok(status);
            }
            go_on(interrupted)?;
            if Instant::now() > end {
                return Err(TpccError::TooLong {
                    what: self.what.clone(),
                    seconds: limit.as_secs(),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// Asks the program to end, and waits for that.
    pub(super) fn end(mut self, limit: Duration) -> Result<(), TpccError> {
        self.still_there()?;
        self.ask_to_end();
        let status = self.wait(limit, &AtomicBool::new(false))?;
        match status.success() {
            true => Ok(()),
            false => Err(self.failure(status)),
        }
    }

    fn ask_to_end(&self) {
        if let Some(pid) = number(&self.child) {
            let _ = kill_process(pid, self.ending);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not waited for yet, its pid is still its own and its group's.
        if self.child.try_wait().ok().flatten().is_some() {
            return;
        }
        self.ask_to_end();
        if self.wait(DROP_PATIENCE, &AtomicBool::new(false)).is_err() {
            if let Some(group) = number(&self.child) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}

fn number(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Runs `command` to its end, which must be a success; returns what it wrote to its standard output.
pub(super) fn run(
    command: &mut Command,
    what: &str,
    limit: Duration,
    place: &Place,
    interrupted: &AtomicBool,
) -> Result<String, TpccError> {
    let mut running = Running::start(command, what, Signal::KILL, place)?;
    let status = running.wait(limit, interrupted)?;
    match status.success() {
        true => Ok(text(&running.stdout)),
        false => Err(running.failure(status)),
    }
}

/// [`TpccError::Interrupted`] once `interrupted` is set.
pub(super) fn go_on(interrupted: &AtomicBool) -> Result<(), TpccError> {
    match interrupted.load(Ordering::Relaxed) {
        true => Err(TpccError::Interrupted),
        false => Ok(()),
    }
}

/// What was written to `file` so far, the first mebibyte of it.
fn text(file: &File) -> String {
    // Read by offset: the position in the file is shared with the program that writes.
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = vec![0; length.min(OUTPUT_MOST) as usize];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// The last lines of a program's output in one printable line.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(4)..].join(" | ");
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    last.chars().map(printable).take(600).collect()
}

/// The file of a program in the PATH, or where the system keeps root's programs.
pub(super) fn find(program: &'static str, package: &'static str) -> Result<PathBuf, Unavailable> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into(), "/usr/bin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_absolute() && is_program(file))
        .ok_or(Unavailable::Program { program, package })
}

pub(super) fn is_program(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file()
}
