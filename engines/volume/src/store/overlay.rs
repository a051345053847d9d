//! A store over another, which stays as it is: for many states of one image at the price of what differs.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Store, check_range, pieces};

const BLOCK_BYTES: u64 = 4096;

type Block = Box<[u8; BLOCK_BYTES as usize]>;

/// What was changed since the store beneath was written, in memory; that store is only read. Lends nothing.
///
/// The power can be cut ([`OverlayStore::cut`]), for opening what a process left that never closed its volume.
pub struct OverlayStore {
    beneath: Arc<dyn Store>,
    /// The changed blocks by number; nothing once the power is cut.
    changed: RwLock<Option<HashMap<u64, Block>>>,
}

impl OverlayStore {
    /// `beneath` as it is.
    pub fn new(beneath: Arc<dyn Store>) -> Self {
        Self {
            beneath,
            changed: RwLock::new(Some(HashMap::new())),
        }
    }

    /// Has every later call to this store fail, and gives a store that holds what this one held.
    pub fn cut(&self) -> Self {
        let changed = self
            .changed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Self {
            beneath: self.beneath.clone(),
            changed: RwLock::new(changed),
        }
    }

    fn reading(&self) -> RwLockReadGuard<'_, Option<HashMap<u64, Block>>> {
        self.changed.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Option<HashMap<u64, Block>>> {
        self.changed.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `change` put `bytes` bytes from `offset` on: a block's part and where it lies among the bytes.
    fn change(&self, offset: u64, bytes: u64, mut change: impl FnMut(&mut [u8], usize)) -> io::Result<()> {
        check_range(self, offset, bytes)?;
        let mut changed = self.writing();
        let changed = changed.as_mut().ok_or_else(off)?;
        for piece in pieces(offset, bytes, BLOCK_BYTES) {
            let number = piece.start / BLOCK_BYTES;
            let start = number * BLOCK_BYTES;
            let block = match changed.entry(number) {
                std::collections::hash_map::Entry::Occupied(block) => block.into_mut(),
                std::collections::hash_map::Entry::Vacant(place) => {
                    let mut block: Block = Box::new([0; BLOCK_BYTES as usize]);
                    // The last block may be a part of one.
                    let there = BLOCK_BYTES.min(self.beneath.size() - start) as usize;
                    if piece.end - piece.start < there as u64 {
                        self.beneath.read_at(start, &mut block[..there])?;
                    }
                    place.insert(block)
                }
            };
            // All within a block, or within a request.
            let inside = (piece.start - start) as usize..(piece.end - start) as usize;
            change(&mut block[inside], (piece.start - offset) as usize);
        }
        Ok(())
    }
}

fn off() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the power was cut")
}

impl Store for OverlayStore {
    fn name(&self) -> String {
        format!("a layer over {}", self.beneath.name())
    }

    fn size(&self) -> u64 {
        self.beneath.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        check_range(self, offset, data.len() as u64)?;
        let changed = self.reading();
        let changed = changed.as_ref().ok_or_else(off)?;
        let mut start = offset;
        let mut rest = data;
        while !rest.is_empty() {
            // As many bytes as lie in one changed block, or before the next one.
            let mut end = (start / BLOCK_BYTES + 1) * BLOCK_BYTES;
            let last = start + rest.len() as u64;
            let block = changed.get(&(start / BLOCK_BYTES));
            while block.is_none() && end < last && !changed.contains_key(&(end / BLOCK_BYTES)) {
                end += BLOCK_BYTES;
            }
            let (part, later) = rest.split_at_mut((end.min(last) - start) as usize);
            match block {
                Some(block) => {
                    let inside = (start % BLOCK_BYTES) as usize;
                    part.copy_from_slice(&block[inside..inside + part.len()]);
                }
                None => self.beneath.read_at(start, part)?,
            }
            start += part.len() as u64;
            rest = later;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(offset, data.len() as u64, |part, at| {
            part.copy_from_slice(&data[at..at + part.len()]);
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.reading().as_ref().map(|_| ()).ok_or_else(off)
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.write_zeroes(offset, bytes, false)?;
        Ok(true)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, _keep_allocated: bool) -> io::Result<()> {
        self.change(offset, bytes, |part, _| part.fill(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    const SIZE: u64 = 10 * BLOCK_BYTES + 100;

    fn beneath() -> (Arc<MemoryStore>, Vec<u8>) {
        let bytes: Vec<u8> = (0..SIZE).map(|at| (at / 7) as u8).collect();
        (Arc::new(MemoryStore::from(bytes.clone())), bytes)
    }

    fn contents(store: &dyn Store) -> Vec<u8> {
        let mut all = vec![0; SIZE as usize];
        store.read_at(0, &mut all).unwrap();
        all
    }

    #[test]
    fn changes_are_seen_above_and_never_beneath() {
        let (beneath, bytes) = beneath();
        let overlay = OverlayStore::new(beneath.clone());
        let mut expected = bytes.clone();
        for (offset, length) in [
            (0, 1),
            (4000, 200),
            (8192, 4096),
            (20000, 9000),
            (SIZE - 150, 150),
        ] {
            let data: Vec<u8> = (0..length).map(|at| (at % 251) as u8 ^ 0x80).collect();
            overlay.write_at(offset, &data).unwrap();
            expected[offset as usize..][..length].copy_from_slice(&data);
            assert!(contents(&overlay) == expected, "{offset}");
        }
        overlay.write_zeroes(4090, 10, false).unwrap();
        expected[4090..4100].fill(0);
        assert!(contents(&overlay) == expected);
        let mut part = [0; 5000];
        overlay.read_at(3000, &mut part).unwrap();
        assert_eq!(part[..], expected[3000..8000]);
        assert!(contents(&*beneath) == bytes);
        assert!(overlay.write_at(SIZE - 1, &[0; 2]).is_err());
    }

    #[test]
    fn after_a_cut_the_old_one_fails_and_the_new_one_holds_what_it_held() {
        let (beneath, mut expected) = beneath();
        let old = OverlayStore::new(beneath);
        old.write_at(5000, b"written").unwrap();
        expected[5000..5007].copy_from_slice(b"written");
        let new = old.cut();
        assert!(old.write_at(5000, b"too late").is_err());
        assert!(old.sync().is_err() && old.read_at(0, &mut [0]).is_err());
        assert!(contents(&new) == expected);
        new.write_at(0, b"on").unwrap();
        new.sync().unwrap();
        assert_eq!(contents(&new)[..2], *b"on");
    }
}
