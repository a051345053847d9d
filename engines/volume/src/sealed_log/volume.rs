//! The log as a volume.

use sealab_engine::{EngineError, InOutBuf};

use super::SealedLog;
use super::commit::{Locked, lock, wait};
use super::entry::Entry;
use super::geometry::{BLOCK_BYTES, FAN_OUT};
use super::index::Found;
use super::seal::{BATCH, Place};
use super::state::{data_place, lengths, placed};
use crate::volume::check_request;
use crate::{Volume, VolumeError};

/// What was given up although the index names it may be one for so many recent blocks.
const GONE_SHARE: usize = 4;
/// Blocks that are discarded under one lock.
const DISCARD_BLOCKS: u64 = FAN_OUT * FAN_OUT;

impl Volume for SealedLog {
    fn size(&self) -> u64 {
        self.core.geometry.blocks * BLOCK_BYTES as u64
    }

    fn block_size(&self) -> u32 {
        BLOCK_BYTES as u32
    }

    fn read_only(&self) -> bool {
        self.core.current.is_none()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        let pieces = data.chunks_mut(BATCH * BLOCK_BYTES).enumerate();
        let first = offset / BLOCK_BYTES as u64;
        let mut done = Ok(());
        for (number, piece) in pieces {
            done = self.read_blocks(first + (number * BATCH) as u64, piece);
            if done.is_err() {
                break;
            }
        }
        if done.is_err() {
            data.fill(0);
        }
        done
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.check_write(offset, data.len() as u64)?;
        let first = offset / BLOCK_BYTES as u64;
        for (number, piece) in data.chunks(BATCH * BLOCK_BYTES).enumerate() {
            let first = first + (number * BATCH) as u64;
            let (offset, bytes) = (first * BLOCK_BYTES as u64, piece.len() as u64);
            let mut state = self.room(offset, bytes / BLOCK_BYTES as u64)?;
            let written = state.write_blocks(&self.core, first, piece);
            written.map_err(|error| placed(error, offset, bytes))?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        if self.read_only() {
            Ok(())
        } else {
            self.commit_all()
        }
    }

    /// The blocks read as zeroes afterwards.
    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.check_write(offset, bytes)?;
        let (mut start, end) = (offset / BLOCK_BYTES as u64, (offset + bytes) / BLOCK_BYTES as u64);
        while start < end {
            let stop = end.min((start / DISCARD_BLOCKS + 1) * DISCARD_BLOCKS);
            let mut state = self.room(offset, 0)?;
            for (block, _) in state.mapped(&self.core, start..stop)? {
                if state.recent.len() >= state.budget.recent {
                    drop(state);
                    state = self.room(offset, 0)?;
                }
                let sequence = state.next(1)?;
                let epoch = self.core.writer()?.number;
                state.put(&self.core, block, Entry::removed(sequence, epoch));
            }
            state.writes += 1;
            start = stop;
        }
        Ok(())
    }

    /// Zeroes that keep their room are written as any block is.
    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        if !keep_allocated {
            return self.discard(offset, bytes);
        }
        self.check_write(offset, bytes)?;
        let zeroes = vec![0; BATCH * BLOCK_BYTES];
        for piece in crate::store::pieces(offset, bytes, zeroes.len() as u64) {
            self.write(piece.start, &zeroes[..(piece.end - piece.start) as usize])?;
        }
        Ok(())
    }
}

impl SealedLog {
    fn check_write(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        check_request(self, offset, bytes)?;
        self.core.writer().map(|_| ())
    }

