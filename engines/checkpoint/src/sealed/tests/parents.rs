//! Sets that build on others.

use std::os::unix::fs::symlink;

use super::*;
use crate::image::Found;

const PAGE: u64 = PAGE_BYTES as u64;

fn filled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte; PAGE_BYTES]).collect()
}

/// `1` has pages 1 to 5, `2` builds on it and has 2 and 3 anew, `3` builds on `2` and has 4 anew.
fn chain() -> Place {
    let place = Place::new();
    let sets: [(&str, &[Run], &[u8]); 3] = [
        ("1", &[(0x1000, 5, 4)], b"abcde"),
        ("2", &[(0x1000, 1, 1), (0x2000, 2, 4), (0x4000, 2, 1)], b"BC"),
        (
            "3",
            &[(0x1000, 3, 1), (0x4000, 1, 4), (0x5000, 1, 1), (0x9000, 1, 2)],
            b"D",
        ),
    ];
    for (name, entries, pages) in sets {
        let folder = place.path(&format!("plain-{name}"));
        crate::fixtures::write(
            &folder,
            &[
                ("pagemap-7.img".to_owned(), pagemap(1, entries)),
                ("pages-1.img".to_owned(), filled(pages)),
            ]
            .into(),
        );
        if name != "1" {
            let before = name.parse::<u32>().unwrap() - 1;
            symlink(format!("../plain-{before}"), folder.join("parent")).unwrap();
        }
        seal_child(&place, name).unwrap();
    }
    place
}

fn seal_child(place: &Place, name: &str) -> Result<Summary, Error> {
    let before = name.parse::<u32>().unwrap() - 1;
    let parent = place.path(&format!("sealed-{before}"));
    let options = SealOptions {
        parent: (before > 0).then_some(&*parent),
        ..SealOptions::default()
    };
    place.seal_as(&format!("plain-{name}"), &format!("sealed-{name}"), &options)
}

#[test]
fn pages_are_found_through_the_chain() {
    let place = chain();
    let mut set = place.set("sealed-3");
    let mut memory = set.memory(7).unwrap();
    let mut page = [0; PAGE_BYTES];
    for (address, found, byte) in [
        (1, 2, b'a'),
        (2, 1, b'B'),
        (3, 1, b'C'),
        (4, 0, b'D'),
        (5, 2, b'e'),
    ]
    .map(|(n, d, b)| (n * PAGE, d, b))
    {
        assert_eq!(
            memory.page(address, &mut page).unwrap(),
            Found::In(found),
            "{address:#x}"
        );
        assert!(page == [byte; PAGE_BYTES], "{address:#x}");
    }
    assert_eq!(memory.page(9 * PAGE, &mut page).unwrap(), Found::Nowhere);
    assert_eq!(memory.page(10 * PAGE, &mut page).unwrap(), Found::Nowhere);
    assert_eq!(memory.extents().len(), 4);
}

#[test]
fn a_page_that_the_parent_has_dropped_is_still_right() {
    // What CRIU's deduplication does: the parent's page is a hole, because the child has it anew.
    let place = chain();
    let file = fs::File::options()
        .write(true)
        .open(place.path("plain-1/pages-1.img"))
        .unwrap();
    let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, flags, PAGE, 2 * PAGE).unwrap();
    for name in ["1", "2", "3"] {
        fs::remove_dir_all(place.path(&format!("sealed-{name}"))).unwrap();
        seal_child(&place, name).unwrap();
    }
    let mut page = [0; PAGE_BYTES];
    let mut set = place.set("sealed-3");
    let mut memory = set.memory(7).unwrap();
    for (number, byte) in [(1, b'a'), (2, b'B'), (3, b'C'), (4, b'D'), (5, b'e')] {
        memory.page(number * PAGE, &mut page).unwrap();
        assert!(page == [byte; PAGE_BYTES], "{number}");
    }
    let mut memory = place.set("sealed-1");
    let mut memory = memory.memory(7).unwrap();
    memory.page(2 * PAGE, &mut page).unwrap();
    assert!(page == [0; PAGE_BYTES]);
}

