//! Progress on standard error, and only on a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Progress {
    terminal: bool,
    last: Option<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal()
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
            last: None,
        }
    }

    /// Shows `line` in place of the last one, ten times a second at most.
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.terminal || self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        self.last = Some(Instant::now());
        let columns = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| size.ws_col);
        // A terminal that does not know its width says 0.
        let width = if columns == 0 { 80 } else { usize::from(columns) };
        let text: String = line().chars().take(width.saturating_sub(1)).collect();
        // A terminal that cannot be written to has nobody to tell.
        let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
        let _ = std::io::stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
