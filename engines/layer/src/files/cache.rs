//! Verified plaintext that is kept for the next who reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use zeroize::Zeroizing;

/// A part of a layer's plaintext; overwritten when the last reader is done with it.
pub(super) type Piece = Arc<Zeroizing<Vec<u8>>>;

/// Which part of which layer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct PieceKey {
    pub(super) layer: usize,
    pub(super) kind: PieceKind,
    pub(super) number: u64,
}

/// What a layer is divided into.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum PieceKind {
    /// Zstd frames, of the tar.
    Frame,
    /// Chunks, of the decrypted layer.
    Chunk,
}

const GATES: usize = 32;

/// The pieces that were read last, within a bound of bytes.
pub(super) struct PieceCache {
    limit: usize,
    held: Mutex<Held>,
    frame_gates: [Mutex<()>; GATES],
    chunk_gates: [Mutex<()>; GATES],
}

struct Held {
    pieces: LruCache<PieceKey, Piece>,
    bytes: usize,
}

impl PieceCache {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::new(Held {
                pieces: LruCache::unbounded(),
                bytes: 0,
            }),
            frame_gates: std::array::from_fn(|_| Mutex::new(())),
            chunk_gates: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    pub(super) fn get(&self, key: PieceKey) -> Option<Piece> {
        lock(&self.held).pieces.get(&key).cloned()
    }

    /// Keeps a piece; those that were not read for longest go.
    pub(super) fn put(&self, key: PieceKey, piece: &Piece) {
        let mut held = lock(&self.held);
        if piece.len() > self.limit {
            return;
        }
        held.bytes += piece.len();
        if let Some(before) = held.pieces.put(key, Arc::clone(piece)) {
            held.bytes -= before.len();
        }
        while held.bytes > self.limit {
            let Some((_, last)) = held.pieces.pop_lru() else {
                break;
            };
            held.bytes -= last.len();
        }
    }

    /// Held while a piece is loaded, so that another thread which wants it waits instead of fetching it too. A thread that
    /// holds a frame's may take a chunk's, never the other way round.
    pub(super) fn gate(&self, kind: PieceKind, layer: usize, group: u64) -> MutexGuard<'_, ()> {
        let number = (group.wrapping_add(layer as u64 * 7) % GATES as u64) as usize;
        lock(match kind {
            PieceKind::Frame => &self.frame_gates[number],
            PieceKind::Chunk => &self.chunk_gates[number],
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_last_stays_within_the_bound() {
        let cache = PieceCache::new(100);
        let key = |number| PieceKey {
            layer: 0,
            kind: PieceKind::Chunk,
            number,
        };
        let piece = |length| Arc::new(Zeroizing::new(vec![1; length]));
        cache.put(key(0), &piece(40));
        cache.put(key(1), &piece(40));
        assert!(cache.get(key(0)).is_some());
        cache.put(key(2), &piece(40));
        assert!(cache.get(key(0)).is_some() && cache.get(key(1)).is_none());
        // The same again takes no room twice.
        cache.put(key(2), &piece(40));
        assert!(cache.get(key(0)).is_some());
        // What is too long is not kept, and takes nothing away.
        cache.put(key(3), &piece(101));
        assert!(cache.get(key(3)).is_none() && cache.get(key(0)).is_some());
        assert_eq!(lock(&cache.held).bytes, 80);
    }
}
