//! Sets that come from streams and go to them.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

pub(super) fn seal_stream(mut source: &[u8], options: &SealOptions<'_>) -> Result<Vec<u8>, Error> {
    let recipient = private(RECIPIENT).recipient().clone();
    let mut sealed = Vec::new();
    with_work(|work| {
        seal(
            PlainSource::Tar(&mut source),
            Destination::Stream(&mut sealed),
            &[&recipient],
            options,
            work,
        )
    })?;
    Ok(sealed)
}

pub(super) fn open_stream(mut source: &[u8], options: &OpenOptions<'_>) -> Result<Vec<u8>, Error> {
    let mut tar = Vec::new();
    with_work(|work| {
        open(
            SealedSource::Stream(&mut source),
            Output::Tar(&mut tar),
            options,
            work,
        )
    })?;
    Ok(tar)
}

/// The tar program's archive of a folder.
pub(super) fn tar(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("tar")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

fn files_of(tar: &[u8]) -> Files {
    let mut archive = tar::Archive::new(tar);
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect()
}

#[test]
fn tar_in_and_tar_out_is_the_same_set() {
    let mut files = contents(&crate::fixtures::data("criu-4.1.1-plain"));
    files.insert(format!("{}.log", "long-name".repeat(25)), noise(1, 700));
    files.insert("pages-77.img".to_owned(), noise(2, 2 * GROUP_BYTES + PAGE_BYTES));
    let place = Place::with(&files);
    for arguments in [
        &["-c", "."][..],
        &["-c", "--format=posix", "."],
        &[
            "-c",
            "--format=gnu",
            "--sort=name",
            "--no-recursion",
            "pages-77.img",
            "core-4.img",
        ],
    ] {
        let expected = files_of(&tar(
            &place.path("plain"),
            &[&["--exclude=./"], arguments].concat(),
        ));
        let expected: Files = expected
            .into_iter()
            .map(|(name, bytes)| (name.trim_start_matches("./").to_owned(), bytes))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        let sealed = seal_stream(&tar(&place.path("plain"), arguments), &SealOptions::default()).unwrap();
        let opened = open_stream(&sealed, &options()).unwrap();
        assert!(files_of(&opened) == expected);
        // The tar program reads it too.
        let folder = place.path("untarred");
        fs::create_dir(&folder).unwrap();
        fs::write(place.path("opened.tar"), &opened).unwrap();
        let status = Command::new("tar")
            .arg("-xf")
            .arg(place.path("opened.tar"))
            .arg("-C")
            .arg(&folder)
            .status()
            .unwrap();
        assert!(status.success());
        assert!(contents(&folder) == expected);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_stream_and_a_folder_hold_the_same() {
    let place = Place::with(&small());
    let sealed = seal_stream(&tar(&place.path("plain"), &["-c", "."]), &SealOptions::default()).unwrap();
    fs::create_dir(place.path("sealed")).unwrap();
    place.put_sealed(&sealed);
    place.open(&options()).unwrap();
    assert!(contents(&place.path("opened")) == small());
}

#[test]
fn holes_come_out_of_a_stream_as_zeros() {
    let place = Place::with(&small());
    let file = fs::File::create(place.path("plain/pages-3.img")).unwrap();
    file.set_len(3 << 20).unwrap();
    place.seal(&SealOptions::default()).unwrap();
    let opened = files_of(&open_stream(&place.sealed(), &options()).unwrap());
    assert!(opened["pages-3.img"] == vec![0; 3 << 20]);
    // The tar program's way of telling holes is read as what it stands for.
    let sparse = tar(&place.path("plain"), &["-c", "--sparse", "--format=gnu", "."]);
    let sealed = seal_stream(&sparse, &SealOptions::default()).unwrap();
    assert!(files_of(&open_stream(&sealed, &options()).unwrap()) == opened);
}

#[test]
fn deduplicated_sets_go_where_what_was_written_can_be_read_again() {
    let files: Files = [("pages-1.img".to_owned(), noise(1, PAGE_BYTES).repeat(40))].into();
    let place = Place::with(&files);
    let options = SealOptions {
        deduplicate: true,
        ..SealOptions::default()
    };
    place.seal(&options).unwrap();
    let sealed = place.sealed();
    let error = open_stream(&sealed, &super::options()).unwrap_err();
    assert!(matches!(error, Error::NeedsSeeking { .. }), "{error}");
    // From a stream to a folder.
    let (mut source, folder) = (sealed.as_slice(), place.path("opened"));
    with_work(|work| {
        open(
            SealedSource::Stream(&mut source),
            Output::Directory(&folder),
            &super::options(),
            work,
        )
    })
    .unwrap();
    assert!(contents(&folder) == files);
    // From a folder to a stream.
    let (from, mut tar) = (place.path("sealed"), Vec::new());
    with_work(|work| {
        open(
            SealedSource::Directory(&from),
            Output::Tar(&mut tar),
            &super::options(),
            work,
        )
    })
    .unwrap();
    assert!(files_of(&tar) == files);
}

#[test]
fn what_is_no_flat_set_is_refused() {
    let place = Place::with(&small());
    let plain = place.path("plain");
    symlink("/etc/passwd", plain.join("core-1.img")).unwrap();
    let error = seal_stream(&tar(&plain, &["-c", "."]), &SealOptions::default()).unwrap_err();
    assert!(error.to_string().contains("Symlink"), "{error}");
    fs::remove_file(plain.join("core-1.img")).unwrap();
    fs::create_dir(plain.join("folder")).unwrap();
    seal_stream(&tar(&plain, &["-c", "."]), &SealOptions::default()).unwrap_err();
    fs::remove_dir(plain.join("folder")).unwrap();
    let error = seal_stream(
        &tar(place.folder.path(), &["-c", "plain/pages-1.img"]),
        &SealOptions::default(),
    );
    assert!(error.unwrap_err().to_string().contains("plain/pages-1.img"));
    // The same name twice, an unknown image, a cut.
    let twice = tar(&plain, &["-c", "--hard-dereference", "stats-dump", "stats-dump"]);
    let error = seal_stream(&twice, &SealOptions::default()).unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    fs::write(plain.join("core-1.img"), b"no image").unwrap();
    let error = seal_stream(&tar(&plain, &["-c", "."]), &SealOptions::default()).unwrap_err();
    assert!(error.to_string().contains("magic"), "{error}");
    fs::remove_file(plain.join("core-1.img")).unwrap();
    let whole = tar(&plain, &["-c", "."]);
    let pages = whole
        .windows(8)
        .position(|window| window == &small()["pages-1.img"][..8])
        .unwrap();
    seal_stream(&whole[..pages + 100], &SealOptions::default()).unwrap_err();
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    for name in ["../core-1.img", "/core-1.img", "a/../b"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o600);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b"x"[..]).unwrap();
        let error = seal_stream(&builder.into_inner().unwrap(), &SealOptions::default()).unwrap_err();
        assert!(error.to_string().contains("name"), "{error}");
    }
}

#[test]
fn a_parent_comes_and_goes_with_the_stream() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    symlink("../old", place.path("plain/parent")).unwrap();
    let tar = tar(&place.path("plain"), &["-c", "."]);
    let parent = place.path("sealed");
    let error = seal_stream(&tar, &SealOptions::default()).unwrap_err();
    assert!(matches!(error, Error::ParentUnnamed { .. }), "{error}");
    let with_parent = SealOptions {
        parent: Some(&parent),
        ..SealOptions::default()
    };
    let sealed = seal_stream(&tar, &with_parent).unwrap();
    let error = open_stream(&sealed, &options()).unwrap_err();
    assert!(matches!(error, Error::ParentUnnamed { .. }), "{error}");
    let named = OpenOptions {
        parent: Some(&parent),
        ..options()
    };
    let opened = open_stream(&sealed, &named).unwrap();
    let mut archive = tar::Archive::new(opened.as_slice());
    let link = archive
        .entries()
        .unwrap()
        .map(Result::unwrap)
        .find(|entry| entry.path().unwrap() == Path::new("parent"));
    assert_eq!(
        link.unwrap().link_name().unwrap().unwrap().to_str(),
        Some("../old")
    );
}
