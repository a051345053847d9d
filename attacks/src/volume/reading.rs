//! What a reader got of a volume, and the verdict on it.

use std::sync::Arc;

use sealab_attack_record::Verdict;
use sealab_volume::Volume;
use sealab_volume::store::Store;

use super::subject::{BLOCK_BYTES, BLOCKS};
use crate::overlay::Overlay;

/// What a reader's memory holds before it reads.
const UNTOUCHED: u8 = 0xa5;

/// What a reader got who read every block.
pub(super) struct Reading {
    /// Why the volume did not open.
    refusal: Option<String>,
    /// Its size.
    size: u64,
    blocks: Vec<Block>,
}

/// What came of reading a block.
enum Block {
    Read(Vec<u8>),
    /// The error, and whether there was something in the reader's memory that may be plaintext.
    Refused(String, bool),
}

impl Reading {
    /// Reads every block of the volume that `opened` is on `store`; `truth` is what should be there.
    pub(super) fn new(
        opened: Result<Box<dyn Volume>, String>,
        store: &Arc<Overlay>,
        truth: &dyn Fn(u64) -> Vec<u8>,
    ) -> Self {
        let volume = match opened {
            Ok(volume) => volume,
            Err(refusal) => {
                return Self {
                    refusal: Some(refusal),
                    size: 0,
                    blocks: Vec::new(),
                };
            }
        };
        let blocks = (0..BLOCKS).map(|block| {
            let mut data = vec![UNTOUCHED; BLOCK_BYTES];
            match volume.read(block * BLOCK_BYTES as u64, &mut data) {
                Ok(()) => Block::Read(data),
                Err(error) => Block::Refused(error.to_string(), spilled(&data, &truth(block), store)),
            }
        });
        Self {
            blocks: blocks.collect(),
            size: volume.size(),
            refusal: None,
        }
    }

    /// Whether some block was read as it is in `truth`.
    pub(super) fn some_true(&self, truth: &dyn Fn(u64) -> Vec<u8>) -> bool {
        let read =
            |(number, block): (u64, &Block)| matches!(block, Block::Read(data) if *data == truth(number));
        (0..).zip(&self.blocks).any(read)
    }

    /// The verdict on a change to a volume of `size` bytes that held `truth`, and what was seen.
    pub(super) fn of_change(&self, truth: &dyn Fn(u64) -> Vec<u8>, size: u64) -> (Verdict, Option<String>) {
        if let Some(refusal) = &self.refusal {
            return (Verdict::DetectedBeforeUse, Some(refusal.clone()));
        }
        let mut errors = Vec::new();
        for (number, block) in (0..).zip(&self.blocks) {
            match block {
                Block::Read(data) => {
                    let truth = truth(number);
                    let at = data.iter().zip(&truth).position(|(a, b)| a != b);
                    if let Some(at) = at {
                        let note = format!("handed out false: block {number} from byte {at} on");
                        return (Verdict::Undetected, Some(note));
                    }
                }
                Block::Refused(error, spilled) => errors.push((error, *spilled)),
            }
        }
        if let Some((error, _)) = errors.iter().find(|(_, spilled)| *spilled) {
            let note = format!("{error}, but what was not verified is in the reader's memory");
            return (Verdict::DetectedAfterUse, Some(note));
        }
        if self.size != size {
            let note = format!("the volume opened with {} bytes in place of {size}", self.size);
            return (Verdict::Undetected, Some(note));
        }
        match errors.first() {
            Some((error, _)) => (Verdict::DetectedBeforeUse, Some((*error).clone())),
            None => (Verdict::Refused, None),
        }
    }

    /// The verdict on a volume that an honest reader must not take: anything that it gives is too much.
    pub(super) fn of_offer(&self) -> (Verdict, Option<String>) {
        if let Some(refusal) = &self.refusal {
            return (Verdict::Refused, Some(refusal.clone()));
        }
        let read = self
            .blocks
            .iter()
            .filter(|block| matches!(block, Block::Read(_)))
            .count();
        let note = format!("it opened and gave {read} of {BLOCKS} blocks");
        let verdict = match read as u64 {
            0 => Verdict::Refused,
            BLOCKS => Verdict::Undetected,
            _ => Verdict::DetectedAfterUse,
        };
        (verdict, Some(note))
    }
}

/// Whether a failed read left something in the reader's memory that nobody verified: neither what was there before, nor
/// zeroes, nor the truth, nor the ciphertext that anybody can read from the store.
fn spilled(data: &[u8], truth: &[u8], store: &Arc<Overlay>) -> bool {
    if data == truth || data.iter().all(|byte| *byte == 0) || data.iter().all(|byte| *byte == UNTOUCHED) {
        return false;
    }
    let image = store.bytes(0..store.size() as usize);
    !image
        .chunks(512)
        .any(|sector| data.starts_with(&sector[..sector.len().min(16)]))
}
