//! Traces are read strictly, recorded truly and replayed in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealab_blocks::trace::{Operation, Order, Recording, Replay, Trace, TraceError, database};
use sealab_blocks::{BlocksError, WorkloadError};
use sealab_volume::plain::Plain;
use sealab_volume::store::MemoryStore;
use sealab_volume::{Volume, VolumeError};

const SIZE: u64 = 1 << 20;

fn memory() -> Plain {
    Plain::new(Arc::new(MemoryStore::new(SIZE)), 512, false).expect("a volume")
}

/// Output that a test can look at afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_recording_holds_what_was_asked_and_reads_back() {
    let output = Shared::default();
    let volume = Recording::new(memory(), output.clone());
    volume.write(4096, &[1; 8192]).expect("a write");
    volume.read(512, &mut [0; 512]).expect("a read");
    volume.flush().expect("a flush");
    volume.discard(0, 4096).expect("a discard");
    volume.write_zeroes(4096, 512, true).expect("zeroes");
    volume.write_zeroes(8192, 512, false).expect("zeroes");
    assert!(matches!(
        volume.read(SIZE, &mut [0; 512]),
        Err(VolumeError::Range { .. })
    ));
    volume.read(0, &mut []).expect("nothing");
    volume.finish().expect("a trace");
    let text = output.0.lock().expect("no panic").clone();
    let trace = Trace::read(text.as_slice()).expect("a trace");
    let requests: Vec<_> = trace
        .requests()
        .iter()
        .map(|request| (request.operation, request.offset, request.bytes))
        .collect();
    assert_eq!(
        requests,
        [
            (Operation::Write, 4096, 8192),
            (Operation::Read, 512, 512),
            (Operation::Flush, 0, 0),
            (Operation::Discard, 0, 4096),
            (Operation::WriteZeroes { keep_allocated: true }, 4096, 512),
            (
                Operation::WriteZeroes {
                    keep_allocated: false
                },
                8192,
                512
            ),
        ]
    );
    assert_eq!(trace.size(), SIZE);
    assert_eq!(trace.to_string().as_bytes(), text);
}

#[test]
fn a_recording_that_cannot_be_written_fails_no_request_and_says_so() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let volume = Recording::new(memory(), Full);
    for _ in 0..2000 {
        volume.write(0, &[0; 512]).expect("a write");
    }
    assert_eq!(
        volume.finish().expect_err("no room").kind(),
        std::io::ErrorKind::StorageFull
    );
}

#[test]
fn what_is_not_a_trace_is_refused_with_its_line() {
    let head = "sealab-trace 1\nsize 4096\n";
    let right = format!("{head}# a note\n\n5 r 0 512\n5 w 512 512\n9 f 0 0\n9 Z 0 4096");
    assert_eq!(
        Trace::read(right.as_bytes()).expect("a trace").requests().len(),
        4
    );
    let wrong = |text: &str, at: u64, wanted: &str| match Trace::read(text.as_bytes()) {
        Err(TraceError::Line {
            line, wanted: said, ..
        }) => {
            assert_eq!(line, at, "{text:?}");
            assert!(said.contains(wanted), "{text:?}: {said}");
        }
        other => panic!("{text:?}: {other:?}"),
    };
    wrong("", 1, "first line");
    wrong("sealab-trace 2\nsize 1\n", 1, "first line");
    wrong("sealab-trace 1\n", 2, "second line");
    wrong("sealab-trace 1\nsize -1\n", 2, "second line");
    wrong("sealab-trace 1\nsize 99999999999999999999\n", 2, "second line");
    for (line, wanted) in [
        ("1 r 0", "one space"),
        ("1 r 0 512 x", "one space"),
        ("1  r 0 512", "one space"),
        ("+1 r 0 512", "microseconds"),
        ("1 x 0 512", "operation"),
        ("1 r 0x0 512", "offset"),
        ("1 r 007 512", "offset"),
        ("1 r 0 ", "length"),
        ("1 r 0 0", "at least a byte"),
        ("1 r 4096 1", "within"),
        ("1 w 18446744073709551615 2", "within"),
        ("1 f 0 512", "flush"),
    ] {
        wrong(&format!("{head}{line}\n"), 3, wanted);
    }
    wrong(&format!("{head}5 r 0 512\n4 r 0 512\n"), 4, "order");
    wrong(&format!("{head}# {}\n", "x".repeat(300)), 3, "256");
    let not_text = [head.as_bytes(), b"\xff\n"].concat();
    assert!(matches!(
        Trace::read(not_text.as_slice()),
        Err(TraceError::Line { line: 3, .. })
    ));
}

/// Notes when requests begin and end, and takes its time over them.
struct Log {
    volume: Plain,
    events: Mutex<Vec<(char, u64)>>,
}

impl Log {
    fn new() -> Self {
        Self {
            volume: memory(),
            events: Mutex::new(Vec::new()),
        }
    }

    fn note(&self, event: char, offset: u64) {
        self.events.lock().expect("no panic").push((event, offset));
    }
}

impl Volume for Log {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        self.volume.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.note('w', offset);
        std::thread::sleep(Duration::from_millis(2));
        let result = self.volume.write(offset, data);
        self.note('W', offset);
        result
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.note('f', 0);
        std::thread::sleep(Duration::from_millis(2));
        self.note('F', 0);
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.volume.write_zeroes(offset, bytes, keep_allocated)
    }
}

/// Ten times four writes and a flush.
fn writes_and_flushes() -> Trace {
    let mut text = format!("sealab-trace 1\nsize {SIZE}\n");
    for number in 0..40 {
        text += &format!("{} w {} 512\n", number * 100, number * 512);
        if number % 4 == 3 {
            text += &format!("{} f 0 0\n", number * 100);
        }
    }
    Trace::read(text.as_bytes()).expect("a trace")
}

