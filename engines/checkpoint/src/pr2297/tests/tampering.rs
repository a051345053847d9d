//! Sets that were changed, cut or are none; and the changes that the format does not notice.

use sealab_engine::Nonce;

use super::super::keys::Keys;
use super::super::seal::seal_with;
use super::*;
use crate::fixtures::{entry, every_payload, file};
use crate::image::{Header, PAGE_BYTES, Set, proto};

/// A plain set with every kind of file, and the same sealed under keys that are known here.
fn known() -> (Files, Files, Keys) {
    let mut plain = every_payload();
    plain.extend(contents(&data("criu-4.1.1-plain")));
    let place = TempDir::new().unwrap();
    let (source, sealed) = (place.path().join("plain"), place.path().join("sealed"));
    write(&source, &plain);
    let keys = Keys::generate().unwrap();
    let mut count = 0_u64;
    let mut nonces = || {
        count += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&count.to_le_bytes());
        Ok(Nonce(nonce))
    };
    let set = Set::open(&source).unwrap();
    seal_with(engine().as_ref(), &set, &sealed, &wrap, &keys, &mut nonces).unwrap();
    let sealed = contents(&sealed);
    (plain, sealed, keys)
}

/// Whether nothing protects that byte: files in clear, and what a record holds beyond its data.
fn is_clear(name: &str, bytes: &[u8], at: usize) -> bool {
    match Kind::of_file_name(name) {
        None | Some((Kind::Stats | Kind::Ifaddr, _)) => true,
        Some((Kind::Iptables | Kind::TmpfsDev, _)) => {
            let length = u64::from_le_bytes(*bytes[at / 4136 * 4136 + 32..].first_chunk().unwrap());
            (28..32).contains(&(at % 4136)) || at % 4136 >= 40 + length as usize
        }
        // Behind the magic numbers, the sealed first entry and the sealed header of the chunk.
        Some((Kind::GhostFile, _)) => name == "ghost-file-a.img" && at > 90,
        _ => false,
    }
}

#[test]
fn a_changed_byte_is_noticed_wherever_the_format_can() {
    let (_, sealed, keys) = known();
    let engine = engine();
    for (name, bytes) in &sealed {
        let whole = matches!(
            Kind::of_file_name(name),
            Some((Kind::Pages | Kind::Pagemap | Kind::Cipher, _))
        );
        let step = (bytes.len() / if whole { 3 } else { 300 }).max(1);
        for at in (0..bytes.len())
            .step_by(step)
            .filter(|at| !is_clear(name, bytes, *at))
        {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let noticed = if whole {
                let mut files = sealed.clone();
                files.insert(name.clone(), changed);
                open_files(&files).is_err()
            } else {
                open_image(engine.as_ref(), &keys.token, name, &changed).is_err()
            };
            assert!(noticed, "{name}, byte {at}");
        }
    }
}

#[test]
fn every_truncation_is_noticed_or_ends_between_two_entries() {
    let (plain, sealed, keys) = known();
    let engine = engine();
    let open = |name: &str, bytes: &[u8]| open_image(engine.as_ref(), &keys.token, name, bytes);
    let pages = |name: &str| matches!(Kind::of_file_name(name), Some((Kind::Pages | Kind::Cipher, _)));
    for (name, bytes) in sealed.into_iter().filter(|(name, _)| !pages(name)) {
        assert!(open(&name, &bytes).unwrap() == plain[&name]);
        let step = (bytes.len() / 700).max(1);
        for length in (0..bytes.len()).step_by(step) {
            match open(&name, &bytes[..length]) {
                Ok(opened) => assert!(plain[&name].starts_with(&opened), "{name}, {length}"),
                Err(Error::Image(error)) => {
                    assert!(error.file == name && error.offset.is_some(), "{error}");
                }
                Err(Error::Unauthentic { file, .. }) => assert_eq!(file, name),
                Err(error) => panic!("{error}"),
            }
        }
        // The size of the first entry.
        let mut long = bytes.clone();
        let at = Header::recognise(&name, &bytes[..bytes.len().min(8)])
            .unwrap()
            .magic()
            .len();
        if at > 0 {
            long[at..at + 4].fill(0xff);
            let error = open(&name, &long).unwrap_err();
            assert!(error.to_string().contains("4294967295"), "{error}");
        }
    }
}

#[test]
fn pages_of_equal_content_show_and_processes_can_be_swapped() {
    let mut files = golden();
    let page =
        |files: &Files, name: &str, index: usize| files[name][index * PAGE_BYTES..][..PAGE_BYTES].to_vec();
    // The programs private pages 4 and 10 are both filled with 0x5a.
    let place = TempDir::new().unwrap();
    let plain = place.path().join("plain");
    open(engine().as_ref(), &data("criu-pr2297"), &plain, &unwrap).unwrap();
    let plain = contents(&plain);
    let filled: Vec<_> = (0..plain["pages-3.img"].len() / PAGE_BYTES)
        .filter(|index| page(&plain, "pages-3.img", *index) == [0x5a; PAGE_BYTES])
        .collect();
    assert_eq!(filled.len(), 4);
    assert_eq!(
        page(&files, "pages-3.img", filled[0]),
        page(&files, "pages-3.img", filled[1])
    );

    // Parent and child have the same pagemap, so their pages files can be swapped whole.
    assert_eq!(
        plain["pagemap-4.img"][8..].len(),
        plain["pagemap-6.img"][8..].len()
    );
    let (parent, child) = (files["pages-3.img"].clone(), files["pages-4.img"].clone());
    files.insert("pages-3.img".to_owned(), child);
    files.insert("pages-4.img".to_owned(), parent);
    let swapped = open_files(&files).unwrap();
    assert!(swapped["pages-3.img"] == plain["pages-4.img"]);

    // Two pages of one process cannot.
    let mut files = golden();
    files.get_mut("pages-3.img").unwrap()[..2 * PAGE_BYTES].rotate_left(PAGE_BYTES);
    assert!(matches!(open_files(&files), Err(Error::Digest)));
}

