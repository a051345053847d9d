//! What volumes are filled with, and what must hold of it before anything is timed.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use sealab_engine::Engine;
use sealab_volume::format::{Protection, VolumeFormat};
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

/// What is written in one go when the volume is filled.
const PIECE_BYTES: usize = 1 << 20;
/// A canary stands at the beginning of every so many bytes.
const CANARY_EVERY: usize = 4096;
/// The size of a volume that is verified, in bytes.
const VERIFIED_BYTES: u64 = 1 << 20;
/// Bytes of the store that are changed, one at a time, to see whether it is noticed.
const CHANGES: u64 = 16;

/// Makes a small volume of `format` and holds it to what it must be: what was written comes back, nothing of it stands on
/// the store where the format hides it, and no changed byte passes where the format notices them.
pub(crate) fn verify(engine: &Arc<dyn Engine>, format: &dyn VolumeFormat) -> Result<(), String> {
    let store = Arc::new(MemoryStore::new(format.store_bytes(VERIFIED_BYTES)));
    let owner = format
        .make(engine.clone(), store.clone(), &mut |volume| {
            fill(volume, 0..VERIFIED_BYTES)
        })
        .map_err(|error| format!("making the volume: {error}"))?;
    let open = || {
        let opened = owner.open(engine.clone(), store.clone());
        opened.map_err(|error| format!("opening the volume: {error}"))
    };
    holds(&*open()?, 0..VERIFIED_BYTES)?;
    let protection = format.protection();
    if matches!(
        protection,
        Protection::Confidentiality | Protection::ConfidentialityAndIntegrity
    ) {
        leaks(&*store)?;
    }
    if matches!(
        protection,
        Protection::Integrity | Protection::ConfidentialityAndIntegrity
    ) {
        refuses_changes(&*store, &open, VERIFIED_BYTES)?;
    }
    Ok(())
}

/// Fills `piece`, which stands at `offset`, with what no other place holds and no cipher makes by chance.
fn content(offset: u64, piece: &mut [u8]) {
    for (index, block) in (0_u64..).zip(piece.chunks_mut(CANARY_EVERY)) {
        let number = offset / CANARY_EVERY as u64 + index;
        let text = format!("sealab volume canary {number:016x} ");
        let text = text.as_bytes();
        for (byte, letter) in block.iter_mut().zip(text.iter().cycle()) {
            *byte = *letter;
        }
    }
}

/// Writes the content of `range`.
pub(super) fn fill(volume: &dyn Volume, range: Range<u64>) -> Result<(), VolumeError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = range.start;
    while offset < range.end {
        let length = PIECE_BYTES.min((range.end - offset) as usize);
        content(offset, &mut piece[..length]);
        volume.write(offset, &piece[..length])?;
        offset += length as u64;
    }
    Ok(())
}

/// That `range` of the volume reads as it was filled.
pub(super) fn holds(volume: &dyn Volume, range: Range<u64>) -> Result<(), String> {
    let (mut piece, mut expected) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    let mut offset = range.start;
    while offset < range.end {
        let length = PIECE_BYTES.min((range.end - offset) as usize);
        volume
            .read(offset, &mut piece[..length])
            .map_err(|error| format!("reading what was written: {error}"))?;
        content(offset, &mut expected[..length]);
        if let Some(at) = (0..length).find(|at| piece[*at] != expected[*at]) {
            return Err(format!("byte {} came back changed", offset + at as u64));
        }
        offset += length as u64;
    }
    Ok(())
}

/// That nothing of the content stands on the store.
fn leaks(store: &dyn Store) -> Result<(), String> {
    let finder = memmem::Finder::new(b"sealab volume canary");
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < store.size() {
        let length = PIECE_BYTES.min((store.size() - offset) as usize);
        store
            .read_at(offset, &mut piece[..length])
            .map_err(|error| format!("reading the store: {error}"))?;
        if let Some(at) = finder.find(&piece[..length]) {
            return Err(format!(
                "plaintext stands on the store at byte {}",
                offset + at as u64
            ));
        }
        // A canary across the border is one of the many that each sector holds.
        offset += length as u64;
    }
    Ok(())
}

/// That a changed byte of the store never changes what is read, and that some are noticed.
fn refuses_changes(
    store: &dyn Store,
    open: &dyn Fn() -> Result<Box<dyn Volume>, String>,
    size: u64,
) -> Result<(), String> {
    let mut noticed = 0;
    for index in 0..CHANGES {
        // From the last eighths, where every format has its data.
        let at = store.size() / 2 + (store.size() / 2 - 1) * index / CHANGES;
        let mut byte = [0];
        let io = |error: std::io::Error| format!("changing the store: {error}");
        store.read_at(at, &mut byte).map_err(io)?;
        store.write_at(at, &[byte[0] ^ 1]).map_err(io)?;
        match open().and_then(|volume| holds(&*volume, 0..size)) {
            Err(error) if error.contains("came back changed") => {
                return Err(format!("a changed byte at {at} of the store passed: {error}"));
            }
            Err(_) => noticed += 1,
            Ok(()) => {}
        }
        store.write_at(at, &byte).map_err(io)?;
    }
    if noticed == 0 {
        return Err("no changed byte of the store was noticed".to_owned());
    }
    Ok(())
}
