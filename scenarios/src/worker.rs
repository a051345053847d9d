//! A worker: one engine under one CPU profile, asked on standard input, answering on standard output.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use sealab_checkpoint::Secret;
use sealab_cpu::Profile;
use sealab_engine::{Candidate, Engine, EngineError, Primitive};

use crate::cell::{Buffers, Layout, TimedCell};
use sealab_record::{CellStatus, Transactions};
use sealab_volume::format::VolumeFormat;

use crate::databases::DatabaseCell;
use crate::images::LayerBench;
use crate::protocol::{
    Answer, Attach, EngineFacts, Hello, MAX_LINE_BYTES, Prepare, PrepareDatabase, PrepareLayer,
    PrepareVolume, Prepared, Refusal, Request, Sample,
};
use crate::shared::Mapping;
use crate::verify::verify;
use crate::volumes::{self, VolumeCell};

/// The subcommand under which the binary becomes a worker.
pub const WORKER_COMMAND: &str = "worker";

/// Serves requests until standard input ends. `profile` is the CPU profile that the process was started under.
pub fn work(candidate: &Candidate, profile: &Profile) -> io::Result<()> {
    die_with_parent();
    let mut worker = Worker {
        id: candidate.id,
        engine: (candidate.open)().map(Arc::from),
        profile,
        vectors: HashMap::new(),
        workload: None,
        cells: HashMap::new(),
        volumes: HashMap::new(),
        databases: HashMap::new(),
        layers: LayerBench::default(),
        verified: HashMap::new(),
    };
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut line = String::new();
    loop {
        line.clear();
        if (&mut input).take(MAX_LINE_BYTES).read_line(&mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with('\n') {
            let message = format!("a request longer than {MAX_LINE_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let answer = match serde_json::from_str(&line) {
            Ok(request) => worker.answer(request),
            Err(error) => Answer::Refused(Refusal::failed(format!("not a request: {error}"))),
        };
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

/// A parent that is killed cannot end its workers; the kernel does.
fn die_with_parent() {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let parent = getppid();
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != parent {
        std::process::exit(2);
    }
}

struct Workload {
    plain: Mapping,
    sealed: Mapping,
    opened: Mapping,
    length: usize,
    messages: Option<Vec<u32>>,
    canaries: Vec<Vec<u8>>,
}

struct Worker<'a> {
    id: &'static str,
    engine: Result<Arc<dyn Engine>, EngineError>,
    profile: &'a Profile,
    /// What the golden vectors of a primitive said, once they have run.
    vectors: HashMap<Primitive, Result<(), String>>,
    workload: Option<Workload>,
    cells: HashMap<usize, TimedCell>,
    volumes: HashMap<usize, VolumeCell>,
    databases: HashMap<usize, DatabaseCell>,
    layers: LayerBench,
    /// What came of verifying a format of volumes, once it was.
    verified: HashMap<&'static str, Result<(), String>>,
}

impl Worker<'_> {
    fn answer(&mut self, request: Request) -> Answer {
        let answered = match request {
            Request::Hello => Ok(Answer::Hello(self.hello())),
            Request::Attach(attach) => self.attach(attach).map(|()| Answer::Done),
            Request::Prepare(prepare) => self.prepare(prepare).map(Answer::Prepared),
            Request::PrepareVolume(prepare) => self.prepare_volume(&prepare).map(Answer::Prepared),
            Request::PrepareDatabase(prepare) => self.prepare_database(&prepare).map(Answer::Prepared),
            Request::PrepareLayer(prepare) => self.prepare_layer(&prepare).map(Answer::Prepared),
            Request::Conclude { cell } => self.conclude(cell).map(Answer::Concluded),
            Request::Sample { cell } => self.sample(cell).map(Answer::Sample),
        };
        answered.unwrap_or_else(Answer::Refused)
    }

    fn hello(&self) -> Hello {
        let engine = self.engine.as_ref().map_err(ToString::to_string).map(|engine| {
            let path = engine.code_path();
            EngineFacts {
                version: engine.version(),
                code_path: path.description,
                hardware_aes: path.hardware_aes,
                primitives: engine
                    .primitives()
                    .iter()
                    .map(|primitive| primitive.id().to_owned())
                    .collect(),
            }
        });
        Hello {
            engine,
            evidence: sealab_cpu::evidence(self.profile),
            contradictions: sealab_cpu::contradictions(self.profile, self.id),
        }
    }

    fn attach(&mut self, attach: Attach) -> Result<(), Refusal> {
        self.forget();
        self.workload = None;
        let map = |path: &std::path::Path| {
            Mapping::open(path, attach.length)
                .map_err(|error| Refusal::failed(format!("shared memory {}: {error}", path.display())))
        };
        self.workload = Some(Workload {
            plain: map(&attach.plain)?,
            sealed: map(&attach.sealed)?,
            opened: map(&attach.opened)?,
            length: attach.length,
            messages: attach.messages,
            canaries: attach.canaries,
        });
        Ok(())
    }

    /// That the engine has all of `primitives`, and that their golden vectors hold.
    fn holds(&mut self, primitives: &[Primitive]) -> Result<(), Refusal> {
        let engine = match &self.engine {
            Ok(engine) => engine,
            Err(error) => return Err(Refusal::unavailable(error)),
        };
        for primitive in primitives {
            if !engine.primitives().contains(primitive) {
                let reason = engine.unsupported(*primitive).to_string();
                return Err(Refusal {
                    status: CellStatus::Unsupported,
                    reason,
                });
            }
            let held = self.vectors.entry(*primitive).or_insert_with(|| {
                sealab_vectors::check(engine.as_ref(), *primitive)
                    .map(drop)
                    .map_err(|error| error.to_string())
            });
            if let Err(reason) = held {
                return Err(Refusal::failed(format!("golden vectors: {reason}")));
            }
        }
        Ok(())
    }

    /// The format of volumes of that name, once it was verified; what was prepared before is given up if `fresh`.
    fn verified_format(&mut self, fresh: bool, id: &str) -> Result<&'static dyn VolumeFormat, Refusal> {
        if fresh {
            self.forget();
        }
        let Some(format) = sealab_volume::format::format(id) else {
            return Err(Refusal::failed(format!("unknown format {id:?}")));
        };
        self.holds(format.primitives())?;
        let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
        let verified = self.verified.entry(format.id());
        let verified = verified.or_insert_with(|| volumes::verify(engine, format));
        verified.clone().map_err(Refusal::failed)?;
        Ok(format)
    }

    fn prepare_volume(&mut self, prepare: &PrepareVolume) -> Result<Prepared, Refusal> {
        let format = self.verified_format(prepare.fresh, &prepare.format)?;
        let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
        let (cell, prepared) = VolumeCell::new(engine, format, prepare).map_err(Refusal::failed)?;
        self.volumes.insert(prepare.cell, cell);
        Ok(prepared)
    }

    fn prepare_database(&mut self, prepare: &PrepareDatabase) -> Result<Prepared, Refusal> {
        let format = self.verified_format(prepare.fresh, &prepare.format)?;
        let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
        let (cell, prepared) = DatabaseCell::new(engine, format, prepare)?;
        self.databases.insert(prepare.cell, cell);
        Ok(prepared)
    }

    fn prepare_layer(&mut self, prepare: &PrepareLayer) -> Result<Prepared, Refusal> {
        if prepare.fresh {
            self.forget();
        }
        let format: sealab_layer::Format = prepare.format.parse().map_err(Refusal::failed)?;
        self.holds(format.primitives())?;
        let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
        self.layers
            .prepare(engine, format, prepare)
            .map_err(Refusal::failed)
    }

    /// Gives up what was prepared.
    fn forget(&mut self) {
        self.cells.clear();
        self.volumes.clear();
        self.databases.clear();
        self.layers = LayerBench::default();
    }

    fn conclude(&mut self, cell: usize) -> Result<Transactions, Refusal> {
        let database = self.databases.remove(&cell);
        let database = database.ok_or_else(|| Refusal::failed(format!("cell {cell} is no database")))?;
        database.conclude()
    }

    fn prepare(&mut self, prepare: Prepare) -> Result<Prepared, Refusal> {
        let Some(format) = sealab_checkpoint::format(&prepare.format) else {
            return Err(Refusal::failed(format!("unknown format {:?}", prepare.format)));
        };
        self.holds(format.primitives())?;
        let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
        let workload = self.workload.as_mut().ok_or_else(no_workload)?;
        let layout = layout(workload, &prepare)?;
        let secret = Secret::generate().map_err(Refusal::failed)?;
        let threads = prepare.threads as usize;
        let mut cell = TimedCell::new(&**engine, format, prepare.operation, layout, threads, &secret)
            .map_err(Refusal::failed)?;
        let mut buffers = Buffers {
            plain: workload.plain.bytes(),
            sealed: workload.sealed.bytes_mut(),
            opened: workload.opened.bytes_mut(),
        };
        verify(&mut cell, &mut buffers, &workload.canaries).map_err(Refusal::failed)?;
        cell.calibrate(&mut buffers, prepare.sample_seconds)
            .map_err(Refusal::failed)?;
        let prepared = Prepared {
            plain_bytes: cell.plain_bytes() as u64,
            stored_bytes: cell.stored_bytes() as u64,
            resident_bytes: 0,
        };
        self.cells.insert(prepare.cell, cell);
        Ok(prepared)
    }

    fn sample(&mut self, cell: usize) -> Result<Sample, Refusal> {
        if let Some(volume) = self.volumes.get_mut(&cell) {
            return volume.sample().map_err(Refusal::failed);
        }
        if let Some(database) = self.databases.get_mut(&cell) {
            return database.sample();
        }
        if self.layers.has(cell) {
            let engine = self.engine.as_ref().map_err(Refusal::unavailable)?;
            return self.layers.sample(engine, cell).map_err(Refusal::failed);
        }
        let workload = self.workload.as_mut().ok_or_else(no_workload)?;
        let cell = self
            .cells
            .get_mut(&cell)
            .ok_or_else(|| Refusal::failed(format!("cell {cell} is not prepared")))?;
        let mut buffers = Buffers {
            plain: workload.plain.bytes(),
            sealed: workload.sealed.bytes_mut(),
            opened: workload.opened.bytes_mut(),
        };
        cell.sample(&mut buffers).map_err(Refusal::failed)
    }
}

fn no_workload() -> Refusal {
    Refusal::failed("no workload is attached")
}

fn layout(workload: &Workload, prepare: &Prepare) -> Result<Layout, Refusal> {
    let layout = match (prepare.unit_bytes, &workload.messages) {
        (Some(unit_bytes), _) => {
            let unit_bytes = unit_bytes as usize;
            let count = workload.length.checked_div(unit_bytes).unwrap_or(0);
            let rest = workload.length - count * unit_bytes;
            if prepare.short_last_unit && rest > 0 {
                let mut lengths = vec![unit_bytes as u32; count];
                lengths.push(rest as u32);
                Layout::each(lengths)
            } else {
                Layout::Equal { unit_bytes, count }
            }
        }
        (None, Some(messages)) => Layout::each(messages.clone()),
        (None, None) => return Err(Refusal::failed("the workload has no messages of its own")),
    };
    let count = layout.count();
    if layout.bytes(&(0..count)).end > workload.length {
        return Err(Refusal::failed("the messages are longer than the workload"));
    }
    if count < prepare.threads as usize {
        let reason = format!(
            "{count} units in the workload; {} threads need one each",
            prepare.threads
        );
        return Err(Refusal::unavailable(reason));
    }
    Ok(layout)
}
