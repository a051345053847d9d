//! How far long work is, on standard error and only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(200);

/// The bytes that are done, shown until it is dropped.
pub(crate) struct Progress {
    counter: Arc<Counter>,
    /// Ends the thread that shows them.
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Bytes done, of how many.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) done: AtomicU64,
    /// 0 if that is not known.
    pub(crate) total: AtomicU64,
}

impl Progress {
    /// Starts to show `what`, a present participle.
    pub(crate) fn start(what: &'static str) -> Self {
        let counter = Arc::new(Counter::default());
        let shown = io::stderr().is_terminal().then(|| {
            let (end, ended) = channel();
            let counter = Arc::clone(&counter);
            let thread = thread::spawn(move || {
                counter.show(what);
                while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    counter.show(what);
                }
                // A terminal that is gone is no reason to fail.
                let _ = write!(io::stderr(), "\r\x1b[K");
            });
            (end, thread)
        });
        Self { counter, shown }
    }

    pub(crate) fn counter(&self) -> &Arc<Counter> {
        &self.counter
    }
}

impl Counter {
    fn show(&self, what: &str) {
        let mib = |bytes: u64| bytes >> 20;
        let done = self.done.load(Ordering::Relaxed);
        let line = match self.total.load(Ordering::Relaxed) {
            0 => format!("{what}: {} MiB", mib(done)),
            total => format!(
                "{what}: {} of {} MiB, {} %",
                mib(done.min(total)),
                mib(total),
                100 * u128::from(done.min(total)) / u128::from(total)
            ),
        };
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.shown.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}
