//! Headers that an adversary writes anew, with checksums that are right.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::super::places::Luks;
use super::super::stage::Stage;
use super::super::subject::{self, BLOCK_BYTES, LATER, content};
use crate::canary::Search;
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome, Verdict};

/// Where a LUKS2 header's JSON text begins, and where its checksum stands.
const TEXT: usize = 4096;
const CHECKSUM: std::ops::Range<usize> = 448..512;
/// Where a LUKS1 header has its cipher's name and mode, and where it says that the data begin.
const CIPHER_NAME: usize = 8;
const CIPHER_MODE: usize = 40;
const PAYLOAD: usize = 104;
const NAME_BYTES: usize = 32;
/// Where dm-integrity's superblock has the size of the data, and dm-verity's the number of blocks.
const PROVIDED: usize = 16;
const DATA_BLOCKS: usize = 72;

type Forged = Vec<(&'static str, Overlay)>;

/// What becomes of a JSON text, with its name.
type Change<'a> = (&'static str, &'a dyn Fn(&str) -> Option<String>);

/// Changes the JSON text of both copies of a LUKS2 header, if there is something to change.
fn with_text(stage: &Stage, copy: usize, change: &dyn Fn(&str) -> Option<String>) -> Option<Overlay> {
    let store = Overlay::new(&stage.image);
    for start in [0, copy] {
        let mut header = store.bytes(start..start + copy);
        let end = header[TEXT..].iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&header[TEXT..TEXT + end]).ok()?;
        let text = change(text)?;
        header[TEXT..].fill(0);
        header
            .get_mut(TEXT..TEXT + text.len())?
            .copy_from_slice(text.as_bytes());
        header[CHECKSUM].fill(0);
        let sum = Sha256::digest(&header);
        header[CHECKSUM.start..CHECKSUM.start + sum.len()].copy_from_slice(&sum);
        store.put(start, &header);
    }
    Some(store)
}

/// The text with the value of a member replaced where the member follows `after`.
fn member(text: &str, after: &str, name: &str, value: &str) -> Option<String> {
    let from = text.find(after)?;
    let at = from + text[from..].find(&format!("\"{name}\":"))? + name.len() + 3;
    let end = at + text[at..].find([',', '}'])?;
    Some(format!("{}{value}{}", &text[..at], &text[end..]))
}

/// The text without a segment's integrity.
fn without_integrity(text: &str) -> Option<String> {
    let at = text.find(",\"integrity\":")?;
    let end = at + text[at..].find('}')? + 1;
    Some(format!("{}{}", &text[..at], &text[end..]))
}

fn null_ciphers(stage: &Stage) -> Forged {
    let null = "\"cipher_null-ecb\"";
    match stage.headers.luks {
        None => Vec::new(),
        Some(Luks::One) => {
            let store = Overlay::new(&stage.image);
            for (at, text) in [(CIPHER_NAME, "cipher_null"), (CIPHER_MODE, "ecb")] {
                let mut field = text.as_bytes().to_vec();
                field.resize(NAME_BYTES, 0);
                store.put(at, &field);
            }
            vec![("the header's cipher", store)]
        }
        Some(Luks::Two { copy, .. }) => {
            let segments = |text: &str| member(text, "\"segments\":{", "encryption", null);
            let plain = |text: &str| without_integrity(&segments(text)?);
            let keyslots = |text: &str| member(text, "\"keyslots\":{", "encryption", null);
            let both = |text: &str| segments(&keyslots(text)?);
            let changes: [Change<'_>; 4] = [
                ("the segment's cipher", &segments),
                ("the segment's cipher, without integrity", &plain),
                ("the keyslot's cipher", &keyslots),
                ("both ciphers", &both),
            ];
            let forged = changes.into_iter();
            forged
                .filter_map(|(name, change)| Some((name, with_text(stage, copy, change)?)))
                .collect()
        }
    }
}

pub(super) fn null_cipher(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let search = Search::new(&subject::canaries());
    let search = search.map_err(|error| stage.failure("looking for canaries", error))?;
    for (name, store) in null_ciphers(stage) {
        let store = Arc::new(store);
        let (verdict, note) = match stage.open(store.clone()) {
            Err(refusal) => (Verdict::Refused, refusal),
            Ok(volume) => {
                // The owner goes on.
                let written = (0..4).try_for_each(|block: u64| {
                    volume.write(block * BLOCK_BYTES as u64, &content(LATER, block))
                });
                let done = written.and_then(|()| volume.flush());
                let found = search.find(store.image().as_slice());
                match found.map_err(|error| stage.failure("looking for canaries", error))? {
                    Some((_, at)) => (Verdict::Leaks, format!("what was written stands at byte {at}")),
                    None => match done {
                        Ok(()) => (Verdict::Refused, "it opened, and nothing is in clear".to_owned()),
                        Err(error) => (Verdict::Refused, error.to_string()),
                    },
                }
            }
        };
        trials.add(name, verdict, Some(note));
    }
    Ok(trials.outcome("No header names a cipher."))
}

fn forged(stage: &Stage) -> Forged {
    let mut all = Vec::new();
    let headers = &stage.headers;
    match headers.luks {
        None => {}
        Some(Luks::One) => {
            let payload = |by: i32| {
                let store = Overlay::new(&stage.image);
                let bytes = store.bytes(PAYLOAD..PAYLOAD + 4);
                let sectors = bytes
                    .iter()
                    .fold(0u32, |number, byte| number << 8 | u32::from(*byte));
                store.put(PAYLOAD, &sectors.wrapping_add_signed(by).to_be_bytes());
                store
            };
            all.push(("data that begin later", payload(8)));
        }
        Some(Luks::Two { copy, data }) => {
            let later = format!("\"{}\"", data + BLOCK_BYTES as u64);
            let after = "\"segments\":{";
            let offset = |text: &str| member(text, after, "offset", &later);
            let sector = |text: &str| member(text, after, "sector_size", "512");
            let size = |text: &str| member(text, after, "size", "\"524288\"");
            let tweak = |text: &str| member(text, after, "iv_tweak", "\"8\"");
            let changes: [Change<'_>; 5] = [
                ("data that begin later", &offset),
                ("smaller sectors", &sector),
                ("fewer data", &size),
                ("another tweak", &tweak),
                ("no integrity", &without_integrity),
            ];
            let forged = changes.into_iter();
            all.extend(forged.filter_map(|(name, change)| Some((name, with_text(stage, copy, change)?))));
        }
    }
    let less = |at: usize, by: u64| {
        let store = Overlay::new(&stage.image);
        let bytes = store.bytes(at..at + 8);
        let number = bytes
            .iter()
            .rev()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        store.put(at, &number.wrapping_sub(by).to_le_bytes());
        store
    };
    if let Some(start) = headers.integrity {
        all.push((
            "fewer sectors in dm-integrity's superblock",
            less(start + PROVIDED, 64),
        ));
    }
    if let Some(start) = headers.verity {
        all.push((
            "fewer blocks in dm-verity's superblock",
            less(start + DATA_BLOCKS, 8),
        ));
    }
    all
}

pub(super) fn header(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for (name, store) in forged(stage) {
        stage.try_change(&mut trials, name, store);
    }
    Ok(trials.outcome("There is no header."))
}
