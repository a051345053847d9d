//! The lab's own program to be dumped: memory of known content, verified piece by piece while it counts.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use sealab_memory::{ByteSize, Content, Memhog, Workload};
use sha2::{Digest, Sha256};

/// What is filled with one content, and verified in one go.
const PIECE: usize = 256 << 10;
/// Between two counts.
const PAUSE: Duration = Duration::from_millis(1);

/// What the program tells of itself: three little-endian 64-bit numbers, appended to a file. CRIU refuses a file whose length
/// has changed since the dump, as it would with a log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Status {
    /// Pieces verified so far.
    pub(crate) count: u64,
    /// Pieces of its memory.
    pub(crate) pieces: u64,
    /// Whether one was not as it was.
    pub(crate) wrong: bool,
}

impl Status {
    /// The last that was told.
    pub(crate) fn last(file: &[u8]) -> Option<Self> {
        let [count, pieces, wrong] = file.as_chunks::<8>().0.as_chunks::<3>().0.last()?;
        Some(Self {
            count: u64::from_le_bytes(*count),
            pieces: u64::from_le_bytes(*pieces),
            wrong: u64::from_le_bytes(*wrong) != 0,
        })
    }

    fn append(self, mut file: &File) -> io::Result<()> {
        let numbers = [self.count, self.pieces, self.wrong.into()];
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        file.write_all(&bytes)
    }
}

/// Fills `size` bytes, in turn with zeros, text, random bytes, pointers into this memory, and the mixture of a process;
/// then verifies piece after piece and tells its count in the file `status`, until it is killed.
///
/// For the hidden mode of a program, whose command line goes to [`crate::Criu::with_mixture`].
///
/// # Errors
/// The memory or the file cannot be had, or the memory has changed.
pub fn mixture(size: ByteSize, status: &Path) -> io::Result<Infallible> {
    let file = File::create(status)?;
    let length = size.to_usize().ok_or(io::ErrorKind::OutOfMemory)?;
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(length)?;
    memory.resize(length, 0);
    for (index, piece) in memory.chunks_mut(PIECE).enumerate() {
        fill(piece, index)?;
    }
    let digests: Vec<_> = memory.chunks(PIECE).map(Sha256::digest).collect();
    let mut now = Status {
        count: 0,
        pieces: digests.len() as u64,
        wrong: false,
    };
    loop {
        for (piece, digest) in memory.chunks(PIECE).zip(&digests) {
            // The optimiser must not know that nothing has changed.
            if Sha256::digest(std::hint::black_box(piece)) != *digest {
                now.wrong = true;
                now.append(&file)?;
                return Err(io::Error::other("the memory has changed"));
            }
            now.count += 1;
            now.append(&file)?;
            thread::sleep(PAUSE);
        }
    }
}

fn fill(piece: &mut [u8], index: usize) -> io::Result<()> {
    let content = match index % 5 {
        0 => return Ok(()),
        1 => Content::Text,
        2 => Content::Random,
        3 => {
            pointers(piece, index);
            return Ok(());
        }
        _ => Content::Mixed,
    };
    let whole = ByteSize::from_bytes(PIECE as u64).map_err(io::Error::other)?;
    let workload = Workload::Memhog(Memhog {
        size: whole,
        content,
        duplicates: Default::default(),
        seed: index as u64,
    });
    let mut bytes = vec![0; PIECE];
    let prepared = workload
        .prepare(&AtomicBool::new(false))
        .map_err(io::Error::other)?;
    prepared.write_to(&mut bytes).map_err(io::Error::other)?;
    piece.copy_from_slice(&bytes[..piece.len()]);
    Ok(())
}

/// A list that goes through the piece in large steps, as a heap's does: each word is the address of another.
fn pointers(piece: &mut [u8], index: usize) {
    let start = piece.as_ptr().addr();
    let words = piece.len() / 8;
    for (word, bytes) in piece.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let next = (word * 2654435761 + index) % words;
        *bytes = (start + next * 8).to_le_bytes();
    }
}
