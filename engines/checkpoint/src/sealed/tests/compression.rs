//! Compressed and deduplicated sets.

use super::super::table::Method;
use super::*;

fn text(bytes: usize) -> Vec<u8> {
    (0..)
        .flat_map(|line| format!("line {line} of a log, as a process may hold it\n").into_bytes())
        .take(bytes)
        .collect()
}

fn options(compression: Compression, deduplicate: bool) -> SealOptions<'static> {
    SealOptions {
        compression,
        deduplicate,
        ..SealOptions::default()
    }
}

fn mixed() -> Files {
    let mut pages = noise(1, 5 * CHUNK_BYTES);
    pages.extend(text(7 * CHUNK_BYTES));
    pages.extend(vec![0; 20 * CHUNK_BYTES]);
    pages.extend(noise(2, 3 * CHUNK_BYTES + PAGE_BYTES));
    [
        ("pages-1.img".to_owned(), pages),
        ("ifaddr-1.img".to_owned(), text(CHUNK_BYTES + 1)),
        ("route-1.img".to_owned(), noise(3, 100)),
    ]
    .into()
}

fn methods(bytes: &[u8]) -> Vec<Method> {
    let groups = groups(bytes);
    groups
        .iter()
        .flat_map(|(_, _, table)| (1..table.head.messages()).map(|message| table.method(message)))
        .collect()
}

#[test]
fn what_is_compressed_comes_back() {
    let files = mixed();
    for (compression, expected) in [
        (Compression::None, &[Method::Raw][..]),
        (Compression::Lz4, &[Method::Raw, Method::Lz4]),
        (Compression::Zstd, &[Method::Raw, Method::Zstd]),
        (Compression::Auto, &[Method::Raw, Method::Zstd, Method::Lz4]),
    ] {
        let place = Place::with(&files);
        let sealed = place.seal(&options(compression, false)).unwrap();
        place.open(&super::options()).unwrap();
        assert!(contents(&place.path("opened")) == files, "{compression:?}");
        let found = methods(&place.sealed());
        for method in [Method::Raw, Method::Zstd, Method::Lz4] {
            let allowed =
                expected.contains(&method) || (method != Method::Raw && compression == Compression::Auto);
            assert!(allowed || !found.contains(&method), "{compression:?}: {method:?}");
        }
        assert!(found.contains(expected.last().unwrap()));
        let smaller = sealed.sealed_bytes < sealed.plain_bytes / 2;
        assert_eq!(smaller, compression != Compression::None, "{compression:?}");
        // Single pages too.
        let mut set = place.set("sealed");
        let mut page = vec![0; PAGE_BYTES];
        for at in (0..files["pages-1.img"].len() - PAGE_BYTES).step_by(3 * PAGE_BYTES) {
            set.read_at("pages-1.img", at as u64, &mut page).unwrap();
            assert!(page == files["pages-1.img"][at..at + PAGE_BYTES], "{at}");
        }
    }
}

#[test]
fn space_stays_within_its_bounds() {
    for (content, compression, most) in [
        (noise(1, 4 * GROUP_BYTES), Compression::None, 1.005),
        (noise(1, 4 * GROUP_BYTES), Compression::Auto, 1.005),
        (text(4 * GROUP_BYTES), Compression::Auto, 0.5),
    ] {
        let place = Place::with(&[("pages-1.img".to_owned(), content)].into());
        let summary = place.seal(&options(compression, false)).unwrap();
        let ratio = summary.sealed_bytes as f64 / summary.plain_bytes as f64;
        assert!(ratio <= most, "{compression:?}: {ratio}");
    }
}

#[test]
fn equal_pages_are_stored_once_when_asked_for() {
    let (a, b) = (noise(1, PAGE_BYTES), noise(2, PAGE_BYTES));
    let pages = |order: &[u8]| -> Vec<u8> {
        order
            .iter()
            .flat_map(|page| if *page == 0 { a.clone() } else { b.clone() })
            .collect()
    };
    let many: Vec<u8> = (0..600).map(|page| u8::from(page % 3 == 0)).collect();
    let mut tail = pages(&[0, 1, 1]);
    tail.extend(&a[..100]);
    let files: Files = [
        ("pages-1.img".to_owned(), pages(&[0, 0, 1, 0, 1, 1])),
        ("pages-2.img".to_owned(), pages(&many)),
        ("pages-3.img".to_owned(), tail),
        ("pages-4.img".to_owned(), noise(3, 300 * PAGE_BYTES)),
        // Once more, from another group.
        ("pages-5.img".to_owned(), noise(3, 300 * PAGE_BYTES)),
        // Equal content outside of pages is not looked for.
        ("tmpfs-1.tar.gz.img".to_owned(), a.clone()),
    ]
    .into();
    for compression in [Compression::None, Compression::Auto] {
        let place = Place::with(&files);
        let summary = place.seal(&options(compression, true)).unwrap();
        let stored = 303 * PAGE_BYTES + PAGE_BYTES / 2;
        assert!(
            summary.sealed_bytes < stored as u64 + (40 << 10),
            "{}",
            summary.sealed_bytes
        );
        place.open(&super::options()).unwrap();
        assert!(contents(&place.path("opened")) == files);
        let mut set = place.set("sealed");
        for (name, content) in &files {
            let mut read = vec![0; content.len()];
            set.read_at(name, 0, &mut read).unwrap();
            assert!(read == *content, "{name}");
        }
        // Without it each is stored.
        fs::remove_dir_all(place.path("sealed")).unwrap();
        let summary = place.seal(&options(compression, false)).unwrap();
        assert!(summary.sealed_bytes > stored as u64 * 2);
    }
}

#[test]
fn another_method_or_length_is_refused_before_it_is_used() {
    let place = Place::with(&mixed());
    place.seal(&options(Compression::Auto, false)).unwrap();
    let sealed = place.sealed();
    let (start, _, table) = groups(&sealed)[0].clone();
    let mut methods = Vec::new();
    for message in 1..table.head.messages() {
        let entry = start + HEAD_BYTES + message * 20;
        let other = match table.method(message) {
            Method::Raw => continue,
            Method::Zstd => 2,
            Method::Lz4 => 1,
        };
        methods.push(other);
        for (at, value) in [(entry + 3, other << 4), (entry, sealed[entry] ^ 1)] {
            let mut changed = sealed.clone();
            changed[at] = value;
            place.put_sealed(&changed);
            let mut source = changed.as_slice();
            let error = with_work(|work| verify(SealedSource::Stream(&mut source), &super::options(), work))
                .unwrap_err();
            assert!(matches!(error, Error::Unauthentic { .. }), "{error}");
        }
    }
    assert!(methods.contains(&1) && methods.contains(&2));
}
