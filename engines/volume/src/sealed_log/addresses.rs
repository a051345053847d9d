//! Sets of addresses in the log that take little memory: 2 to 4 bytes an address where they are few, a bit where many.

use super::geometry::{Geometry, PAGE_BITS};

/// So many addresses of a page are listed at most; a bit for each of the page takes no more than twice the room.
const MOST_LISTED: usize = 1024;
const WORDS: usize = PAGE_BITS as usize / 64;
/// What an allocation takes beside its bytes.
const ALLOCATION: usize = 16;

/// Addresses of the blocks that one page of the space map speaks for, counted from its first.
enum Page {
    /// In order.
    Few(Vec<u16>),
    Many(Box<[u64; WORDS]>),
}

/// Addresses, by page of the space map.
pub(super) struct AddressSet {
    pages: Box<[Page]>,
    len: usize,
    /// What the pages' lists and bits take, in bytes.
    held: usize,
}

impl AddressSet {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            pages: (0..geometry.pages()).map(|_| Page::Few(Vec::new())).collect(),
            len: 0,
            held: 0,
        }
    }

    /// What an empty set takes, and what each takes at most, in bytes.
    pub(super) fn bounds(geometry: &Geometry) -> [usize; 2] {
        let pages = geometry.pages() as usize;
        let empty = pages * size_of::<Page>();
        [empty, empty + pages * (WORDS * 8 + ALLOCATION)]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What the addresses take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.held
    }

    pub(super) fn contains(&self, address: u64) -> bool {
        let (page, bit) = split(address);
        match self.pages.get(page) {
            Some(Page::Few(list)) => list.binary_search(&bit).is_ok(),
            Some(Page::Many(words)) => words[usize::from(bit / 64)] >> (bit % 64) & 1 == 1,
            None => false,
        }
    }

    /// Whether the address was not there before. One beyond the log is passed over.
    pub(super) fn insert(&mut self, address: u64) -> bool {
        let (page, bit) = split(address);
        let Some(page) = self.pages.get_mut(page) else {
            return false;
        };
        let before = page.memory();
        let fresh = page.insert(bit);
        self.held = self.held - before + page.memory();
        self.len += usize::from(fresh);
        fresh
    }

    pub(super) fn extend(&mut self, addresses: &[u64]) {
        for address in addresses {
            self.insert(*address);
        }
    }

    /// Adds all that `other` holds, page by page, so that no page is held twice.
    pub(super) fn absorb(&mut self, mut other: Self) {
        for page in 0..other.pages.len() {
            let addresses = std::mem::replace(&mut other.pages[page], Page::Few(Vec::new()));
            addresses.each(&mut |bit| {
                self.insert(page as u64 * PAGE_BITS + u64::from(bit));
            });
        }
    }

    /// Takes all out.
    pub(super) fn take(&mut self) -> Self {
        let pages = self.pages.len();
        let empty = Self {
            pages: (0..pages).map(|_| Page::Few(Vec::new())).collect(),
            len: 0,
            held: 0,
        };
        std::mem::replace(self, empty)
    }

    pub(super) fn clear(&mut self) {
        if !self.is_empty() {
            drop(self.take());
        }
    }

    pub(super) fn each(&self, visit: &mut dyn FnMut(u64)) {
        for (page, addresses) in (0u64..).zip(&self.pages) {
            addresses.each(&mut |bit| visit(page * PAGE_BITS + u64::from(bit)));
        }
    }

    /// Takes the bits of the addresses on a page of the space map out of its bytes.
    pub(super) fn mask(&self, page: u64, bytes: &mut [u8]) {
        if let Some(addresses) = self.pages.get(page as usize) {
            addresses.each(&mut |bit| bytes[usize::from(bit / 8)] &= !(1 << (bit % 8)));
        }
    }
}

/// The page that speaks for an address, and the address's bit there.
fn split(address: u64) -> (usize, u16) {
    ((address / PAGE_BITS) as usize, (address % PAGE_BITS) as u16)
}

impl Page {
    fn memory(&self) -> usize {
        match self {
            Self::Few(list) if list.capacity() == 0 => 0,
            Self::Few(list) => list.capacity() * 2 + ALLOCATION,
            Self::Many(words) => size_of_val(&**words) + ALLOCATION,
        }
    }

    fn insert(&mut self, bit: u16) -> bool {
        match self {
            Self::Few(list) => {
                let Err(at) = list.binary_search(&bit) else {
                    return false;
                };
                if list.len() < MOST_LISTED {
                    list.insert(at, bit);
                    return true;
                }
                let mut words = Box::new([0; WORDS]);
                for bit in list.iter().chain([&bit]) {
                    words[usize::from(bit / 64)] |= 1 << (bit % 64);
                }
                *self = Self::Many(words);
                true
            }
            Self::Many(words) => {
                let word = &mut words[usize::from(bit / 64)];
                let before = *word;
                *word |= 1 << (bit % 64);
                *word != before
            }
        }
    }

    fn each(&self, visit: &mut dyn FnMut(u16)) {
        match self {
            Self::Few(list) => list.iter().for_each(|bit| visit(*bit)),
            Self::Many(words) => {
                for (at, word) in (0u16..).zip(words.iter()) {
                    let mut word = *word;
                    while word != 0 {
                        visit(at * 64 + word.trailing_zeros() as u16);
                        word &= word - 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sets_hold_what_was_put_into_them() {
        let geometry = Geometry::of_store(1 << 30).expect("a geometry");
        let (mut set, mut other) = (AddressSet::new(&geometry), AddressSet::new(&geometry));
        let mut model = BTreeSet::new();
        let mut state = 5u64;
        for number in 0..9000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Most on two pages, so that one is listed and the others are not.
            let address = match number % 3 {
                0 => (state >> 33) % geometry.log,
                1 => (state >> 33) % PAGE_BITS,
                _ => 3 * PAGE_BITS + (state >> 33) % 800,
            };
            let fresh = model.insert(address);
            let at = if fresh && number % 2 == 0 {
                &mut other
            } else {
                &mut set
            };
            assert!(at.insert(address) || !fresh, "{address}");
        }
        let [empty, most] = AddressSet::bounds(&geometry);
        assert!(set.memory() <= most - empty);
        set.absorb(other);
        let mut found = BTreeSet::new();
        set.each(&mut |address| assert!(found.insert(address)));
        assert_eq!((found.len(), set.len()), (model.len(), model.len()));
        assert!(
            found == model
                && (0..geometry.log).all(|address| set.contains(address) == model.contains(&address))
        );
        assert!(!set.insert(geometry.pages() * PAGE_BITS));
        let mut bytes = vec![0xff; PAGE_BITS as usize / 8];
        set.mask(0, &mut bytes);
        let free = bytes
            .iter()
            .map(|byte| byte.count_zeros() as usize)
            .sum::<usize>();
        assert_eq!(free, model.range(..PAGE_BITS).count());
        set.clear();
        assert!(set.is_empty() && set.memory() == 0);
    }
}
