//! A LUKS header is read, checked against its store, and survives a repair, or is refused in a line.

use std::sync::Arc;

use sealab_volume::luks::{Device, Header, KdfLimits, Refusal, Summary, parse_luks1, parse_luks2};
use sealab_volume::store::{MemoryStore, Store};
use sha2::{Digest, Sha256};

use crate::refusal;

/// What a binary header of LUKS2 uses of its 4096 bytes.
const BINARY_USED: usize = 512;
const BINARY_BYTES: usize = 4096;
/// More than the usual header, which is followed by data.
const STORE_BYTES: u64 = 20 << 20;
const CHECKSUM: std::ops::Range<usize> = 448..512;

/// Whether the rest of `data` is read, its first byte being
/// - `1`: a header of LUKS1,
/// - `2`: the JSON text of two whole copies of LUKS2,
/// - `b`: which copies have a right checksum (bits 0 and 1), what the first and the second binary header use, and a JSON
///   text for both.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what, rest)) = data.split_first() else {
        return false;
    };
    match what {
        b'1' => held(rest.to_vec(), parse_luks1(rest)),
        b'2' => {
            let binaries = [0, COPY].map(|offset| binary(offset as u64));
            held_luks2(image([&binaries[0], &binaries[1]], rest, 3))
        }
        b'b' => {
            let Some((flags, rest)) = rest.split_first() else {
                return false;
            };
            let Some((first, rest)) = rest.split_at_checked(BINARY_USED) else {
                return false;
            };
            let Some((second, json)) = rest.split_at_checked(BINARY_USED) else {
                return false;
            };
            held_luks2(image([first, second], json, *flags))
        }
        _ => false,
    }
}

const COPY: usize = 16384;

/// The start of a right binary header of the copy at `offset`.
fn binary(offset: u64) -> [u8; BINARY_USED] {
    let mut binary = [0; BINARY_USED];
    binary[..6].copy_from_slice(if offset == 0 {
        b"LUKS\xba\xbe"
    } else {
        b"SKUL\xba\xbe"
    });
    binary[7] = 2;
    binary[8..16].copy_from_slice(&(COPY as u64).to_be_bytes());
    binary[23] = 1;
    binary[72..78].copy_from_slice(b"sha256");
    binary[256..264].copy_from_slice(&offset.to_be_bytes());
    binary
}

/// Two copies as the first says how long they are; those of `sealed` get the checksum they should have.
fn image(binaries: [&[u8]; 2], json: &[u8], sealed: u8) -> Vec<u8> {
    let size = binaries[0][8..16]
        .iter()
        .fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    // Longer ones differ in nothing but the time they take.
    let size = match size {
        32_768 | 65_536 | 131_072 => size as usize,
        _ => COPY,
    };
    let mut image = vec![0; 2 * size];
    for ((copy, binary), number) in image.chunks_exact_mut(size).zip(binaries).zip(0..) {
        copy[..BINARY_USED].copy_from_slice(binary);
        let json = &json[..json.len().min(size - BINARY_BYTES)];
        copy[BINARY_BYTES..BINARY_BYTES + json.len()].copy_from_slice(json);
        if sealed >> number & 1 != 0 {
            copy[CHECKSUM].fill(0);
            let sum = Sha256::digest(&*copy);
            copy[CHECKSUM.start..CHECKSUM.start + sum.len()].copy_from_slice(&sum);
        }
    }
    image
}

fn held_luks2(image: Vec<u8>) -> bool {
    let parsed = parse_luks2(&image);
    held(image, parsed)
}

/// That a store which begins with `image` has the header `parsed`; whether it fits it.
fn held(image: Vec<u8>, parsed: Result<Summary, Refusal>) -> bool {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(STORE_BYTES));
    store
        .write_at(0, &image)
        .unwrap_or_else(|error| panic!("{error}"));
    let limits = KdfLimits::default();
    let summary = match parsed {
        Ok(summary) => summary,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            if let Err(error) = Header::read(&*store, &limits) {
                refusal::is_one_line(&error.to_string());
            }
            return false;
        }
    };
    let mut header = read(&store, &limits);
    assert_eq!(text(&header.summary()), text(&summary));
    let fits = header.check(&Device::attached(store.clone()));
    if let Err(error) = &fits {
        refusal::is_one_line(&error.to_string());
    }
    let repaired = header.repair(&*store);
    match repaired {
        Ok(true) => {
            let again = read(&store, &limits).summary();
            for copy in &again.copies {
                assert!(copy.problem.is_none(), "{copy:?} after a repair");
                assert_eq!(copy.sequence, again.copies[0].sequence);
            }
            let copies = summary.copies.clone();
            assert_eq!(text(&Summary { copies, ..again }), text(&summary));
        }
        Ok(false) => {}
        Err(error) => refusal::is_one_line(&error.to_string()),
    }
    fits.is_ok()
}

fn read(store: &Arc<dyn Store>, limits: &KdfLimits) -> Header {
    Header::read(&**store, limits).unwrap_or_else(|error| panic!("parsed, and not read: {error}"))
}

fn text(summary: &Summary) -> String {
    serde_json::to_string(summary).unwrap_or_else(|error| panic!("{error}"))
}
