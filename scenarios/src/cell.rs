//! A cell in its worker: keyed sealers over the mapped workload, and the clock around them.
//!
//! The workload's units are dealt out to *lanes*, one a thread, in contiguous parts. A sample goes on where the last
//! one stopped, so a small workload stays in the cache and a large one streams from memory, as its size says.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use sealab_checkpoint::{Format, Sealer, Secret, Units};
use sealab_engine::{Engine, EngineError, InOutBuf};

use crate::file::UnitOperation;
use crate::machine::allowed_cpus;
use crate::protocol::Sample;

/// How the workload is cut into units.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    /// Messages of these lengths, beginning at these places (one more than there are messages).
    Each { lengths: Vec<u32>, starts: Vec<usize> },
    /// Equally long units.
    Equal { unit_bytes: usize, count: usize },
}

impl Layout {
    pub(crate) fn each(lengths: Vec<u32>) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |end, length| {
            *end += *length as usize;
            Some(*end)
        }));
        Self::Each { lengths, starts }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Each { lengths, .. } => lengths.len(),
            Self::Equal { count, .. } => *count,
        }
    }

    /// The bytes that the units `range` take.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        match self {
            Self::Each { starts, .. } => starts[range.start]..starts[range.end],
            Self::Equal { unit_bytes, .. } => range.start * unit_bytes..range.end * unit_bytes,
        }
    }

    fn units(&self, range: Range<usize>) -> Units<'_> {
        match self {
            Self::Each { lengths, .. } => Units::each(range.start as u64, &lengths[range]),
            Self::Equal { unit_bytes, .. } => Units::equal(range.start as u64, *unit_bytes, range.len()),
        }
    }
}

/// One thread's part of the units.
struct Lane {
    sealer: Box<dyn Sealer>,
    units: Range<usize>,
    trailers: Vec<u8>,
    /// Where the next sample begins, within `units`.
    cursor: usize,
}

/// A cell that can be verified and timed.
pub(crate) struct TimedCell {
    format: &'static dyn Format,
    operation: UnitOperation,
    layout: Layout,
    lanes: Vec<Lane>,
    /// Units that each lane works through in one sample.
    units_per_sample: usize,
}

/// The workload's three shared files, as bytes.
pub(crate) struct Buffers<'a> {
    pub(crate) plain: &'a [u8],
    pub(crate) sealed: &'a mut [u8],
    pub(crate) opened: &'a mut [u8],
}

/// What one lane saw of one sample.
struct Stretch {
    began: Instant,
    ended: Instant,
    bytes: usize,
    cpu: Duration,
    involuntary_switches: u64,
}

impl TimedCell {
    pub(crate) fn new(
        engine: &dyn Engine,
        format: &'static dyn Format,
        operation: UnitOperation,
        layout: Layout,
        threads: usize,
        secret: &Secret,
    ) -> Result<Self, EngineError> {
        let count = layout.count();
        let mut lanes = Vec::new();
        for lane in 0..threads {
            let units = count * lane / threads..count * (lane + 1) / threads;
            let trailers = vec![0; units.len() * format.trailer_bytes()];
            let sealer = format.sealer(engine, secret, lane as u32)?;
            lanes.push(Lane {
                sealer,
                cursor: units.start,
                units,
                trailers,
            });
        }
        Ok(Self {
            format,
            operation,
            layout,
            lanes,
            units_per_sample: 1,
        })
    }

