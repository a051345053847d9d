//! A database on a volume in its worker: loaded, held to the consistency conditions, timed, and held to them again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_engine::Engine;
use sealab_record::{Traffic, TransactionKind, Transactions};
use sealab_tpcc::server::{self, Server};
use sealab_tpcc::sqlite::Sqlite;
use sealab_tpcc::{Backend, CountedVolume, Done, Driver, Finding, Kind, Limit, Tpcc, TpccError, check, load};
use sealab_volume::format::VolumeFormat;
use sealab_volume::store::CountingStore;

use super::DatabaseKind;
use super::image::Image;
use crate::protocol::{PrepareDatabase, Prepared, Refusal, Sample};
use crate::usage::Usage;
use crate::volumes::make_store;

/// Volumes are whole mebibytes.
const SIZE_STEP: u64 = 1 << 20;
/// So many samples' time is run before the first sample.
const WARM_UP: f64 = 2.0;

/// Whether a cell is to end early: the worker that it is in is killed instead.
static NEVER: AtomicBool = AtomicBool::new(false);

/// A database that can be timed.
pub(crate) struct DatabaseCell {
    tpcc: Tpcc,
    sample: Duration,
    driver: Driver,
    database: Database,
    volume: Arc<CountedVolume>,
    store: Arc<CountingStore>,
}

enum Database {
    Sqlite(Box<Sqlite>),
    Server(Box<Server>),
}

impl Database {
    fn backend(&self) -> &dyn Backend {
        match self {
            Self::Sqlite(sqlite) => &**sqlite,
            Self::Server(server) => &**server,
        }
    }

    fn close(self) -> Result<(), TpccError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.close(),
            Self::Server(server) => server.close(),
        }
    }
}

impl DatabaseCell {
    /// Makes the volume and loads the database, which must be consistent; then warms it up.
    pub(crate) fn new(
        engine: &Arc<dyn Engine>,
        format: &dyn VolumeFormat,
        prepare: &PrepareDatabase,
    ) -> Result<(Self, Prepared), Refusal> {
        let server = match prepare.database {
            DatabaseKind::Postgresql => Some(server::Kind::Postgresql),
            DatabaseKind::Mariadb => Some(server::Kind::Mariadb),
            DatabaseKind::Sqlite | DatabaseKind::SqliteDelete => None,
        };
        if let Some(kind) = server {
            kind.available().map_err(Refusal::unavailable)?;
        }
        let tpcc = prepare.tpcc.parameters();
        let own_bytes = server.map_or(0, server::Kind::own_bytes);
        let size = (tpcc.volume_bytes() + own_bytes).next_multiple_of(SIZE_STEP);
        let mode = prepare.database.sqlite();
        let image = mode.map(|mode| Image::of(&tpcc, mode, size)).transpose();
        let image = image.map_err(Refusal::failed)?;
        let store = make_store(prepare.store, format.store_bytes(size)).map_err(Refusal::failed)?;
        let stored_bytes = store.size();
        let store = Arc::new(CountingStore::new(store));
        let owner = format
            .make(engine.clone(), store.clone(), &mut |volume| {
                image.as_ref().map_or(Ok(()), |image| image.write_to(volume))
            })
            .map_err(|error| Refusal::failed(format!("making the volume: {error}")))?;
        let volume = owner
            .open(engine.clone(), store.clone())
            .map_err(|error| Refusal::failed(format!("opening the volume: {error}")))?;
        if volume.size() < size {
            let found = volume.size();
            return Err(Refusal::failed(format!(
                "the volume has {found} bytes; {size} were asked for"
            )));
        }
        let volume = Arc::new(CountedVolume::first(Arc::from(volume), size));
        let database = match (mode, server) {
            (Some(mode), _) => {
                Sqlite::open(volume.clone(), mode, tpcc.tables).map(|it| Database::Sqlite(Box::new(it)))
            }
            (None, Some(kind)) => {
                Server::start(kind, volume.clone(), &NEVER).map(|it| Database::Server(Box::new(it)))
            }
            (None, None) => return Err(Refusal::failed("no such database")),
        };
        let database = database.map_err(refused)?;
        if let Database::Server(server) = &database {
            load(&tpcc, &**server, &NEVER).map_err(refused)?;
            consistent(&tpcc, &**server)?;
        }
        let sample = Duration::from_secs_f64(prepare.sample_seconds);
        let mut driver = Driver::new(&tpcc, database.backend()).map_err(refused)?;
        let warm_up = Limit::Duration(sample.mul_f64(WARM_UP));
        driver.run(database.backend(), warm_up, &NEVER).map_err(refused)?;
        driver.forget();
        let cell = Self {
            tpcc,
            sample,
            driver,
            database,
            volume,
            store,
        };
        let prepared = Prepared {
            plain_bytes: size,
            stored_bytes,
            resident_bytes: 0,
        };
        Ok((cell, prepared))
    }

