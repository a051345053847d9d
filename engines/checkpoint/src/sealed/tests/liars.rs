//! Senders that have the key and seal what contradicts itself.

use super::super::group::{Group, GroupSealer};
use super::super::header::{Header, mac_of};
use super::super::index::{Index, Place as ContentPlace};
use super::super::keys::Keys;
use super::super::manifest::Event;
use super::super::seal::write_index;
use super::super::trailer::Trailer;
use super::*;

const KEY: [u8; 32] = [7; 32];

/// What a sender does to the index.
type Lie = fn(&mut Index);

/// Groups as their sender says they are.
type Said<'a> = [(&'a [Event<'a>], &'a [u8])];

/// A sealed file of those groups, its index and trailer changed before they are sealed.
fn forge(
    said: &Said<'_>,
    change_index: impl FnOnce(&mut Index),
    change_trailer: impl FnOnce(&mut Trailer),
) -> Vec<u8> {
    let set_id = [1; 32];
    let keys = Keys::derive(&SetKey::from_bytes(&KEY), &set_id, Cipher::Aes256Gcm).unwrap();
    let header = Header {
        cipher: Cipher::Aes256Gcm,
        compressed: false,
        deduplicated: true,
        signed: false,
        set_id,
        jwe: "{}".to_owned(),
    };
    let header = header.encode(engine(), &keys).unwrap();
    let mut bytes = header.clone();
    let mut sealer = GroupSealer::new(engine(), &keys, Compression::None, false).unwrap();
    let mut index = Index::default();
    for (number, (events, content)) in said.iter().enumerate() {
        let mut group = Group::new(table::Kind::Data);
        group.reset(number as u64);
        group.last = number + 1 == said.len();
        group.content = content.len();
        group.room()[..content.len()].copy_from_slice(content);
        let mut place = ContentPlace {
            group: number as u64,
            content: 0,
        };
        for event in *events {
            event.encode(&mut group.manifest);
            // What is wrong is left to the reader.
            let _ = index.apply(event, &mut place);
        }
        sealer.seal(&mut group).unwrap();
        index.groups.push(group.stored().len() as u64, None).unwrap();
        bytes.extend(group.stored());
    }
    change_index(&mut index);
    let index_offset = bytes.len() as u64;
    let (index_bytes, index_digest) =
        write_index(&index, &mut bytes, "test", &keys, false, engine()).unwrap();
    let mut trailer = Trailer {
        index_offset,
        index_bytes,
        data_groups: said.len() as u64,
        index_digest,
    };
    change_trailer(&mut trailer);
    bytes.extend(trailer.encode(engine(), &keys, mac_of(&header)).unwrap());
    bytes
}

/// What the folder's reader, and the stream's, say.
fn read(bytes: &[u8]) -> (Result<Summary, Error>, Result<Summary, Error>) {
    let place = Place::new();
    fs::create_dir(place.path("sealed")).unwrap();
    place.put_sealed(bytes);
    let key = SetKey::from_bytes(&KEY);
    let options = OpenOptions {
        unlock: Unlock::Set(&key),
        ..options()
    };
    let folder = place.open(&options);
    assert_eq!(place.path("opened").exists(), folder.is_ok());
    assert!(place.leftovers().iter().all(|name| name == "opened"));
    (folder, open_bytes(engine(), bytes, &key))
}

fn refused(bytes: &[u8], expected: &str) {
    let (folder, stream) = read(bytes);
    let said = format!("{} / {}", folder.unwrap_err(), stream.unwrap_err());
    assert!(said.contains(expected), "{said}");
}

fn file(name: &str, size: u64) -> Event<'_> {
    Event::File {
        name,
        mode: 0o600,
        size,
    }
}

const TWO: Event<'_> = Event::Data { bytes: 2 };

#[test]
fn an_honest_set_is_read() {
    let said: &Said<'_> = &[(&[file("a", 4), TWO], b"ab"), (&[TWO, file("b", 0)], b"cd")];
    let (folder, stream) = read(&forge(said, |_| {}, |_| {}));
    assert_eq!(folder.unwrap(), stream.unwrap());
}

#[test]
fn trailers_that_lie_are_refused() {
    let said: &Said<'_> = &[(&[file("a", 2), TWO], b"ab")];
    let lies: [fn(&mut Trailer); 7] = [
        |trailer| trailer.index_offset += 1,
        |trailer| trailer.index_offset = u64::MAX,
        |trailer| trailer.index_offset = 0,
        |trailer| trailer.index_bytes -= 1,
        |trailer| trailer.index_bytes = u64::MAX,
        |trailer| trailer.data_groups += 1,
        |trailer| trailer.index_digest[0] ^= 1,
    ];
    for lie in lies {
        refused(&forge(said, |_| {}, lie), "trailer says");
    }
}

