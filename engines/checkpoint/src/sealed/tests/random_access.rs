//! Reading in place.

use super::*;
use crate::fixtures::data;
use crate::image::{self, Found, Set};

#[test]
fn each_page_of_a_real_dump_is_found() {
    let place = Place::new();
    let from = data("criu-4.1.1-plain");
    crate::fixtures::write(&place.path("plain"), &contents(&from));
    place.seal(&SealOptions::default()).unwrap();
    let mut set = place.set("sealed");
    let chain = Set::open(&from).unwrap().chain().unwrap();
    let mut pages = 0;
    for pid in [4, 6] {
        let mut plain = image::Memory::open(&chain, &format!("pagemap-{pid}.img")).unwrap();
        let mut memory = set.memory(pid).unwrap();
        assert_eq!(memory.extents(), plain.extents());
        let addresses: Vec<u64> = plain
            .extents()
            .iter()
            .flat_map(|extent| (extent.address..extent.end()).step_by(PAGE_BYTES))
            .collect();
        for address in addresses {
            let (mut expected, mut found) = ([0; PAGE_BYTES], [1; PAGE_BYTES]);
            assert_eq!(plain.page(address, &mut expected).unwrap(), Found::In(0));
            assert_eq!(memory.page(address, &mut found).unwrap(), Found::In(0));
            assert!(expected == found);
            pages += 1;
        }
    }
    assert!(pages > 90);
    let error = set.memory(99).err().unwrap().to_string();
    assert!(error.contains("pagemap-99.img"), "{error}");
}

#[test]
fn any_part_of_a_file_is_read() {
    let content = noise(1, 2 * GROUP_BYTES + 12345);
    let files: Files = [("pages-1.img".to_owned(), content.clone())].into();
    let place = Place::with(&files);
    place.seal(&SealOptions::default()).unwrap();
    let mut set = place.set("sealed");
    let ends = [
        0,
        1,
        PAGE_BYTES,
        CHUNK_BYTES - 1,
        CHUNK_BYTES + 1,
        GROUP_BYTES,
        GROUP_BYTES + 7,
        content.len(),
    ];
    for start in ends {
        for end in ends.into_iter().filter(|end| *end >= start) {
            let mut part = vec![0; end - start];
            set.read_at("pages-1.img", start as u64, &mut part).unwrap();
            assert!(part == content[start..end], "{start} to {end}");
        }
    }
    for (offset, length) in [(content.len() as u64, 1), (u64::MAX, 1), (0, content.len() + 1)] {
        set.read_at("pages-1.img", offset, &mut vec![0; length])
            .unwrap_err();
    }
    set.read_at("pages-2.img", 0, &mut []).unwrap_err();
    assert_eq!(set.file("pages-1.img").unwrap().size, content.len() as u64);
}

/// Only the chunk that is asked for is looked at, and it is looked at each time.
#[test]
fn a_changed_chunk_is_refused_and_others_are_read() {
    let files: Files = [("pages-1.img".to_owned(), noise(1, 4 * CHUNK_BYTES))].into();
    for sender in [None, Some(signing(SENDER))] {
        let place = Place::with(&files);
        let options = SealOptions {
            sender: sender.as_ref(),
            ..SealOptions::default()
        };
        place.seal(&options).unwrap();
        let mut set = place.set("sealed");
        let mut sealed = place.sealed();
        let (start, _, table) = groups(&sealed)[0].clone();
        let at = start + table.head.table_bytes(sender.is_some()) + table.stored_before(3);
        sealed[at + 100] ^= 1;
        place.put_sealed(&sealed);
        let mut page = [0xee; PAGE_BYTES];
        for _ in 0..2 {
            let offset = 2 * CHUNK_BYTES as u64;
            let error = set.read_at("pages-1.img", offset, &mut page).unwrap_err();
            let said = |error: &Error| matches!(error, Error::Unauthentic { what, .. } if what == "chunk 2 of group 0");
            assert!(said(&error), "{error}");
            assert!(page == [0xee; PAGE_BYTES]);
            for chunk in [1, 3] {
                let offset = chunk * CHUNK_BYTES;
                set.read_at("pages-1.img", offset as u64, &mut page).unwrap();
                assert!(page == files["pages-1.img"][offset..offset + PAGE_BYTES]);
                page.fill(0xee);
            }
        }
    }
}

/// A table of the file's own making, within its group, does not lead a read elsewhere.
#[test]
fn changed_tables_are_refused() {
    let files: Files = [("pages-1.img".to_owned(), noise(1, 4 * CHUNK_BYTES))].into();
    let place = Place::with(&files);
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    let (start, _, table) = groups(&sealed)[0].clone();
    // But for the tags of chunks that are not read.
    let read = HEAD_BYTES + 4 + 16;
    for at in (start..start + read).chain(start + read..start + read + 4) {
        // The manifest's own tag is not looked at for a chunk.
        if (start + HEAD_BYTES + 4..start + read).contains(&at) {
            continue;
        }
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            place.put_sealed(&changed);
            let mut set = place.set("sealed");
            let mut page = [0; PAGE_BYTES];
            assert!(
                set.read_at("pages-1.img", 0, &mut page).is_err(),
                "byte {}",
                at - start
            );
        }
    }
    assert_eq!(table.head.messages(), 5);
}
