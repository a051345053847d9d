//! What the golden vectors do not reach, of every engine with AEADs and HMAC. Included by an engine's `tests/contract.rs`,
//! which names its `CANDIDATE`.

use sealab_engine::{Aead, AeadKey, Engine, EngineError, InOutBuf, MacKey, Messages, Nonce, Primitive, Tag};

use crate::CANDIDATE;

pub(crate) fn engine() -> Box<dyn Engine> {
    (CANDIDATE.open)().unwrap_or_else(|error| panic!("{error}"))
}

fn aeads() -> impl Iterator<Item = Box<dyn Aead>> {
    let engine = engine();
    [
        (Primitive::Aes128Gcm, &[7; 16][..]),
        (Primitive::Aes256Gcm, &[7; 32][..]),
        (Primitive::ChaCha20Poly1305, &[7; 32][..]),
    ]
    .into_iter()
    .map(move |(primitive, key)| {
        let key = AeadKey::new(primitive, key).unwrap_or_else(|error| panic!("{error}"));
        engine.aead(&key).unwrap_or_else(|error| panic!("{error}"))
    })
}

fn nonces<const N: usize>() -> [Nonce; N] {
    std::array::from_fn(|index| Nonce([index as u8; 12]))
}

#[test]
fn empty_batches_and_empty_messages_are_sealed_and_opened() {
    for mut aead in aeads() {
        let none = Messages::equal(4096, &[], &[]).unwrap();
        aead.seal(none, InOutBuf::from(&mut [][..]), &mut []).unwrap();
        aead.open(none, InOutBuf::from(&mut [][..]), &[]).unwrap();

        let nonces = nonces::<2>();
        let empty = Messages::equal(0, &nonces, b"abcd").unwrap();
        let mut tags = [Tag([0; 16]); 2];
        aead.seal(empty, InOutBuf::from(&mut [][..]), &mut tags).unwrap();
        aead.open(empty, InOutBuf::from(&mut [][..]), &tags).unwrap();
        tags[1].0[15] ^= 1;
        assert!(matches!(
            aead.open(empty, InOutBuf::from(&mut [][..]), &tags),
            Err(EngineError::Unauthentic { index: 1 })
        ));
    }
}

/// A refusal leaves zeros where the whole batch would have gone, and a keyed object that works as before.
#[test]
fn an_object_works_after_a_refusal() {
    for mut aead in aeads() {
        let nonces = nonces::<3>();
        let messages = Messages::each(&[1, 4096, 31], &nonces, b"abc").unwrap();
        let plaintext = [0x5a; 1 + 4096 + 31];
        let mut sealed = [0; 1 + 4096 + 31];
        let mut tags = [Tag([0; 16]); 3];
        aead.seal(
            messages,
            InOutBuf::new(&plaintext, &mut sealed).unwrap(),
            &mut tags,
        )
        .unwrap();

        let mut opened = [0xee; 1 + 4096 + 31];
        tags[1].0[0] ^= 1;
        let refused = aead.open(messages, InOutBuf::new(&sealed, &mut opened).unwrap(), &tags);
        assert!(matches!(refused, Err(EngineError::Unauthentic { index: 1 })));
        assert_eq!(opened, [0; 1 + 4096 + 31]);
        let mut in_place = sealed;
        let refused = aead.open(messages, InOutBuf::from(&mut in_place[..]), &tags);
        assert!(matches!(refused, Err(EngineError::Unauthentic { index: 1 })));
        assert_eq!(in_place, [0; 1 + 4096 + 31]);

        tags[1].0[0] ^= 1;
        aead.open(messages, InOutBuf::new(&sealed, &mut opened).unwrap(), &tags)
            .unwrap();
        assert_eq!(opened, plaintext);
    }
}

/// The code of nothing under the empty key, twice from one object, with another code in between.
#[test]
fn an_empty_key_is_a_key_and_a_mac_starts_anew_each_time() {
    let expected = [
        0xb6, 0x13, 0x67, 0x9a, 0x08, 0x14, 0xd9, 0xec, 0x77, 0x2f, 0x95, 0xd7, 0x78, 0xc3, 0x5f, 0xc5, 0xff,
        0x16, 0x97, 0xc4, 0x93, 0x71, 0x56, 0x53, 0xc6, 0xc7, 0x12, 0x14, 0x42, 0x92, 0xc5, 0xad,
    ];
    let mut mac = engine().hmac_sha256(&MacKey::new(&[])).unwrap();
    assert_eq!(mac.compute(&[]).unwrap(), expected);
    assert_ne!(mac.compute(&[b"x"]).unwrap(), expected);
    assert_eq!(mac.compute(&[b"", b""]).unwrap(), expected);
}

/// A message is the same in one part and in pieces, whatever was ended before it.
#[test]
fn a_message_in_pieces_is_one_message() {
    let engine = engine();
    let message: Vec<u8> = (0..1000).map(|at| (at % 251) as u8).collect();
    let mut hash = engine.sha256().unwrap();
    let mut mac = engine.hmac_sha256(&MacKey::new(&[7; 32])).unwrap();
    let (digest, code) = (
        hash.digest(&[&message]).unwrap(),
        mac.compute(&[&message]).unwrap(),
    );
    assert_ne!(digest, code);
    for piece_bytes in [1, 63, 64, 65, 999] {
        for piece in message.chunks(piece_bytes) {
            hash.update(piece).unwrap();
            mac.update(piece).unwrap();
        }
        assert_eq!(hash.finish().unwrap(), digest);
        assert_eq!(mac.finish().unwrap(), code);
    }
    // What was ended is not taken up again.
    let (digest, code) = (hash.digest(&[]).unwrap(), mac.compute(&[]).unwrap());
    assert_eq!((hash.finish().unwrap(), mac.finish().unwrap()), (digest, code));
}

#[test]
fn the_library_names_its_version() {
    let version = engine().version();
    assert!(
        version.split('.').all(|number| number.parse::<u32>().is_ok()),
        "{version}"
    );
}
