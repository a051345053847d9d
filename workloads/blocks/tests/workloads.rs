//! Workloads do what they say, exactly, and what they wrote is verified.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealab_blocks::{
    BlocksError, Limit, Operation, Outcome, Pattern, Plan, Step, Workload, WorkloadError, drive, run,
};
use sealab_volume::plain::Plain;
use sealab_volume::store::{Fault, FaultyStore, MemoryStore, Operation as Call};
use sealab_volume::{Volume, VolumeError};

const SIZE: u64 = 1 << 20;

fn memory() -> Plain {
    Plain::new(Arc::new(MemoryStore::new(SIZE)), 512, false).expect("a volume")
}

fn workload() -> Workload {
    Workload {
        pattern: Pattern::Random,
        operation: Operation::Mixed { read_percent: 30 },
        block_bytes: 4096,
        depth: 4,
        limit: Limit::Operations(1000),
        start: 65536,
        span: 32 * 4096,
        flush_every: Some(10),
        seed: 7,
    }
}

/// Counts what is asked of it, and where.
struct Counting {
    volume: Plain,
    reads: AtomicU64,
    writes: AtomicU64,
    flushes: AtomicU64,
    outside: AtomicU64,
}

impl Counting {
    fn new() -> Self {
        Self {
            volume: memory(),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            outside: AtomicU64::new(0),
        }
    }

