//! SQLite's locks of a database and of its write-ahead log's index, among the connections of one process.

use std::sync::atomic::AtomicU64;

/// Locks of a log's index (`SQLITE_SHM_NLOCK`).
pub(super) const INDEX_LOCKS: usize = 8;

/// Another connection holds what was asked for.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Busy;

/// How far a connection has locked a database, in SQLite's order.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    #[default]
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

/// What one connection holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) level: Level,
    /// Whether the index is mapped.
    mapped: bool,
    shared: [bool; INDEX_LOCKS],
    exclusive: [bool; INDEX_LOCKS],
}

/// What all connections of a database hold together.
#[derive(Default)]
pub(super) struct Locks {
    /// Connections at [`Level::Shared`] or above.
    shared: usize,
    /// Whether one is at [`Level::Reserved`] or above.
    reserved: bool,
    /// Whether one is at [`Level::Pending`] or above.
    pending: bool,
    index: [Slot; INDEX_LOCKS],
    /// Connections that have the index mapped.
    mapped: usize,
    /// The index, in words so that SQLite's 32-bit numbers are aligned. SQLite changes it through pointers, which atomics
    /// allow.
    regions: Vec<Box<[AtomicU64]>>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    shared: usize,
    exclusive: bool,
}

impl Locks {
    /// Raises a connection to `level`, never to [`Level::Pending`] by its own wish.
    pub(super) fn lock(&mut self, held: &mut Held, level: Level) -> Result<(), Busy> {
        if held.level >= level {
            return Ok(());
        }
        if held.level == Level::None {
            if self.pending {
                return Err(Busy);
            }
            self.shared += 1;
            held.level = Level::Shared;
        }
        if level == Level::Shared {
            return Ok(());
        }
        if held.level == Level::Shared {
            if self.reserved {
                return Err(Busy);
            }
            self.reserved = true;
            held.level = Level::Reserved;
        }
        if level == Level::Reserved {
            return Ok(());
        }
        // No more readers come in; those that are there are waited for.
        self.pending = true;
        held.level = Level::Pending;
        if self.shared > 1 {
            return Err(Busy);
        }
        held.level = Level::Exclusive;
        Ok(())
    }

    /// Lowers a connection to `level`, [`Level::Shared`] or [`Level::None`].
    pub(super) fn unlock(&mut self, held: &mut Held, level: Level) {
        if held.level <= level {
            return;
        }
        if held.level >= Level::Reserved {
            self.reserved = false;
            self.pending = false;
        }
        if level == Level::None {
            self.shared -= 1;
        }
        held.level = level;
    }

    /// Whether any connection is going to write.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved
    }

    /// The address of a part of the index, `bytes` long, which is made if `extend`; it stays until the last connection has
    /// unmapped the index. All parts are of one length.
    pub(super) fn map(
        &mut self,
        held: &mut Held,
        part: usize,
        bytes: usize,
        extend: bool,
    ) -> Option<*mut u8> {
        if !held.mapped {
            held.mapped = true;
            self.mapped += 1;
        }
        while extend && self.regions.len() <= part {
            let words = bytes.div_ceil(8);
            self.regions.push((0..words).map(|_| AtomicU64::new(0)).collect());
        }
        let region = self.regions.get(part)?;
        Some(region.as_ptr().cast_mut().cast())
    }

    /// Gives the index up.
    pub(super) fn unmap(&mut self, held: &mut Held) {
        if !held.mapped {
            return;
        }
        for index in 0..INDEX_LOCKS {
            self.release(held, index);
        }
        held.mapped = false;
        self.mapped -= 1;
        if self.mapped == 0 {
            // The next connection finds out from the log itself what it holds.
            self.regions.clear();
        }
    }

    /// Takes locks of the index, all or none.
    pub(super) fn lock_index(
        &mut self,
        held: &mut Held,
        slots: std::ops::Range<usize>,
        exclusive: bool,
    ) -> Result<(), Busy> {
        let free = |index: usize| {
            let slot = self.index[index];
            let others = slot.shared - usize::from(held.shared[index]);
            let taken = slot.exclusive && !held.exclusive[index];
            !taken && (!exclusive || others == 0)
        };
        if !slots.clone().all(free) {
            return Err(Busy);
        }
        for index in slots {
            if exclusive {
                self.index[index].exclusive = true;
                held.exclusive[index] = true;
            } else if !held.shared[index] {
                self.index[index].shared += 1;
                held.shared[index] = true;
            }
        }
        Ok(())
    }

    /// Gives locks of the index back.
    pub(super) fn unlock_index(&mut self, held: &mut Held, slots: std::ops::Range<usize>) {
        slots.for_each(|index| self.release(held, index));
    }

    fn release(&mut self, held: &mut Held, index: usize) {
        if std::mem::take(&mut held.exclusive[index]) {
            self.index[index].exclusive = false;
        }
        if std::mem::take(&mut held.shared[index]) {
            self.index[index].shared -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_once_all_have_read() {
        let mut locks = Locks::default();
        let [mut a, mut b, mut c] = <[Held; 3]>::default();
        locks.lock(&mut a, Level::Shared).unwrap();
        locks.lock(&mut b, Level::Shared).unwrap();
        locks.lock(&mut a, Level::Reserved).unwrap();
        assert_eq!(locks.lock(&mut b, Level::Reserved), Err(Busy));
        assert!(locks.is_reserved());
        assert_eq!(locks.lock(&mut a, Level::Exclusive), Err(Busy));
        assert_eq!(a.level, Level::Pending);
        assert_eq!(
            locks.lock(&mut c, Level::Shared),
            Err(Busy),
            "the writer is waited for"
        );
        locks.unlock(&mut b, Level::None);
        locks.lock(&mut a, Level::Exclusive).unwrap();
        assert_eq!(locks.lock(&mut c, Level::Shared), Err(Busy));
        locks.unlock(&mut a, Level::Shared);
        locks.lock(&mut c, Level::Reserved).unwrap();
        locks.unlock(&mut a, Level::None);
        locks.unlock(&mut c, Level::None);
        assert!(!locks.is_reserved() && locks.shared == 0 && !locks.pending);
    }

    #[test]
    fn locks_of_the_index_exclude_and_are_all_or_none() {
        let mut locks = Locks::default();
        let [mut a, mut b] = <[Held; 2]>::default();
        assert!(locks.map(&mut a, 0, 32_768, false).is_none());
        let first = locks.map(&mut a, 0, 32_768, true).unwrap();
        assert_eq!(locks.map(&mut b, 0, 32_768, false), Some(first));
        locks.lock_index(&mut a, 3..4, false).unwrap();
        locks.lock_index(&mut b, 3..4, false).unwrap();
        assert_eq!(locks.lock_index(&mut b, 2..5, true), Err(Busy));
        assert!(!b.exclusive[2], "none of them");
        locks.unlock_index(&mut a, 3..4);
        locks.lock_index(&mut b, 4..5, true).unwrap();
        assert_eq!(locks.lock_index(&mut a, 4..5, false), Err(Busy));
        locks.unmap(&mut b);
        locks.lock_index(&mut a, 2..5, true).unwrap();
        locks.unmap(&mut a);
        assert!(locks.regions.is_empty() && locks.mapped == 0);
    }
}
