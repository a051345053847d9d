//! A started program with all its descendants: told apart from the rest of the machine, stopped, and killed.

use std::collections::HashSet;
use std::env;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, kill_process_group,
    set_child_subreaper, set_parent_process_death_signal, waitid, waitpid,
};

use super::table::{self, Entry};
use super::{Process, check, packages};
use crate::{Settle, WorkloadError};

/// How often a wait looks whether it is over.
const POLL: Duration = Duration::from_millis(5);
/// How long processes may take to stop or to die.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is kept of the program's standard error.
const STDERR_BYTES: usize = 2048;
/// The variable that every descendant inherits; its value is this family's own.
const MARK: &str = "SEALAB_PROCESS_WORKLOAD";

/// A running program. Dropping it kills the program and every descendant, and waits until they are gone.
pub(super) struct Family {
    program: String,
    settle: Settle,
    child: Child,
    guardian: Option<Child>,
    /// `NAME=value` of the mark.
    mark: String,
    /// When the program was started, in the kernel's ticks.
    started: u64,
    /// Every member ever seen, by pid and start, so that one which leaves group and parent is still known.
    seen: HashSet<(u32, u64)>,
    stderr: Option<ChildStderr>,
    stderr_tail: Vec<u8>,
}

impl Family {
    /// Starts the program in a process group of its own, to be killed when this thread ends.
    pub(super) fn start(process: &Process) -> Result<Self, WorkloadError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let program = process.command.program();
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Descendants that lose their parent become ours, to be reaped: not every container's first process does it.
        let _ = set_child_subreaper(Some(getpid()));
        let mut command = Command::new(program);
        command
            .args(process.command.arguments())
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let parent = getpid();
        // SAFETY: the closure runs in the forked child before exec, where only async-signal-safe calls are allowed; it
        // makes two system calls, and neither they nor the making of their errors allocate or lock.
        unsafe {
            command.pre_exec(move || {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                // The parent may have died before the line above.
                if rustix::process::getppid() != Some(parent) {
                    return Err(Errno::SRCH.into());
                }
                Ok(())
            });
        }
        let mut child = command.spawn().map_err(|source| {
            // A folder of the PATH that this user cannot search makes "permission denied" of every missing program.
            let hidden = source.kind() == io::ErrorKind::PermissionDenied && !is_visible(program);
            if source.kind() == io::ErrorKind::NotFound || hidden {
                WorkloadError::ProgramNotFound {
                    program: program.to_owned(),
                    package: packages::of(program),
                }
            } else {
                WorkloadError::Start {
                    program: program.to_owned(),
                    source,
                }
            }
        })?;
        let stderr = child.stderr.take();
        let guardian = guard(child.id());
        let family = Self {
            program: program.to_owned(),
            settle: process.settle,
            started: table::one(child.id()).map_or(0, |entry| entry.started),
            child,
            guardian,
            mark: format!("{MARK}={mark}"),
            seen: HashSet::new(),
            stderr,
            stderr_tail: Vec::new(),
        };
        if let Some(stderr) = &family.stderr {
            // A program that writes nothing must not hold up the wait.
            rustix::io::ioctl_fionbio(stderr, true).map_err(|errno| WorkloadError::Start {
                program: family.program.clone(),
                source: errno.into(),
            })?;
        }
        Ok(family)
    }

    /// Lets the program run for its settling time.
    pub(super) fn settle(&mut self, cancelled: &AtomicBool) -> Result<(), WorkloadError> {
        let end = Instant::now() + self.settle.duration();
        loop {
            check(cancelled)?;
            self.read_stderr();
            self.check_running()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(POLL));
        }
    }

    /// Stops every member, and returns when all threads of all are stopped: the program first, then its descendants
    /// by pid.
    pub(super) fn stop(&mut self, cancelled: &AtomicBool) -> Result<Vec<u32>, WorkloadError> {
        let deadline = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            check(cancelled)?;
            self.check_running()?;
            let members = self.members();
            let running = members
                .iter()
                .find(|member| !table::is_stopped(member.pid))
                .map(|member| member.pid);
            let mut pids: Vec<u32> = members.iter().map(|member| member.pid).collect();
            let program = self.child.id();
            pids.sort_unstable_by_key(|&pid| (pid != program, pid));
            match running {
                // Twice the same, because one that was just being forked is not in the first table.
                None if pids == before => return Ok(pids),
                Some(pid) if Instant::now() > deadline => {
                    return Err(WorkloadError::NotStopped {
                        program: self.program.clone(),
                        pid,
                        seconds: PATIENCE.as_secs(),
                    });
                }
                _ => {}
            }
            for member in &members {
                signal(member.pid, Signal::STOP);
            }
            before = pids;
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Fails if the program itself has ended. It is not reaped: its pid and group stay its own until the end.
    fn check_running(&mut self) -> Result<(), WorkloadError> {
        let Some(pid) = pid(self.child.id()) else {
            return Ok(());
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Ok(Some(status)) = waitid(WaitId::Pid(pid), options) else {
            return Ok(());
        };
        self.read_stderr();
        let status = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (_, Some(number)) => format!("signal {number}"),
            _ => "an unknown status".to_owned(),
        };
        Err(WorkloadError::Died {
            program: self.program.clone(),
            status,
            settle: self.settle,
            stderr: last_lines(&self.stderr_tail),
        })
    }

    /// Takes what the program has written to its standard error, and keeps the end of it.
    fn read_stderr(&mut self) {
        let Some(stderr) = &mut self.stderr else {
            return;
        };
        let mut buffer = [0; 16 << 10];
        // Bounded, so that a program that writes without end does not hold up the wait.
        for _ in 0..64 {
            match stderr.read(&mut buffer) {
                Ok(0) => {
                    self.stderr = None;
                    return;
                }
                Ok(length) => {
                    self.stderr_tail.extend_from_slice(&buffer[..length]);
                    let surplus = self.stderr_tail.len().saturating_sub(STDERR_BYTES);
                    self.stderr_tail.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nothing is there now; or the pipe is broken, and the tail is all that there will be.
                Err(_) => return,
            }
        }
    }

    /// The program and its descendants, as far as they are alive: by parent, by process group, by the mark in their
    /// environment, and whoever was a member before.
    fn members(&mut self) -> Vec<Entry> {
        let program = self.child.id();
        let mut others = table::all().unwrap_or_default();
        others.retain(|entry| entry.started >= self.started);
        let mut members: Vec<Entry> = Vec::new();
        let mut family: HashSet<u32> = HashSet::from([program]);
        loop {
            let count = family.len();
            for entry in &others {
                if family.contains(&entry.parent)
                    || entry.group == program
                    || self.seen.contains(&(entry.pid, entry.started))
                    || (!family.contains(&entry.pid) && table::has_variable(entry.pid, &self.mark))
                {
                    family.insert(entry.pid);
                }
            }
            if family.len() == count {
                break;
            }
        }
        for entry in others {
            if family.contains(&entry.pid) {
                self.seen.insert((entry.pid, entry.started));
                if !entry.is_dead() {
                    members.push(entry);
                }
            }
        }
        members
    }

    /// Kills every member and waits until they are gone.
    fn kill(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The program is not reaped yet, so its pid still names its group.
            if let Some(group) = pid(self.child.id()) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let members = self.members();
            if members.is_empty() {
                break;
            }
            for member in members {
                signal(member.pid, Signal::KILL);
            }
            if Instant::now() > deadline {
                // It hangs in the kernel and dies as soon as that lets go of it. Waiting on would hang as well.
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(mut guardian) = self.guardian.take() {
            let _ = guardian.kill();
            let _ = guardian.wait();
        }
        let _ = self.child.wait();
        // Orphans are ours to reap where this process is the first one of a container.
        for &(orphan, _) in &self.seen {
            if let Some(orphan) = pid(orphan) {
                let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
            }
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a shell that kills the process group should this process be killed itself: its standard input ends then. The
/// kernel's signal at the parent's death reaches the program alone, not its children. What has left the group stays
/// in that case; and without a shell the kernel's signal is all there is.
fn guard(group: u32) -> Option<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -s KILL -- \"-$0\"", &group.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()
}

/// Whether the program is a file that can be seen, at its path or in a folder of the PATH.
fn is_visible(program: &str) -> bool {
    if program.contains('/') {
        return true;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Signals a process; one that is gone already needs no signal.
fn signal(process: u32, signal: Signal) {
    if let Some(process) = pid(process) {
        let _ = kill_process(process, signal);
    }
}

fn pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The last lines of a program's output, in one line and printable.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let lines = &lines[lines.len().saturating_sub(5)..];
    let mut shown = String::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        if !shown.is_empty() {
            shown.push_str(" | ");
        }
        shown.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_one_bounded_printable_line() {
        let text = b"1\n2\n3\n4\n\x1b[31mred\xff\n\n5\r\n";
        assert_eq!(last_lines(text), "3 | 4 |  [31mred\u{fffd} | 5");
        assert_eq!(last_lines(b""), "");
    }
}
