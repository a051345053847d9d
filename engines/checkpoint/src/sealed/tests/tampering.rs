//! Every change of a sealed file is refused.

use super::*;

/// Verifies bytes both ways: from a stream, and from the folder.
fn refused(place: &Place, bytes: &[u8], what: &str) -> Error {
    place.put_sealed(bytes);
    let error = place.verify(&options()).expect_err(what);
    let mut source = bytes;
    with_work(|work| verify(SealedSource::Stream(&mut source), &options(), work)).expect_err(what);
    error
}

#[test]
fn each_flipped_bit_is_refused() {
    let files: Files = [(
        "stats-dump".to_owned(),
        crate::fixtures::file(Kind::Stats, &[vec![2, 0, 0, 0, 10, 0]]),
    )]
    .into();
    let place = Place::with(&files);
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    place.verify(&options()).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let mut source = changed.as_slice();
        let verified = with_work(|work| verify(SealedSource::Stream(&mut source), &options(), work));
        assert!(verified.is_err(), "bit {bit}");
        // One of each byte from the folder too, which is read in another order.
        if bit % 8 == bit / 8 % 8 {
            refused(&place, &changed, &format!("bit {bit}"));
        }
    }
}

#[test]
fn flipped_bits_of_every_chunk_are_refused_at_their_place() {
    let files: Files = [("pages-1.img".to_owned(), noise(1, 2 * CHUNK_BYTES + PAGE_BYTES))].into();
    let place = Place::with(&files);
    for compression in [Compression::None, Compression::Auto] {
        let options = SealOptions {
            compression,
            ..SealOptions::default()
        };
        place.seal(&options).unwrap();
        let sealed = place.sealed();
        for (number, (start, _, table)) in groups(&sealed).iter().enumerate() {
            let messages = table.head.messages();
            for message in 0..messages {
                let at = start + table.head.table_bytes(false) + table.stored_before(message);
                for at in [at, at + table.stored(message).saturating_sub(1)] {
                    let mut changed = sealed.clone();
                    changed[at] ^= 0x10;
                    let error = refused(&place, &changed, "a chunk");
                    if table.stored(message) > 0 && number == 0 {
                        let expected = table::name(table.head.kind, 0, message);
                        let Error::Unauthentic { what, offset, .. } = &error else {
                            panic!("{error}");
                        };
                        assert_eq!(*what, expected);
                        assert_eq!(
                            *offset,
                            (start + table.head.table_bytes(false) + table.stored_before(message)) as u64
                        );
                    }
                }
            }
        }
        fs::remove_dir_all(place.path("sealed")).unwrap();
    }
}

#[test]
fn each_truncation_is_refused() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    for length in 0..sealed.len() {
        let mut source = &sealed[..length];
        let verified = with_work(|work| verify(SealedSource::Stream(&mut source), &options(), work));
        assert!(verified.is_err(), "{length}");
        if length % 7 == 0 {
            refused(&place, &sealed[..length], "a truncation");
        }
    }
    for more in [&b"\0"[..], &sealed[..1], &sealed] {
        let error = refused(&place, &[&sealed, more].concat(), "something added");
        assert!(error.to_string().contains("byte"), "{error}");
    }
}

#[test]
fn a_cut_in_the_middle_is_refused() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    for start in (0..sealed.len()).step_by(41) {
        for length in [1, 16, 64, 4096] {
            let mut changed = sealed.clone();
            changed.drain(start..(start + length).min(sealed.len()));
            refused(&place, &changed, "a cut");
        }
    }
}

#[test]
fn sizes_beyond_all_bounds_are_refused_before_memory_is_taken() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    let group = groups(&sealed)[0].0;
    // The wrapped key's length, the chunk's, the group's content, a message's length.
    for at in [80, 12, group + 4, group + 8, group + 28] {
        let mut changed = sealed.clone();
        changed[at..at + 4].fill(0xff);
        let error = refused(&place, &changed, "a size");
        assert!(matches!(error, Error::Image(_)) || at >= group, "{error}");
    }
}

#[test]
fn another_version_or_cipher_is_named() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    for (at, value, expected) in [
        (8, 2, "the version is 2; it must be 1"),
        (10, 9, "the cipher's number is 9; it must be 1 or 2"),
        (11, 0x80, "the flags is 128; it must be a sum of 1, 2 and 4"),
    ] {
        let mut changed = sealed.clone();
        changed[at] = value;
        let error = refused(&place, &changed, "a number").to_string();
        assert!(
            error.contains(expected) && error.contains(&format!("byte {at}")),
            "{error}"
        );
    }
    // The cipher's other number is another key.
    let mut changed = sealed;
    changed[10] = 2;
    refused(&place, &changed, "the other cipher");
}