    fn note(&self, offset: u64, bytes: usize) {
        let span = 65536..65536 + 32 * 4096;
        if bytes != 4096 || !offset.is_multiple_of(4096) || !span.contains(&offset) {
            self.outside.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> (u64, u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (
            of(&self.reads),
            of(&self.writes),
            of(&self.flushes),
            of(&self.outside),
        )
    }
}

impl Volume for Counting {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.note(offset, data.len());
        self.volume.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.note(offset, data.len());
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.volume.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.volume.write_zeroes(offset, bytes, keep_allocated)
    }
}

#[test]
fn a_plan_is_the_same_for_the_same_seed_and_no_other() {
    let plan: Vec<Step> = Plan::new(&workload()).collect();
    assert!(plan.iter().copied().eq(Plan::new(&workload())));
    let other = Workload {
        seed: 8,
        ..workload()
    };
    assert!(plan.iter().copied().ne(Plan::new(&other)));
    // Pinned: records of years ago are compared with runs of today.
    assert_eq!(
        plan[..6],
        [
            Step::Read(5),
            Step::Write(22),
            Step::Write(19),
            Step::Write(2),
            Step::Write(11),
            Step::Write(6)
        ]
    );
    let reads = plan.iter().filter(|step| matches!(step, Step::Read(_))).count();
    let writes = plan.iter().filter(|step| matches!(step, Step::Write(_))).count();
    let flushes = plan.iter().filter(|step| matches!(step, Step::Flush)).count();
    assert_eq!(reads + writes, 1000);
    assert!((250..350).contains(&reads), "{reads} reads at 30 %");
    assert_eq!(flushes, writes / 10);
}

#[test]
fn sequential_blocks_come_one_after_the_other_and_again() {
    let sequential = Workload {
        pattern: Pattern::Sequential,
        operation: Operation::Read,
        limit: Limit::Bytes(40 * 4096 - 1),
        ..workload()
    };
    let blocks: Vec<Step> = Plan::new(&sequential).collect();
    assert!(
        blocks
            .into_iter()
            .eq((0..40).map(|number| Step::Read(number % 32)))
    );
    let only_writes = Workload {
        operation: Operation::Mixed { read_percent: 0 },
        flush_every: None,
        ..workload()
    };
    assert!(Plan::new(&only_writes).all(|step| matches!(step, Step::Write(_))));
    let only_reads = Workload {
        operation: Operation::Mixed { read_percent: 100 },
        ..workload()
    };
    assert!(Plan::new(&only_reads).all(|step| matches!(step, Step::Read(_))));
}

#[test]
fn a_run_makes_exactly_the_planned_requests_at_every_depth() {
    let steps: Vec<Step> = Plan::new(&workload()).collect();
    let of = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count() as u64;
    let reads = of(|step| matches!(step, Step::Read(_)));
    let writes = of(|step| matches!(step, Step::Write(_)));
    for depth in [1, 2, 16] {
        let volume = Counting::new();
        let (outcome, written) = run(&Workload { depth, ..workload() }, &volume).expect("a run");
        assert_eq!(volume.counts(), (reads, writes, writes / 10, 0));
        assert_eq!(
            (outcome.reads.operations, outcome.reads.bytes),
            (reads, reads * 4096)
        );
        assert_eq!(
            (outcome.writes.operations, outcome.writes.bytes),
            (writes, writes * 4096)
        );
        assert_eq!(
            (outcome.flushes.operations, outcome.flushes.bytes),
            (writes / 10, 0)
        );
        assert_eq!(outcome.others.operations, 0);
        let latency = outcome.writes.latency;
        assert!(!latency.p50.is_zero() && latency.p50 <= latency.p95);
        assert!(latency.p95 <= latency.p99 && latency.p99 <= latency.max && latency.max <= outcome.elapsed);
        assert_eq!(
            written.verify(&volume).expect("what was written"),
            written.blocks()
        );
        assert_eq!(written.blocks(), 32);
    }
}

#[test]
fn driving_asks_the_same_and_writes_another_content_each_time() {
    let volume = Counting::new();
    let (expected, _) = run(&workload(), &Counting::new()).expect("a run");
    let outcome = drive(&workload(), &volume).expect("a run");
    assert_eq!(volume.counts().3, 0);
    let counts = |outcome: &Outcome| {
        let done = [outcome.reads, outcome.writes, outcome.flushes];
        done.map(|done| (done.operations, done.bytes))
    };
    assert_eq!(counts(&outcome), counts(&expected));
    let mut blocks = vec![0; 32 * 4096];
    volume.volume.read(65536, &mut blocks).expect("a read");
    let mut blocks: Vec<&[u8]> = blocks.chunks(4096).collect();
    blocks.sort_unstable();
    blocks.dedup();
    assert_eq!(blocks.len(), 32);
}

#[test]
fn verification_finds_one_changed_bit_a_stale_block_and_a_moved_one() {
    let volume = memory();
    let (_, written) = run(&workload(), &volume).expect("a run");
    let at = 65536 + 5 * 4096;
    let mut block = vec![0; 4096];
    volume.read(at, &mut block).expect("a block");
    let fault = |byte: usize| {
        let error = written.verify(&volume).expect_err("the fault");
        let BlocksError::Content(difference) = error else {
            panic!("{error}")
        };
        assert_eq!(difference.offset, at);
        assert_eq!(difference.at, at + byte as u64);
    };
    // The first byte of all, one of a mark, one of the content, the last of all.
    for byte in [0, 515, 777, 4095] {
        let mut changed = block.clone();
        changed[byte] ^= 0x10;
        volume.write(at, &changed).expect("a write");
        fault(byte);
    }
    let mut other = vec![0; 4096];
    volume.read(at + 4096, &mut other).expect("a block");
    volume.write(at, &other).expect("a write");
    assert!(matches!(written.verify(&volume), Err(BlocksError::Content(_))));
    // The block as it was before its last write: a shorter run with the same seed leaves it.
    let earlier = memory();
    let half = Workload {
        limit: Limit::Operations(500),
        ..workload()
    };
    run(&half, &earlier).expect("a run");
    earlier.read(at, &mut other).expect("a block");
    volume.write(at, &other).expect("a write");
    assert!(matches!(written.verify(&volume), Err(BlocksError::Content(_))));
    volume.write(at, &block).expect("a write");
    assert_eq!(written.verify(&volume).expect("whole again"), 32);
}

#[test]
fn verification_reads_blocks_written_once_and_no_others() {
    let volume = memory();
    let once = Workload {
        pattern: Pattern::Sequential,
        operation: Operation::Write,
        limit: Limit::Operations(20),
        ..workload()
    };
    let (_, written) = run(&once, &volume).expect("a run");
    assert_eq!(written.verify(&volume).expect("what was written"), 20);
    volume
        .write(65536 + 20 * 4096, &[1; 4096])
        .expect("a block that the run left alone");
    assert_eq!(written.verify(&volume).expect("what was written"), 20);
    volume.write(65536 + 19 * 4096, &[1; 512]).expect("a write");
    assert!(matches!(written.verify(&volume), Err(BlocksError::Content(_))));
}

#[test]
fn what_is_written_does_not_compress_and_differs_by_seed() {
    let all_blocks = Workload {
        pattern: Pattern::Sequential,
        operation: Operation::Write,
        limit: Limit::Operations(32),
        ..workload()
    };
    let contents = |workload: &Workload| {
        let volume = memory();
        run(workload, &volume).expect("a run");
        let mut data = vec![0; 32 * 4096];
        volume.read(65536, &mut data).expect("the blocks");
        data
    };
    let data = contents(&all_blocks);
    let packed = zstd::bulk::compress(&data, 19).expect("zstd");
    assert!(
        packed.len() > data.len() * 99 / 100,
        "{} of {}",
        packed.len(),
        data.len()
    );
    assert!(
        data != contents(&Workload {
            seed: 8,
            ..all_blocks
        })
    );
}

const MANY: u64 = 2_000_000;

#[test]
fn an_error_of_the_volume_ends_the_run_and_names_the_request() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(SIZE))));
    let volume = Plain::new(store.clone(), 512, false).expect("a volume");
    store.fail(Call::Write, 20, Fault::Once(std::io::ErrorKind::StorageFull));
    // Long enough that the other threads do not end by themselves while the one that failed waits for a CPU.
    let long = Workload {
        limit: Limit::Operations(MANY),
        ..workload()
    };
    let error = run(&long, &volume).map(|_| ()).expect_err("a full store");
    let BlocksError::Volume {
        operation,
        bytes,
        source,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!((operation, bytes), ("write", 4096));
    assert!(matches!(source, VolumeError::NoSpace { .. }));
    assert!(store.calls(Call::Write) < MANY, "the other threads went on");
}