#[test]
fn flushes_wait_for_what_is_above_them_and_are_waited_for() {
    for (order, depth) in [(Order::Barriers, 4), (Order::Recorded, 3), (Order::Barriers, 1)] {
        let volume = Log::new();
        let outcome = writes_and_flushes()
            .replay(
                Replay {
                    order,
                    depth,
                    seed: 1,
                },
                &volume,
            )
            .expect("a replay");
        assert_eq!((outcome.writes.operations, outcome.writes.bytes), (40, 40 * 512));
        assert_eq!(outcome.flushes.operations, 10);
        let events = volume.events.lock().expect("no panic");
        let mut running = 0;
        let mut done = 0;
        for (event, offset) in events.iter() {
            match event {
                'w' => {
                    assert_eq!(
                        offset / 512 / 4,
                        done / 4,
                        "{order:?}: a write went before its flush"
                    );
                    running += 1;
                }
                'W' => {
                    running -= 1;
                    done += 1;
                }
                'f' => assert!(running == 0 && done % 4 == 0, "{order:?}: a flush did not wait"),
                _ => assert_eq!(running, 0, "{order:?}: a write did not wait for the flush"),
            }
        }
        if order == Order::Recorded {
            assert!(
                outcome.elapsed >= Duration::from_micros(3900),
                "the pace was not kept"
            );
        }
    }
}

#[test]
fn without_barriers_flushes_run_beside_writes() {
    let volume = Log::new();
    let free = Replay {
        order: Order::Free,
        depth: 8,
        seed: 1,
    };
    let outcome = writes_and_flushes().replay(free, &volume).expect("a replay");
    assert_eq!((outcome.writes.operations, outcome.flushes.operations), (40, 10));
    let events = volume.events.lock().expect("no panic");
    let mut running = 0;
    let beside = events.iter().any(|(event, _)| {
        running += match event {
            'w' => 1,
            'W' => -1,
            _ => 0,
        };
        *event == 'f' && running > 0
    });
    assert!(beside);
}

#[test]
fn traces_that_do_not_fit_the_volume_are_refused_before_anything_is_done() {
    let options = Replay {
        order: Order::Free,
        depth: 1,
        seed: 1,
    };
    let small = Plain::new(Arc::new(MemoryStore::new(4096)), 512, false).expect("a volume");
    let coarse = Plain::new(Arc::new(MemoryStore::new(SIZE)), 4096, false).expect("a volume");
    for (volume, at) in [(small, 11), (coarse, 1)] {
        match writes_and_flushes().replay(options, &volume) {
            Err(BlocksError::Workload(WorkloadError::Trace { number, .. })) => assert_eq!(number, at),
            other => panic!("{other:?}"),
        }
        let mut first = [1; 4096];
        volume.read(0, &mut first).expect("a block");
        assert_eq!(first, [0; 4096]);
    }
    let fixed = Plain::new(Arc::new(MemoryStore::new(SIZE)), 512, true).expect("a volume");
    let refused = writes_and_flushes().replay(options, &fixed);
    assert!(matches!(
        refused,
        Err(BlocksError::Workload(WorkloadError::ReadOnly))
    ));
    let none = Replay { depth: 0, ..options };
    assert!(matches!(
        writes_and_flushes().replay(none, &memory()),
        Err(BlocksError::Workload(WorkloadError::Depth { found: 0, .. }))
    ));
}

#[test]
fn the_shipped_trace_is_what_its_provenance_says_and_replays() {
    let trace = database().expect("the trace");
    let provenance = include_str!("../data/README.md");
    let (reads, read) = trace.count(Operation::Read);
    let (writes, written) = trace.count(Operation::Write);
    let (flushes, _) = trace.count(Operation::Flush);
    let (discards, _) = trace.count(Operation::Discard);
    let zeroes = [false, true].map(|keep_allocated| trace.count(Operation::WriteZeroes { keep_allocated }).0);
    let last = trace.requests().last().expect("requests").micros;
    for line in [
        format!("size {}", trace.size()),
        format!("reads {reads} bytes {read}"),
        format!("writes {writes} bytes {written}"),
        format!("flushes {flushes}"),
        format!("discards {discards}"),
        format!("writes-of-zeroes {}", zeroes[0] + zeroes[1]),
        format!("microseconds {last}"),
    ] {
        assert!(
            provenance.lines().any(|said| said.trim() == line),
            "{line}: not what data/README.md says"
        );
    }
    let store = Arc::new(MemoryStore::new(trace.size()));
    let volume = Plain::new(store, 4096, false).expect("a volume");
    let options = Replay {
        order: Order::Barriers,
        depth: 4,
        seed: 1,
    };
    let outcome = trace.replay(options, &volume).expect("a replay");
    assert_eq!((outcome.reads.operations, outcome.reads.bytes), (reads, read));
    assert_eq!(
        (outcome.writes.operations, outcome.writes.bytes),
        (writes, written)
    );
    assert_eq!(outcome.flushes.operations, flushes);
}

#[test]
fn touched_bytes_are_whole_ranges_apart_from_each_other() {
    let text = "sealab-trace 1\nsize 65536\n0 w 8192 4096\n1 r 0 4096\n2 f 0 0\n3 r 4096 8192\n4 w 32768 4096\n5 d 49152 4096\n";
    let trace = Trace::read(text.as_bytes()).expect("a trace");
    assert_eq!(trace.touched(), [0..12288, 32768..36864]);
}
