//! Several stages over the pieces of one stream, on a few threads.
//!
//! Each stage sees the pieces one after another, in order; different stages work at the same time on different pieces,
//! and those that only look on the same one. A thread takes whichever stage lags most, so the three SHA-256 of a layer,
//! none of which can be divided, fill two threads. Memory is a ring of pieces, whatever the stream's length.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;

use zeroize::Zeroizing;

use crate::{Error, Work};

const SLOTS: u64 = 8;

/// Which bytes a stage looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// Those that were read.
    Input,
    /// Those that the transformation made of them.
    Output,
}

type Transform<'a> = Box<dyn FnMut(u64, &[u8], &mut Vec<u8>) -> Result<(), Error> + Send + 'a>;
type Look<'a> = Box<dyn FnMut(u64, &[u8]) -> Result<(), Error> + Send + 'a>;

enum Stage<'a> {
    Fill,
    Transform(Transform<'a>),
    Look(Side, Look<'a>),
}

/// Stages that a stream goes through. Each gets the piece's number and bytes.
pub(crate) struct Pipeline<'a> {
    piece_bytes: usize,
    stages: Vec<Stage<'a>>,
}

struct Slot {
    input: RwLock<Zeroizing<Vec<u8>>>,
    output: RwLock<Zeroizing<Vec<u8>>>,
}

struct State {
    /// For each stage the piece that it comes to next.
    next: Vec<u64>,
    busy: Vec<bool>,
    /// Threads that wait for something to do. Where there is none, nobody need be woken, which is a system call.
    waiting: usize,
    stopped: Option<Result<(), Error>>,
}

impl<'a> Pipeline<'a> {
    /// Pieces of `piece_bytes`, the last one shorter, each given with its number to `transform`, which fills the empty
    /// output.
    pub(crate) fn new(
        piece_bytes: usize,
        transform: impl FnMut(u64, &[u8], &mut Vec<u8>) -> Result<(), Error> + Send + 'a,
    ) -> Self {
        Self {
            piece_bytes,
            stages: vec![Stage::Fill, Stage::Transform(Box::new(transform))],
        }
    }

    /// Adds a stage that looks at each piece.
    pub(crate) fn look(
        mut self,
        side: Side,
        stage: impl FnMut(u64, &[u8]) -> Result<(), Error> + Send + 'a,
    ) -> Self {
        self.stages.push(Stage::Look(side, Box::new(stage)));
        self
    }

    /// Reads `length` bytes of `file` through all stages. An empty stream is one empty piece.
    pub(crate) fn run(self, file: &File, length: u64, work: &Work<'_>) -> Result<(), Error> {
        let pieces = length.div_ceil(self.piece_bytes as u64).max(1);
        let sides: Vec<Option<Side>> = self.stages.iter().map(Stage::needs).collect();
        let stages: Vec<Mutex<Stage<'a>>> = self.stages.into_iter().map(Mutex::new).collect();
        let run = Run {
            pieces,
            piece_bytes: self.piece_bytes,
            length,
            file,
            work,
            sides,
            slots: (0..SLOTS.min(pieces)).map(|_| Slot::new()).collect(),
            state: Mutex::new(State {
                next: vec![0; stages.len()],
                busy: vec![false; stages.len()],
                waiting: 0,
                stopped: None,
            }),
            changed: Condvar::new(),
            stages,
        };
        thread::scope(|scope| {
            let threads = work.threads.clamp(1, run.stages.len());
            for _ in 1..threads {
                scope.spawn(|| run.labour());
            }
            run.labour();
        });
        let state = run.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.stopped.unwrap_or(Ok(()))
    }
}

impl Stage<'_> {
    fn needs(&self) -> Option<Side> {
        match self {
            Self::Fill => None,
            Self::Transform(_) => Some(Side::Input),
            Self::Look(side, _) => Some(*side),
        }
    }
}

impl Slot {
    fn new() -> Self {
        let empty = || RwLock::new(Zeroizing::new(Vec::new()));
        Self {
            input: empty(),
            output: empty(),
        }
    }
}

struct Run<'r, 'a> {
    pieces: u64,
    piece_bytes: usize,
    length: u64,
    file: &'r File,
    work: &'r Work<'r>,
    sides: Vec<Option<Side>>,
    stages: Vec<Mutex<Stage<'a>>>,
    slots: Vec<Slot>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Wakes the others should a stage panic, so that they end and the panic is seen.
struct Watch<'w, 'r, 'a>(&'w Run<'r, 'a>);

impl Drop for Watch<'_, '_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().stopped.get_or_insert(Ok(()));
            self.0.changed.notify_all();
        }
    }
}

