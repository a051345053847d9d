//! The journal in use: blocks go into its sections, round and round, and from there to their places.
//!
//! A commit writes every section that has something new, whole, and syncs. Once less than a part of the entries is free
//! all sections are copied back. This is how the kernel spends its writes, except that it commits after ten seconds
//! without a flush, too, and may commit again while it still copies back.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::IntegrityError;
use super::disk::Disk;
use super::layout::Layout;
use super::scan::Found;
use super::section::{Section, next_round};
use crate::VolumeError;

/// The journal of an open volume.
pub(super) struct Ring {
    /// Those that hold something, by number.
    sections: BTreeMap<u32, Section>,
    /// Where the newest content of a block is, by data sector: section and entry.
    newest: HashMap<u64, (u32, usize)>,
    /// The oldest section to be copied back.
    oldest: u32,
    committed: u32,
    uncommitted: u32,
    /// In which round the first section not committed is to be written.
    round: u8,
    /// Where the next block goes.
    free_section: u32,
    free_entry: usize,
    /// How many entries are free.
    free: u64,
    /// So many free entries are too few.
    least_free: u64,
    written: bool,
}

impl Ring {
    /// What was found on the disk, not copied back yet.
    pub(super) fn new(layout: &Layout, found: Found, watermark: u8) -> Self {
        let mut newest = HashMap::new();
        for number in found.order(layout) {
            let Some(section) = found.sections.get(&number) else {
                continue;
            };
            for entry in 0..layout.section_entries() {
                let sector = section.sector(layout, entry);
                if let Some(sector) = sector.filter(|sector| *sector < layout.provided_sectors()) {
                    newest.insert(sector, (number, entry));
                }
            }
        }
        let sections = layout.journal_sections();
        let entries = u64::from(sections) * layout.section_entries() as u64;
        Self {
            sections: found.sections,
            newest,
            oldest: found.first,
            committed: found.whole,
            uncommitted: 0,
            round: found.round,
            free_section: found.first,
            free_entry: 0,
            free: u64::from(sections - found.whole) * layout.section_entries() as u64,
            least_free: (entries * u64::from(100 - watermark.min(100)) + 50) / 100,
            written: false,
        }
    }

    /// Whether nothing is here that is not at its place.
    pub(super) fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// Reads whole blocks and their tags, from here or from their places.
    pub(super) fn read(
        &self,
        disk: &Disk,
        first: u64,
        data: &mut [u8],
        tags: &mut [u8],
    ) -> Result<(), VolumeError> {
        disk.read(first, data, tags)?;
        if self.is_empty() {
            return Ok(());
        }
        let layout = &disk.layout;
        let blocks = data.chunks_exact_mut(layout.block_bytes());
        let sectors = (first..).step_by(layout.sectors_per_block());
        for ((sector, block), tag) in sectors.zip(blocks).zip(tags.chunks_exact_mut(layout.tag_bytes())) {
            let Some((section, entry)) = self.newest.get(&sector) else {
                continue;
            };
            if let Some(section) = self.sections.get(section) {
                block.copy_from_slice(section.blocks(layout, *entry..entry + 1));
                tag.copy_from_slice(section.tag(layout, *entry));
            }
        }
        Ok(())
    }

    /// Takes whole blocks and their tags; commits and copies back where room runs out.
    pub(super) fn write(
        &mut self,
        disk: &Disk,
        first: u64,
        data: &[u8],
        tags: &[u8],
    ) -> Result<(), VolumeError> {
        let layout = &disk.layout;
        let blocks = data.chunks_exact(layout.block_bytes());
        let sectors = (first..).step_by(layout.sectors_per_block());
        for ((sector, block), tag) in sectors.zip(blocks).zip(tags.chunks_exact(layout.tag_bytes())) {
            if self.free == 0 {
                self.make_room(disk)?;
            }
            let section = self
                .sections
                .entry(self.free_section)
                .or_insert_with(|| Section::new(layout));
            section.put(layout, self.free_entry, sector, block, tag);
            self.newest.insert(sector, (self.free_section, self.free_entry));
            self.free -= 1;
            self.free_entry += 1;
            if self.free_entry == layout.section_entries() {
                self.next_section(layout);
            }
        }
        if self.free <= self.least_free {
            self.make_room(disk)?;
        }
        Ok(())
    }

    /// Makes what was written durable, in the journal; copies back where that takes too many entries.
    pub(super) fn commit(&mut self, disk: &Disk) -> Result<(), VolumeError> {
        let layout = &disk.layout;
        if self.free_entry > 0 {
            self.free -= (layout.section_entries() - self.free_entry) as u64;
            self.next_section(layout);
        }
        if self.uncommitted == 0 {
            return Ok(());
        }
        let mut round = self.round;
        let mut number = self.after(layout, self.oldest, self.committed);
        for _ in 0..self.uncommitted {
            let bytes = match self.sections.get(&number) {
                Some(section) => section.stamped(layout, number, round),
                None => Section::new(layout).stamped(layout, number, round),
            };
            write_section(disk, number, &bytes)?;
            number = self.after(layout, number, 1);
            if number == 0 {
                round = next_round(round);
            }
        }
        disk.sync()?;
        self.round = round;
        self.committed += self.uncommitted;
        self.uncommitted = 0;
        self.written = true;
        if self.free <= self.least_free {
            self.copy_back(disk)?;
        }
        Ok(())
    }

