//! A dm-integrity superblock is read, and a layout with it and a journal opens in every mode to the same blocks and
//! tags, before and after it was written to; or it is refused.

use std::sync::Arc;

use sealab_volume::integrity::{IntegrityError, IntegrityStore, Layout, Mode, OpenOptions, parse_superblock};
use sealab_volume::store::MemoryStore;

use crate::refusal;

const SECTOR: usize = 512;
const SUPERBLOCK_BYTES: usize = 4096;
const SUPERBLOCK_USED: usize = 64;
/// The largest store, in sectors.
const MOST_SECTORS: usize = 2048;
/// How many rounds of writing a journal tells apart.
const ROUNDS: u8 = 4;

/// Whether the rest of `data` is read, its first byte being
/// - `s`: a superblock,
/// - `o`: a layout: the sectors of its store as two bytes, those before it as one, what a superblock uses, a byte for
///   each section of the journal, and the entries of the journal without commit ids, or the bitmap in its place. The rest is
///   zeroes. The byte says in which round the section was written (bits 0 and 1), and how many of its first sectors were in
///   the round before (the others).
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what, rest)) = data.split_first() else {
        return false;
    };
    match what {
        b's' => match parse_superblock(rest) {
            Ok(superblock) => {
                let layout = Layout::new(&superblock);
                assert!(layout.section_entries() > 0 && layout.interleave_sectors() > 0);
                true
            }
            Err(error) => told(error),
        },
        b'o' => match store(rest) {
            Some((bytes, start)) => layout(bytes, start),
            None => false,
        },
        _ => false,
    }
}

/// The store that `data` describes, and where the layout begins in it.
fn store(data: &[u8]) -> Option<(Vec<u8>, usize)> {
    let ([high, low, before], rest) = data.split_first_chunk()?;
    let (superblock, rest) = rest.split_at_checked(SUPERBLOCK_USED)?;
    let sectors = usize::from(u16::from_be_bytes([*high, *low])) % (MOST_SECTORS + 1);
    let start = usize::from(*before) * SECTOR;
    let mut bytes = vec![0; sectors * SECTOR];
    let area = bytes
        .get_mut(start..)
        .filter(|area| area.len() >= SUPERBLOCK_BYTES)?;
    area[..SUPERBLOCK_USED].copy_from_slice(superblock);
    let journal = &mut area[SUPERBLOCK_BYTES..];
    let Ok(superblock) = parse_superblock(superblock) else {
        return Some((bytes, start));
    };
    let layout = Layout::new(&superblock);
    let room = usize::try_from(layout.journal_sectors()).map_or(0, |sectors| sectors.saturating_mul(SECTOR));
    let journal_bytes = room.min(journal.len());
    let journal = &mut journal[..journal_bytes];
    if superblock.dirty_bitmap {
        journal.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        return Some((bytes, start));
    }
    let section_bytes = layout.section_sectors() * SECTOR;
    let sections = journal.len() / section_bytes;
    let (rounds, mut entries) = rest.split_at_checked(sections)?;
    for ((section, said), number) in journal.chunks_exact_mut(section_bytes).zip(rounds).zip(0u64..) {
        for (sector, index) in section.chunks_exact_mut(SECTOR).zip(0u64..) {
            if index < 8 {
                let (now, later) = entries.split_at(entries.len().min(SECTOR - 8));
                sector[..now.len()].copy_from_slice(now);
                // What is not given holds nothing.
                sector[now.len()..].fill(0xff);
                entries = later;
            }
            let older = index < u64::from(said >> 2);
            let round = (said % ROUNDS + if older { ROUNDS - 1 } else { 0 }) % ROUNDS;
            let id = (0x1111_1111_1111_1111 * u64::from(round + 1)) ^ (number << 32 | index);
            sector[SECTOR - 8..].copy_from_slice(&id.to_le_bytes());
        }
    }
    Some((bytes, start))
}

/// Whether the layout opens for reading; panics where it then differs between modes.
fn layout(bytes: Vec<u8>, start: usize) -> bool {
    let original = bytes;
    let opened = match open(
        &Arc::new(MemoryStore::from(original.clone())),
        start,
        Mode::ReadOnly,
    ) {
        Ok(opened) => opened,
        Err(error) => {
            for mode in [Mode::Direct, Mode::Journal] {
                if let Err(error) = open(&Arc::new(MemoryStore::from(original.clone())), start, mode) {
                    told(error);
                }
            }
            return told(error);
        }
    };
    let stale = !opened.stale().is_empty() || opened.superblock().dirty_bitmap;
    let expected = content(&opened);
    for mode in [Mode::Direct, Mode::Journal] {
        let store = Arc::new(MemoryStore::from(original.clone()));
        let opened = match open(&store, start, mode) {
            Ok(opened) => opened,
            Err(error) => {
                // What may be stale is not written to; all else that can be read can be written.
                assert!(stale, "{mode:?}: {error}");
                told(error);
                continue;
            }
        };
        assert!(
            content(&opened) == expected,
            "{mode:?}: other content than is read without writing"
        );
        written(&opened, &expected, mode);
        drop(opened);
        let again = open(&store, start, Mode::ReadOnly).unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        let (mut data, mut tags) = expected.clone();
        change(&mut data[..again.block_bytes()], &mut tags[..again.tag_bytes()]);
        assert!(
            content(&again) == (data, tags),
            "{mode:?}: other content than was written"
        );
    }
    true
}

fn open(store: &Arc<MemoryStore>, start: usize, mode: Mode) -> Result<IntegrityStore, IntegrityError> {
    let mut superblock = [0; SUPERBLOCK_USED];
    let read = sealab_volume::store::Store::read_at(&**store, start as u64, &mut superblock);
    read.unwrap_or_else(|error| panic!("{error}"));
    // The layout's own sizes, as far as it says any: a volume knows its sizes by its header.
    let (tag, block) = match parse_superblock(&superblock) {
        Ok(superblock) => (
            usize::from(superblock.tag_bytes),
            512 << superblock.log2_sectors_per_block,
        ),
        Err(_) => (16, 512),
    };
    IntegrityStore::open(store.clone(), start as u64, tag, block, &OpenOptions::new(mode))
}

/// All blocks and all tags.
fn content(opened: &IntegrityStore) -> (Vec<u8>, Vec<u8>) {
    // It fits the store.
    let bytes = opened.superblock().provided_sectors as usize * SECTOR;
    let mut data = vec![0; bytes];
    let mut tags = vec![0; bytes / opened.block_bytes() * opened.tag_bytes()];
    opened
        .read(0, &mut data, &mut tags)
        .unwrap_or_else(|error| panic!("{error}"));
    (data, tags)
}

fn change(data: &mut [u8], tag: &mut [u8]) {
    data.iter_mut().chain(tag).for_each(|byte| *byte ^= 0xa5);
}

/// Writes the first block anew.
fn written(opened: &IntegrityStore, (data, tags): &(Vec<u8>, Vec<u8>), mode: Mode) {
    let mut block = data[..opened.block_bytes()].to_vec();
    let mut tag = tags[..opened.tag_bytes()].to_vec();
    change(&mut block, &mut tag);
    let done = opened.write(0, &block, &tag).and_then(|()| opened.sync());
    done.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
}

fn told(error: impl std::fmt::Display) -> bool {
    refusal::is_one_line(&error.to_string());
    false
}
