//! Every sector cipher against sectors that others wrote, against the golden vectors, and against changed sectors.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use sealab_engine::{Engine, InOutBuf, Nonce};
use sealab_volume::sector::{
    AesGcmRandom, CbcEssiv, SectorCipher, SectorError, SectorSize, XtsHmac, XtsPlain64,
};
use serde_json::Value;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn size(bytes: usize) -> SectorSize {
    SectorSize::new(bytes).unwrap()
}

fn plain(length: usize) -> Vec<u8> {
    (0..)
        .flat_map(|record| format!("sealab golden block {record:08} ").into_bytes())
        .take(length)
        .collect()
}

fn open(kind: &str, key: &[u8], size: SectorSize) -> Box<dyn SectorCipher> {
    let engine = engine();
    match kind {
        "xts-plain64" => Box::new(XtsPlain64::new(&*engine, key.try_into().unwrap(), size).unwrap()),
        "xts-hmac-sha256" => Box::new(XtsHmac::new(&*engine, key.try_into().unwrap(), size).unwrap()),
        "aes-gcm-random" => Box::new(AesGcmRandom::new(&*engine, key.try_into().unwrap(), size).unwrap()),
        _ => Box::new(CbcEssiv::new(&*engine, key.try_into().unwrap(), size).unwrap()),
    }
}

/// Kind, length of the volume key.
const KINDS: [(&str, usize); 4] = [
    ("xts-plain64", 64),
    ("xts-hmac-sha256", 96),
    ("aes-gcm-random", 32),
    ("cbc-essiv", 32),
];

fn key(length: usize) -> Vec<u8> {
    (0..length).map(|byte| byte as u8).collect()
}

#[test]
fn sectors_of_the_kernel_and_of_cryptsetup_open() {
    for (file, kind, key_bytes, bytes) in [
        ("xts-plain64", "xts-plain64", 64, 4096),
        ("xts-hmac-sha256", "xts-hmac-sha256", 96, 4096),
        ("aes-gcm-random", "aes-gcm-random", 32, 4096),
        ("cbc-essiv-512", "cbc-essiv", 32, 512),
        ("cbc-essiv-4096", "cbc-essiv", 32, 4096),
    ] {
        let path = format!("{}/tests/fixtures/{file}.bin", env!("CARGO_MANIFEST_DIR"));
        let fixture = std::fs::read(path).unwrap();
        let (key, rest) = fixture.split_at(key_bytes);
        let (sectors, metadata) = rest.split_at(3 * bytes);
        let mut cipher = open(kind, key, size(bytes));
        assert_eq!(metadata.len(), 3 * cipher.metadata_bytes(), "{file}");

        let mut data = sectors.to_vec();
        cipher.decrypt(0, &mut data, metadata).unwrap();
        assert!(data == plain(3 * bytes), "{file}");
        // The last two alone: numbers count from the volume's start in units of 512 bytes.
        let mut data = sectors[bytes..].to_vec();
        let number = (bytes / 512) as u64;
        cipher
            .decrypt(number, &mut data, &metadata[cipher.metadata_bytes()..])
            .unwrap();
        assert!(data == plain(3 * bytes)[bytes..], "{file}");

        let mut again = plain(3 * bytes);
        let mut written = vec![0; metadata.len()];
        if kind == "aes-gcm-random" {
            let nonces: Vec<Nonce> = metadata
                .chunks_exact(28)
                .map(|sector| Nonce(sector[16..].try_into().unwrap()))
                .collect();
            let mut cipher = AesGcmRandom::new(&*engine(), key.try_into().unwrap(), size(bytes)).unwrap();
            cipher
                .encrypt_with_nonces(0, &nonces, &mut again, &mut written)
                .unwrap();
        } else {
            cipher.encrypt(0, &mut again, &mut written).unwrap();
        }
        assert!(again == sectors && written == metadata, "{file}");
    }
}

