//! Ways in for fuzzers: each takes bytes alone, and returns.

use std::sync::atomic::AtomicBool;

use sealab_engine::Engine;

use super::index::{Index, Place};
use super::index_codec::{self, Undecoded};
use super::manifest::Events;
use super::{Error, OpenOptions, SealedSource, SetKey, Summary, Unlock, Work, verify};
use crate::image::Fault;

/// Verifies the sealed file `bytes` under a known key.
///
/// # Errors
/// As [`verify`].
pub fn open_bytes(engine: &dyn Engine, bytes: &[u8], key: &SetKey) -> Result<Summary, Error> {
    let options = OpenOptions {
        unlock: Unlock::Set(key),
        parent: None,
        sender: None,
    };
    let mut work = Work {
        engine,
        progress: &mut |_| {},
        interrupt: &AtomicBool::new(false),
    };
    let mut source = bytes;
    verify(SealedSource::Stream(&mut source), &options, &mut work)
}

/// Reads `bytes` as the manifest of group `group`, after those before it were authentic.
///
/// # Errors
/// An event is not as it must be.
pub fn check_manifest(group: u64, bytes: &[u8]) -> Result<(), Fault> {
    let mut index = Index::default();
    let mut place = Place {
        // Locations have 64 bits.
        group: group % (1 << 40),
        content: 0,
    };
    let mut events = Events(bytes);
    while let Some(event) = events.next()? {
        index.apply(&event, &mut place)?;
    }
    Ok(())
}

/// Reads `bytes` as an open index; one that is read is written as the same bytes.
///
/// # Errors
/// The index is not as it must be.
pub fn check_index(bytes: &[u8], signed: bool) -> Result<(), Fault> {
    let mut source = bytes;
    let index = index_codec::decode(&mut source, signed).map_err(|undecoded| match undecoded {
        Undecoded::Fault(fault) => fault,
        Undecoded::Read(error) => Fault::Io(error),
    })?;
    let mut again = Vec::new();
    index_codec::encode(&index, &mut again)?;
    if again == bytes {
        return Ok(());
    }
    Err(Fault::value("an index", "in another encoding", "in its only one"))
}