#[test]
fn indexes_that_lie_are_refused() {
    let said: &Said<'_> = &[(&[file("a", 4), TWO, Event::Hole { bytes: 2 }], b"ab")];
    let lies: [Lie; 6] = [
        |index| index.files[0].mode = 0o644,
        |index| index.files[0].name = "b".into(),
        |index| index.segments[0].location = 1,
        |index| index.segments[1].start = 3,
        |index| index.groups.ends[0] += 1,
        |index| {
            index
                .set_parent(Parent {
                    commitment: Commitment([0; 32]),
                    link: String::new(),
                    path: String::new(),
                })
                .unwrap();
        },
    ];
    for lie in lies {
        let (folder, stream) = read(&forge(said, lie, |_| {}));
        folder.unwrap_err();
        assert!(stream.unwrap_err().to_string().contains("the index is another"));
    }
    // An index that is none.
    let lies: [(Lie, &str); 4] = [
        (
            |index| index.segments[0].start = 1,
            "first run is 1; it must be 0",
        ),
        (|index| index.segments[1].start = 0, "behind the run before"),
        (
            |index| index.segments[0].location = u64::MAX - 1,
            "within the content",
        ),
        (|index| index.files[0].name = "..".into(), "the file's name"),
    ];
    for (lie, expected) in lies {
        refused(&forge(said, lie, |_| {}), expected);
    }
}

#[test]
fn manifests_that_lie_are_refused() {
    let hole = Event::Hole { bytes: 2 };
    let copy = |location| Event::Copy { location, bytes: 2 };
    let parent = Event::Parent {
        commitment: [0; 32],
        link: "",
        path: "",
    };
    let cases: [(&Said<'_>, &str); 15] = [
        (
            &[(&[file("a", 2), TWO], b"abc")],
            "the content that a manifest tells of is 2; it must be 3",
        ),
        (
            &[(&[file("a", 2), TWO], b"a")],
            "the content that a manifest tells of is 2; it must be 1",
        ),
        (&[(&[file("a", 3), TWO], b"ab")], "what is left of a file"),
        (
            &[(&[file("a", 3), TWO, file("b", 0)], b"ab")],
            "what is left of a file",
        ),
        (
            &[(&[file("a", 1), TWO], b"ab")],
            "a run of a file is 2; it must be 1 to 1",
        ),
        (&[(&[TWO], b"ab")], "without a file"),
        (&[(&[file("a", 0), file("a", 0)], b"")], "a, twice"),
        (&[(&[file("../a", 0)], b"")], "the file's name"),
        (&[(&[file("parent", 0)], b"")], "a file's name is parent"),
        (
            &[(&[file("a", 4), hole, copy(0)], b"")],
            "a copied page's location",
        ),
        (
            &[(&[file("a", 4), hole, copy(u64::MAX)], b"")],
            "a copied page's location",
        ),
        (
            &[(&[file("a", 4), copy(0), TWO], b"ab")],
            "a copied page's location",
        ),
        (
            &[(&[file("a", 2), Event::Hole { bytes: 0 }, TWO], b"ab")],
            "a run of a file is 0",
        ),
        (
            &[(&[file("a", u64::MAX), hole, Event::Hole { bytes: u64::MAX }], b"")],
            "a run of a file",
        ),
        (&[(&[parent, parent], b"")], "named twice"),
    ];
    for (said, expected) in cases {
        let bytes = forge(said, |_| {}, |_| {});
        let key = SetKey::from_bytes(&KEY);
        let error = open_bytes(engine(), &bytes, &key).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        read(&bytes).0.unwrap_err();
    }
}

/// A location beyond the content, which only a reader in place can meet: the index is its own word.
#[test]
fn locations_beyond_the_content_are_refused_where_they_are_read() {
    let said: &Said<'_> = &[(&[file("a", 2), TWO], b"ab"), (&[file("b", 2), TWO], b"cd")];
    let place = Place::new();
    fs::create_dir(place.path("sealed")).unwrap();
    let key = SetKey::from_bytes(&KEY);
    let options = OpenOptions {
        unlock: Unlock::Set(&key),
        ..options()
    };
    for location in [1, 2, 60_000, 70_000, 5 << 20, u64::MAX - 10] {
        place.put_sealed(&forge(
            said,
            |index| index.segments[0].location = location,
            |_| {},
        ));
        let mut set = SealedSet::open(&place.path("sealed"), engine(), &options).unwrap();
        let mut bytes = [0; 2];
        let error = set.read_at("a", 0, &mut bytes).unwrap_err();
        assert!(error.to_string().contains("within the content"), "{error}");
        set.read_at("b", 0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"cd");
    }
    // A group of another length than the index says.
    let lie = |index: &mut Index| {
        index.groups.ends[0] -= 1;
    };
    place.put_sealed(&forge(said, lie, |_| {}));
    let mut set = SealedSet::open(&place.path("sealed"), engine(), &options).unwrap();
    assert!(
        set.read_at("a", 0, &mut [0; 2])
            .unwrap_err()
            .to_string()
            .contains("length of a group")
    );
}

/// Pages said to be where nothing of a file is: behind the content of a group.
#[test]
fn copies_of_what_is_in_no_file_are_refused() {
    let copy = |location| Event::Copy { location, bytes: 2 };
    let pad = Event::Pad { bytes: 2 };
    for (location, honest) in [(0, true), (1, false), (2, false), (4, true), (70_000, false)] {
        let said: &Said<'_> = &[
            (&[file("a", 2), TWO, pad, file("b", 2), TWO], b"ab--cd"),
            (&[file("c", 2), copy(location)], b""),
        ];
        let (folder, _) = read(&forge(said, |_| {}, |_| {}));
        assert_eq!(folder.is_ok(), honest, "{location}");
    }
}