#[test]
fn batches_of_any_size_are_what_their_sectors_are() {
    for (kind, key_bytes) in KINDS {
        for bytes in [512, 4096] {
            let mut cipher = open(kind, &key(key_bytes), size(bytes));
            let each = cipher.metadata_bytes();
            // More than two batches, the last not full.
            let count = 150;
            let original = plain(bytes * count);
            let (mut data, mut metadata) = (original.clone(), vec![0; each * count]);
            cipher.encrypt(1000, &mut data, &mut metadata).unwrap();
            for index in [0, 1, 15, 16, 63, 64, 149] {
                let mut sector = data[index * bytes..][..bytes].to_vec();
                let number = 1000 + (index * bytes / 512) as u64;
                let metadata = &metadata[index * each..][..each];
                cipher.decrypt(number, &mut sector, metadata).unwrap();
                assert!(
                    sector == original[index * bytes..][..bytes],
                    "{kind} {bytes} {index}"
                );
            }
            cipher.decrypt(1000, &mut data, &metadata).unwrap();
            assert!(data == original, "{kind} {bytes}");
            cipher.encrypt(0, &mut [], &mut []).unwrap();
            cipher.decrypt(0, &mut [], &[]).unwrap();
        }
    }
}

#[test]
fn from_one_buffer_into_another_is_as_in_place() {
    for (kind, key_bytes) in KINDS {
        for bytes in [512, 4096] {
            let mut cipher = open(kind, &key(key_bytes), size(bytes));
            let each = cipher.metadata_bytes();
            let count = 150;
            let original = plain(bytes * count);
            let (mut sealed, mut metadata) = (vec![1; bytes * count], vec![0; each * count]);
            let data = InOutBuf::new(&original, &mut sealed).unwrap();
            cipher.encrypt_inout(1000, data, &mut metadata).unwrap();
            assert!(original == plain(bytes * count), "{kind} {bytes}");
            let mut in_place = sealed.clone();
            cipher.decrypt(1000, &mut in_place, &metadata).unwrap();
            assert!(in_place == original, "{kind} {bytes}");

            let (before, mut opened) = (sealed.clone(), vec![1; bytes * count]);
            let data = InOutBuf::new(&sealed, &mut opened).unwrap();
            cipher.decrypt_inout(1000, data, &metadata).unwrap();
            assert!(sealed == before && opened == original, "{kind} {bytes}");

            if each > 0 {
                sealed[140 * bytes] ^= 1;
                opened.fill(1);
                let data = InOutBuf::new(&sealed, &mut opened).unwrap();
                let result = cipher.decrypt_inout(1000, data, &metadata);
                let expected = 1000 + (140 * bytes / 512) as u64;
                assert!(
                    matches!(result, Err(SectorError::Unauthentic { number }) if number == expected),
                    "{kind} {bytes}"
                );
                assert!(opened[140 * bytes..][..bytes] != original[140 * bytes..][..bytes]);
            }
        }
    }
}

#[test]
fn what_was_changed_or_moved_does_not_open_and_leaves_no_plaintext() {
    for (kind, key_bytes) in [("xts-hmac-sha256", 96), ("aes-gcm-random", 32)] {
        let mut cipher = open(kind, &key(key_bytes), size(512));
        let each = cipher.metadata_bytes();
        let count = 70;
        let original = plain(512 * count);
        let (mut data, mut metadata) = (original.clone(), vec![0; each * count]);
        cipher.encrypt(5, &mut data, &mut metadata).unwrap();
        // In the second batch, so that one was opened before it.
        for at in [66 * 512, 66 * 512 + 511] {
            let mut changed = data.clone();
            changed[at] ^= 0x80;
            let result = cipher.decrypt(5, &mut changed, &metadata);
            assert!(
                matches!(result, Err(SectorError::Unauthentic { number: 71 })),
                "{kind}"
            );
            assert!(
                changed[66 * 512..][..512] != original[66 * 512..][..512],
                "{kind}"
            );
            assert!(changed[67 * 512..] != original[67 * 512..], "{kind}");
        }
        for at in [66 * each, 67 * each - 1] {
            let mut changed = metadata.clone();
            changed[at] ^= 1;
            let mut buffer = data.clone();
            let result = cipher.decrypt(5, &mut buffer, &changed);
            assert!(
                matches!(result, Err(SectorError::Unauthentic { number: 71 })),
                "{kind}"
            );
            assert!(buffer[66 * 512..] != original[66 * 512..], "{kind}");
        }
        let mut moved = data.clone();
        let result = cipher.decrypt(6, &mut moved, &metadata);
        assert!(
            matches!(result, Err(SectorError::Unauthentic { number: 6 })),
            "{kind}"
        );
        let mut short = data.clone();
        let result = cipher.decrypt(5, &mut short, &metadata[1..]);
        assert!(matches!(result, Err(SectorError::Length { .. })), "{kind}");
    }
}

