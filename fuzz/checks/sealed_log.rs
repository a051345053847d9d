//! A sealed log's header is read, and a log that was changed everywhere behind its authentication opens, is read, written
//! and opened again, or is refused.

use std::sync::{Arc, OnceLock};

use sealab_engine::Engine;
use sealab_volume::Volume;
use sealab_volume::luks::Argon2Cost;
use sealab_volume::sealed_log::{
    CreateOptions, OpenOptions, SealedLog, create, open, parse_layout, store_bytes,
};
use sealab_volume::store::{MemoryStore, Store};

use crate::refusal;
use crate::transparent::Transparent;

const BLOCK: usize = 4096;
const PASSPHRASE: &[u8] = b"fuzz";
/// The two copies of the header: what is behind them is what is changed.
const HEADERS: usize = 2 * BLOCK;

/// Whether the rest of `data` is read, its first byte being
/// - `h`: a header,
/// - `e`: changes of a log all of whose tags hold: where (3 bytes, big-endian, from the superblocks on), how many bytes (1
///   byte), the bytes.
pub(crate) fn check(data: &[u8]) -> bool {
    match data.split_first() {
        Some((b'h', rest)) => match parse_layout("a header", rest) {
            Ok(layout) => {
                assert!(layout.volume > 0 && layout.volume <= layout.log.end - layout.log.start);
                true
            }
            Err(error) => told(error),
        },
        Some((b'e', rest)) => changed(rest),
        _ => false,
    }
}

fn engine() -> Arc<dyn Engine> {
    Arc::new(Transparent)
}

/// A log with a few blocks in the index, a few in the journal, one discarded.
fn untouched() -> &'static [u8] {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let made = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
            let store = Arc::new(MemoryStore::new(store_bytes(1 << 19).unwrap_or(0)));
            let cost = Argon2Cost {
                time: 4,
                memory: 32,
                cpus: 1,
            };
            create(&Transparent, &*store, PASSPHRASE, &CreateOptions { cost }, None)?;
            let log = open(engine(), store.clone(), PASSPHRASE, &OpenOptions::default(), None)?;
            for block in 0..120 {
                // Each a commit of its own, so that the journal goes round and the index is written.
                log.write(block % 40 * BLOCK as u64, &[block as u8; BLOCK])?;
                log.flush()?;
            }
            log.discard(3 * BLOCK as u64, BLOCK as u64)?;
            log.flush()?;
            drop(log);
            Ok(store.contents()?)
        };
        match made() {
            Ok(image) => image,
            Err(error) => panic!("{error}"),
        }
    })
}

fn changed(mut rest: &[u8]) -> bool {
    let mut image = untouched().to_vec();
    while let Some(([high, middle, low, count], behind)) = rest.split_first_chunk() {
        let at = HEADERS + (usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low));
        let (bytes, behind) = behind.split_at(behind.len().min((*count).into()));
        for (to, byte) in image.iter_mut().skip(at).zip(bytes) {
            *to = *byte;
        }
        rest = behind;
    }
    let store: Arc<dyn Store> = Arc::new(MemoryStore::from(image));
    let reopened = || open(engine(), store.clone(), PASSPHRASE, &OpenOptions::default(), None);
    let log = match reopened() {
        Ok(log) => log,
        Err(error) => return told(error),
    };
    let mut right = read(&log);
    let written = [0x5a; BLOCK];
    let done = log
        .write(7 * BLOCK as u64, &written)
        .and_then(|()| log.discard(8 * BLOCK as u64, 4 * BLOCK as u64))
        .and_then(|()| log.clean(8).map(drop))
        .and_then(|()| log.flush());
    match done {
        Ok(()) => {}
        Err(error) => right = told(error),
    }
    drop(log);
    match reopened() {
        Ok(log) => {
            read(&log);
            right
        }
        Err(error) => told(error),
    }
}

/// Whether every block is read.
fn read(log: &SealedLog) -> bool {
    let mut right = true;
    for offset in (0..log.size()).step_by(BLOCK) {
        if let Err(error) = log.read(offset, &mut [0; BLOCK]) {
            right = told(error);
        }
    }
    right
}

fn told(error: impl std::fmt::Display) -> bool {
    refusal::is_one_line(&error.to_string());
    false
}