#[test]
fn workloads_that_cannot_run_are_refused() {
    let volume = Plain::new(Arc::new(MemoryStore::new(SIZE)), 4096, false).expect("a volume");
    let right = workload();
    assert_eq!(right.check(&volume), Ok(()));
    let span = |start, span| {
        let wrong = Workload {
            start,
            span,
            ..workload()
        };
        assert!(
            matches!(wrong.check(&volume), Err(WorkloadError::Span { .. })),
            "{start} {span}"
        );
    };
    span(0, SIZE + 1);
    span(u64::MAX - 4095, 8192);
    span(512, 8192);
    span(0, 4095);
    for block_bytes in [0, 512, 4096 + 512, 8 << 20] {
        let wrong = Workload {
            block_bytes,
            ..workload()
        };
        assert!(
            matches!(wrong.check(&volume), Err(WorkloadError::BlockSize { .. })),
            "{block_bytes}"
        );
    }
    for depth in [0, 1025] {
        let wrong = Workload { depth, ..workload() };
        assert!(matches!(wrong.check(&volume), Err(WorkloadError::Depth { .. })));
    }
    let wrong = Workload {
        operation: Operation::Mixed { read_percent: 101 },
        ..workload()
    };
    assert_eq!(
        wrong.check(&volume),
        Err(WorkloadError::ReadPercent { found: 101 })
    );
    let wrong = Workload {
        flush_every: Some(0),
        ..workload()
    };
    assert_eq!(wrong.check(&volume), Err(WorkloadError::FlushEvery));
    let fixed = Plain::new(Arc::new(MemoryStore::new(SIZE)), 512, true).expect("a volume");
    assert_eq!(workload().check(&fixed), Err(WorkloadError::ReadOnly));
    assert_eq!(
        Workload {
            operation: Operation::Read,
            ..workload()
        }
        .check(&fixed),
        Ok(())
    );
}
