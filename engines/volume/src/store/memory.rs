//! A store in memory.

use std::io;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use super::{Store, check_range, pieces};

/// Bytes under one lock; as a store's place for them is found only when they are written, big empty stores are free.
const PART_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 4096;

/// The bytes of a part, if it was written.
type Part = RwLock<Option<Box<[u8]>>>;

/// Bytes in memory, zeroes to begin with. Reads and writes within an aligned mebibyte are atomic; each is
/// lent on its own, to readers once it was written.
pub struct MemoryStore {
    size: u64,
    parts: Vec<Part>,
}

impl MemoryStore {
    /// A store of `size` zero bytes.
    pub fn new(size: u64) -> Self {
        let parts = size.div_ceil(PART_BYTES as u64);
        Self {
            size,
            parts: (0..parts).map(|_| RwLock::new(None)).collect(),
        }
    }

    /// How many bytes have room: those of every part that was written and not given back.
    pub fn allocated(&self) -> u64 {
        let with_room = self.parts.iter().filter(|part| read(part).is_some()).count();
        (with_room * PART_BYTES) as u64
    }

    /// A copy of all bytes.
    pub fn contents(&self) -> io::Result<Vec<u8>> {
        let mut all = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        self.read_at(0, &mut all)?;
        Ok(all)
    }

    /// Where of `length` bytes the first lie: those in one part, whole units.
    fn within(&self, offset: u64, length: usize, unit: usize) -> io::Result<Option<(&Part, Range<usize>)>> {
        check_range(self, offset, length as u64)?;
        let start = (offset % PART_BYTES as u64) as usize;
        let bytes = length.min(PART_BYTES - start) / unit.max(1) * unit.max(1);
        if bytes == 0 {
            return Ok(None);
        }
        // It fits: the part is one of a vector.
        let part = &self.parts[(offset / PART_BYTES as u64) as usize];
        Ok(Some((part, start..start + bytes)))
    }

    fn walk(
        &self,
        offset: u64,
        bytes: u64,
        mut visit: impl FnMut(&Part, Range<usize>, Range<usize>),
    ) -> io::Result<()> {
        check_range(self, offset, bytes)?;
        for piece in pieces(offset, bytes, PART_BYTES as u64) {
            // Both fit: the part is one of a vector, the rest is less than PART_BYTES.
            let part = (piece.start / PART_BYTES as u64) as usize;
            let start = (piece.start % PART_BYTES as u64) as usize;
            let length = (piece.end - piece.start) as usize;
            let before = (piece.start - offset) as usize;
            visit(&self.parts[part], start..start + length, before..before + length);
        }
        Ok(())
    }
}

fn read(part: &Part) -> std::sync::RwLockReadGuard<'_, Option<Box<[u8]>>> {
    part.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(part: &Part) -> std::sync::RwLockWriteGuard<'_, Option<Box<[u8]>>> {
    part.write().unwrap_or_else(PoisonError::into_inner)
}

/// Copies page by page: a long copy goes past the caches on many machines, and what is copied is needed next.
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.chunks_mut(PAGE_BYTES).zip(from.chunks(PAGE_BYTES)) {
        to.copy_from_slice(from);
    }
}

fn zeroes() -> Box<[u8]> {
    vec![0; PART_BYTES].into_boxed_slice()
}

impl From<Vec<u8>> for MemoryStore {
    fn from(bytes: Vec<u8>) -> Self {
        let store = Self::new(bytes.len() as u64);
        for (part, bytes) in store.parts.iter().zip(bytes.chunks(PART_BYTES)) {
            write(part).get_or_insert_with(zeroes)[..bytes.len()].copy_from_slice(bytes);
        }
        store
    }
}

impl Store for MemoryStore {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.walk(offset, data.len() as u64, |part, inside, outside| {
            match &*read(part) {
                Some(bytes) => copy(&mut data[outside], &bytes[inside]),
                None => data[outside].fill(0),
            }
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.walk(offset, data.len() as u64, |part, inside, outside| {
            copy(
                &mut write(part).get_or_insert_with(zeroes)[inside],
                &data[outside],
            );
        })
    }

    fn lend(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<usize> {
        let Some((part, inside)) = self.within(offset, length, unit)? else {
            return Ok(0);
        };
        let part = read(part);
        let lent = part.as_deref().map(|bytes| &bytes[inside]);
        lent.into_iter().for_each(&mut *take);
        Ok(lent.map_or(0, <[u8]>::len))
    }

    fn lend_mut(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&mut [u8]),
    ) -> io::Result<usize> {
        let Some((part, inside)) = self.within(offset, length, unit)? else {
            return Ok(0);
        };
        let bytes = inside.len();
        take(&mut write(part).get_or_insert_with(zeroes)[inside]);
        Ok(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.write_zeroes(offset, bytes, false)?;
        Ok(true)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.walk(offset, bytes, |part, inside, _| {
            let mut part = write(part);
            if inside.len() == PART_BYTES && !keep_allocated {
                *part = None;
            } else if keep_allocated {
                part.get_or_insert_with(zeroes)[inside].fill(0);
            } else if let Some(bytes) = &mut *part {
                bytes[inside].fill(0);
            }
        })
    }
}
