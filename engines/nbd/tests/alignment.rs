//! Requests of any alignment, on volumes of every block size, beside a plain array.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealab_nbd::AnyAlignment;
use sealab_volume::plain::Plain;
use sealab_volume::store::MemoryStore;
use sealab_volume::{Volume, VolumeError};

const SIZE: usize = 1 << 18;

fn volume(block: u32, read_only: bool) -> Arc<dyn Volume> {
    let store = Arc::new(MemoryStore::new(SIZE as u64));
    Arc::new(Plain::new(store, block, read_only).expect("a volume"))
}

/// The next number of a linear congruential generator.
fn next(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn every_request_does_what_it_does_to_an_array() {
    for block in [512, 4096, 65536] {
        let volume = AnyAlignment::new(volume(block, false));
        let mut model = vec![0; SIZE];
        let mut state = u64::from(block);
        for round in 0..600 {
            let offset = next(&mut state) % SIZE;
            let longest = if round % 3 == 0 { 1000 } else { 3 * block as usize };
            let mut length = (next(&mut state) % longest).min(SIZE - offset);
            let mut offset = offset;
            if round % 5 == 0 {
                // Whole blocks, as most requests are.
                offset -= offset % block as usize;
                length -= length % block as usize;
            }
            let range = offset..offset + length;
            match next(&mut state) % 3 {
                0 => {
                    let data = vec![round as u8; length];
                    volume.write(offset as u64, &data).expect("a write");
                    model[range].copy_from_slice(&data);
                }
                1 => {
                    let keep_allocated = round % 2 == 0;
                    volume
                        .write_zeroes(offset as u64, length as u64, keep_allocated)
                        .expect("zeroes");
                    model[range].fill(0);
                }
                _ => {
                    let mut data = vec![1; length];
                    volume.read(offset as u64, &mut data).expect("a read");
                    assert!(
                        data == model[range],
                        "{length} bytes at {offset} with blocks of {block}"
                    );
                }
            }
        }
        let mut all = vec![1; SIZE];
        volume.volume().read(0, &mut all).expect("all");
        assert!(all == model);
    }
}

#[test]
fn requests_past_the_end_and_writes_of_read_only_volumes_are_refused() {
    let any = AnyAlignment::new(volume(4096, false));
    for (offset, bytes) in [(SIZE as u64, 1), (SIZE as u64 - 1, 2), (u64::MAX, 2)] {
        assert!(matches!(
            any.read(offset, &mut vec![0; bytes]),
            Err(VolumeError::Range { .. })
        ));
        assert!(matches!(
            any.write(offset, &vec![0; bytes]),
            Err(VolumeError::Range { .. })
        ));
        assert!(matches!(
            any.discard(offset, bytes as u64),
            Err(VolumeError::Range { .. })
        ));
        let zeroed = any.write_zeroes(offset, bytes as u64, false);
        assert!(matches!(zeroed, Err(VolumeError::Range { .. })));
    }
    let fixed = AnyAlignment::new(volume(4096, true));
    for (offset, bytes) in [(0, 4096), (1, 5), (1, 10_000)] {
        assert!(matches!(
            fixed.write(offset, &vec![0; bytes]),
            Err(VolumeError::ReadOnly)
        ));
        assert!(matches!(
            fixed.discard(offset, bytes as u64),
            Err(VolumeError::ReadOnly)
        ));
        let zeroed = fixed.write_zeroes(offset, bytes as u64, true);
        assert!(matches!(zeroed, Err(VolumeError::ReadOnly)));
    }
}

/// Gives way between a read and what follows, so that others get between a read and its write if nothing keeps them.
struct Slow {
    volume: Arc<dyn Volume>,
    writes: AtomicU64,
}

impl Volume for Slow {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let result = self.volume.read(offset, data);
        std::thread::sleep(std::time::Duration::from_micros(200));
        result
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
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
fn a_whole_block_written_beside_a_part_of_it_is_not_undone() {
    let slow = Arc::new(Slow {
        volume: volume(4096, false),
        writes: AtomicU64::new(0),
    });
    let any = AnyAlignment::new(slow.clone());
    std::thread::scope(|scope| {
        // The first sector again and again, beside the whole block with its number rising.
        let parts = scope.spawn(|| {
            for _ in 0..100 {
                any.write(0, &[0xff; 512]).expect("a part");
            }
        });
        let mut number = 0;
        while !parts.is_finished() {
            number = (number + 1) % 0xff;
            any.write(0, &[number; 4096]).expect("a block");
            let mut block = [0; 4096];
            slow.volume.read(0, &mut block).expect("the block");
            assert_eq!(block[512..], [number; 3584], "an older block came back");
            std::thread::yield_now();
        }
    });
    assert!(slow.writes.load(Ordering::Relaxed) > 100);
}
