//! The clients: each a thread with a session, doing transactions of the mix one after another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::backend::{Backend, DatabaseError, Session};
use crate::chance::Chance;
use crate::error::TpccError;
use crate::outcome::{Effects, Outcome, Tally};
use crate::parameters::Tpcc;
use crate::statement::Statements;
use crate::transaction::{End, Input, Kind, Tables};

/// How often a transaction that loses is tried again.
const MOST_ATTEMPTS: u32 = 50;

/// When a run ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// After so many transactions of all clients together, those rolled back included.
    Transactions(u64),
    /// Transactions that have begun by then are ended.
    Duration(Duration),
}

/// The clients of one database, with their sessions open. A run goes on where the last one stopped, so a first one that is
/// not looked at, or forgotten, is the warm-up.
pub struct Driver {
    tpcc: Tpcc,
    clients: Vec<Client>,
    statements: Vec<Statements>,
    total: Tally,
    total_time: Duration,
    total_cpu_seconds: f64,
}

struct Client {
    session: Box<dyn Session>,
    chance: Chance,
}

impl Driver {
    /// The clients of `tpcc`, connected to `backend`, which was loaded for the same parameters.
    pub fn new(tpcc: &Tpcc, backend: &dyn Backend) -> Result<Self, TpccError> {
        tpcc.validate()?;
        let clients = (0..tpcc.threads)
            .map(|number| {
                Ok(Client {
                    session: backend.session()?,
                    // Apart from what was drawn for the rows at first.
                    chance: Chance::new(tpcc.seed, (1 << 32) + u64::from(number)),
                })
            })
            .collect::<Result<_, TpccError>>()?;
        Ok(Self {
            tpcc: *tpcc,
            clients,
            statements: (1..=tpcc.tables)
                .map(|set| Statements::new(backend.dialect(), set))
                .collect(),
            total: Tally::new(),
            total_time: Duration::ZERO,
            total_cpu_seconds: 0.0,
        })
    }

    /// What all runs did since the first or since [`Driver::forget`], the times between them left out.
    pub fn total(&self) -> Outcome {
        self.total.outcome(self.total_time, self.total_cpu_seconds)
    }

    /// Leaves what was run so far out of [`Driver::total`].
    pub fn forget(&mut self) {
        self.total = Tally::new();
        self.total_time = Duration::ZERO;
        self.total_cpu_seconds = 0.0;
    }

    /// Does transactions until `limit`. `backend` is the one that the clients are connected to.
    ///
    /// # Errors
    /// The first transaction that fails ends the run; it is not counted, nor is the run. `interrupted` was set.
    pub fn run(
        &mut self,
        backend: &dyn Backend,
        limit: Limit,
        interrupted: &AtomicBool,
    ) -> Result<Outcome, TpccError> {
        let (tpcc, statements) = (&self.tpcc, self.statements.as_slice());
        let (begun, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let gate = Barrier::new(self.clients.len());
        let others = backend.other_cpu_seconds();
        let cpu = process_cpu_seconds();
        let turns: Vec<Result<Turn, TpccError>> = thread::scope(|scope| {
            let running: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| {
                    let (begun, stop, gate) = (&begun, &stop, &gate);
                    scope.spawn(move || {
                        gate.wait();
                        let start = Instant::now();
                        let go_on = || match limit {
                            _ if stop.load(Ordering::Relaxed) || interrupted.load(Ordering::Relaxed) => false,
                            Limit::Transactions(most) => begun.fetch_add(1, Ordering::Relaxed) < most,
                            Limit::Duration(duration) => start.elapsed() < duration,
                        };
                        let done = client.work(tpcc, statements, go_on);
                        if done.is_err() {
                            stop.store(true, Ordering::Relaxed);
                        }
                        let end = Instant::now();
                        done.map(|tally| Turn { start, end, tally })
                    })
                })
                .collect();
            running
                .into_iter()
                .map(|thread| match thread.join() {
                    Ok(turn) => turn,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        });
        let cpu_seconds = process_cpu_seconds() - cpu + backend.other_cpu_seconds() - others;
        let turns = turns.into_iter().collect::<Result<Vec<_>, _>>()?;
        if interrupted.load(Ordering::Relaxed) {
            return Err(TpccError::Interrupted);
        }
        let mut all = Tally::new();
        turns.iter().for_each(|turn| all.merge(&turn.tally));
        let start = turns.iter().map(|turn| turn.start).min();
        let end = turns.iter().map(|turn| turn.end).max();
        let elapsed = start.zip(end).map_or(Duration::ZERO, |(start, end)| {
            end.saturating_duration_since(start)
        });
        self.total.merge(&all);
        self.total_time += elapsed;
        self.total_cpu_seconds += cpu_seconds;
        Ok(all.outcome(elapsed, cpu_seconds))
    }
}

struct Turn {
    start: Instant,
    end: Instant,
    tally: Tally,
}

impl Client {
    fn work(
        &mut self,
        tpcc: &Tpcc,
        statements: &[Statements],
        go_on: impl Fn() -> bool,
    ) -> Result<Tally, TpccError> {
        let mut tally = Tally::new();
        let scale = u64::from(tpcc.scale);
        while go_on() {
            let kind = Kind::drawn(self.chance.within(0, 99));
            let home = self.chance.within(1, scale);
            let set = self.chance.within(1, statements.len() as u64) - 1;
            let input = Input::drawn(kind, &mut self.chance, home, scale, tpcc.loading);
            let began = Instant::now();
            let mut tables = Tables {
                session: self.session.as_mut(),
                statements: &statements[set as usize],
            };
            let (end, effects) =
                transact(&mut tables, kind, &input).map_err(TpccError::doing(format!("a {kind}")))?;
            if end == End::Commit {
                tally.add(kind, began.elapsed());
            }
            tally.effects += effects;
        }
        Ok(tally)
    }
}

/// One transaction, tried again as long as it loses.
fn transact(tables: &mut Tables<'_>, kind: Kind, input: &Input) -> Result<(End, Effects), DatabaseError> {
    let mut retries = 0;
    loop {
        match attempt(tables, kind, input) {
            Err(error) if error.again && retries + 1 < MOST_ATTEMPTS => {
                retries += 1;
                // What lost is not there any more, or must go.
                tables.session.rollback()?;
            }
            Err(error) => {
                // The error is what is told; the session is not used again.
                let _ = tables.session.rollback();
                return Err(error);
            }
            Ok((end, mut effects)) => {
                effects.retries += u64::from(retries);
                return Ok((end, effects));
            }
        }
    }
}

fn attempt(tables: &mut Tables<'_>, kind: Kind, input: &Input) -> Result<(End, Effects), DatabaseError> {
    tables.session.begin(kind.writes())?;
    let mut effects = Effects::default();
    let end = input.run(tables, &mut effects)?;
    if end == End::Commit {
        tables.session.commit()?;
        return Ok((end, effects));
    }
    tables.session.rollback()?;
    // Nothing of it stays.
    let effects = Effects {
        rollbacks: 1,
        ..Effects::default()
    };
    Ok((end, effects))
}

/// CPU time of this process so far, in seconds.
fn process_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
