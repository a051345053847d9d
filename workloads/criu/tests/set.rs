//! Made-up image sets are read like real ones, and are the same every time.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_checkpoint::image::{Found, Kind, Memory, PAGE_BYTES, Set, pagemaps, rewrite};
use sealab_criu::{CriuError, ImageSet};
use sealab_memory::{Content, Share};
use sha2::{Digest, Sha256};

static NEVER: AtomicBool = AtomicBool::new(false);

fn small() -> ImageSet {
    ImageSet {
        processes: 3,
        seed: 7,
        ..ImageSet::new("12MiB".parse().expect("a size"), Content::Mixed)
    }
}

/// A digest over all files with their names.
fn digest(images: &Path) -> String {
    let mut names: Vec<_> = fs::read_dir(images)
        .expect("the set")
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    names.sort();
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name.as_encoded_bytes());
        digest.update(Sha256::digest(fs::read(images.join(&name)).expect("a file")));
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads all of the set; returns the pages of each process.
fn pages(images: &Path) -> Vec<Vec<[u8; PAGE_BYTES]>> {
    let set = Set::open(images).expect("a set");
    for member in set.members() {
        assert_ne!(member.kind, Kind::Other, "{}", member.name);
        rewrite(set.read(&member.name).expect(&member.name), &mut Vec::new()).expect(&member.name);
    }
    let names: Vec<String> = pagemaps(&set).map(str::to_owned).collect();
    let chain = set.chain().expect("no parents");
    names
        .iter()
        .map(|name| {
            let mut memory = Memory::open(&chain, name).expect(name);
            let mut pages = Vec::new();
            for extent in memory.extents().to_vec() {
                for address in (extent.address..extent.end()).step_by(PAGE_BYTES) {
                    let mut page = [0; PAGE_BYTES];
                    assert_eq!(memory.page(address, &mut page).expect("a page"), Found::In(0));
                    pages.push(page);
                }
            }
            pages
        })
        .collect()
}

#[test]
fn a_set_is_read_like_a_real_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    small().write(&images, &NEVER).expect("a set");
    let pages = pages(&images);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1024; 3]);
    let mut all = pages.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3072, "pages that repeat themselves");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

#[test]
fn equal_parameters_give_equal_sets() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |name: &str, set: ImageSet| {
        let images = folder.path().join(name);
        set.write(&images, &NEVER).expect("a set");
        digest(&images)
    };
    let first = of("a", small());
    assert_eq!(first, of("b", small()));
    assert_ne!(first, of("c", ImageSet { seed: 8, ..small() }));
    // On other machines and in other years too: figures of sets are compared.
    assert_eq!(
        first,
        "0347be0403c9e03e0c48f4b7f3ba8a4323324bc5b799e1efb62e63eac82a4563"
    );
}

#[test]
fn contents_and_duplicates_are_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |name: &str, set: ImageSet| {
        let images = folder.path().join(name);
        set.write(&images, &NEVER).expect("a set");
        pages(&images).concat()
    };
    let size = "4MiB".parse().expect("a size");
    let zero = of("zero", ImageSet::new(size, Content::Zero));
    assert!(zero.iter().all(|page| *page == [0; PAGE_BYTES]));
    let text = of("text", ImageSet::new(size, Content::Text));
    assert!(text.as_flattened().iter().all(u8::is_ascii));
    let duplicates = Share::new(0.25).expect("a share");
    let mut random = of(
        "random",
        ImageSet {
            duplicates,
            ..ImageSet::new(size, Content::Random)
        },
    );
    random.sort_unstable();
    random.dedup();
    assert_eq!(random.len(), 768);
}

#[test]
fn holes_take_no_space_and_read_as_zeros() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let set = ImageSet {
        holes: Share::new(0.75).expect("a share"),
        ..ImageSet::new("8MiB".parse().expect("a size"), Content::Random)
    };
    set.write(&images, &NEVER).expect("a set");
    let zeros = pages(&images)
        .concat()
        .iter()
        .filter(|page| **page == [0; PAGE_BYTES])
        .count();
    assert_eq!(zeros, 6 * 256);
    let file = fs::metadata(images.join("pages-1.img")).expect("the pages");
    assert_eq!(file.len(), 8 << 20);
    assert!(file.blocks() * 512 < 3 << 20, "{} blocks", file.blocks());
}

#[test]
fn sixteen_gibibytes_are_a_few_bytes_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let set = ImageSet {
        holes: Share::new(0.9999).expect("a share"),
        ..ImageSet::new("16GiB".parse().expect("a size"), Content::Random)
    };
    set.write(&images, &NEVER).expect("a set");
    let set = Set::open(&images).expect("a set");
    let chain = set.chain().expect("no parents");
    let memory = Memory::open(&chain, "pagemap-1000.img").expect("the memory");
    let pages: u64 = memory.extents().iter().map(|extent| extent.pages).sum();
    assert_eq!(pages, 4 << 20);
    let file = fs::metadata(images.join("pages-1.img")).expect("the pages");
    assert!(file.blocks() * 512 < 8 << 20, "{} blocks", file.blocks());
}

#[test]
fn what_is_no_set_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let refused = |set: ImageSet, reason: &str| {
        let error = set.write(&images, &NEVER).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(
        ImageSet {
            processes: 0,
            ..small()
        },
        "0 processes; right would be 1 to 256",
    );
    refused(
        ImageSet {
            processes: 257,
            ..small()
        },
        "257 processes",
    );
    refused(
        ImageSet {
            processes: 5,
            ..small()
        },
        "a multiple of 20480 bytes",
    );
    let duplicates = Share::new(0.1).expect("a share");
    refused(
        ImageSet {
            duplicates,
            content: Content::Zero,
            ..small()
        },
        "all equal",
    );
    let error = small()
        .write(&images, &AtomicBool::new(true))
        .expect_err("cancelled");
    assert!(matches!(error, CriuError::Interrupted), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    let error = small()
        .write(folder.path(), &NEVER)
        .expect_err("exists")
        .to_string();
    assert!(error.starts_with(&folder.path().display().to_string()), "{error}");
}
