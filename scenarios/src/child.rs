//! A worker process as its parent sees it: asked with a deadline, ended when dropped.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::{Answer, MAX_LINE_BYTES, Request};

/// How often a wait looks whether the user ended the run.
const TICK: Duration = Duration::from_millis(50);
/// What is kept of a worker's standard error.
const MAX_STDERR_BYTES: usize = 4096;

/// Why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChildError {
    /// It ended.
    #[error("the worker died: {0}")]
    Died(String),
    /// It did not answer in time and was ended.
    #[error("the worker gave no answer within {0:?} and was ended")]
    Hung(Duration),
    /// The user ended the run.
    #[error("interrupted")]
    Interrupted,
    /// It could not be started.
    #[error("the worker cannot be started: {0}")]
    Start(String),
    /// What it wrote is no answer.
    #[error("the worker's answer cannot be read: {0}")]
    Unreadable(String),
}

/// A running worker.
pub(crate) struct WorkerProcess {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
    stderr: Arc<Mutex<String>>,
}

impl WorkerProcess {
    pub(crate) fn start(mut command: Command) -> Result<Self, ChildError> {
        let start = |error: io::Error| ChildError::Start(error.to_string());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: Ctrl-C at a terminal reaches the parent alone, which then ends the run in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(start)?;
        let (Some(requests), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ChildError::Start("its standard streams are missing".to_owned()));
        };
        Ok(Self {
            child,
            requests,
            answers: read_answers(stdout).map_err(start)?,
            stderr: read_stderr(stderr).map_err(start)?,
        })
    }

    /// Sends `request` and waits for the answer.
    pub(crate) fn ask(
        &mut self,
        request: &Request,
        patience: Duration,
        interrupted: &AtomicBool,
    ) -> Result<Answer, ChildError> {
        let mut line =
            serde_json::to_vec(request).map_err(|error| ChildError::Unreadable(error.to_string()))?;
        line.push(b'\n');
        if self
            .requests
            .write_all(&line)
            .and_then(|()| self.requests.flush())
            .is_err()
        {
            return Err(self.died());
        }
        let deadline = Instant::now() + patience;
        loop {
            if interrupted.load(Ordering::Relaxed) {
                return Err(ChildError::Interrupted);
            }
            match self.answers.recv_timeout(TICK) {
                Ok(line) => {
                    return serde_json::from_str(&line)
                        .map_err(|error| ChildError::Unreadable(error.to_string()));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    // Ended at once, so that it cannot work beside the next one.
                    self.end();
                    return Err(ChildError::Hung(patience));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn died(&mut self) -> ChildError {
        let status = self
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        // The reader of standard error ends with the pipe; it may need a moment for the last words.
        thread::sleep(TICK);
        let said = self
            .stderr
            .lock()
            .map(|text| text.trim().to_owned())
            .unwrap_or_default();
        let last = said.lines().next_back().unwrap_or_default();
        ChildError::Died(if last.is_empty() {
            status
        } else {
            format!("{status}; it said: {last}")
        })
    }

    fn end(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_answers(stdout: ChildStdout) -> io::Result<Receiver<String>> {
    let (sender, receiver) = channel();
    thread::Builder::new().spawn(move || {
        let mut reader = BufReader::new(stdout);
        loop {
            let mut line = String::new();
            match (&mut reader).take(MAX_LINE_BYTES).read_line(&mut line) {
                // A line without its end is cut: what follows would be taken for the answer to the next request.
                Ok(_) if line.ends_with('\n') && sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    })?;
    Ok(receiver)
}

fn read_stderr(stderr: ChildStderr) -> io::Result<Arc<Mutex<String>>> {
    let kept = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&kept);
    thread::Builder::new().spawn(move || {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while (&mut reader)
            .take(MAX_STDERR_BYTES as u64)
            .read_until(b'\n', &mut line)
            .is_ok_and(|n| n > 0)
        {
            if let Ok(mut text) = into.lock() {
                text.push_str(&String::from_utf8_lossy(&line));
                let excess = text.len().saturating_sub(MAX_STDERR_BYTES);
                let cut = (excess..=text.len())
                    .find(|at| text.is_char_boundary(*at))
                    .unwrap_or(0);
                text.drain(..cut);
            }
            line.clear();
        }
    })?;
    Ok(kept)
}