    /// Puts everything at its place, durably, which must be committed.
    pub(super) fn copy_back(&mut self, disk: &Disk) -> Result<(), VolumeError> {
        if self.committed == 0 {
            return Ok(());
        }
        let layout = &disk.layout;
        let mut numbers = Vec::with_capacity(self.committed as usize);
        for index in 0..self.committed {
            let number = self.after(layout, self.oldest, index);
            numbers.push(number);
            let Some(section) = self.sections.get(&number) else {
                continue;
            };
            let mut tags = Vec::new();
            for (sector, entries) in self.runs(layout, number, section) {
                tags.clear();
                for entry in entries.clone() {
                    tags.extend_from_slice(section.tag(layout, entry));
                }
                disk.write(sector, section.blocks(layout, entries), &tags)?;
            }
        }
        disk.write_back()?;
        self.free += u64::from(self.committed) * layout.section_entries() as u64;
        self.oldest = self.after(layout, self.oldest, self.committed);
        self.committed = 0;
        for number in numbers {
            self.sections.remove(&number);
        }
        self.newest
            .retain(|_, (section, _)| self.sections.contains_key(section));
        Ok(())
    }

    /// Leaves an empty journal, as the kernel does when a volume is closed.
    pub(super) fn settle(&mut self, disk: &Disk) -> Result<(), VolumeError> {
        self.make_room(disk)?;
        if !self.written {
            return Ok(());
        }
        for number in 0..disk.layout.journal_sections() {
            // As if everything had been written round to here once more.
            let round = if number < self.free_section {
                next_round(self.round)
            } else {
                self.round
            };
            write_empty(disk, number, round)?;
        }
        disk.sync()?;
        self.round = next_round(self.round);
        self.written = false;
        Ok(())
    }

    /// Makes the journal empty that was found not to be whole. A power cut in between leaves one that is taken for empty.
    pub(super) fn clear(&mut self, disk: &Disk, erase_round: u8) -> Result<(), VolumeError> {
        let layout = &disk.layout;
        let (first, count) = (self.oldest, layout.journal_sections());
        for index in 0..count {
            write_empty(disk, self.after(layout, first, index), erase_round)?;
            // The first and the last have to be on the disk before, and after, all others.
            if index == 0 || index + 2 >= count {
                disk.sync()?;
            }
        }
        let entries = u64::from(count) * layout.section_entries() as u64;
        (self.oldest, self.free_section, self.free_entry) = (0, 0, 0);
        (self.committed, self.uncommitted, self.free) = (0, 0, entries);
        self.round = next_round(erase_round);
        Ok(())
    }

    fn make_room(&mut self, disk: &Disk) -> Result<(), VolumeError> {
        self.commit(disk)?;
        self.copy_back(disk)
    }

    /// The entries of a section that are the newest of their blocks and lie next to each other here and there: data sector
    /// of the first, and the entries.
    fn runs(&self, layout: &Layout, number: u32, section: &Section) -> Vec<(u64, Range<usize>)> {
        let step = layout.sectors_per_block() as u64;
        let mut runs: Vec<(u64, Range<usize>)> = Vec::new();
        for entry in 0..layout.section_entries() {
            let Some(sector) = section.sector(layout, entry) else {
                continue;
            };
            if self.newest.get(&sector) != Some(&(number, entry)) {
                continue;
            }
            match runs.last_mut() {
                Some((first, entries))
                    if entries.end == entry && *first + entries.len() as u64 * step == sector =>
                {
                    entries.end += 1;
                }
                _ => runs.push((sector, entry..entry + 1)),
            }
        }
        runs
    }

    fn next_section(&mut self, layout: &Layout) {
        self.free_entry = 0;
        self.free_section = self.after(layout, self.free_section, 1);
        self.uncommitted += 1;
    }

    fn after(&self, layout: &Layout, number: u32, by: u32) -> u32 {
        let sections = u64::from(layout.journal_sections());
        // Less than a u32 again.
        ((u64::from(number) + u64::from(by)) % sections) as u32
    }
}

/// Copies back what a volume that was not closed left in its journal, and makes the journal fit to go on: for writing in
/// place where not `journaling`.
pub(super) fn recover(
    disk: &Disk,
    found: Found,
    watermark: u8,
    journaling: bool,
) -> Result<Ring, IntegrityError> {
    let all_whole = found.whole == disk.layout.journal_sections();
    let erase_round = found.erase_round;
    let mut ring = Ring::new(&disk.layout, found, watermark);
    let empty = ring.is_empty();
    ring.copy_back(disk)?;
    if !all_whole || !(journaling || empty) {
        ring.clear(disk, erase_round)?;
    }
    Ok(ring)
}

fn write_empty(disk: &Disk, number: u32, round: u8) -> Result<(), VolumeError> {
    let bytes = Section::new(&disk.layout).stamped(&disk.layout, number, round);
    write_section(disk, number, &bytes)
}

fn write_section(disk: &Disk, number: u32, bytes: &[u8]) -> Result<(), VolumeError> {
    let offset = disk.start + disk.layout.section_offset(number);
    let done = disk.store.write_at(offset, bytes);
    done.map_err(|error| {
        let place = format!("{}: writing section {number} of the journal", disk.store.name());
        VolumeError::store(place, 0, bytes.len() as u64, error)
    })
}
