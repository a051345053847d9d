//! Standard input and output as streams of bytes.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a silent writer keeps the user's Ctrl-C waiting.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Standard input that the user can end while nothing comes.
pub(super) struct Input<'a> {
    stdin: io::Stdin,
    interrupted: &'a AtomicBool,
    /// Whether nothing has come yet.
    fresh: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(interrupted: &'a AtomicBool) -> Self {
        Self {
            stdin: io::stdin(),
            interrupted,
            fresh: true,
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                // Not the kind of that name, which readers answer by reading again.
                return Err(io::Error::other("interrupted"));
            }
            let mut waited = [PollFd::new(&self.stdin, PollFlags::IN)];
            match poll(&mut waited, Some(&PATIENCE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => {
                    let count = rustix::io::read(&self.stdin, &mut *buffer)?;
                    if self.fresh && count == 0 && !buffer.is_empty() {
                        // Of a program that failed before the pipe; no archive is empty.
                        return Err(io::Error::other("standard input is empty"));
                    }
                    self.fresh = false;
                    return Ok(count);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Standard output without the line buffer that text has.
pub(super) fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}