    /// The state, with room for `count` more blocks in the log and for what is known of them in memory.
    pub(super) fn room(&self, offset: u64, count: u64) -> Result<Locked<'_>, VolumeError> {
        let mut state = lock(&self.state);
        state.check()?;
        let most = state.budget.recent;
        let crowded = state.recent.len() + count.max(1) as usize > most;
        if crowded || state.gone.len() > most / GONE_SHARE {
            let written = state.write_index(&self.core);
            written.map_err(|error| placed(error, offset, count * BLOCK_BYTES as u64))?;
        }
        // What is left must do for writing the index anew, at any time.
        let needed = count + self.core.geometry.index_blocks();
        let mut tried = 0;
        loop {
            let (full, roomy) = (state.space.free() < needed, state.balance(&self.core.geometry));
            if !full && roomy {
                break;
            }
            state.check()?;
            if state.committing {
                state = wait(&self.changed, state);
                continue;
            }
            if tried == 3 || !self.early_commits {
                return Err(VolumeError::NoSpace {
                    offset,
                    bytes: count * BLOCK_BYTES as u64,
                });
            }
            // What is given up is free with the commit, that of an old index too; only then is there room for a new one.
            let index = full && tried > 0 && !state.root_pending;
            if full {
                state.examine(&self.core)?;
            }
            tried += 1;
            state.statistics.early_commits += 1;
            state = self.commit(state, index)?;
        }
        Ok(state)
    }

    /// Reads at most [`BATCH`] blocks.
    fn read_blocks(&self, first: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let count = data.len() / BLOCK_BYTES;
        let mut blocks = [(data_place(0), Entry::UNMAPPED); BATCH];
        // What waits to be written is copied here; the rest is read without the lock.
        let mut here = [false; BATCH];
        let mut state = lock(&self.state);
        let mut at = 0;
        while at < count {
            let block = first + at as u64;
            at += state.find_run(block, &mut blocks[at..count]);
            if at == count {
                break;
            }
            let block = first + at as u64;
            match state.find(block) {
                Found::Entry(entry) => {
                    blocks[at] = (data_place(block), entry);
                    at += 1;
                }
                Found::Missing(id, entry) => {
                    let waiting = state.waiting_node(&entry);
                    drop(state);
                    let node = self.core.read_node(id, entry, waiting);
                    state = lock(&self.state);
                    match node {
                        Ok(node) => state.keep(id, entry, node),
                        // It may have been given up meanwhile; if it was not, this fails in the same way.
                        Err(_) => drop(state.find_now(&self.core, block)?),
                    }
                }
            }
        }
        if !state.batch.is_empty() {
            for (at, (_, entry)) in blocks[..count].iter().enumerate() {
                if let Some(waiting) = entry.address().and_then(|address| state.batch.get(address)) {
                    data[at * BLOCK_BYTES..][..BLOCK_BYTES].copy_from_slice(waiting);
                    here[at] = true;
                }
            }
        }
        drop(state);
        match self.read_found(&blocks[..count], &here[..count], data) {
            // A block may have been moved or overwritten since it was looked up.
            Err(VolumeError::Sector(crate::sector::SectorError::Engine(EngineError::Unauthentic {
                ..
            }))) => self.read_slowly(first, data),
            other => other,
        }
    }

    /// Reads and opens blocks whose entries are known, neighbours together.
    fn read_found(
        &self,
        blocks: &[(Place, Entry)],
        here: &[bool],
        data: &mut [u8],
    ) -> Result<(), VolumeError> {
        let mut at = 0;
        while at < blocks.len() {
            let (_, first) = blocks[at];
            let Some(address) = first.address() else {
                data[at * BLOCK_BYTES..][..BLOCK_BYTES].fill(0);
                at += 1;
                continue;
            };
            let follows = |(index, (_, entry)): &(usize, &(Place, Entry))| {
                here[at + index] == here[at]
                    && entry.epoch() == first.epoch()
                    && entry.address() == Some(address + *index as u64)
            };
            let run = blocks[at..].iter().enumerate().take_while(follows).count();
            let data = &mut data[at * BLOCK_BYTES..][..run * BLOCK_BYTES];
            self.read_run(&blocks[at..at + run], here[at], address, data)?;
            at += run;
        }
        Ok(())
    }

    /// Reads and opens neighbours in the log; those that are `here` have been read.
    fn read_run(
        &self,
        blocks: &[(Place, Entry)],
        here: bool,
        address: u64,
        data: &mut [u8],
    ) -> Result<(), VolumeError> {
        let unauthentic = || VolumeError::Sector(EngineError::Unauthentic { index: 0 }.into());
        let epoch = self.core.epoch(&blocks[0].1).ok_or_else(unauthentic)?;
        let mut done = 0;
        // A store in memory is read and opened in one pass.
        while !here && done < blocks.len() && address + blocks.len() as u64 <= self.core.geometry.log {
            let (blocks, data) = (&blocks[done..], &mut data[done * BLOCK_BYTES..]);
            let offset = self.core.geometry.offset(address + done as u64);
            let mut opened = Ok(());
            let mut take = |lent: &[u8]| {
                let count = lent.len() / BLOCK_BYTES;
                let data = InOutBuf::new(lent, &mut data[..lent.len()]).map_err(lengths);
                opened = data.and_then(|data| {
                    let opened = epoch.open(&blocks[..count], data);
                    opened.map_err(|error| VolumeError::Sector(error.into()))
                });
            };
            let lent = self
                .core
                .store
                .lend(offset, blocks.len() * BLOCK_BYTES, BLOCK_BYTES, &mut take);
            let lent = lent.map_err(|error| self.core.store_error("reading", offset, data.len(), error))?;
            opened?;
            if lent == 0 {
                break;
            }
            done += lent / BLOCK_BYTES;
        }
        let (blocks, data) = (&blocks[done..], &mut data[done * BLOCK_BYTES..]);
        if blocks.is_empty() {
            return Ok(());
        }
        if !here {
            self.core.fetch(address + done as u64, data)?;
        }
        let opened = epoch.open(blocks, InOutBuf::from(data));
        opened.map_err(|error| VolumeError::Sector(error.into()))
    }

    /// Reads block by block with the lock held, so that nothing moves: what fails now is not authentic.
    fn read_slowly(&self, first: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let mut state = lock(&self.state);
        for (block, data) in (first..).zip(data.chunks_exact_mut(BLOCK_BYTES)) {
            let entry = state.find_now(&self.core, block)?;
            match entry.address() {
                None => {
                    data.fill(0);
                    continue;
                }
                Some(address) => match state.batch.get(address) {
                    Some(waiting) => data.copy_from_slice(waiting),
                    None => self.core.fetch(address, data)?,
                },
            }
            self.core.open(data_place(block), entry, data)?;
        }
        Ok(())
    }
}
