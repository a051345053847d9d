//! Groups filled on the caller's thread, worked on by two threads, and put out in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Error;
use super::group::Group;
use super::table::Kind;

/// Threads that seal or open.
const WORKERS: usize = 2;
/// Groups in memory: one at each worker, one that waits, one that is full, one to be filled next.
const GROUPS: usize = WORKERS + 3;

/// Hands out empty groups and takes full ones.
pub(super) struct Feed<'a> {
    jobs: SyncSender<Group>,
    free: Receiver<Group>,
    taken: u64,
    made: usize,
    failed: &'a AtomicBool,
}

impl Feed<'_> {
    /// An empty group with the next number, once there is one.
    pub(super) fn take(&mut self) -> Result<Group, Error> {
        let mut group = match self.free.try_recv() {
            Ok(group) => group,
            // Made as they are needed: a small set needs one.
            Err(_) if self.made < GROUPS => {
                self.made += 1;
                Group::new(Kind::Data)
            }
            Err(_) => self.free.recv().map_err(|_| Error::Interrupted)?,
        };
        group.reset(self.taken);
        self.taken += 1;
        Ok(group)
    }

    /// Gives a full group away; groups come in the order of their numbers. An error here stands for the one that a worker met, which the caller gets in the end.
    pub(super) fn put(&mut self, group: Group) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        self.jobs.send(group).map_err(|_| Error::Interrupted)
    }
}

/// Whose turn it is to put out, and what went wrong first.
struct Turn {
    next: u64,
    error: Option<Error>,
}

struct Shared<'a, O> {
    jobs: Mutex<Receiver<Group>>,
    free: Sender<Group>,
    turn: Mutex<Turn>,
    moved: Condvar,
    output: Mutex<O>,
    failed: &'a AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `produce` here, and for each group that it gives away one worker's `work`, then `output` in the order of the
/// groups. The error of the earliest group wins, before any of `produce`.
pub(super) fn run<T, W, O>(
    work: impl Fn() -> Result<W, Error>,
    output: O,
    produce: impl FnOnce(&mut Feed<'_>) -> Result<T, Error>,
) -> Result<T, Error>
where
    W: FnMut(&mut Group) -> Result<(), Error> + Send,
    O: FnMut(&mut Group) -> Result<(), Error> + Send,
{
    let workers = (0..WORKERS).map(|_| work()).collect::<Result<Vec<_>, _>>()?;
    let failed = AtomicBool::new(false);
    let (jobs, waiting) = sync_channel(1);
    let (freed, free) = channel();
    let shared = Shared {
        jobs: Mutex::new(waiting),
        free: freed,
        turn: Mutex::new(Turn { next: 0, error: None }),
        moved: Condvar::new(),
        output: Mutex::new(output),
        failed: &failed,
    };
    let produced = thread::scope(|scope| {
        for mut work in workers {
            let shared = &shared;
            scope.spawn(move || serve(shared, &mut work));
        }
        let mut feed = Feed {
            jobs,
            free,
            taken: 0,
            made: 0,
            failed: &failed,
        };
        produce(&mut feed)
    });
    let turn = shared.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
    match turn.error {
        Some(error) => Err(error),
        None => produced,
    }
}

fn serve<W, O>(shared: &Shared<'_, O>, work: &mut W)
where
    W: FnMut(&mut Group) -> Result<(), Error>,
    O: FnMut(&mut Group) -> Result<(), Error>,
{
    loop {
        // Nothing comes when the producer is done.
        let Ok(mut group) = lock(&shared.jobs).recv() else {
            return;
        };
        let number = group.number;
        let mut pass = Pass { shared, number };
        let worked = work(&mut group);
        let mut turn = lock(&shared.turn);
        while turn.next < number {
            turn = shared.moved.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        let halted = turn.error.is_some();
        drop(turn);
        if !halted {
            let put_out = worked.and_then(|()| lock(&shared.output)(&mut group));
            if let Err(error) = put_out {
                pass.fail(error);
            }
        }
        drop(pass);
        // The producer may be gone.
        let _ = shared.free.send(group);
    }
}

/// The turn of one group. It passes on when this is dropped, even by a panic, for else the other threads would wait.
struct Pass<'a, 'b, O> {
    shared: &'a Shared<'b, O>,
    number: u64,
}

impl<O> Pass<'_, '_, O> {
    fn fail(&mut self, error: Error) {
        lock(&self.shared.turn).error = Some(error);
        self.shared.failed.store(true, Ordering::Relaxed);
    }
}

impl<O> Drop for Pass<'_, '_, O> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.failed.store(true, Ordering::Relaxed);
        }
        let mut turn = lock(&self.shared.turn);
        turn.next = turn.next.max(self.number + 1);
        self.shared.moved.notify_all();
    }
}