#[test]
fn opening_brings_the_link_back() {
    let place = chain();
    place.open_as("sealed-2", "opened", &options()).unwrap();
    let link = fs::read_link(place.path("opened/parent")).unwrap();
    assert_eq!(link.to_str(), Some("../plain-1"));
    assert_eq!(fs::read(place.path("opened/pages-1.img")).unwrap(), filled(b"BC"));
}

#[test]
fn another_parent_is_refused() {
    let place = chain();
    // Sealed once more: the same content, another set.
    fs::rename(place.path("sealed-1"), place.path("moved")).unwrap();
    seal_child(&place, "1").unwrap();
    let error = place.open_as("sealed-2", "opened", &options()).unwrap_err();
    assert!(matches!(error, Error::ParentDiffers { .. }), "{error}");
    let opened = SealedSet::open(&place.path("sealed-3"), engine(), &options());
    assert!(matches!(opened, Err(Error::ParentDiffers { .. })));
    // Where it is now it can be named.
    let moved = place.path("moved");
    let named = OpenOptions {
        parent: Some(&moved),
        ..options()
    };
    place.open_as("sealed-2", "opened", &named).unwrap();
    let mut set = SealedSet::open(&place.path("sealed-2"), engine(), &named).unwrap();
    let mut page = [0; PAGE_BYTES];
    assert_eq!(
        set.memory(7).unwrap().page(0x1000, &mut page).unwrap(),
        Found::In(1)
    );
    // None at all.
    fs::remove_dir_all(place.path("sealed-1")).unwrap();
    place.open_as("sealed-2", "again", &options()).unwrap_err();
    assert!(!place.path("again").exists());
}

/// The younger set in the older one's place names that place as its parent.
#[test]
fn cyclic_parents_are_refused_at_the_first_step() {
    let place = chain();
    fs::rename(place.path("sealed-1"), place.path("moved")).unwrap();
    symlink("sealed-2", place.path("sealed-1")).unwrap();
    for error in [
        SealedSet::open(&place.path("sealed-2"), engine(), &options())
            .err()
            .unwrap(),
        place.open_as("sealed-2", "opened", &options()).unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::ParentDiffers { path, .. } if path.ends_with("sealed-2/../sealed-1")),
            "{error}"
        );
    }
    assert!(!place.path("opened").exists());
}

#[test]
fn a_changed_parent_is_refused_where_it_is_read() {
    let place = chain();
    let path = place.path("sealed-1").join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    let (start, length, _) = groups(&bytes)[0];
    bytes[start + length - 1] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut set = place.set("sealed-2");
    set.read_at("pages-1.img", 0, &mut [0; PAGE_BYTES]).unwrap();
    let error = set.memory(7).err().unwrap();
    assert!(
        matches!(&error, Error::Unauthentic { file, .. } if file.contains("sealed-1")),
        "{error}"
    );
}

#[test]
fn a_parent_is_named_if_and_only_if_there_is_one() {
    let place = chain();
    let error = place
        .seal_as("plain-2", "new", &SealOptions::default())
        .unwrap_err();
    assert!(matches!(error, Error::ParentUnnamed { .. }), "{error}");
    let parent = place.path("sealed-2");
    let options = SealOptions {
        parent: Some(&parent),
        ..SealOptions::default()
    };
    let error = place.seal_as("plain-1", "new", &options).unwrap_err();
    assert!(matches!(error, Error::ParentNeedless { .. }), "{error}");
    let named = OpenOptions {
        parent: Some(&parent),
        ..super::options()
    };
    let error = place.open_as("sealed-1", "new", &named).unwrap_err();
    assert!(matches!(error, Error::ParentNeedless { .. }), "{error}");
    // A plain set is no parent.
    let plain = place.path("plain-1");
    let options = SealOptions {
        parent: Some(&plain),
        ..SealOptions::default()
    };
    let error = place.seal_as("plain-2", "new", &options).unwrap_err();
    assert!(matches!(error, Error::NotSealed { .. }), "{error}");
    assert!(!place.path("new").exists());
}
