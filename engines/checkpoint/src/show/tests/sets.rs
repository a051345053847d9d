//! The same set, plain and sealed, is shown the same.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_keys::{RecipientKey, pkcs1v15};
use tempfile::TempDir;

use super::*;
use crate::fixtures::{every_payload, write};
use crate::image::Set;
use crate::pr2297;
use crate::sealed::{self, SealedSet};

fn key() -> RecipientKey {
    RecipientKey::read(&data("key.der"), None).unwrap()
}

fn pr2297_of(plain: &Path, place: &Path) -> OpenedSet {
    let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
    let sealed = place.join("pr2297");
    let wrap =
        |secret: &[u8]| -> Result<_, pr2297::WrapError> { Ok(pkcs1v15::encrypt(key().recipient(), secret)?) };
    pr2297::seal(&*engine, plain, &sealed, &wrap).unwrap();
    let unwrap = |wrapped: &[u8]| -> Result<_, pr2297::WrapError> { Ok(pkcs1v15::decrypt(&key(), wrapped)?) };
    OpenedSet::new(&*engine, Set::open(&sealed).unwrap(), &unwrap).unwrap()
}

fn sealed_of(plain: &Path, place: &Path) -> SealedFiles {
    let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
    let folder = place.join("sealed");
    let mut work = sealed::Work {
        engine: &*engine,
        progress: &mut |_| {},
        interrupt: &AtomicBool::new(false),
    };
    sealed::seal(
        sealed::PlainSource::Directory(plain),
        sealed::Destination::Directory(&folder),
        &[key().recipient()],
        &sealed::SealOptions::default(),
        &mut work,
    )
    .unwrap();
    let options = sealed::OpenOptions {
        unlock: sealed::Unlock::Recipient(&key().into()),
        parent: None,
        sender: None,
    };
    SealedFiles::new(SealedSet::open(&folder, &*engine, &options).unwrap()).unwrap()
}

fn alike(plain: &Path) {
    let place = TempDir::new().unwrap();
    let mut clear = PlainSet(Set::open(plain).unwrap());
    let mut pr2297 = pr2297_of(plain, place.path());
    let mut sealed = sealed_of(plain, place.path());
    for style in [Style::Plain, Style::Readable] {
        let shown = set(&mut clear, style);
        assert!(shown["files"].as_array().unwrap().len() > 10);
        assert_eq!(set(&mut pr2297, style), shown);
        assert_eq!(set(&mut sealed, style), shown);
    }
    let listed = list(&mut clear).unwrap();
    assert_eq!(list(&mut pr2297).unwrap(), listed);
    assert_eq!(list(&mut sealed).unwrap(), listed);
}

#[test]
fn the_golden_set_is_shown_alike() {
    alike(&data("criu-4.1.1-plain"));
}

#[test]
fn every_payload_is_shown_alike() {
    let place = TempDir::new().unwrap();
    let plain = place.path().join("plain");
    let mut files = every_payload();
    // Longer than what a sealed set is read by.
    let long = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    files.insert("tmpfs-9.tar.gz.img".to_owned(), long);
    write(&plain, &files);
    alike(&plain);
}

#[test]
fn a_list_counts_entries() {
    let mut images = PlainSet(Set::open(&data("criu-4.1.1-plain")).unwrap());
    let listed = list(&mut images).unwrap();
    let of = |name: &str| listed.iter().find(|file| file.name == name).unwrap();
    assert_eq!(of("fdinfo-2.img").entries, Some(9));
    assert_eq!(of("pages-1.img").entries, None);
    assert_eq!(of("pages-1.img").bytes, 16384);
    assert_eq!(of("stats-dump").kind, Kind::Stats);
}
