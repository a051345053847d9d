//! A PID and a mount namespace for one subject.
//!
//! Their first process is a shell that waits for the end of its standard input. When it ends, the kernel kills all that
//! is in the PID namespace, and the mounts go with the last process: nothing is left, whether this crate drops the stage,
//! fails, or is killed itself.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::{Output, ProgramError, Running, installed, last_lines, until};

use crate::{CriuError, Unavailable};

/// How long the namespaces may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first process.
const FIRST: &str = "echo ready && read -r _; kill -s KILL -1";
/// The first process where a subject is to be started. CRIU gives back to each process the pid that it had, and those of
/// the subject start at a thousand, so that they are free in another namespace, whose first pids CRIU itself takes.
const FIRST_BEFORE_A_START: &str =
    "echo 999 >/proc/sys/kernel/ns_last_pid && echo ready && read -r _; kill -s KILL -1";

/// Starts the subject: CRIU cannot dump descriptors of another mount namespace or ones that it knows nothing of, and a
/// subject must be in a session of its own. It tells its pid, which stays the same.
const SUBJECT: &str = "cd /
for fd in /proc/self/fd/*; do
  fd=${fd##*/}
  [ \"$fd\" -le 2 ] || eval \"exec $fd>&-\" 2>/dev/null
done
log=$1
shift
echo $$
exec setsid \"$@\" </dev/null >/dev/null 2>\"$log\"";

/// The namespaces.
pub(crate) struct Stage {
    unshare: Child,
    /// The pid of the first process, as this process sees it.
    first: u32,
}

/// A subject that was started on a stage.
pub(crate) struct Started {
    pub(crate) running: Running,
    /// Its pid in the namespace.
    pub(crate) pid: u32,
}

impl Stage {
    /// Namespaces for a subject that will be restored.
    pub(crate) fn empty(cancelled: &AtomicBool) -> Result<Self, CriuError> {
        Self::with(FIRST, cancelled)
    }

    /// Namespaces for a subject that will be started.
    pub(crate) fn for_start(cancelled: &AtomicBool) -> Result<Self, CriuError> {
        Self::with(FIRST_BEFORE_A_START, cancelled)
    }

    fn with(first: &str, cancelled: &AtomicBool) -> Result<Self, CriuError> {
        for program in ["unshare", "nsenter", "setsid"] {
            if !installed(program) {
                let package = "util-linux";
                return Err(Unavailable::Program { program, package }.into());
            }
        }
        let (stdout, stderr) = (Output::new()?, Output::new()?);
        let unshare = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--",
                "sh",
                "-c",
                first,
            ])
            .stdin(Stdio::piped())
            .stdout(stdout.stdio()?)
            .stderr(stderr.stdio()?)
            .process_group(0)
            .spawn()
            .map_err(|error| ProgramError::of("unshare", &error))?;
        let pid = unshare.id();
        // From here on a drop ends it.
        let mut stage = Self { unshare, first: 0 };
        until("the making of namespaces", PATIENCE, cancelled, || {
            if stage.unshare.try_wait().ok().flatten().is_some() {
                let reason = last_lines(&stderr.text());
                return Err(CriuError::from(Unavailable::Namespaces { reason }));
            }
            Ok((stdout.text().trim() == "ready").then_some(()))
        })?;
        stage.first = child_of(pid)?;
        Ok(stage)
    }

    /// A command that runs on the stage.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.first))
            .args(["--mount", "--pid", "--"])
            .arg(program);
        command
    }

    /// Starts a subject, whose standard error goes to the file `log`.
    pub(crate) fn start(
        &self,
        arguments: &[std::ffi::OsString],
        log: &Path,
        cancelled: &AtomicBool,
    ) -> Result<Started, CriuError> {
        let what = arguments.first().map_or_else(String::new, |program| {
            Path::new(program)
                .file_name()
                .unwrap_or(program)
                .display()
                .to_string()
        });
        let mut command = self.command("bash");
        command
            .args(["-c", SUBJECT, "subject"])
            .arg(log)
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8");
        let mut running = Running::start(&mut command, &what)?;
        let pid = until(&format!("the start of {what}"), PATIENCE, cancelled, || {
            let text = running.stdout();
            if let Some(pid) = text.strip_suffix('\n').and_then(|pid| pid.parse().ok()) {
                return Ok(Some(pid));
            }
            running
                .ended()
                .map_or(Ok(None), |status| Err(CriuError::from(running.failure(status))))
        })?;
        Ok(Started { running, pid })
    }

    /// The /proc of the stage, where pids are those of its namespace.
    pub(crate) fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/proc", self.first))
    }

    /// The pids on the stage but the first process's and those that are dead already, as they are there.
    pub(crate) fn processes(&self) -> Result<Vec<u32>, CriuError> {
        let proc = self.proc();
        let folder = fs::read_dir(&proc).map_err(CriuError::at(&proc))?;
        let mut pids: Vec<u32> = folder
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid != 1 && self.cpu_ticks(*pid).is_some())
            .collect();
        pids.sort_unstable();
        Ok(pids)
    }

    /// The CPU time of a process so far in the kernel's ticks; none where it has ended.
    pub(crate) fn cpu_ticks(&self, pid: u32) -> Option<u64> {
        let stat = fs::read_to_string(self.proc().join(pid.to_string()).join("stat")).ok()?;
        // The name in parentheses may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        if matches!(*fields.first()?, "Z" | "X") {
            return None;
        }
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    }

    /// The resident memory of the largest process on the stage in bytes, without the pages of files.
    pub(crate) fn resident_bytes(&self) -> Result<u64, CriuError> {
        let kibibytes = |pid: &u32| {
            let status = fs::read_to_string(self.proc().join(pid.to_string()).join("status")).ok()?;
            let lines = status.lines().filter_map(|line| {
                line.strip_prefix("RssAnon:")
                    .or(line.strip_prefix("RssShmem:"))?
                    .trim()
                    .strip_suffix("kB")
            });
            Some(
                lines
                    .filter_map(|number| number.trim().parse::<u64>().ok())
                    .sum::<u64>(),
            )
        };
        Ok(self.processes()?.iter().filter_map(kibibytes).max().unwrap_or(0) << 10)
    }
}

/// The one child of `unshare`.
fn child_of(unshare: u32) -> Result<u32, CriuError> {
    let path = PathBuf::from(format!("/proc/{unshare}/task/{unshare}/children"));
    let children = fs::read_to_string(&path).map_err(CriuError::at(&path))?;
    let first = children
        .split_ascii_whitespace()
        .next()
        .and_then(|pid| pid.parse().ok());
    first.ok_or_else(|| {
        let reason = "their first process is not to be found".to_owned();
        Unavailable::Namespaces { reason }.into()
    })
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The first process ends at the end of its input, and is waited for by unshare once all others are dead.
        drop(self.unshare.stdin.take());
        let never = AtomicBool::new(false);
        let ended = until("the end of the namespaces", PATIENCE, &never, || {
            Ok::<_, ProgramError>(self.unshare.try_wait().ok().flatten())
        });
        if ended.is_err() {
            // unshare does not listen to milder signals; killed, it takes the first process with it.
            let _ = self.unshare.kill();
            let _ = self.unshare.wait();
        }
    }
}