impl Run<'_, '_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn labour(&self) {
        let _watch = Watch(self);
        let mut state = self.lock();
        loop {
            if state.stopped.is_some() {
                return;
            }
            let Some(stage) = self.choose(&state) else {
                if state.next.iter().all(|next| *next == self.pieces) {
                    return;
                }
                state.waiting += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waiting -= 1;
                continue;
            };
            let piece = state.next[stage];
            state.busy[stage] = true;
            drop(state);
            let done = self.perform(stage, piece);
            state = self.lock();
            state.busy[stage] = false;
            match done {
                Ok(()) => state.next[stage] += 1,
                // The first error is told.
                Err(error) => drop(state.stopped.get_or_insert(Err(error))),
            }
            if state.waiting > 0 {
                self.changed.notify_all();
            }
        }
    }

    /// The stage that can work and lags most; of several the last.
    fn choose(&self, state: &State) -> Option<usize> {
        let last = state.next.iter().copied().min().unwrap_or(0);
        (0..self.stages.len())
            .rev()
            .filter(|&stage| {
                let next = state.next[stage];
                let ready = match self.sides[stage] {
                    None => next < last + self.slots.len() as u64,
                    Some(Side::Input) => next < state.next[0],
                    Some(Side::Output) => next < state.next[1],
                };
                !state.busy[stage] && next < self.pieces && ready
            })
            .min_by_key(|&stage| state.next[stage])
    }

    fn perform(&self, stage: usize, piece: u64) -> Result<(), Error> {
        let slot = &self.slots[(piece % self.slots.len() as u64) as usize];
        let mut stage = self.stages[stage].lock().unwrap_or_else(PoisonError::into_inner);
        let read = |side: &'_ Side| match side {
            Side::Input => slot.input.read().unwrap_or_else(PoisonError::into_inner),
            Side::Output => slot.output.read().unwrap_or_else(PoisonError::into_inner),
        };
        match &mut *stage {
            Stage::Fill => self.fill(
                piece,
                &mut slot.input.write().unwrap_or_else(PoisonError::into_inner),
            ),
            Stage::Transform(transform) => {
                let mut output = slot.output.write().unwrap_or_else(PoisonError::into_inner);
                output.clear();
                transform(piece, &read(&Side::Input), &mut output)
            }
            Stage::Look(side, look) => look(piece, &read(side)),
        }
    }

    fn fill(&self, piece: u64, input: &mut Vec<u8>) -> Result<(), Error> {
        self.work.check()?;
        let start = piece * self.piece_bytes as u64;
        let length = (self.length - start).min(self.piece_bytes as u64) as usize;
        input.resize(length, 0);
        let mut file = self.file;
        file.read_exact(input).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::malformed(
                "the blob",
                format!(
                    "it ends before byte {}; its descriptor says {}",
                    start + length as u64,
                    self.length
                ),
            ),
            _ => Error::io("the blob".as_ref())(error),
        })?;
        (self.work.progress)(length as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn run(pipeline: Pipeline<'_>, bytes: &[u8], threads: usize) -> Result<(), Error> {
        let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
        let interrupt = AtomicBool::new(false);
        let work = Work {
            engine: &*engine,
            threads,
            progress: &|_| {},
            interrupt: &interrupt,
        };
        pipeline.run(&file(bytes), bytes.len() as u64, &work)
    }

    #[test]
    fn every_stage_sees_every_piece_in_order() {
        for length in [0, 1, 10, 11, 1003] {
            for threads in [1, 2, 5] {
                let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
                let (mut inputs, mut outputs, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
                let pipeline = Pipeline::new(10, |_, input, output| {
                    output.extend(input.iter().map(|byte| byte ^ 0xff));
                    Ok(())
                })
                .look(Side::Input, |_, input| {
                    inputs.extend_from_slice(input);
                    Ok(())
                })
                .look(Side::Output, |piece, output| {
                    pieces.push(piece);
                    outputs.extend_from_slice(output);
                    Ok(())
                });
                run(pipeline, &bytes, threads).unwrap();
                assert_eq!(inputs, bytes);
                assert_eq!(outputs, bytes.iter().map(|byte| byte ^ 0xff).collect::<Vec<u8>>());
                assert_eq!(
                    pieces,
                    (0..(length as u64).div_ceil(10).max(1)).collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn an_error_ends_all_stages() {
        for threads in [1, 2, 3] {
            let pipeline = Pipeline::new(1, |_, _, _| Ok(())).look(Side::Output, |piece, _| {
                if piece == 20 {
                    return Err(Error::Interrupted);
                }
                assert!(piece < 20);
                Ok(())
            });
            assert!(matches!(
                run(pipeline, &[0; 100], threads),
                Err(Error::Interrupted)
            ));
        }
    }
}
