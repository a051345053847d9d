//! A dm-verity superblock is read, and a volume with it opens and is read as far as it is authentic, or is refused.

use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::store::MemoryStore;
use sealab_volume::verity::{HashArea, RootHash, SUPERBLOCK_BYTES, Verity, parse_superblock};
use sealab_volume::{Volume, VolumeError};

use crate::refusal;
use crate::transparent::Transparent;

const SECTOR: usize = 512;
/// The largest store, in sectors.
const MOST_SECTORS: usize = 1024;

/// Whether the rest of `data` is read, its first byte being
/// - `s`: a superblock,
/// - `t`: a volume every digest of which holds,
/// - `r`: a root hash of SHA-256, and a volume that it is of.
///
/// A volume is the sectors of its store and the one of them with the superblock, both as two bytes, whether its parameters
/// are known (bit 0) and the hash area begins behind it (bit 1), and what stands in the store from the superblock on, or for
/// `r` from the start. The rest is zeroes.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what, rest)) = data.split_first() else {
        return false;
    };
    match what {
        b's' => match parse_superblock(rest) {
            Ok(parameters) => {
                assert!(parameters.data_bytes() > 0 && parameters.hash_bytes() > 0);
                true
            }
            Err(error) => told(error),
        },
        b't' => opened(Arc::new(Transparent), "00", rest, false),
        b'r' => match rest.split_at_checked(32) {
            Some((root, rest)) => {
                let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
                opened(real(), &root, rest, true)
            }
            None => false,
        },
        _ => false,
    }
}

fn real() -> Arc<dyn Engine> {
    match (sealab_engine_rustcrypto::CANDIDATE.open)() {
        Ok(engine) => engine.into(),
        Err(error) => panic!("{error}"),
    }
}

fn opened(engine: Arc<dyn Engine>, root: &str, rest: &[u8], whole: bool) -> bool {
    let Some(([high, low, offset_high, offset_low, given], content)) = rest.split_first_chunk() else {
        return false;
    };
    let sectors = usize::from(u16::from_be_bytes([*high, *low])) % (MOST_SECTORS + 1);
    let offset = usize::from(u16::from_be_bytes([*offset_high, *offset_low])) * SECTOR;
    let from = if whole { 0 } else { offset };
    let mut bytes = vec![0; sectors * SECTOR];
    for (to, byte) in bytes.iter_mut().skip(from).zip(content) {
        *to = *byte;
    }
    let superblock = bytes.get(offset..).unwrap_or_default();
    let parameters = parse_superblock(superblock).ok();
    // The transparent engine's digests are zeroes; SHA-512 is no engine's.
    let digest_bytes = parameters
        .as_ref()
        .map_or(32, |parameters| parameters.algorithm.digest_bytes());
    let root = if whole {
        root.to_owned()
    } else {
        root.repeat(digest_bytes)
    };
    let Ok(root) = root.parse::<RootHash>() else {
        return false;
    };
    let apart = given & 2 != 0;
    let area = HashArea {
        offset: (offset + if apart { SECTOR } else { 0 }) as u64,
        superblock: !apart,
    };
    let given = parameters.filter(|_| given & 1 != 0);
    let store = Arc::new(MemoryStore::from(bytes));
    let volume = match Verity::open(engine, store, None, area, given.as_ref(), &root) {
        Ok(volume) => volume,
        Err(error) => return told(error),
    };
    assert!(volume.size() <= (sectors * SECTOR) as u64);
    assert!(area.offset + volume.tree_bytes() <= (sectors * SECTOR) as u64);
    assert!(volume.parameters().salt.len() < SUPERBLOCK_BYTES);
    let mut block = vec![0; volume.block_size() as usize];
    let mut authentic = true;
    for offset in (0..volume.size()).step_by(block.len()) {
        match volume.read(offset, &mut block) {
            Ok(()) => {}
            Err(error @ VolumeError::Unauthentic { .. }) => authentic = told(error),
            Err(error) => panic!("{error}"),
        }
    }
    authentic
}

fn told(error: impl std::fmt::Display) -> bool {
    refusal::is_one_line(&error.to_string());
    false
}