    pub(crate) fn format(&self) -> &'static dyn Format {
        self.format
    }

    /// The bytes of all units.
    pub(crate) fn plain_bytes(&self) -> usize {
        self.layout.bytes(&(0..self.layout.count())).end
    }

    /// The bytes of all units and their trailers.
    pub(crate) fn stored_bytes(&self) -> usize {
        self.plain_bytes() + self.layout.count() * self.format.trailer_bytes()
    }

    /// Every lane's trailers, in order.
    pub(crate) fn trailers(&self) -> impl Iterator<Item = &[u8]> {
        self.lanes.iter().map(|lane| lane.trailers.as_slice())
    }

    /// Changes one bit of the first trailer, or back; `false` if there is none.
    pub(crate) fn change_a_trailer(&mut self) -> bool {
        let byte = self.lanes.iter_mut().find_map(|lane| lane.trailers.first_mut());
        byte.map(|byte| *byte ^= 1).is_some()
    }

    /// Swaps the first two units of a lane with their trailers, or back; `false` if no lane begins with two units of
    /// one length.
    pub(crate) fn swap_two_units(&mut self, sealed: &mut [u8]) -> bool {
        let each = self.format.trailer_bytes();
        for lane in self.lanes.iter_mut().filter(|lane| lane.units.len() > 1) {
            let first = self.layout.bytes(&(lane.units.start..lane.units.start + 1));
            let second = self.layout.bytes(&(lane.units.start + 1..lane.units.start + 2));
            if first.len() != second.len() || first.is_empty() {
                continue;
            }
            let (before, after) = sealed.split_at_mut(second.start);
            before[first].swap_with_slice(&mut after[..second.len()]);
            let (before, after) = lane.trailers.split_at_mut(each);
            before.swap_with_slice(&mut after[..each]);
            return true;
        }
        false
    }

    /// Seals every unit.
    pub(crate) fn seal_all(&mut self, buffers: &mut Buffers<'_>) -> Result<(), EngineError> {
        for lane in &mut self.lanes {
            let bytes = self.layout.bytes(&lane.units);
            let (input, output) = (&buffers.plain[bytes.clone()], &mut buffers.sealed[bytes]);
            lane.seal(&self.layout, lane.units.clone(), input, output)?;
        }
        Ok(())
    }

    /// Opens every unit.
    pub(crate) fn open_all(&mut self, buffers: &mut Buffers<'_>) -> Result<(), EngineError> {
        for lane in &mut self.lanes {
            let bytes = self.layout.bytes(&lane.units);
            let (input, output) = (&buffers.sealed[bytes.clone()], &mut buffers.opened[bytes]);
            lane.open(&self.layout, lane.units.clone(), input, output)?;
        }
        Ok(())
    }

    /// Finds how many units make a sample of `target`.
    pub(crate) fn calibrate(&mut self, buffers: &mut Buffers<'_>, target: f64) -> Result<(), EngineError> {
        // A first short sample warms the code; later ones grow until the clock can be trusted.
        loop {
            let mut seconds = self.sample(buffers)?.seconds.max(1e-9);
            if seconds >= target / 4.0 {
                // Once more, so that a stall is not taken for the cell's speed.
                seconds = seconds.min(self.sample(buffers)?.seconds.max(1e-9));
            }
            if seconds >= target / 4.0 {
                let units = self.units_per_sample as f64 * target / seconds;
                self.units_per_sample = (units.round() as usize).max(1);
                return Ok(());
            }
            let growth = (target / 2.0 / seconds).clamp(2.0, 64.0);
            self.units_per_sample = (self.units_per_sample as f64 * growth) as usize;
        }
    }

    /// Times one sample.
    pub(crate) fn sample(&mut self, buffers: &mut Buffers<'_>) -> Result<Sample, EngineError> {
        let (layout, operation, units) = (&self.layout, self.operation, self.units_per_sample);
        let gate = Gate::new(self.lanes.len());
        let cpus = allowed_cpus();
        let mut work = Vec::new();
        let (mut sealed, mut opened) = (&mut *buffers.sealed, &mut *buffers.opened);
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let bytes = layout.bytes(&lane.units);
            let plain = &buffers.plain[bytes.clone()];
            let (sealed_part, sealed_rest) = sealed.split_at_mut(bytes.len());
            let (opened_part, opened_rest) = opened.split_at_mut(bytes.len());
            (sealed, opened) = (sealed_rest, opened_rest);
            let cpu = cpu_of_lane(cpus, index);
            let gate = &gate;
            work.push(move || -> Result<Stretch, EngineError> {
                pin(cpu);
                let mut buffers = Buffers {
                    plain,
                    sealed: sealed_part,
                    opened: opened_part,
                };
                // What is opened must be sealed first. Sealing does the same, so that both begin with equal caches.
                let window = units.min(lane.units.len());
                lane.walk(layout, lane.cursor, window, &mut buffers, UnitOperation::Seal)?;
                gate.pass();
                let (switches, cpu) = (involuntary_switches(), thread_cpu_time());
                let began = Instant::now();
                let (cursor, bytes) = lane.walk(layout, lane.cursor, units, &mut buffers, operation)?;
                let ended = Instant::now();
                let cpu = thread_cpu_time().saturating_sub(cpu);
                lane.cursor = cursor;
                let involuntary_switches = involuntary_switches().saturating_sub(switches);
                Ok(Stretch {
                    began,
                    ended,
                    bytes,
                    cpu,
                    involuntary_switches,
                })
            });
        }

        let stretches = run_together(work)?;

        let began = stretches.iter().map(|stretch| stretch.began).min();
        let ended = stretches.iter().map(|stretch| stretch.ended).max();
        let seconds = began
            .zip(ended)
            .map_or(0.0, |(began, ended)| (ended - began).as_secs_f64());
        Ok(Sample {
            bytes: stretches.iter().map(|stretch| stretch.bytes as u64).sum(),
            seconds,
            cpu_seconds: stretches.iter().map(|stretch| stretch.cpu.as_secs_f64()).sum(),
            involuntary_switches: stretches.iter().map(|stretch| stretch.involuntary_switches).sum(),
            traffic: None,
            peak_bytes: None,
        })
    }
}