    /// Times one sample.
    pub(crate) fn sample(&mut self) -> Result<Sample, Refusal> {
        let (asked, done, usage) = (self.volume.counts(), self.store.counts(), Usage::now());
        let limit = Limit::Duration(self.sample);
        let outcome = self
            .driver
            .run(self.database.backend(), limit, &NEVER)
            .map_err(refused)?;
        let usage = Usage::now().since(usage);
        let (asked, done) = (self.volume.counts() - asked, self.store.counts() - done);
        Ok(Sample {
            bytes: outcome.all.transactions,
            seconds: outcome.elapsed.as_secs_f64(),
            cpu_seconds: outcome.cpu_seconds,
            involuntary_switches: usage.involuntary_switches,
            traffic: Some(Traffic {
                user_read: asked.read_bytes,
                user_written: asked.written_bytes,
                flushes: asked.flushes,
                store_read: done.read.bytes,
                store_written: done.written.bytes,
                syncs: done.syncs,
            }),
            peak_bytes: None,
        })
    }

    /// Holds the database to the consistency conditions and closes it; what all samples did.
    pub(crate) fn conclude(self) -> Result<Transactions, Refusal> {
        let total = self.driver.total();
        // Its sessions, since nobody may work on the database that is asked.
        drop(self.driver);
        let conditions = consistent(&self.tpcc, self.database.backend())?;
        let database = self.database.backend().version();
        self.database.close().map_err(refused)?;
        let kind = |kind: Kind| recorded(kind.id(), total.of(kind));
        let effects = total.effects;
        Ok(Transactions {
            database,
            all: recorded("all", total.all),
            kinds: Kind::ALL.map(kind).to_vec(),
            rollbacks: effects.rollbacks,
            order_lines: effects.lines,
            remote_order_lines: effects.remote_lines,
            payments: effects.payments,
            remote_payments: effects.remote_payments,
            retries: effects.retries,
            seconds: total.elapsed.as_secs_f64(),
            cpu_seconds: total.cpu_seconds,
            conditions_held: conditions as u64,
        })
    }
}

fn recorded(id: &str, done: Done) -> TransactionKind {
    let latency = done.latency;
    TransactionKind {
        id: id.to_owned(),
        committed: done.transactions,
        p50_seconds: latency.p50.as_secs_f64(),
        p95_seconds: latency.p95.as_secs_f64(),
        p99_seconds: latency.p99.as_secs_f64(),
    }
}

/// How many consistency conditions hold, which is all of them.
fn consistent(tpcc: &Tpcc, backend: &dyn Backend) -> Result<usize, Refusal> {
    let findings = check(tpcc, backend).map_err(refused)?;
    match findings.iter().find(|finding| !finding.held()) {
        Some(broken) => Err(Refusal::failed(broken)),
        None => Ok(findings.iter().filter(|finding| Finding::held(finding)).count()),
    }
}

/// What a machine lacks is no failure.
fn refused(error: TpccError) -> Refusal {
    match error {
        TpccError::Unavailable(reason) => Refusal::unavailable(reason),
        error => Refusal::failed(error),
    }
}
