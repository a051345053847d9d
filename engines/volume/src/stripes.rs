//! Locks that keep a block from being read while it is half written.

use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::pieces;

/// What one lock guards: two pieces of a volume may share a lock, one is never under two. A multiple of every block size.
pub(crate) const STRIPE_BYTES: usize = 128 << 10;
/// So many that a few dozen requests in flight rarely meet.
const LOCKS: usize = 1024;

/// One lock for each stripe of a volume, up to a number, then the same again.
pub(crate) struct Stripes(Box<[RwLock<()>]>);

impl Stripes {
    pub(crate) fn new() -> Self {
        Self((0..LOCKS).map(|_| RwLock::new(())).collect())
    }

    /// A request cut into stripes: each part's offset on the volume and its place in the request.
    pub(crate) fn parts(offset: u64, bytes: usize) -> impl Iterator<Item = (u64, Range<usize>)> {
        pieces(offset, bytes as u64, STRIPE_BYTES as u64).map(move |piece| {
            let place = (piece.start - offset) as usize..(piece.end - offset) as usize;
            (piece.start, place)
        })
    }

    /// For reading the part that begins at `offset`.
    pub(crate) fn read(&self, offset: u64) -> RwLockReadGuard<'_, ()> {
        self.of(offset).read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For writing the part that begins at `offset`.
    pub(crate) fn write(&self, offset: u64) -> RwLockWriteGuard<'_, ()> {
        self.of(offset).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, offset: u64) -> &RwLock<()> {
        let stripe = offset / STRIPE_BYTES as u64;
        &self.0[(stripe % LOCKS as u64) as usize]
    }
}
