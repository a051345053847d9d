//! Running a keyprovider's command: no shell, bounded output, a limit of time.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::MAX_REPLY_BYTES;

/// How much of what the command says of its failure is told on.
const MAX_COMPLAINT_BYTES: usize = 400;

/// Runs the command with `request` on its input and gives what it writes. It and what it started are ended once `limit`
/// is over. An error says what happened, to stand behind the command's name.
pub(super) fn run(
    path: &Path,
    arguments: &[String],
    request: &[u8],
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let deadline = Instant::now() + limit;
    let mut child = Command::new(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, which can be ended with all that it starts.
        .process_group(0)
        .spawn()
        .map(|child| Running { child, ended: false })
        .map_err(|error| format!("cannot be run: {error}"))?;
    // Threads of their own, that none of the three pipes can block another. They end with the group.
    if let Some(mut input) = child.child.stdin.take() {
        let request = Zeroizing::new(request.to_vec());
        // A command that answers without reading all of it is none the worse.
        thread::spawn(move || drop(input.write_all(&request)));
    }
    let output = child
        .child
        .stdout
        .take()
        .map(|pipe| reading(pipe, MAX_REPLY_BYTES));
    let complaint = child
        .child
        .stderr
        .take()
        .map(|pipe| reading(pipe, MAX_COMPLAINT_BYTES));
    let late = || format!("took longer than {} ms and was ended", limit.as_millis());
    let rest = || deadline.saturating_duration_since(Instant::now());

    let output = output
        .ok_or("has no output")?
        .recv_timeout(rest())
        .map_err(|_| late())?
        .map_err(|error| format!("cannot be read: {error}"))?;
    if output.len() > MAX_REPLY_BYTES {
        return Err(format!(
            "wrote more than {MAX_REPLY_BYTES} bytes, the most that a reply may have"
        ));
    }
    let status = child.wait(deadline).ok_or_else(late)?;
    if !status.success() {
        let said = complaint.and_then(|complaint| complaint.recv_timeout(rest()).ok()?.ok());
        let said = said.unwrap_or_default();
        let said = &said[..said.len().min(MAX_COMPLAINT_BYTES)];
        return Err(format!(
            "failed with {status}; it said {:?}",
            String::from_utf8_lossy(said).trim()
        ));
    }
    Ok(output)
}

/// A child; it and its group are ended when it is dropped before it ended by itself.
struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.ended = true;
                    return Some(status);
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(pause),
                _ => return None,
            }
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once the child was waited for, its number may be that of another group.
        if self.ended {
            return;
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Reads at most one byte more than `limit`, and to the end where that is before.
fn reading(pipe: impl Read + Send + 'static, limit: usize) -> mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // All in one allocation, so that growing leaves no copies of a secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
        let read = pipe.take(limit as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}
