//! A harness's process: lines in, lines out, bounded in time and size, ended with all its children.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

/// The longest answer, in bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;
/// What is kept of standard error, in bytes.
const MAX_STDERR_BYTES: usize = 4096;
/// How much is read at once, in bytes.
const BLOCK_BYTES: usize = 1 << 16;
/// How long a process may take to end by itself once its input or output has ended.
const PARTING: Duration = Duration::from_secs(2);

/// What came of waiting for an answer.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A line, without its end.
    Line(Vec<u8>),
    /// The beginning of a line that is longer than [`MAX_ANSWER_BYTES`].
    TooLong,
    /// The output ended.
    End,
    /// Nothing in time.
    Nothing,
}

/// A running harness.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// What is to be written.
    requests: Vec<u8>,
    /// What was read and not yet heard, from `heard` on.
    answers: Vec<u8>,
    heard: usize,
    /// Up to here there is no end of a line.
    searched: usize,
    last_words: Vec<u8>,
    output_ended: bool,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: it is ended whole, and Ctrl-C at a terminal reaches the lab alone.
            .process_group(0)
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("its standard streams are missing"));
        };
        let process = Self {
            child,
            stdin: Some(stdin),
            stdout,
            stderr: Some(stderr),
            requests: Vec::new(),
            answers: Vec::new(),
            heard: 0,
            searched: 0,
            last_words: Vec::new(),
            output_ended: false,
        };
        unblock(&process.stdout)?;
        process.stdin.as_ref().map_or(Ok(()), unblock)?;
        process.stderr.as_ref().map_or(Ok(()), unblock)?;
        Ok(process)
    }

    /// Has a line written, as the process reads.
    pub(crate) fn send(&mut self, line: &[u8]) {
        self.requests.extend_from_slice(line);
    }

    /// Bytes that are still to be written.
    pub(crate) fn unsent(&self) -> usize {
        self.requests.len()
    }

    /// Waits for the next line of the output, and writes meanwhile.
    pub(crate) fn hear(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(line) = self.line() {
                return Heard::Line(line);
            }
            if self.answers.len() - self.heard >= MAX_ANSWER_BYTES {
                return Heard::TooLong;
            }
            if self.output_ended {
                return Heard::End;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Heard::Nothing;
            }
            if self.exchange(left).is_err() {
                self.output_ended = true;
            }
        }
    }

    /// Ends its input and waits for its end; true if it says more than it was asked.
    pub(crate) fn part(&mut self) -> bool {
        self.stdin = None;
        match self.hear(PARTING) {
            Heard::Line(_) | Heard::TooLong => true,
            Heard::End | Heard::Nothing => false,
        }
    }

    /// Ends it, after a moment if its output has ended, so that its own end is seen; says how it ended, with its last
    /// words.
    pub(crate) fn end(&mut self) -> String {
        let patience = if self.output_ended {
            PARTING
        } else {
            Duration::ZERO
        };
        let deadline = Instant::now() + patience;
        let mut status = self.child.try_wait().ok().flatten();
        while status.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
            status = self.child.try_wait().ok().flatten();
        }
        let how = status.map_or_else(|| "it was ended".to_owned(), |status| status.to_string());
        self.kill();
        self.read_stderr();
        let said = String::from_utf8_lossy(&self.last_words);
        match said.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(last) => format!("{how}; it said: {}", last.trim()),
            None => how,
        }
    }

    /// The next whole line of what was read.
    fn line(&mut self) -> Option<Vec<u8>> {
        let from = self.searched.max(self.heard);
        let Some(length) = self.answers[from..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.answers.len();
            return None;
        };
        let end = from + length;
        let line = self.answers[self.heard..end].to_vec();
        self.heard = end + 1;
        if self.heard == self.answers.len() {
            self.answers.clear();
            self.heard = 0;
        }
        self.searched = self.heard;
        Some(line)
    }

    /// Waits until something can be read or written, and does it.
    fn exchange(&mut self, patience: Duration) -> io::Result<()> {
        let stdin = self.stdin.as_ref().filter(|_| !self.requests.is_empty());
        let mut fds = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        if let Some(stderr) = &self.stderr {
            fds.push(PollFd::new(stderr, PollFlags::IN));
        }
        if let Some(stdin) = stdin {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.write_requests();
        self.read_stderr();
        self.read_stdout()
    }

    fn write_requests(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        if self.requests.is_empty() {
            return;
        }
        match stdin.write(&self.requests) {
            Ok(written) => {
                self.requests.drain(..written);
            }
            Err(error) if would_block(&error) => {}
            // It reads no more; whether it still answers is heard.
            Err(_) => self.stdin = None,
        }
    }

    fn read_stdout(&mut self) -> io::Result<()> {
        if self.heard > BLOCK_BYTES {
            self.answers.drain(..self.heard);
            self.searched = self.searched.saturating_sub(self.heard);
            self.heard = 0;
        }
        let before = self.answers.len();
        self.answers.resize(before + BLOCK_BYTES, 0);
        let read = self.stdout.read(&mut self.answers[before..]);
        self.answers
            .truncate(before + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => self.output_ended = true,
            Ok(_) => {}
            Err(error) if would_block(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn read_stderr(&mut self) {
        let mut block = [0; 1024];
        while let Some(stderr) = &mut self.stderr {
            match stderr.read(&mut block) {
                Ok(0) => self.stderr = None,
                Ok(read) => {
                    self.last_words.extend_from_slice(&block[..read]);
                    let excess = self.last_words.len().saturating_sub(MAX_STDERR_BYTES);
                    self.last_words.drain(..excess);
                    // A flood there must not keep the answers from being heard.
                    return;
                }
                Err(error) if would_block(&error) => return,
                Err(_) => self.stderr = None,
            }
        }
    }

    fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails only where nothing of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn unblock(pipe: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