#[test]
fn sets_that_are_no_sealed_ones_are_refused() {
    let mut files = golden();
    let cipher = files.remove(CIPHER_FILE).unwrap();
    assert!(matches!(open_files(&files), Err(Error::NotSealed)));

    for length in [8, 12, 400, cipher.len() - 1] {
        files.insert(CIPHER_FILE.to_owned(), cipher[..length].to_vec());
        assert!(matches!(open_files(&files), Err(Error::Image(error)) if error.file == CIPHER_FILE));
    }
    // A bit of the wrapped token.
    let mut wrong = cipher.clone();
    wrong[100] ^= 1;
    files.insert(CIPHER_FILE.to_owned(), wrong);
    assert!(open_files(&files).is_err());
    // Twice the same entry.
    files.insert(CIPHER_FILE.to_owned(), [&cipher[..], &cipher[8..]].concat());
    assert!(matches!(open_files(&files), Err(Error::Image(_))));

    files.insert(CIPHER_FILE.to_owned(), cipher);
    files.insert("pages-9.img".to_owned(), vec![0; PAGE_BYTES]);
    assert!(matches!(open_files(&files), Err(Error::Unsupported { file, .. }) if file == "pages-9.img"));
    files.remove("pages-9.img");
    files.get_mut("pages-3.img").unwrap().truncate(5 * PAGE_BYTES);
    assert!(matches!(open_files(&files), Err(Error::Image(error)) if error.file == "pages-3.img"));
}

#[test]
fn keys_of_another_length_are_refused() {
    for change in [
        |key: &mut Vec<u8>| key.push(0),
        |key: &mut Vec<u8>| key.truncate(31),
    ] {
        let unwrap = |wrapped: &[u8]| {
            let mut key = unwrap(wrapped)?;
            change(&mut key);
            Ok(key)
        };
        let opened = Opener::new(
            engine().as_ref(),
            Set::open(&data("criu-pr2297")).unwrap(),
            &unwrap,
        );
        assert!(matches!(opened.err().unwrap(), Error::Wrap { .. }));
    }
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let plain = contents(&data("criu-4.1.1-plain"));
    let refused = |name: &str, bytes: Option<Vec<u8>>| {
        let mut files = plain.clone();
        match bytes {
            Some(bytes) => files.insert(name.to_owned(), bytes),
            None => files.remove(name),
        };
        seal_files(&files).unwrap_err()
    };
    let unsupported = |error: Error| matches!(error, Error::Unsupported { .. });
    assert!(unsupported(refused("pages-9.img", Some(vec![0; PAGE_BYTES]))));
    assert!(unsupported(refused("pages-3.img", None)));
    assert!(unsupported(refused(
        CIPHER_FILE,
        Some(golden()[CIPHER_FILE].clone())
    )));
    assert!(unsupported(refused(
        "pagemap-9.img",
        Some(plain["pagemap-4.img"].clone())
    )));
    let inside = proto::IpcShmEntry {
        size: Some(6),
        in_pagemaps: None,
    };
    let shm = file(Kind::IpcnsShm, &[entry(&inside), b"shared\0\0".to_vec()]);
    assert!(unsupported(refused("ipcns-shm-5.img", Some(shm))));
    let mut long = plain["pages-3.img"].clone();
    long.push(0);
    assert!(matches!(refused("pages-3.img", Some(long)), Error::Image(error) if error.file == "pages-3.img"));

    let place = TempDir::new().unwrap();
    let source = place.path().join("plain");
    write(&source, &plain);
    std::os::unix::fs::symlink("../older", source.join("parent")).unwrap();
    let sealed = seal(engine().as_ref(), &source, &place.path().join("sealed"), &wrap);
    assert!(unsupported(sealed.unwrap_err()));
}

#[test]
fn a_destination_that_exists_is_left_alone() {
    let place = TempDir::new().unwrap();
    let engine = engine();
    let taken = Some(std::io::ErrorKind::AlreadyExists);
    let kind = |error: Error| match error {
        Error::Write { detail, .. } => Some(detail.kind()),
        _ => None,
    };
    let sealed = seal(engine.as_ref(), &data("criu-4.1.1-plain"), place.path(), &wrap);
    assert_eq!(kind(sealed.unwrap_err()), taken);
    let opened = open(engine.as_ref(), &data("criu-pr2297"), place.path(), &unwrap);
    assert_eq!(kind(opened.unwrap_err()), taken);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn pages_are_not_handed_out_after_a_wrong_digest() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("set");
    let mut files = golden();
    files.get_mut("pages-4.img").unwrap()[0] ^= 1;
    write(&folder, &files);
    let mut opener = Opener::new(engine().as_ref(), Set::open(&folder).unwrap(), &unwrap).unwrap();
    let mut plain = Vec::new();
    for _ in 0..2 {
        assert!(matches!(opener.verify_pages(), Err(Error::Digest)));
        assert!(matches!(
            opener.open_pages("pagemap-4.img", &mut plain),
            Err(Error::Digest)
        ));
    }
    assert!(plain.is_empty());
    // Entries are authentic by themselves.
    opener.image("pagemap-4.img", &mut plain).unwrap();
}
