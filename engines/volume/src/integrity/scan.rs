//! Reading the journal of a volume that was not closed: what was committed, and where to go on.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::section::{ROUNDS, Section, next_round, previous_round, rounds};
use super::{IntegrityError, SECTOR_BYTES};
use crate::store::Store;

/// The largest journal that is read. The kernel makes none over 64 MiB unless told to, and keeps it in memory.
const MAX_JOURNAL_BYTES: u64 = 1 << 30;

/// What a journal holds.
pub(super) struct Found {
    /// The sections to be copied back, by number, where they hold anything.
    pub(super) sections: BTreeMap<u32, Section>,
    /// The oldest section.
    pub(super) first: u32,
    /// How many sections from the oldest on are whole. If these are not all, the others are to be ignored, and the
    /// journal must be cleared before it is used.
    pub(super) whole: u32,
    /// In which round to write next if all are whole, in the section `first`.
    pub(super) round: u8,
    /// In which round to clear the journal.
    pub(super) erase_round: u8,
}

impl Found {
    /// The numbers of the sections to be copied back, oldest first.
    pub(super) fn order(&self, layout: &Layout) -> impl Iterator<Item = u32> + use<> {
        let (first, sections) = (u64::from(self.first), u64::from(layout.journal_sections()));
        (0..u64::from(self.whole)).map(move |index| ((first + index) % sections) as u32)
    }
}

/// Reads the journal of the layout that begins at byte `start` of `store`.
pub(super) fn scan(store: &dyn Store, start: u64, layout: &Layout) -> Result<Found, IntegrityError> {
    let count = layout.journal_sections();
    let bytes = layout.journal_sectors() * SECTOR_BYTES as u64;
    if bytes > MAX_JOURNAL_BYTES {
        let reason = format!("it has {bytes} bytes; no more than {MAX_JOURNAL_BYTES} are supported");
        return Err(broken(store, start + layout.section_offset(0), reason));
    }
    let mut sections = BTreeMap::new();
    // Which rounds there are, and the last section of each.
    let mut last_of = [None; ROUNDS as usize];
    // The round of a section if it is one.
    let mut whole_in: Vec<Option<u8>> = Vec::with_capacity(count as usize);
    for number in 0..count {
        let offset = start + layout.section_offset(number);
        let mut bytes = vec![0; layout.section_bytes()];
        store
            .read_at(offset, &mut bytes)
            .map_err(|source| IntegrityError::Store {
                place: format!("{}: reading section {number} of the journal", store.name()),
                source,
            })?;
        let mut only = None;
        for (index, round) in rounds(&bytes, number).enumerate() {
            let round = round.map_err(|sector| {
                let offset = offset + (sector * SECTOR_BYTES) as u64;
                let reason = format!("sector {sector} of section {number} has no commit id");
                broken(store, offset, reason)
            })?;
            last_of[usize::from(round)] = Some(number);
            only = if index == 0 {
                Some(round)
            } else {
                only.filter(|only| *only == round)
            };
        }
        whole_in.push(only);
        let section = Section::from_disk(layout, bytes);
        if (0..layout.section_entries()).any(|entry| section.sector(layout, entry).is_some()) {
            sections.insert(number, section);
        }
    }
    let last_round = last_round(&last_of).ok_or_else(|| {
        broken(
            store,
            start + layout.section_offset(0),
            "it has all four commit ids".to_owned(),
        )
    })?;
    let mut wanted = previous_round(last_round);
    let interrupted_clearing =
        last_of[usize::from(wanted)].is_none() && last_of[usize::from(previous_round(wanted))].is_some();
    let mut first = last_of[usize::from(last_round)].map_or(0, |last| last + 1);
    if first == count {
        wanted = next_round(wanted);
        first = 0;
    }
    let mut whole = 0;
    let mut number = first;
    while whole < count && whole_in[number as usize] == Some(wanted) {
        whole += 1;
        number += 1;
        if number == count {
            wanted = next_round(wanted);
            number = 0;
        }
    }
    let mut found = Found {
        sections,
        first,
        whole,
        round: wanted,
        erase_round: previous_round(previous_round(last_round)),
    };
    if interrupted_clearing {
        found.sections.clear();
    } else {
        let order: std::collections::BTreeSet<_> = found.order(layout).collect();
        found.sections.retain(|number, _| order.contains(number));
    }
    check_entries(store, start, layout, &found)?;
    Ok(found)
}

/// The newest of up to three rounds that follow each other; `None` if there are all four.
fn last_round(last_of: &[Option<u32>; ROUNDS as usize]) -> Option<u8> {
    let used = |round: u8| last_of[usize::from(round)].is_some();
    let unused = if used(ROUNDS - 1) {
        (0..ROUNDS).find(|round| !used(*round))?
    } else {
        (0..ROUNDS)
            .rev()
            .find(|round| used(*round))
            .map_or(0, |last| last + 1)
    };
    Some(previous_round(unused))
}

/// That entries are for whole blocks. Those past the end are ignored, as the kernel does: the volume was made smaller.
fn check_entries(
    store: &dyn Store,
    start: u64,
    layout: &Layout,
    found: &Found,
) -> Result<(), IntegrityError> {
    let block = layout.sectors_per_block() as u64;
    for (number, section) in &found.sections {
        for entry in 0..layout.section_entries() {
            if let Some(sector) = section.sector(layout, entry)
                && !sector.is_multiple_of(block)
            {
                let reason =
                    format!("entry {entry} of section {number} is for sector {sector}; blocks have {block}");
                return Err(broken(store, start + layout.section_offset(*number), reason));
            }
        }
    }
    Ok(())
}

fn broken(store: &dyn Store, offset: u64, reason: String) -> IntegrityError {
    IntegrityError::Journal {
        store: store.name(),
        offset,
        reason,
    }
}
