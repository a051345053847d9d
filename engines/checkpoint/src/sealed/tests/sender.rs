//! Signed sets.

use super::*;

fn sealed(pem: Option<&[u8]>) -> Place {
    let mut files = small();
    files.insert("pages-2.img".to_owned(), noise(4, GROUP_BYTES + CHUNK_BYTES));
    let place = Place::with(&files);
    let sender = pem.map(signing);
    let options = SealOptions {
        sender: sender.as_ref(),
        ..SealOptions::default()
    };
    place.seal(&options).unwrap();
    place
}

#[test]
fn the_required_sender_must_have_signed() {
    let (sender, other) = (signing(SENDER), signing(OTHER_SENDER));
    let required = |key| OpenOptions {
        sender: Some(key),
        ..options()
    };
    let place = sealed(Some(SENDER));
    place.open(&required(sender.verifying_key())).unwrap();
    assert!(contents(&place.path("opened")) == contents(&place.path("plain")));
    fs::remove_dir_all(place.path("opened")).unwrap();
    // A signature that nobody asks for does no harm.
    place.verify(&options()).unwrap();
    let error = place.open(&required(other.verifying_key())).unwrap_err();
    assert!(matches!(error, Error::Sender { .. }), "{error}");
    let bytes = place.sealed();
    let mut source = bytes.as_slice();
    let streamed = with_work(|work| {
        verify(
            SealedSource::Stream(&mut source),
            &required(other.verifying_key()),
            work,
        )
    });
    assert!(matches!(streamed, Err(Error::Sender { .. })));
    let mut source = bytes.as_slice();
    with_work(|work| {
        verify(
            SealedSource::Stream(&mut source),
            &required(sender.verifying_key()),
            work,
        )
    })
    .unwrap();

    let place = sealed(None);
    let error = place.open(&required(sender.verifying_key())).unwrap_err();
    assert!(matches!(error, Error::Unsigned { .. }), "{error}");
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn each_flipped_bit_of_a_signed_set_s_small_parts_is_refused() {
    let sender = signing(SENDER);
    let required = OpenOptions {
        sender: Some(sender.verifying_key()),
        ..options()
    };
    let place = sealed(Some(SENDER));
    let sealed = place.sealed();
    let mut places: Vec<usize> = (sealed.len() - 1026 - 96..sealed.len()).collect();
    for (start, _, table) in groups(&sealed) {
        places.extend((start..start + table.head.table_bytes(true)).step_by(3));
    }
    for at in places {
        let mut changed = sealed.clone();
        changed[at] ^= 1 << (at % 8);
        place.put_sealed(&changed);
        assert!(place.verify(&required).is_err(), "byte {at}");
    }
}

/// What a recipient can do who knows the set's key: seal other content, and put the sender's signature behind it.
#[test]
fn a_recipient_cannot_pass_own_content_off_as_the_sender_s() {
    let place = sealed(Some(SENDER));
    let signed = place.sealed();
    let key = signing(OTHER_SENDER);
    let sender = signing(SENDER);
    fs::remove_dir_all(place.path("sealed")).unwrap();
    let options = SealOptions {
        sender: Some(&key),
        ..SealOptions::default()
    };
    place.seal(&options).unwrap();
    let mut forged = place.sealed();
    let slot = |bytes: &[u8]| bytes.len() - 96 - 1026..bytes.len() - 96;
    let to = slot(&forged);
    forged[to].copy_from_slice(&signed[slot(&signed)]);
    place.put_sealed(&forged);
    let required = OpenOptions {
        sender: Some(sender.verifying_key()),
        ..super::options()
    };
    assert!(matches!(place.open(&required), Err(Error::Sender { .. })));
}

/// A chunk that a recipient has sealed anew under the set's key, tag and all, is not what was signed.
#[test]
fn a_recipient_cannot_change_a_chunk() {
    use super::super::table::nonce;
    use sealab_engine::{InOutBuf, Messages};

    let place = sealed(Some(SENDER));
    let bytes = place.sealed();
    let header = StoredHeader::read("test", &mut bytes.as_slice()).unwrap();
    let keys = header.unlock("test", engine(), options().unlock).unwrap();
    let (start, _, table) = groups(&bytes)[0].clone();
    let message = 1;
    let at = start + table.head.table_bytes(true) + table.stored_before(message);
    let mut forged = bytes.clone();
    let mut chunk = vec![0xee; table.stored(message)];
    let nonces = [nonce(table.head.kind, 0, message)];
    let associated_data = table.associated_data(message);
    let messages = Messages::equal(chunk.len(), &nonces, &associated_data).unwrap();
    let mut tags = [sealab_engine::Tag([0; 16])];
    let mut aead = engine().aead(keys.chunks()).unwrap();
    aead.seal(messages, InOutBuf::from(&mut chunk[..]), &mut tags)
        .unwrap();
    forged[at..at + chunk.len()].copy_from_slice(&chunk);
    let entry = start + HEAD_BYTES + message * 52;
    forged[entry + 4..entry + 20].copy_from_slice(&tags[0].0);
    place.put_sealed(&forged);
    // The digest of the chunk first; and if that is made to fit, the table's.
    let sender = signing(SENDER);
    let required = OpenOptions {
        sender: Some(sender.verifying_key()),
        ..options()
    };
    let read = |what: &str| {
        let mut set = SealedSet::open(&place.path("sealed"), engine(), &required).unwrap();
        let mut page = [0; PAGE_BYTES];
        let error = set.read_at("pages-1.img", 0, &mut page).unwrap_err();
        assert!(
            matches!(&error, Error::Unauthentic { what: found, .. } if found.contains(what)),
            "{error}"
        );
        assert!(page == [0; PAGE_BYTES]);
        place.open(&required).unwrap_err();
        assert_eq!(place.leftovers(), [""; 0]);
    };
    read("table of group 0");
    let digest = engine().sha256().unwrap().digest(&[&chunk]).unwrap();
    forged[entry + 20..entry + 52].copy_from_slice(&digest);
    place.put_sealed(&forged);
    read("table of group 0");
    // Left alone, the table holds and the chunk does not.
    let mut forged = bytes;
    forged[at..at + chunk.len()].copy_from_slice(&chunk);
    place.put_sealed(&forged);
    read("chunk 0");
}

/// GCM codes hold for other messages too, for who knows the key: the first block changed by 1 and the second by the
/// hash key cancel out. Only the digests tell.
#[test]
fn a_recipient_cannot_put_another_message_under_a_tag() {
    use sealab_engine::{AeadKey, BlockKey, InOutBuf};

    let key = signing(SENDER);
    for sender in [None, Some(&key)] {
        let place = Place::with(&small());
        let options = SealOptions {
            sender,
            ..SealOptions::default()
        };
        place.seal(&options).unwrap();
        let mut forged = place.sealed();
        let header = StoredHeader::read("test", &mut forged.as_slice()).unwrap();
        let keys = header.unlock("test", engine(), super::options().unlock).unwrap();
        let AeadKey::Aes256Gcm(key) = keys.chunks() else {
            panic!("another cipher");
        };
        let mut hash_key = [0; 16];
        let mut cipher = engine().block_cipher(&BlockKey(key.clone())).unwrap();
        cipher.encrypt_blocks(InOutBuf::from(&mut hash_key[..])).unwrap();
        let (start, _, table) = groups(&forged)[0].clone();
        let at = start + table.head.table_bytes(sender.is_some()) + table.stored_before(1);
        // The second page: the first has the images before it.
        let at = at + PAGE_BYTES;
        forged[at] ^= 0x80;
        forged[at + 16..at + 32]
            .iter_mut()
            .zip(hash_key)
            .for_each(|(byte, key)| *byte ^= key);
        place.put_sealed(&forged);
        let mut page = [0; PAGE_BYTES];
        let mut set = place.set("sealed");
        let read = set.read_at("pages-1.img", 0, &mut page);
        let opened = place.open(&super::options());
        match sender {
            // What a set without a signature does not promise. If this fails the test is wrong, not the format.
            None => {
                read.unwrap();
                opened.unwrap();
                assert!(contents(&place.path("opened")) != small());
            }
            Some(_) => {
                assert!(matches!(read, Err(Error::Unauthentic { .. })));
                assert!(matches!(opened, Err(Error::Unauthentic { .. })));
                assert_eq!(place.leftovers(), [""; 0]);
            }
        }
    }
}
