//! Syncs of many callers: one that failed is never taken for done later, and callers who wait share the next one.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

/// The syncs of one file.
#[derive(Default)]
pub(super) struct Syncs {
    /// Callers so far; each has the number that it came to.
    callers: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Callers up to this one came before a sync that held began.
    served: u64,
    /// The error number of the sync that failed.
    failed: Option<i32>,
}

impl Syncs {
    /// Has `sync` make durable what was written before the call, unless that of a caller who came later did already. After
    /// a failure, `sync` is not called any more: all further results are the same error.
    ///
    /// An operating system may tell only one of two syncs at a time that pages could not be written, and drop the pages; so
    /// none begins while another runs.
    pub(super) fn run(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let own = self.callers.fetch_add(1, Ordering::SeqCst) + 1;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = state.failed {
            return Err(io::Error::from_raw_os_error(number));
        }
        if state.served >= own {
            return Ok(());
        }
        let served = self.callers.load(Ordering::SeqCst);
        sync().inspect_err(|error| {
            state.failed = Some(error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()));
        })?;
        state.served = served;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn what_failed_once_fails_for_good() {
        let syncs = Syncs::default();
        syncs.run(|| Ok(())).unwrap();
        let full = || Err(io::Error::from_raw_os_error(Errno::NOSPC.raw_os_error()));
        assert_eq!(syncs.run(full).unwrap_err().kind(), io::ErrorKind::StorageFull);
        let later = syncs.run(|| panic!("the pages may be gone"));
        assert_eq!(later.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_failure_without_a_number_stays_too() {
        let syncs = Syncs::default();
        assert!(syncs.run(|| Err(io::Error::other("no number"))).is_err());
        let later = syncs.run(|| Ok(())).unwrap_err();
        assert_eq!(later.raw_os_error(), Some(Errno::IO.raw_os_error()));
    }

    #[test]
    fn who_waits_shares_the_next_sync_and_not_the_one_that_runs() {
        let (syncs, done) = (Syncs::default(), AtomicUsize::new(0));
        let (begun, wait_for_begun) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                syncs
                    .run(|| {
                        begun.send(()).unwrap();
                        while syncs.callers.load(Ordering::SeqCst) < 5 {
                            thread::yield_now();
                        }
                        done.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
            });
            // What these wrote may have come too late for the sync that has begun.
            wait_for_begun.recv().unwrap();
            for _ in 0..4 {
                scope.spawn(|| {
                    let count = || {
                        done.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    };
                    syncs.run(count).unwrap();
                    assert!(done.load(Ordering::SeqCst) >= 2);
                });
            }
        });
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }
}
