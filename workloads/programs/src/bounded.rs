//! Programs that are waited for a bounded time, and whose output cannot block them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::ProgramError;

/// How often a wait looks whether it is over.
const POLL: Duration = Duration::from_millis(2);
/// What is kept of a program's output.
const OUTPUT_MOST: u64 = 1 << 20;

/// What a program writes, in a file without a name.
pub struct Output(File);

impl Output {
    /// An empty one.
    ///
    /// # Errors
    /// The folder for temporary files cannot be written to.
    pub fn new() -> Result<Self, ProgramError> {
        let file = tempfile::tempfile().map_err(ProgramError::at(&std::env::temp_dir()))?;
        Ok(Self(file))
    }

    /// For the program to write to.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn stdio(&self) -> Result<Stdio, ProgramError> {
        let file = self
            .0
            .try_clone()
            .map_err(ProgramError::at(&std::env::temp_dir()))?;
        Ok(file.into())
    }

    /// What has been written so far, the first mebibyte of it.
    pub fn text(&self) -> String {
        // Read by offset: the position in the file is shared with the program that writes.
        let length = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; length.min(OUTPUT_MOST) as usize];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::new(),
        }
    }
}

/// A started program in a process group of its own, which is killed when this is dropped.
pub struct Running {
    what: String,
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Running {
    /// Starts `command` without standard input; `what` says in errors what it is for.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command, what: &str) -> Result<Self, ProgramError> {
        let (stdout, stderr) = (Output::new()?, Output::new()?);
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.stdio()?)
            .stderr(stderr.stdio()?)
            .process_group(0)
            .spawn()
            .map_err(|error| ProgramError::Failed {
                what: what.to_owned(),
                status: "no start".to_owned(),
                message: format!("{}: {error}", command.get_program().display()),
            })?;
        Ok(Self {
            what: what.to_owned(),
            child,
            stdout,
            stderr,
        })
    }

    /// What it has written to its standard output so far, the first mebibyte of it.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// How the program has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The error that the program ended, though it should not have.
    pub fn failure(&self, status: ExitStatus) -> ProgramError {
        ProgramError::Failed {
            what: self.what.clone(),
            status: words(status),
            message: last_lines(&self.stderr.text()),
        }
    }

    /// What it has written to its standard error so far, the first mebibyte of it.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until the program has ended, however it does.
    ///
    /// # Errors
    /// It was cancelled, or did not end within `limit`.
    pub fn wait(&mut self, limit: Duration, cancelled: &AtomicBool) -> Result<ExitStatus, ProgramError> {
        let what = self.what.clone();
        until(&what, limit, cancelled, || {
            Ok(self.child.try_wait().ok().flatten())
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not waited for yet, its pid is still its own and its group's.
        if self.ended().is_none() {
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}

/// Runs `command` to its end, which must be a success; returns what it wrote to its standard output, the first mebibyte
/// of it. `what` says in errors what it is for.
///
/// # Errors
/// It cannot be started, fails, was cancelled, or did not end within `limit`.
pub fn run(
    command: &mut Command,
    what: &str,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<String, ProgramError> {
    let mut running = Running::start(command, what)?;
    let status = running.wait(limit, cancelled)?;
    if status.success() {
        Ok(running.stdout())
    } else {
        Err(running.failure(status))
    }
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// It was cancelled, there was none within `limit`, or `ask` fails.
pub fn until<T, E: From<ProgramError>>(
    what: &str,
    limit: Duration,
    cancelled: &AtomicBool,
    mut ask: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    let end = Instant::now() + limit;
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(ProgramError::Interrupted.into());
        }
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > end {
            let (what, seconds) = (what.to_owned(), limit.as_secs());
            return Err(ProgramError::TooLong { what, seconds }.into());
        }
        thread::sleep(POLL);
    }
}

/// How a program ended, in words.
pub(crate) fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "an unknown status".to_owned(),
    }
}

/// The last lines of a program's output in one printable line.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(4)..].join(" | ");
    let mut shown: String = last
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if let Some((cut, _)) = shown.char_indices().nth(600) {
        shown.truncate(cut);
    }
    if shown.is_empty() {
        shown.push_str("it said nothing");
    }
    shown
}

/// Whether a program is to be found in the PATH.
pub fn installed(program: &str) -> bool {
    in_path(program).is_some()
}

/// The file of a program in the PATH, or where the system keeps root's programs.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/usr/bin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_absolute() && is_program(file))
}

/// Whether a file can be run.
pub fn is_program(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file()
}

/// The file of a program, which must be there.
///
/// # Errors
/// It is not, with the Debian package that brings it.
pub fn needs(program: &'static str, package: &'static str) -> Result<PathBuf, ProgramError> {
    in_path(program).ok_or(ProgramError::Missing { program, package })
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_program_that_takes_too_long_is_killed_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        let mut running = Running::start(&mut command, "sleeping").expect("sh");
        let sleeper = until("the sleeper", Duration::from_secs(10), &NEVER, || {
            Ok::<_, ProgramError>(running.stdout().trim().parse::<u32>().ok())
        })
        .expect("a pid");
        let late = running.wait(Duration::from_millis(20), &NEVER);
        assert!(matches!(late, Err(ProgramError::TooLong { .. })), "{late:?}");
        drop(running);
        until("the sleeper's end", Duration::from_secs(10), &NEVER, || {
            let stat = std::fs::read_to_string(format!("/proc/{sleeper}/stat"));
            Ok::<_, ProgramError>(stat.map_or(true, |stat| stat.contains(") Z ")).then_some(()))
        })
        .expect("killed");
    }

    #[test]
    fn a_wait_ends_when_it_is_cancelled() {
        let mut running = Running::start(Command::new("sleep").arg("600"), "sleeping").expect("sleep");
        let end = running.wait(Duration::from_secs(600), &AtomicBool::new(true));
        assert!(matches!(end, Err(ProgramError::Interrupted)), "{end:?}");
    }

    #[test]
    fn a_failure_tells_the_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one >&2; printf 'two\\033\\n' >&2; exit 3"]);
        let error = run(&mut command, "talking", Duration::from_secs(10), &NEVER).expect_err("exit 3");
        assert_eq!(error.to_string(), "talking failed with exit status 3: one | two ");
    }
}
