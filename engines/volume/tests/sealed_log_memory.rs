//! The memory of a sealed log's index is never more than it is told, whatever is written, flushed, given up and opened.
//!
//! In a process of its own: every allocation is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealab_engine::Engine;
use sealab_volume::Volume;
use sealab_volume::luks::Argon2Cost;
use sealab_volume::sealed_log::{CreateOptions, OpenOptions, SealedLog, create, open, store_bytes};
use sealab_volume::store::{FileStore, Store};

const BLOCK: u64 = 4096;

/// What is allocated, and the most that was, in bytes.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

impl Counting {
    fn more(bytes: usize) {
        let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
        MOST.fetch_max(held, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came, which keeps the promises of the trait.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::more(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    // Zeroes are asked for as such, so that what is never touched is never there.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::more(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above; the pointer came from this allocator, which took it from the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// A file that is never synced, which would take the most time.
struct Unsynced(FileStore);

impl Store for Unsynced {
    fn name(&self) -> String {
        self.0.name()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.0.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.0.write_zeroes(offset, bytes, keep_allocated)
    }
}

/// What is allocated at most while `work` is done, beside what was before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let done = work();
    (done, MOST.load(Ordering::Relaxed) - before)
}

fn write(log: &SealedLog, blocks: u64, count: u64, state: &mut u64) {
    for number in 0..count {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let offset = *state % blocks * BLOCK;
        log.write(offset, &[number as u8; BLOCK as usize])
            .expect("a write");
    }
}

#[test]
fn the_index_takes_no_more_memory_than_it_is_told() {
    let engine: Arc<dyn Engine> = Arc::from((sealab_engine_aws_lc::CANDIDATE.open)().expect("an engine"));
    let cost = Argon2Cost {
        time: 4,
        memory: 32,
        cpus: 1,
    };
    // Blocks that wait to be written, and what a few requests take.
    let beside = (1 << 20) + (256 << 10);
    for (gibibytes, memory) in [(2, 8 << 20), (64, 12 << 20)] {
        let folder = tempfile::tempdir().expect("a folder");
        let size = store_bytes(gibibytes << 30).expect("a size");
        let store = FileStore::create(folder.path().join("log"), size).expect("a file");
        create(&*engine, &store, b"passphrase", &CreateOptions { cost }, None).expect("a log");
        let store = Arc::new(Unsynced(store));
        let options = OpenOptions {
            index_memory: memory,
            ..OpenOptions::default()
        };
        let opened =
            || open(engine.clone(), store.clone(), b"passphrase", &options, None).expect("an open log");
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let ((), most) = peak(|| {
            let log = opened();
            let blocks = log.size() / BLOCK;
            // New blocks, a commit of as many as there may be, and then the same ones again without any.
            write(&log, blocks, 150_000, &mut state);
            log.flush().expect("a flush");
            assert!(log.statistics().index_writes > 0);
            write(&log, 40_000, 150_000, &mut state);
            log.clean(64).expect("cleaning");
            log.discard(0, 64 << 20).expect("a discard");
            for _ in 0..2000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let mut data = [0; BLOCK as usize];
                log.read((state >> 20) % blocks * BLOCK, &mut data)
                    .expect("a read");
            }
            log.flush().expect("a flush");
        });
        assert!(most <= memory + beside, "{gibibytes} GiB, {memory}: {most}");
        // It is used, too.
        assert!(most >= memory / 2, "{gibibytes} GiB, {memory}: {most}");
        let (log, most) = peak(opened);
        drop(log);
        assert!(
            most <= memory + beside,
            "{gibibytes} GiB, opening, {memory}: {most}"
        );
    }
}
