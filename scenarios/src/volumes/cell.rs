//! A volume in its worker: made, held to what was written, then timed.

use std::ops::Range;
use std::sync::Arc;

use sealab_blocks::trace::{Order, Replay, Trace};
use sealab_blocks::{Limit, Operation, Outcome, Pattern, Workload};
use sealab_engine::Engine;
use sealab_record::Traffic;
use sealab_volume::Volume;
use sealab_volume::format::VolumeFormat;
use sealab_volume::store::{Access, CountingStore, DirectFileStore, FileStore, MemoryStore, Store};

use super::content::{fill, holds};
use super::opening::OpeningCell;
use super::{BlockOperation, BlockPattern, BlockWorkload, StoreKind, TraceFile, VolumeTask};
use crate::protocol::{PrepareVolume, Prepared, Sample};
use crate::usage::{Usage, forget_peak, memory};

/// What a sample may have at most.
const MAX_OPERATIONS: u64 = 1 << 24;

/// A volume that can be timed.
pub(crate) struct VolumeCell {
    timed: Timed,
}

enum Timed {
    Requests(Requests),
    Opening(OpeningCell),
}

impl VolumeCell {
    /// Makes the volume, fills it, opens it again, and holds it to what it must be.
    pub(crate) fn new(
        engine: &Arc<dyn Engine>,
        format: &dyn VolumeFormat,
        prepare: &PrepareVolume,
    ) -> Result<(Self, Prepared), String> {
        forget_peak();
        let resident_bytes = memory().map_or(0, |memory| memory.resident_bytes);
        let needed = format.store_bytes(prepare.size);
        let store = make_store(prepare.store, needed)?;
        let (timed, prepared) = match &prepare.task {
            VolumeTask::Opening(opening) => {
                let (cell, prepared) = OpeningCell::new(engine, format, prepare, *opening, store)?;
                (Timed::Opening(cell), prepared)
            }
            _ => {
                let (cell, prepared) = Requests::new(engine, format, prepare, store)?;
                (Timed::Requests(cell), prepared)
            }
        };
        let cell = Self { timed };
        Ok((
            cell,
            Prepared {
                resident_bytes,
                ..prepared
            },
        ))
    }

    /// Times one sample.
    pub(crate) fn sample(&mut self) -> Result<Sample, String> {
        let sample = match &mut self.timed {
            Timed::Requests(cell) => cell.sample()?,
            Timed::Opening(cell) => cell.sample()?,
        };
        let peak_bytes = memory().map(|memory| memory.peak_bytes);
        Ok(Sample { peak_bytes, ..sample })
    }
}

/// A volume with requests to it.
struct Requests {
    volume: Box<dyn Volume>,
    counts: Arc<CountingStore>,
    load: Load,
}

/// What is asked in one sample.
enum Load {
    Blocks(Workload),
    Trace(Trace, Replay),
}

impl Requests {
    fn new(
        engine: &Arc<dyn Engine>,
        format: &dyn VolumeFormat,
        prepare: &PrepareVolume,
        store: Arc<dyn Store>,
    ) -> Result<(Self, Prepared), String> {
        let (load, filled) = load(&prepare.task, prepare.size)?;
        let stored_bytes = store.size();
        let counts = Arc::new(CountingStore::new(store));
        let owner = format
            .make(engine.clone(), counts.clone(), &mut |volume| {
                filled.iter().try_for_each(|range| fill(volume, range.clone()))
            })
            .map_err(|error| format!("making the volume: {error}"))?;
        let volume = owner
            .open(engine.clone(), counts.clone())
            .map_err(|error| format!("opening the volume: {error}"))?;
        if volume.size() < prepare.size {
            return Err(format!(
                "the volume has {} bytes; {} were asked for",
                volume.size(),
                prepare.size
            ));
        }
        for range in filled {
            holds(&*volume, range)?;
        }
        let prepared = Prepared {
            plain_bytes: volume.size(),
            stored_bytes,
            resident_bytes: 0,
        };
        let mut cell = Self { volume, counts, load };
        cell.calibrate(prepare.sample_seconds)?;
        Ok((cell, prepared))
    }

