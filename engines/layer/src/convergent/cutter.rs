//! Cutting a stream into chunks by its content.

use std::io::Read;

use fastcdc::v2020::{FastCDC, Normalization};
use zeroize::Zeroizing;

use super::{AVERAGE_CHUNK_BYTES, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES};

/// How much is read ahead, in bytes.
const WINDOW_BYTES: usize = 8 * MAX_CHUNK_BYTES;

/// Cuts what a reader gives, a window at a time. Where chunks end depends on what is in them and the seed, not on where
/// windows end.
pub(super) struct Cutter {
    seed: u64,
    window: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Cutter {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            window: Zeroizing::new(vec![0; WINDOW_BYTES]),
            filled: 0,
        }
    }

    /// Reads on and gives the next chunks to `take`, one after another in one slice, with their lengths. Says whether
    /// there is more.
    pub(super) fn next<E: From<std::io::Error>>(
        &mut self,
        reader: &mut dyn Read,
        mut take: impl FnMut(&[u8], &[usize]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut ended = false;
        while self.filled < self.window.len() && !ended {
            match reader.read(&mut self.window[self.filled..]) {
                Ok(0) => ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let data = &self.window[..self.filled];
        let chunker = FastCDC::with_level_and_seed(
            data,
            MIN_CHUNK_BYTES,
            AVERAGE_CHUNK_BYTES,
            MAX_CHUNK_BYTES,
            Normalization::Level2,
            self.seed,
        );
        let mut lengths = Vec::new();
        let mut start = 0;
        // A chunk is cut where all of it must be here, or nothing more comes.
        while start < data.len() && (ended || data.len() - start >= MAX_CHUNK_BYTES) {
            let (_, end) = chunker.cut(start, data.len() - start);
            lengths.push(end - start);
            start = end;
        }
        take(&data[..start], &lengths)?;
        self.window.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(!ended)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn random(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        ChaCha8Rng::seed_from_u64(7).fill_bytes(&mut bytes);
        bytes
    }

    fn cut(seed: u64, mut reader: &mut dyn Read) -> (Vec<u8>, Vec<usize>) {
        let mut cutter = Cutter::new(seed);
        let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
        let mut more = true;
        while more {
            more = cutter
                .next(&mut reader, |data, cut| {
                    bytes.extend_from_slice(data);
                    lengths.extend_from_slice(cut);
                    Ok::<_, io::Error>(())
                })
                .unwrap();
        }
        (bytes, lengths)
    }

    #[test]
    fn chunks_are_within_their_bounds_and_give_the_stream() {
        for length in [
            0,
            1,
            MIN_CHUNK_BYTES,
            MAX_CHUNK_BYTES + 1,
            WINDOW_BYTES,
            3 * WINDOW_BYTES + 4711,
        ] {
            let bytes = random(length);
            let (found, lengths) = cut(1, &mut bytes.as_slice());
            assert!(found == bytes, "{length}");
            assert_eq!(lengths.iter().sum::<usize>(), length);
            let (last, others) = lengths.split_last().unwrap_or((&1, &[]));
            assert!(
                others
                    .iter()
                    .all(|chunk| (MIN_CHUNK_BYTES..=MAX_CHUNK_BYTES).contains(chunk))
            );
            assert!((1..=MAX_CHUNK_BYTES).contains(last));
        }
        // Zeros have no boundaries of their own.
        let (_, lengths) = cut(1, &mut io::repeat(0).take(3 * MAX_CHUNK_BYTES as u64));
        assert_eq!(lengths, [MAX_CHUNK_BYTES; 3]);
    }

    /// A reader that gives little at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(70_001);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn boundaries_are_the_contents_and_the_seeds() {
        let bytes = random(3 * WINDOW_BYTES);
        let (_, whole) = cut(1, &mut bytes.as_slice());
        assert_eq!(cut(1, &mut Slow(&bytes)).1, whole);
        assert_ne!(cut(2, &mut bytes.as_slice()).1, whole);
        // Bytes put in front shift all others, and the boundaries with them.
        let shifted = [&random(1000)[..], &bytes].concat();
        let (_, after) = cut(1, &mut shifted.as_slice());
        let same = whole
            .iter()
            .rev()
            .zip(after.iter().rev())
            .take_while(|(one, other)| one == other);
        assert!(same.count() > whole.len() - 8, "{whole:?} {after:?}");
        let average = 3 * WINDOW_BYTES / whole.len();
        assert!(
            (AVERAGE_CHUNK_BYTES / 2..2 * AVERAGE_CHUNK_BYTES).contains(&average),
            "{average}"
        );
    }
}
