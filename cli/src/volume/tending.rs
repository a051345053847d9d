//! Room made in a sealed log while nobody writes to it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sealab_volume::sealed_log::SealedLog;
use sealab_volume::{Volume, VolumeError};

/// For so long nothing was written before room is made; twice that at most.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// A log that counts what it is asked for.
pub(super) struct Tended {
    log: SealedLog,
    writes: AtomicU64,
    flushes: AtomicU64,
}

impl Tended {
    pub(super) fn new(log: SealedLog) -> Self {
        Self {
            log,
            writes: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
        }
    }

    fn written(&self) -> &SealedLog {
        self.writes.fetch_add(1, Ordering::Relaxed);
        &self.log
    }
}

impl Volume for Tended {
    fn size(&self) -> u64 {
        self.log.size()
    }

    fn block_size(&self) -> u32 {
        self.log.block_size()
    }

    fn read_only(&self) -> bool {
        self.log.read_only()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        self.log.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.written().write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.log.flush()?;
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.written().discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.written().write_zeroes(offset, bytes, keep_allocated)
    }
}

/// A thread that makes room, until this is dropped.
pub(super) struct Tending {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Tending {
    /// Makes room in `volume` whenever nothing was written for `quiet`. It never flushes: what a client wrote between two
    /// flushes stays one, and what was moved is of use with the client's next flush.
    pub(super) fn start(volume: Arc<Tended>, quiet: Duration) -> Self {
        let (end, ended) = channel();
        let thread = thread::spawn(move || {
            let writes = || volume.writes.load(Ordering::Relaxed);
            let flushes = || volume.flushes.load(Ordering::Relaxed);
            let (mut seen, mut tidied) = (writes(), writes());
            // The flushes there had been when something was moved last.
            let mut moved_at = None;
            while ended.recv_timeout(quiet) == Err(RecvTimeoutError::Timeout) {
                let now = writes();
                if now != std::mem::replace(&mut seen, now) {
                    continue;
                }
                // There is more to move, perhaps, once what was moved is flushed.
                let more = moved_at.is_some_and(|then| then != flushes());
                if now == tidied && !more {
                    continue;
                }
                let then = flushes();
                // As much as one look at the index is worth; requests go on meanwhile.
                match volume.log.clean(usize::MAX) {
                    Ok(moved) => moved_at = (moved > 0).then_some(then),
                    Err(error) => {
                        // Nobody is left to tell that standard error is gone.
                        let _ = writeln!(io::stderr(), "sealab: no more room is made in the log: {error}");
                        return;
                    }
                }
                tidied = now;
            }
        });
        Self {
            running: Some((end, thread)),
        }
    }
}

impl Drop for Tending {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.running.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use sealab_volume::luks::Argon2Cost;
    use sealab_volume::sealed_log::{BLOCK_BYTES, CreateOptions, OpenOptions, create, open};
    use sealab_volume::store::MemoryStore;

    use super::*;

    const BLOCKS: u64 = 2048;
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A log of which every eighth block is in use, in segments that were full.
    fn sparse() -> Arc<Tended> {
        let engine: Arc<dyn sealab_engine::Engine> = crate::engine::open(None, &[]).unwrap().into();
        let store = Arc::new(MemoryStore::new(32 << 20));
        let cost = Argon2Cost {
            time: 4,
            memory: 32,
            cpus: 1,
        };
        create(&*engine, &*store, b"a passphrase", &CreateOptions { cost }, None).unwrap();
        let log = open(engine, store, b"a passphrase", &OpenOptions::default(), None).unwrap();
        let volume = Arc::new(Tended::new(log));
        let block = BLOCK_BYTES as u64;
        for number in 0..BLOCKS {
            volume
                .write(number * block, &[number as u8; BLOCK_BYTES])
                .unwrap();
        }
        volume.flush().unwrap();
        for number in (0..BLOCKS).filter(|number| number % 8 != 0) {
            volume.discard(number * block, block).unwrap();
        }
        volume.flush().unwrap();
        volume
    }

    fn moved(volume: &Tended) -> u64 {
        volume.log.statistics().moved_blocks
    }

    #[test]
    fn room_is_made_when_nothing_is_written_for_a_while() {
        let volume = sparse();
        let tending = Tending::start(volume.clone(), Duration::from_millis(20));
        // What was written before it began is nothing that it waits for.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(moved(&volume), 0);
        volume.write(0, &[0; BLOCK_BYTES]).unwrap();
        let begun = Instant::now();
        while moved(&volume) == 0 {
            assert!(begun.elapsed() < PATIENCE, "nothing is moved");
            thread::sleep(Duration::from_millis(5));
        }
        drop(tending);
        let last = moved(&volume);
        volume.write(0, &[0; BLOCK_BYTES]).unwrap();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(moved(&volume), last, "the thread lives on");
        let mut data = [0; BLOCK_BYTES];
        for number in (0..BLOCKS).step_by(8) {
            volume.read(number * BLOCK_BYTES as u64, &mut data).unwrap();
            assert_eq!(data, [number as u8; BLOCK_BYTES]);
        }
    }
}