impl Lane {
    fn seal(
        &mut self,
        layout: &Layout,
        units: Range<usize>,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let trailers = self.trailer_range(&units);
        self.sealer.seal(
            layout.units(units),
            in_out(input, output)?,
            &mut self.trailers[trailers],
        )
    }

    fn open(
        &mut self,
        layout: &Layout,
        units: Range<usize>,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let trailers = self.trailer_range(&units);
        self.sealer.open(
            layout.units(units),
            in_out(input, output)?,
            &self.trailers[trailers],
        )
    }

    fn trailer_range(&self, units: &Range<usize>) -> Range<usize> {
        let each = self.trailers.len().checked_div(self.units.len()).unwrap_or(0);
        (units.start - self.units.start) * each..(units.end - self.units.start) * each
    }

    /// Works through `count` units from `cursor`, around and around; returns where it stopped and the bytes done.
    fn walk(
        &mut self,
        layout: &Layout,
        mut cursor: usize,
        mut count: usize,
        buffers: &mut Buffers<'_>,
        operation: UnitOperation,
    ) -> Result<(usize, usize), EngineError> {
        let base = layout.bytes(&self.units).start;
        let mut done = 0;
        while count > 0 && !self.units.is_empty() {
            let units = cursor..self.units.end.min(cursor + count);
            let bytes = layout.bytes(&units);
            let bytes = bytes.start - base..bytes.end - base;
            match operation {
                UnitOperation::Seal => {
                    let (input, output) = (&buffers.plain[bytes.clone()], &mut buffers.sealed[bytes.clone()]);
                    self.seal(layout, units.clone(), input, output)?;
                }
                UnitOperation::Open => {
                    let (input, output) =
                        (&buffers.sealed[bytes.clone()], &mut buffers.opened[bytes.clone()]);
                    self.open(layout, units.clone(), input, output)?;
                }
            }
            done += bytes.len();
            count -= units.len();
            cursor = if units.end == self.units.end {
                self.units.start
            } else {
                units.end
            };
        }
        Ok((cursor, done))
    }
}

fn in_out<'a, 'b>(input: &'a [u8], output: &'b mut [u8]) -> Result<InOutBuf<'a, 'b, u8>, EngineError> {
    let (found, expected) = (output.len(), input.len());
    InOutBuf::new(input, output).map_err(|_| EngineError::Length {
        what: "the output of a run of units",
        found,
        expected: expected.to_string(),
    })
}

/// Runs the first piece of work on this thread and the others on threads of their own.
fn run_together<W>(work: Vec<W>) -> Result<Vec<Stretch>, EngineError>
where
    W: FnOnce() -> Result<Stretch, EngineError> + Send,
{
    std::thread::scope(|scope| {
        let mut work = work.into_iter();
        let first = work.next();
        let others: Vec<_> = work.map(|lane| scope.spawn(lane)).collect();
        let mut stretches: Vec<_> = first.into_iter().map(|lane| lane()).collect();
        stretches.extend(others.into_iter().map(|other| {
            other.join().unwrap_or_else(|_| {
                Err(EngineError::Library {
                    call: "a lane's thread",
                    detail: "it panicked".to_owned(),
                })
            })
        }));
        stretches.into_iter().collect()
    })
}

/// Lets the lanes start together. It spins, since waking a sleeper takes longer than a short sample; after a second
/// it stops waiting, for a lane that failed before it came here.
struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    fn new(lanes: usize) -> Self {
        Self {
            missing: AtomicUsize::new(lanes),
        }
    }

    fn pass(&self) {
        self.missing.fetch_sub(1, Ordering::AcqRel);
        let began = Instant::now();
        while self.missing.load(Ordering::Acquire) > 0 && began.elapsed() < Duration::from_secs(1) {
            std::hint::spin_loop();
        }
    }
}