#[test]
fn nonces_are_fresh_for_every_write() {
    let mut cipher = open("aes-gcm-random", &key(32), size(512));
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..3 {
        let (mut data, mut metadata) = (vec![0; 512 * 70], vec![0; 28 * 70]);
        cipher.encrypt(0, &mut data, &mut metadata).unwrap();
        nonces.extend(metadata.chunks_exact(28).map(|sector| sector[16..].to_vec()));
    }
    assert_eq!(nonces.len(), 210);
    let mut cipher = AesGcmRandom::new(&*engine(), &[0; 32], size(512)).unwrap();
    let (mut data, mut metadata) = (vec![0; 1024], vec![0; 56]);
    let result = cipher.encrypt_with_nonces(0, &[Nonce([0; 12])], &mut data, &mut metadata);
    assert!(matches!(result, Err(SectorError::Length { .. })));
}

#[test]
fn an_engine_without_the_block_cipher_says_so() {
    let engine = (sealab_engine_ring::CANDIDATE.open)().unwrap();
    assert!(matches!(
        CbcEssiv::new(&*engine, &[0; 32], size(512)),
        Err(SectorError::Engine(_))
    ));
}

fn octets(test: &Value, group: &Value, member: &str) -> Vec<u8> {
    let value = test.get(member).or_else(|| group.get(member));
    let text = value
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{member}"));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_golden_vectors_hold() {
    for (file, kind) in [
        ("aes-256-cbc-essiv-sha256-sectors", "cbc-essiv"),
        ("dm-crypt-aes-256-gcm-random-sectors", "aes-gcm-random"),
        ("dm-crypt-aes-256-xts-hmac-sha256-sectors", "xts-hmac-sha256"),
    ] {
        let path = format!("{}/../../vectors/data/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut count = 0;
        for group in json["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                count += 1;
                let name = format!("{file} {}", test["tcId"]);
                let get = |member| octets(test, group, member);
                let valid = test["result"] == "valid";
                let mut ciphertext = get("ct");
                let size = SectorSize::of_vector(ciphertext.len()).unwrap();
                let mut cipher = open(kind, &get("key"), size);
                let number = u64::from_le_bytes(get("sector").try_into().unwrap());
                let mut metadata = match kind {
                    "cbc-essiv" => vec![],
                    "aes-gcm-random" => [get("tag"), get("iv")].concat(),
                    _ => get("tag"),
                };
                let opened = cipher.decrypt(number, &mut ciphertext, &metadata);
                if !valid {
                    assert!(opened.is_err(), "{name}");
                    continue;
                }
                opened.unwrap();
                let length = test["msgLength"].as_u64().map(|length| length as usize);
                let message = get("msg");
                let message: Vec<u8> = message
                    .iter()
                    .copied()
                    .cycle()
                    .take(length.unwrap_or(message.len()))
                    .collect();
                assert!(ciphertext == message, "{name}");
                let expected = metadata.clone();
                if kind == "aes-gcm-random" {
                    let nonce = Nonce(get("iv").try_into().unwrap());
                    AesGcmRandom::new(&*engine(), &get("key").try_into().unwrap(), size)
                        .unwrap()
                        .encrypt_with_nonces(number, &[nonce], &mut ciphertext, &mut metadata)
                        .unwrap();
                } else {
                    cipher.encrypt(number, &mut ciphertext, &mut metadata).unwrap();
                }
                assert!(ciphertext == get("ct") && metadata == expected, "{name}");
            }
        }
        assert_eq!(json["numberOfTests"], count);
    }
}
