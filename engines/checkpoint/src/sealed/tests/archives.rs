//! Tar streams that are cut off, or go on behind their end.

use std::process::Command;

use super::streams::{open_stream, seal_stream, tar};
use super::*;

/// A set of several files, one of them several blocks long.
fn set() -> Files {
    let mut files = small();
    files.insert("dump.log".to_owned(), noise(5, 1300));
    files
}

/// Seals into a folder, which must not be there if that fails.
fn sealed_to_a_folder(place: &Place, mut stream: &[u8]) -> Result<Summary, Error> {
    let (folder, recipient) = (place.path("sealed"), private(RECIPIENT).recipient().clone());
    let summary = with_work(|work| {
        seal(
            PlainSource::Tar(&mut stream),
            Destination::Directory(&folder),
            &[&recipient],
            &SealOptions::default(),
            work,
        )
    });
    assert_eq!(folder.exists(), summary.is_ok());
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    assert_eq!(place.leftovers(), [""; 0]);
    summary
}

/// Archives of [`set`], each with where its content ends: of GNU tar in two of its formats, and our own.
fn archives(place: &Place) -> Vec<(&'static str, Vec<u8>)> {
    let gnu = tar(&place.path("plain"), &["-c", "--format=gnu", "."]);
    let sealed = seal_stream(&gnu, &SealOptions::default()).unwrap();
    vec![
        ("posix", tar(&place.path("plain"), &["-c", "--format=posix", "."])),
        ("own", open_stream(&sealed, &options()).unwrap()),
        ("gnu", gnu),
    ]
}

/// Where the zeros at the end of an archive begin, in whole blocks.
fn end_of(archive: &[u8]) -> usize {
    let last = archive.iter().rposition(|byte| *byte != 0).unwrap();
    (last + 1).next_multiple_of(512)
}

#[test]
fn an_archive_that_is_cut_is_refused_wherever_it_is_cut() {
    let place = Place::with(&set());
    for (name, archive) in archives(&place) {
        let end = end_of(&archive);
        assert!(archive.len() >= end + 1024, "{name}");
        let lengths = (0..end + 1024)
            .step_by(512)
            .chain([1, 100, end - 1, end + 1, end + 1023]);
        for length in lengths {
            let error = sealed_to_a_folder(&place, &archive[..length]).unwrap_err();
            let Error::Image(error) = error else {
                panic!("{name}, {length}: {error}");
            };
            assert!(
                error.offset.is_some_and(|offset| offset <= length as u64),
                "{name}, {length}: {error}"
            );
        }
        // All that comes behind the two blocks is padding.
        for length in [end + 1024, end + 1025, end + 1536, archive.len()] {
            let length = length.min(archive.len());
            let summary = sealed_to_a_folder(&place, &archive[..length]).unwrap();
            assert_eq!(summary.files, 4, "{name}, {length}");
        }
    }
}

/// Where an entry ends nothing else tells that more were to come.
#[test]
fn a_cut_between_two_entries_is_told_as_a_missing_end() {
    let place = Place::with(&set());
    for (name, archive) in archives(&place) {
        let mut boundaries: Vec<u64> = tar::Archive::new(archive.as_slice())
            .entries()
            .unwrap()
            .raw(true)
            .map(|entry| entry.unwrap().raw_header_position())
            .collect();
        boundaries.push(end_of(&archive) as u64);
        assert!(boundaries.len() >= 5, "{name}");
        for (place_of, zeros) in boundaries
            .into_iter()
            .flat_map(|at| [(at, 0), (at, 512), (at, 1023)])
        {
            let mut cut = archive[..place_of as usize].to_vec();
            cut.resize(cut.len() + zeros, 0);
            let error = sealed_to_a_folder(&place, &cut).unwrap_err().to_string();
            // Behind the headers that announce an entry, that one is missed.
            let announced = error.contains("future member");
            let expected = format!("the tar stream, byte {}: the end of the archive is", cut.len());
            assert!(error.starts_with(&expected) || announced, "{name}: {error}");
        }
    }
}

#[test]
fn only_zeros_follow_the_end_of_an_archive() {
    let place = Place::with(&set());
    for (name, archive) in archives(&place) {
        let end = end_of(&archive);
        for at in [end + 512, end + 1023, end + 1024, end + 40_000] {
            let mut longer = archive.clone();
            longer.resize(longer.len().max(at + 512), 0);
            sealed_to_a_folder(&place, &longer).unwrap();
            longer[at] = 7;
            let error = sealed_to_a_folder(&place, &longer).unwrap_err().to_string();
            let expected =
                format!("the tar stream, byte {at}: what follows the last entry is 0x07; it must be zeros");
            assert_eq!(error, expected, "{name}");
        }
        // A second archive behind the first.
        let error = sealed_to_a_folder(&place, &[&archive[..], &archive].concat()).unwrap_err();
        assert!(
            error.to_string().contains("what follows the last entry"),
            "{error}"
        );
    }
}

#[test]
fn an_archive_without_files_is_refused() {
    let place = Place::with(&Files::new());
    for archive in [vec![0; 1024], tar(&place.path("plain"), &["-c", "."])] {
        let error = sealed_to_a_folder(&place, &archive).unwrap_err().to_string();
        assert!(error.contains("the number of files is 0"), "{error}");
    }
}

/// The archive of another program, where it is installed.
#[test]
fn an_archive_of_bsdtar_is_whole() {
    let place = Place::with(&set());
    let Ok(output) = Command::new("bsdtar")
        .arg("-C")
        .arg(place.path("plain"))
        .args(["-cf", "-", "."])
        .output()
    else {
        let reason = "bsdtar is not installed (Debian's package libarchive-tools)";
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "an archive of bsdtar did not run: {reason}"
        );
        println!("NOT RUN: an archive of bsdtar: {reason}");
        return;
    };
    let end = end_of(&output.stdout);
    sealed_to_a_folder(&place, &output.stdout).unwrap();
    sealed_to_a_folder(&place, &output.stdout[..end + 1024]).unwrap();
    sealed_to_a_folder(&place, &output.stdout[..end + 1023]).unwrap_err();
}

/// Names are held in memory, so no name may be as long as it says.
#[test]
fn an_endless_name_is_refused() {
    let place = Place::new();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_path("././@LongLink").unwrap();
    header.set_size(4 << 30);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.resize(archive.len() + (1 << 20), b'a');
    let error = sealed_to_a_folder(&place, &archive).unwrap_err().to_string();
    assert!(error.contains("over 262144 bytes"), "{error}");
}