/// From the last CPU down: the first is the kernel's favourite for interrupts, and the parent's.
fn cpu_of_lane(allowed: &[usize], lane: usize) -> Option<usize> {
    allowed.iter().rev().cycle().nth(lane).copied()
}

fn pin(cpu: Option<usize>) {
    let Some(cpu) = cpu else { return };
    let mut set = CpuSet::new();
    set.set(cpu);
    // Where the system forbids pinning, the samples are noisier but not wrong.
    let _ = sched_setaffinity(None, &set);
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn involuntary_switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [u32; 7] = [5, 100, 1, 4096, 33, 16, 700];

    fn cell(layout: Layout, operation: UnitOperation, threads: usize) -> TimedCell {
        let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
        let format = sealab_checkpoint::format("aes-256-gcm").unwrap();
        let secret = Secret::generate().unwrap();
        TimedCell::new(engine.as_ref(), format, operation, layout, threads, &secret).unwrap()
    }

    fn run(
        layout: Layout,
        operation: UnitOperation,
        threads: usize,
        units_per_sample: usize,
    ) -> (u64, Vec<u8>, Vec<u8>) {
        let mut cell = cell(layout, operation, threads);
        cell.units_per_sample = units_per_sample;
        let length = cell.plain_bytes();
        let plain: Vec<u8> = (0..length).map(|index| (index % 253) as u8 + 1).collect();
        let (mut sealed, mut opened) = (vec![0; length], vec![0; length]);
        let mut bytes = 0;
        for _ in 0..2 {
            let mut buffers = Buffers {
                plain: &plain,
                sealed: &mut sealed,
                opened: &mut opened,
            };
            bytes += cell.sample(&mut buffers).unwrap().bytes;
        }
        (bytes, plain, opened)
    }

    #[test]
    fn lanes_share_out_all_units_and_no_unit_twice() {
        for threads in 1..=3 {
            let cell = cell(Layout::each(LENGTHS.to_vec()), UnitOperation::Seal, threads);
            let dealt: Vec<_> = cell.lanes.iter().flat_map(|lane| lane.units.clone()).collect();
            assert_eq!(dealt, (0..7).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_sample_goes_on_where_the_last_one_stopped() {
        // Two samples of 5 of 8 units: all 8, then 2 again.
        let layout = || Layout::Equal {
            unit_bytes: 64,
            count: 8,
        };
        let (bytes, plain, opened) = run(layout(), UnitOperation::Open, 1, 5);
        assert_eq!(bytes, 10 * 64);
        assert!(opened == plain, "all units were opened");
        let (bytes, plain, opened) = run(layout(), UnitOperation::Open, 1, 3);
        assert_eq!(bytes, 6 * 64);
        assert!(opened[..6 * 64] == plain[..6 * 64] && opened[6 * 64..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_sample_may_go_around_many_times_on_every_lane() {
        let (bytes, plain, opened) = run(Layout::each(LENGTHS.to_vec()), UnitOperation::Open, 2, 50);
        assert!(opened == plain);
        assert!(bytes > 4 * plain.len() as u64);
    }

    #[test]
    fn lanes_go_on_different_cpus_sample_after_sample() {
        let cpus_of_two_lanes = || {
            let allowed = allowed_cpus();
            (cpu_of_lane(allowed, 0), cpu_of_lane(allowed, 1))
        };
        let before = cpus_of_two_lanes();
        assert!(allowed_cpus().len() < 2 || before.0 != before.1);
        let layout = Layout::Equal {
            unit_bytes: 64,
            count: 8,
        };
        // On a thread of its own, since it stays pinned.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                run(layout, UnitOperation::Seal, 2, 8);
                assert_eq!(
                    cpus_of_two_lanes(),
                    before,
                    "a pinned thread must not narrow the choice"
                );
            });
        });
    }

    #[test]
    fn stored_bytes_count_every_trailer() {
        let cell = cell(Layout::each(LENGTHS.to_vec()), UnitOperation::Seal, 2);
        assert_eq!(cell.plain_bytes(), 4951);
        assert_eq!(cell.stored_bytes(), 4951 + 7 * 28);
    }
}
