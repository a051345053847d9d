//! Verified blocks of hashes, as many as there is memory for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks by their offsets, in two generations: once the young one has half the room, the old one goes.
pub(super) struct Cache {
    half: usize,
    generations: Mutex<[HashMap<u64, Arc<[u8]>>; 2]>,
}

impl Cache {
    /// Room for `blocks` blocks, at least two.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            half: (blocks / 2).max(1),
            generations: Mutex::default(),
        }
    }

    pub(super) fn get(&self, offset: u64) -> Option<Arc<[u8]>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = generations[0].get(&offset) {
            return Some(block.clone());
        }
        let block = generations[1].remove(&offset)?;
        self.insert(&mut generations, offset, block.clone());
        Some(block)
    }

    pub(super) fn put(&self, offset: u64, block: Arc<[u8]>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        self.insert(&mut generations, offset, block);
    }

    fn insert(&self, generations: &mut [HashMap<u64, Arc<[u8]>>; 2], offset: u64, block: Arc<[u8]>) {
        if generations[0].len() >= self.half {
            generations[1] = std::mem::take(&mut generations[0]);
        }
        generations[0].insert(offset, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_blocks_is_bounded_and_what_is_used_stays() {
        let cache = Cache::new(8);
        for offset in 0..100 {
            cache.put(offset, vec![offset as u8].into());
            assert_eq!(cache.get(0).unwrap()[0], 0);
            let blocks: usize = cache.generations.lock().unwrap().iter().map(HashMap::len).sum();
            assert!(blocks <= 8, "{blocks}");
        }
        assert_eq!(cache.get(99).unwrap()[0], 99);
        assert!(cache.get(50).is_none());
    }
}
