//! What is sealed is opened, byte for byte.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use super::*;
use crate::fixtures::{data, every_payload, shows};
use crate::image::Set;

fn round_trip(files: &Files, options: &SealOptions<'_>) -> (Place, Summary) {
    let place = Place::with(files);
    let sealed = place.seal(options).unwrap();
    let opened = place.open(&super::options()).unwrap();
    assert!(contents(&place.path("opened")) == *files);
    assert_eq!(sealed, opened);
    assert_eq!(place.verify(&super::options()).unwrap(), sealed);
    (place, sealed)
}

#[test]
fn a_real_dump_comes_back() {
    let files = contents(&data("criu-4.1.1-plain"));
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let options = SealOptions {
            cipher,
            ..SealOptions::default()
        };
        let (place, summary) = round_trip(&files, &options);
        assert_eq!(summary.files, files.len() as u64);
        assert_eq!(
            summary.plain_bytes,
            files.values().map(|bytes| bytes.len() as u64).sum::<u64>()
        );
        assert_eq!(summary.sealed_bytes, place.sealed().len() as u64);
        Set::open(&place.path("opened")).unwrap();
    }
}

#[test]
fn nothing_of_the_plain_set_shows() {
    let mut files = contents(&data("criu-4.1.1-plain"));
    files.extend(every_payload());
    let plain: Vec<u8> = files.values().flatten().copied().collect();
    assert!(shows(&plain, "CANARY"));
    let (place, _) = round_trip(&files, &SealOptions::default());
    let sealed = place.sealed();
    assert!(!shows(&sealed, "CANARY"));
    for name in files.keys().filter(|name| name.len() > 6) {
        assert!(!shows(&sealed, name), "{name}");
    }
}

#[test]
fn equal_sets_and_pages_are_sealed_differently() {
    let files: Files = [("pages-1.img".to_owned(), [7; PAGE_BYTES].repeat(64))].into();
    let (first, _) = round_trip(&files, &SealOptions::default());
    let (second, _) = round_trip(&files, &SealOptions::default());
    let mut blocks: Vec<Vec<u8>> = [first, second]
        .iter()
        .flat_map(|place| place.sealed().chunks(16).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .filter(|block| *block != [0; 16])
        .collect();
    let count = blocks.len();
    blocks.sort();
    blocks.dedup();
    // The headers' constant parts alone.
    assert!(count - blocks.len() < 20, "{}", count - blocks.len());
}

#[test]
fn lengths_around_the_borders_of_chunks_and_groups_come_back() {
    let lengths = [
        0,
        1,
        PAGE_BYTES - 1,
        PAGE_BYTES,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        GROUP_BYTES - 1,
        GROUP_BYTES,
        GROUP_BYTES + 1,
        2 * GROUP_BYTES,
        2 * GROUP_BYTES + PAGE_BYTES,
    ];
    for length in lengths {
        let files: Files = [("pages-1.img".to_owned(), noise(3, length))].into();
        round_trip(&files, &SealOptions::default());
    }
    // All together, so that files begin everywhere.
    let files: Files = lengths
        .iter()
        .flat_map(|length| {
            let content = noise(*length as u64, *length);
            [
                (format!("pages-{length}.img"), content.clone()),
                (format!("ifaddr-{length}.img"), content),
            ]
        })
        .collect();
    let (place, _) = round_trip(&files, &SealOptions::default());
    // No page in two chunks.
    let set = place.set("sealed");
    for (number, file) in set
        .files()
        .iter()
        .enumerate()
        .filter(|(_, file)| file.name.starts_with("pages"))
    {
        for segment in set.segments(number) {
            let page = PAGE_BYTES as u64;
            assert_eq!(
                (segment.start % page, segment.location % page),
                (0, 0),
                "{file:?}"
            );
        }
    }
}

#[test]
fn an_empty_set_and_many_small_files_come_back() {
    round_trip(&Files::new(), &SealOptions::default());
    let files: Files = (0..3000)
        .map(|number| (format!("route-{number}.img"), noise(number, 3)))
        .collect();
    let (place, _) = round_trip(&files, &SealOptions::default());
    // Manifests are full before their groups.
    assert!(groups(&place.sealed()).len() > 3);
}

#[test]
fn modes_come_back_and_what_is_opened_is_its_owner_s() {
    let place = Place::with(&small());
    fs::set_permissions(place.path("plain/pages-1.img"), Permissions::from_mode(0o640)).unwrap();
    place.seal(&SealOptions::default()).unwrap();
    place.open(&options()).unwrap();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("opened/pages-1.img"), 0o640);
    assert_eq!(mode("opened"), 0o700);
    assert_eq!(mode("sealed/checkpoint.sealed"), 0o600);
}

#[test]
fn holes_stay_holes_and_cost_nothing() {
    let place = Place::with(&small());
    let file = File::create(place.path("plain/pages-9.img")).unwrap();
    // 16 GiB, of which two pages and a byte at the end are there.
    file.set_len((16 << 30) + 1).unwrap();
    for at in [3 << 30, 9 << 30] {
        file.write_all_at(&noise(at, PAGE_BYTES), at).unwrap();
    }
    file.write_all_at(b"x", 16 << 30).unwrap();
    let summary = place.seal(&SealOptions::default()).unwrap();
    assert!(summary.sealed_bytes < 64 << 10, "{}", summary.sealed_bytes);
    assert!(summary.plain_bytes > 16 << 30);
    place.open(&options()).unwrap();
    let opened = File::open(place.path("opened/pages-9.img")).unwrap();
    let metadata = opened.metadata().unwrap();
    assert_eq!(metadata.len(), (16 << 30) + 1);
    assert!(metadata.blocks() * 512 < 1 << 20);
    let mut page = vec![0; PAGE_BYTES];
    for at in [3 << 30, 9 << 30] {
        opened.read_exact_at(&mut page, at).unwrap();
        assert!(page == noise(at, PAGE_BYTES));
    }
    opened.read_exact_at(&mut page[..2], (16 << 30) - 1).unwrap();
    assert_eq!(page[..2], *b"\0x");
}

#[test]
fn every_recipient_can_open_and_nobody_else() {
    let place = Place::with(&small());
    let rsa = RecipientKey::read(&data("key.der"), None).unwrap();
    let recipients = [rsa.recipient().clone(), private(RECIPIENT).recipient().clone()];
    let recipients: Vec<_> = recipients.iter().collect();
    let (plain, sealed) = (place.path("plain"), place.path("sealed"));
    with_work(|work| {
        let source = PlainSource::Directory(&plain);
        seal(
            source,
            Destination::Directory(&sealed),
            &recipients,
            &SealOptions::default(),
            work,
        )
    })
    .unwrap();
    for key in [JweKey::from(rsa), private(RECIPIENT).into()] {
        let options = OpenOptions {
            unlock: Unlock::Recipient(&key),
            ..options()
        };
        place.verify(&options).unwrap();
    }
    let key = private(OTHER).into();
    let options = OpenOptions {
        unlock: Unlock::Recipient(&key),
        ..options()
    };
    let error = place.open(&options).unwrap_err();
    assert!(matches!(error, Error::Unwrap { .. }), "{error}");
    assert!(
        !error.to_string().contains('\n') && error.to_string().contains("key"),
        "{error}"
    );
    assert_eq!(place.leftovers(), [""; 0]);
}
