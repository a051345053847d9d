//! The chunk cipher against what Nydus itself writes and reads: the crate `nydus-utils` 0.5.1, its `crypt::Cipher` for
//! AES-128-XTS over OpenSSL 3.0, was given the chunks below under this key and tweak.

use sealab_engine::Engine;

use super::*;

const KEY: &str = "35323b2029161f040d0a7378616e575c45424bb0b9a6af949d9a8388f1fee7ec";
const TWEAK: &str = "f0edeae7e4e1dedbd8d5d2cfccc9c6c3";

/// Lengths, and what is stored: all of it, or its first 16 and last 32 bytes.
const STORED: [(usize, &str, &str); 13] = [
    (0, "0e41bdef4d0dbdb72b1c9838e0ee391cd096", ""),
    (1, "ba8de18d04cce27277628e1451f4bd14d19b", ""),
    (5, "8d3513f2a3b2b002de89c9cd5c7756611d13", ""),
    (15, "d9ddbf0bc978a7db147a238cc4534d4b9061", ""),
    (16, "ba38502d8fc4c3f1185c173f7ac4bba2", ""),
    (17, "da3f58128bb7c270d3c80bdb2536a450ba", ""),
    (18, "4627dfbc8fd538eb66386fcccd38b5b9ba38", ""),
    (
        31,
        "68b2f2ea87265252d7bda70fd5f5eab4ba38502d8fc4c3f1185c173f7ac4bb",
        "",
    ),
    (
        32,
        "ba38502d8fc4c3f1185c173f7ac4bba201e0369c20c2363c2a87f0bf0ee3a9fb",
        "",
    ),
    (
        33,
        "ba38502d8fc4c3f1185c173f7ac4bba25148e380f7daf4578a39baf7fb72b05001",
        "",
    ),
    (
        100,
        "ba38502d8fc4c3f1185c173f7ac4bba2",
        "dcb9e260a2a3a962f76c637d2c58b0d19b62ec39342dc9860a3588d5a11b85a5",
    ),
    (
        4096,
        "ba38502d8fc4c3f1185c173f7ac4bba2",
        "03f0e2bc4b6e5b465c19eaf365a568a192a1942d3a03438b42e4b7b6a580760d",
    ),
    (
        65537,
        "ba38502d8fc4c3f1185c173f7ac4bba2",
        "a7a451582a3a4b3f3f2fda0bb10e3e516a0c6a3a4dbac373def5948050ddbb58",
    ),
];

/// Chunks of fifteen bytes 3, this byte and `78 90`, as they are stored.
const ENDING_AS_PADDED: [(u8, &str); 6] = [
    (0, "f80ec04e9a33dbdfa7af5234af4a6a3168df"),
    (1, "3de461ee5fe4a173c3b147d56b8d30c43e32"),
    (5, "f6519c2181691825c76c5b8ca111191cd606"),
    (15, "1c3073f734db535489fd258ee95fecbd0b8a"),
    (16, "efae2fdfa9650e409ceea90d9de72337cafb"),
    (200, "9fd2ae47c4dd356ee625bedadb3d0355e82a"),
];

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cipher() -> ChunkCipher {
    let (key, tweak) = (unhex(KEY), unhex(TWEAK));
    let key = BlobKey::new(key.first_chunk().unwrap(), tweak.first_chunk().unwrap()).unwrap();
    ChunkCipher::new(&*engine(), &key).unwrap()
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut stored = vec![7; 3];
    cipher().seal(plain, &mut stored).unwrap();
    stored
}

fn chunk(length: usize) -> Vec<u8> {
    let byte = |at: usize| (at as u8).wrapping_mul(31) ^ (at >> 8) as u8;
    (0..length).map(byte).collect()
}

#[test]
fn chunks_are_sealed_as_nydus_seals_them() {
    for (length, start, end) in STORED {
        let stored = hex(&sealed(&chunk(length)));
        assert_eq!(stored.len(), 2 * stored_bytes(length));
        assert!(
            stored.starts_with(start) && stored.ends_with(end),
            "{length}: {stored}"
        );
        assert!(!end.is_empty() || stored == start, "{length}: {stored}");
        let mut plain = vec![7; 3];
        let opened = cipher().open(&unhex(&stored), &mut plain);
        match length {
            // What is padded by 16 bytes no longer opens, in Nydus either.
            0 => assert!(matches!(opened, Err(NydusError::Padding(16))), "{opened:?}"),
            _ => assert!(opened.is_ok() && plain == chunk(length), "{length}: {opened:?}"),
        }
    }
}

#[test]
fn chunks_of_18_bytes_that_end_as_padded_ones_are_cut_as_nydus_cuts_them() {
    for (byte, stored) in ENDING_AS_PADDED {
        let mut chunk = [3; PADDED_BYTES];
        chunk[15..].copy_from_slice(&[byte, 0x78, 0x90]);
        assert_eq!(hex(&sealed(&chunk)), stored, "{byte}");
        let mut plain = Vec::new();
        let opened = cipher().open(&unhex(stored), &mut plain);
        if byte < 16 {
            opened.unwrap();
            assert_eq!(plain, chunk[..16 - usize::from(byte)], "{byte}");
        } else {
            assert!(matches!(opened, Err(NydusError::Padding(found)) if found == byte));
            assert!(plain.is_empty());
        }
    }
    // Only with these two bytes, and at this length.
    for (length, end) in [(18, [5, 0x78, 0x91]), (19, [5, 0x78, 0x90])] {
        let mut chunk = chunk(length);
        chunk[length - 3..].copy_from_slice(&end);
        let mut plain = Vec::new();
        cipher().open(&sealed(&chunk), &mut plain).unwrap();
        assert_eq!(plain, chunk);
    }
}

/// Why no image should be sealed so: 2 chunks that differ in one block are equal in all others.
#[test]
fn equal_blocks_at_equal_places_of_chunks_are_equal() {
    let (one, mut other) = (chunk(4096), chunk(4096));
    other[4095] ^= 1;
    let (one, other) = (sealed(&one), sealed(&other));
    assert_eq!(one[..4080], other[..4080]);
    assert_ne!(one[4080..], other[4080..]);
}

#[test]
fn lengths_that_no_chunk_has_are_refused() {
    let mut out = Vec::new();
    assert!(matches!(
        cipher().open(&[0; 15], &mut out),
        Err(NydusError::Length { found: 15, .. })
    ));
    let long = vec![0; MAX_CHUNK_BYTES + 1];
    for refused in [cipher().open(&long, &mut out), cipher().seal(&long, &mut out)] {
        assert!(matches!(
            refused,
            Err(NydusError::Length {
                found: 16_777_217,
                ..
            })
        ));
    }
    cipher().seal(&long[1..], &mut out).unwrap();
}

#[test]
fn an_engine_without_the_cipher_says_so() {
    let engine = (sealab_engine_aws_lc::CANDIDATE.open)().unwrap();
    let key = BlobKey::generate().unwrap();
    let error = ChunkCipher::new(&*engine, &key).err().unwrap();
    assert!(error.to_string().contains("aes-128-xts"), "{error}");
}
