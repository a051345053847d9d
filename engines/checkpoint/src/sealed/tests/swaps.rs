//! Authentic pieces in other places are refused.

use super::*;

const MESSAGE: usize = 4 + 16;

/// Three groups of data, the last one short, and the index.
fn sealed() -> (Place, Vec<u8>) {
    let files: Files = [(
        "pages-1.img".to_owned(),
        noise(5, 2 * GROUP_BYTES + 3 * CHUNK_BYTES),
    )]
    .into();
    let place = Place::with(&files);
    place.seal(&SealOptions::default()).unwrap();
    let bytes = place.sealed();
    assert_eq!(groups(&bytes).len(), 4);
    (place, bytes)
}

/// From the folder and as a stream; and nothing is left of opening it.
fn refused(place: &Place, bytes: &[u8]) {
    place.put_sealed(bytes);
    place.verify(&options()).unwrap_err();
    place.open(&options()).unwrap_err();
    assert_eq!(place.leftovers(), [""; 0]);
    let mut source = bytes;
    with_work(|work| verify(SealedSource::Stream(&mut source), &options(), work)).unwrap_err();
}

fn entry(bytes: &[u8], group: usize, message: usize) -> std::ops::Range<usize> {
    let at = groups(bytes)[group].0 + HEAD_BYTES + message * MESSAGE;
    at..at + MESSAGE
}

fn chunk(bytes: &[u8], group: usize, message: usize) -> std::ops::Range<usize> {
    let (start, _, table) = &groups(bytes)[group];
    let at = start + table.head.table_bytes(false) + table.stored_before(message);
    at..at + table.stored(message)
}

fn swap(bytes: &mut [u8], a: std::ops::Range<usize>, b: std::ops::Range<usize>) {
    let (left, right) = (bytes[a.clone()].to_vec(), bytes[b.clone()].to_vec());
    bytes[a].copy_from_slice(&right);
    bytes[b].copy_from_slice(&left);
}

#[test]
fn chunks_that_change_places_with_their_tags_are_refused() {
    let (place, bytes) = sealed();
    for (a, b) in [((0, 1), (0, 2)), ((0, 3), (1, 3)), ((0, 16), (2, 1))] {
        let mut changed = bytes.clone();
        let places = [chunk(&bytes, a.0, a.1), chunk(&bytes, b.0, b.1)];
        let entries = [entry(&bytes, a.0, a.1), entry(&bytes, b.0, b.1)];
        for [a, b] in [places, entries] {
            swap(&mut changed, a, b);
        }
        refused(&place, &changed);
    }
}

#[test]
fn groups_that_are_swapped_dropped_or_doubled_are_refused() {
    let (place, bytes) = sealed();
    let ranges: Vec<_> = groups(&bytes)
        .iter()
        .map(|(start, length, _)| *start..start + length)
        .collect();
    assert_eq!(
        ranges[0].len(),
        ranges[1].len() + (groups(&bytes)[0].2.stored(0) - groups(&bytes)[1].2.stored(0))
    );
    let end = ranges[3].end;
    let build = |order: &[usize]| {
        let mut built = bytes[..ranges[0].start].to_vec();
        order
            .iter()
            .for_each(|group| built.extend(&bytes[ranges[*group].clone()]));
        built.extend(&bytes[end..]);
        built
    };
    assert!(build(&[0, 1, 2, 3]) == bytes);
    for order in [
        &[1, 0, 2, 3][..],
        &[0, 2, 3],
        &[0, 1, 3],
        &[2, 3],
        &[0, 0, 1, 2, 3],
        &[0, 1, 2, 2, 3],
        &[0, 1, 2],
        &[0, 1, 2, 3, 3],
        &[3, 0, 1, 2],
        &[],
    ] {
        refused(&place, &build(order));
    }
}

#[test]
fn a_last_chunk_that_is_dropped_is_refused() {
    let (place, bytes) = sealed();
    let (start, _, table) = groups(&bytes)[2].clone();
    let messages = table.head.messages();
    // Head, entries and data of a group with one chunk less, all consistent but for what binds them.
    let mut changed = bytes.clone();
    changed.drain(chunk(&bytes, 2, messages - 1));
    changed.drain(entry(&bytes, 2, messages - 1));
    let content = (table.head.content - CHUNK_BYTES) as u32;
    changed[start + 4..start + 8].copy_from_slice(&content.to_le_bytes());
    assert_eq!(groups(&changed).len(), 4);
    refused(&place, &changed);
    // A group that is said to be the last.
    let mut changed = bytes.clone();
    changed[groups(&bytes)[1].0 + 1] = 1;
    refused(&place, &changed);
}

#[test]
fn pieces_of_another_set_are_refused() {
    let (place, bytes) = sealed();
    let (_, other) = sealed();
    let start = groups(&bytes)[0].0;
    assert_eq!(start, groups(&other)[0].0);
    for group in 0..4 {
        let (at, length, _) = groups(&bytes)[group];
        let mut changed = bytes.clone();
        changed[at..at + length].copy_from_slice(&other[at..at + length]);
        refused(&place, &changed);
    }
    refused(&place, &[&bytes[..start], &other[start..]].concat());
    let trailer = bytes.len() - 96;
    refused(&place, &[&bytes[..trailer], &other[trailer..]].concat());
    // Another set under this one's header but for the fixed part: another key's id, commitment, wrapped key.
    refused(&place, &[&bytes[..48], &other[48..]].concat());
    refused(&place, &[&bytes[..84], &other[84..]].concat());
}

#[test]
fn a_header_whose_code_is_not_the_key_s_is_refused() {
    let (place, bytes) = sealed();
    let (_, other) = sealed();
    let header = groups(&bytes)[0].0;
    // The whole header but its code.
    refused(
        &place,
        &[
            &bytes[..header - 32],
            &other[header - 32..header],
            &bytes[header..],
        ]
        .concat(),
    );
}