    /// Finds how many requests make a sample of `target` seconds. A trace is whole or it is another one.
    fn calibrate(&mut self, target: f64) -> Result<(), String> {
        let least = match &self.load {
            // Flushes must come in every sample, and so often that where the last one stands tells little.
            Load::Blocks(workload) => workload.flush_every.map_or(8, |every| every.saturating_mul(8)),
            Load::Trace(..) => return Ok(()),
        };
        let least = least.min(MAX_OPERATIONS);
        let mut operations = least;
        loop {
            self.limit(operations);
            let mut seconds = self.sample()?.seconds.max(1e-9);
            if seconds >= target / 4.0 {
                // Once more, so that a stall is not taken for the cell's speed.
                seconds = seconds.min(self.sample()?.seconds.max(1e-9));
            }
            if seconds >= target / 4.0 || operations >= MAX_OPERATIONS {
                let fitting = (operations as f64 * target / seconds) as u64;
                self.limit(fitting.clamp(least, MAX_OPERATIONS));
                return Ok(());
            }
            operations = operations.saturating_mul(4).min(MAX_OPERATIONS);
        }
    }

    fn limit(&mut self, operations: u64) {
        if let Load::Blocks(workload) = &mut self.load {
            workload.limit = Limit::Operations(operations);
        }
    }

    fn sample(&mut self) -> Result<Sample, String> {
        // Other places, and other contents, each time.
        match &mut self.load {
            Load::Blocks(workload) => workload.seed = workload.seed.wrapping_add(1),
            Load::Trace(_, replay) => replay.seed = replay.seed.wrapping_add(1),
        }
        let (before, usage) = (self.counts.counts(), Usage::now());
        let outcome: Outcome = match &self.load {
            Load::Blocks(workload) => sealab_blocks::drive(workload, &*self.volume),
            Load::Trace(trace, replay) => trace.replay(*replay, &*self.volume),
        }
        .map_err(|error| error.to_string())?;
        let usage = Usage::now().since(usage);
        let done = self.counts.counts() - before;
        Ok(Sample {
            bytes: outcome.reads.bytes + outcome.writes.bytes,
            seconds: outcome.elapsed.as_secs_f64(),
            cpu_seconds: usage.cpu_seconds,
            involuntary_switches: usage.involuntary_switches,
            traffic: Some(Traffic {
                user_read: outcome.reads.bytes,
                user_written: outcome.writes.bytes,
                flushes: outcome.flushes.operations,
                store_read: done.read.bytes,
                store_written: done.written.bytes,
                syncs: done.syncs,
            }),
            peak_bytes: None,
        })
    }
}

/// What is asked, and the ranges of the volume that are written before.
fn load(task: &VolumeTask, size: u64) -> Result<(Load, Vec<Range<u64>>), String> {
    match task {
        VolumeTask::Blocks(asked) => {
            let filled = 0..asked.filled(size);
            Ok((Load::Blocks(workload(asked, size)), vec![filled]))
        }
        VolumeTask::Trace(file) => {
            let trace = file.load()?;
            let filled = trace.touched();
            let replay = Replay {
                order: Order::Barriers,
                depth: TraceFile::DEPTH as usize,
                seed: 1,
            };
            Ok((Load::Trace(trace, replay), filled))
        }
        VolumeTask::Opening(_) => Err("an opening has no requests".to_owned()),
    }
}

pub(crate) fn make_store(kind: StoreKind, bytes: u64) -> Result<Arc<dyn Store>, String> {
    if kind == StoreKind::Memory {
        if crate::machine::available_memory().is_some_and(|there| there < bytes + (256 << 20)) {
            return Err(format!(
                "{bytes} bytes of memory are needed, and are not available"
            ));
        }
        let store = MemoryStore::new(bytes);
        return Ok(Arc::new(store));
    }
    let place = tempfile::Builder::new()
        .prefix("sealab-volume-")
        .tempdir()
        .map_err(|error| format!("a folder for the volume: {error}"))?;
    let path = place.path().join("volume");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let store: Arc<dyn Store> = match kind {
        StoreKind::DirectFile => {
            FileStore::create(&path, bytes).map_err(failed)?;
            Arc::new(DirectFileStore::open(&path, Access::ReadWrite).map_err(failed)?)
        }
        _ => Arc::new(FileStore::create(&path, bytes).map_err(failed)?),
    };
    Ok(store)
}

fn workload(asked: &BlockWorkload, size: u64) -> Workload {
    Workload {
        pattern: match asked.pattern {
            BlockPattern::Sequential => Pattern::Sequential,
            BlockPattern::Random => Pattern::Random,
        },
        operation: match asked.operation {
            BlockOperation::Read => Operation::Read,
            BlockOperation::Write => Operation::Write,
            BlockOperation::Mixed => Operation::Mixed {
                read_percent: asked.read_percent,
            },
        },
        // At most 4 MiB.
        block_bytes: asked.block.bytes() as u32,
        depth: asked.depth as usize,
        limit: Limit::Operations(1),
        start: 0,
        span: asked.span(size),
        flush_every: asked.flush_every,
        seed: 1,
    }
}
