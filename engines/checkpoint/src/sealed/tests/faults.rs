//! What fails leaves nothing, and says what it met.

use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use super::*;
use crate::fixtures::data;

#[test]
fn other_things_are_refused_by_name() {
    let place = Place::with(&small());
    let said = |name: &str| place.open_as(name, "opened", &options()).unwrap_err().to_string();
    fs::create_dir(place.path("empty")).unwrap();
    assert!(said("empty").contains("not a sealed checkpoint, but a folder without checkpoint.sealed"));
    fs::write(place.path("plain/inventory.img"), b"").unwrap();
    assert!(
        said("plain").contains("a plain CRIU image set"),
        "{}",
        said("plain")
    );
    fs::write(place.path("plain/cipher.img"), b"").unwrap();
    assert!(said("plain").contains("criu-pr2297"));
    assert!(said("missing").contains("missing"));
    assert!(said("plain/inventory.img").contains("no folder"));
    fs::create_dir(place.path("sealed")).unwrap();
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"age-encryption.org/v1\n", "a file of age"),
        (b"Salted__12345678", "a file of openssl enc"),
        (&[0x19, 0x43, 0x56, 0x54, 0x34, 0x53, 0x02, 0x50], "a CRIU image"),
        (&[0; 4096], "something else"),
    ] {
        place.put_sealed(bytes);
        assert!(said("sealed").contains(found), "{found}");
    }
    fs::remove_dir_all(place.path("empty")).unwrap();
    assert_eq!(place.leftovers(), [""; 0]);
    // A set of the other format, whole.
    let (from, to) = (data("criu-pr2297"), place.path("opened"));
    let opened = with_work(|work| {
        open(
            SealedSource::Directory(&from),
            Output::Directory(&to),
            &options(),
            work,
        )
    });
    assert!(matches!(opened, Err(Error::NotSealed { found, .. }) if found.contains("criu-pr2297")));
}

#[test]
fn a_file_beside_the_sealed_one_is_refused() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let error = place
        .seal_as("sealed", "twice", &SealOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("sealed already"), "{error}");
    fs::write(place.path("sealed/pages-9.img"), b"").unwrap();
    let error = place.open(&options()).unwrap_err().to_string();
    assert!(error.contains("pages-9.img"), "{error}");
}

#[test]
fn an_existing_destination_is_left_alone() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let before = place.sealed();
    let error = place.seal(&SealOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::Write { detail, .. } if detail.kind() == io::ErrorKind::AlreadyExists));
    assert!(place.sealed() == before);
    fs::create_dir(place.path("opened")).unwrap();
    place.open(&options()).unwrap_err();
    assert_eq!(fs::read_dir(place.path("opened")).unwrap().count(), 0);
    assert_eq!(place.leftovers(), ["opened"]);
}

fn large() -> Files {
    [("pages-1.img".to_owned(), noise(1, 6 * GROUP_BYTES))].into()
}

#[test]
fn interrupted_work_leaves_nothing() {
    let place = Place::with(&large());
    let recipient = private(RECIPIENT).recipient().clone();
    let interrupt = AtomicBool::new(false);
    let (plain, sealed, opened) = (place.path("plain"), place.path("sealed"), place.path("opened"));
    let mut steps = Vec::new();
    let mut progress = |step: Progress| {
        steps.push(step.done);
        interrupt.store(step.done > 2 << 20, Ordering::Relaxed);
    };
    let mut work = Work {
        engine: engine(),
        progress: &mut progress,
        interrupt: &interrupt,
    };
    let recipients = [&recipient];
    let source = PlainSource::Directory(&plain);
    let error = seal(
        source,
        Destination::Directory(&sealed),
        &recipients,
        &SealOptions::default(),
        &mut work,
    )
    .unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert!(!sealed.exists());
    place.seal(&SealOptions::default()).unwrap();
    interrupt.store(false, Ordering::Relaxed);
    let mut work = Work {
        engine: engine(),
        progress: &mut progress,
        interrupt: &interrupt,
    };
    let source = SealedSource::Directory(&sealed);
    let error = open(source, Output::Directory(&opened), &options(), &mut work).unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert_eq!(place.leftovers(), [""; 0]);
    assert!(steps.len() >= 4 && steps[0] > 0);
}

#[test]
fn progress_ends_at_the_total() {
    let place = Place::with(&large());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.path("sealed");
    let mut last = Progress::default();
    let mut progress = |step: Progress| last = step;
    let mut work = Work {
        engine: engine(),
        progress: &mut progress,
        interrupt: &NEVER,
    };
    verify(SealedSource::Directory(&sealed), &options(), &mut work).unwrap();
    // The index and the trailer are what is left.
    let total = last.total.unwrap();
    assert!(last.done <= total && total - last.done < 4096, "{last:?}");
}

#[test]
fn a_fault_in_the_middle_of_opening_leaves_nothing() {
    let place = Place::with(&large());
    place.seal(&SealOptions::default()).unwrap();
    let mut sealed = place.sealed();
    let (start, length, _) = groups(&sealed)[4];
    sealed[start + length / 2] ^= 1;
    place.put_sealed(&sealed);
    let error = place.open(&options()).unwrap_err();
    assert!(
        matches!(&error, Error::Unauthentic { what, .. } if what.contains("of group 4")),
        "{error}"
    );
    assert_eq!(place.leftovers(), [""; 0]);
}

/// The earliest fault is told, whatever the threads do.
#[test]
fn the_first_of_several_faults_is_told() {
    let place = Place::with(&large());
    place.seal(&SealOptions::default()).unwrap();
    let whole = place.sealed();
    for _ in 0..20 {
        let mut sealed = whole.clone();
        for (start, length, _) in &groups(&whole)[1..] {
            sealed[start + length / 2] ^= 1;
        }
        place.put_sealed(&sealed);
        let error = place.verify(&options()).unwrap_err();
        // The index is read before all groups, from a folder.
        assert!(error.to_string().contains("index"), "{error}");
        let mut source = sealed.as_slice();
        let error =
            with_work(|work| verify(SealedSource::Stream(&mut source), &options(), work)).unwrap_err();
        assert!(error.to_string().contains("of group 1"), "{error}");
    }
}

/// Fails after some bytes.
struct Short<T>(T, usize);

impl<W: Write> Write for Short<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.0.write(&bytes[..bytes.len().min(self.1)])?;
        self.1 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<R: Read> Read for Short<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = bytes.len().min(self.1);
        let read = self.0.read(&mut bytes[..most])?;
        self.1 -= read;
        Ok(read)
    }
}

#[test]
fn failing_streams_end_the_work() {
    let place = Place::with(&large());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    let plain = place.path("plain");
    let recipient = private(RECIPIENT).recipient().clone();
    for bytes in [0, 10, 700, 3 << 20, sealed.len() - 100, sealed.len() - 1] {
        let mut output = Short(Vec::new(), bytes);
        let error = with_work(|work| {
            let source = PlainSource::Directory(&plain);
            seal(
                source,
                Destination::Stream(&mut output),
                &[&recipient],
                &SealOptions::default(),
                work,
            )
        });
        assert!(matches!(error, Err(Error::Write { .. })), "{bytes}");
        let mut source = Short(sealed.as_slice(), bytes);
        let opened = place.path("opened");
        let error = with_work(|work| {
            open(
                SealedSource::Stream(&mut source),
                Output::Directory(&opened),
                &options(),
                work,
            )
        });
        assert!(matches!(error, Err(Error::Image(_))), "{bytes}: {error:?}");
        // Short of the tar stream's end.
        let mut output = Short(Vec::new(), bytes.min(6 * GROUP_BYTES));
        let mut source = sealed.as_slice();
        let opened = with_work(|work| {
            open(
                SealedSource::Stream(&mut source),
                Output::Tar(&mut output),
                &options(),
                work,
            )
        });
        assert!(matches!(opened, Err(Error::Write { .. })), "{bytes}");
        assert_eq!(place.leftovers(), [""; 0]);
    }
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_sealed_is_refused() {
    let place = Place::with(&large());
    let file = place.path("plain/pages-1.img");
    let (plain, sealed) = (place.path("plain"), place.path("sealed"));
    let recipient = private(RECIPIENT).recipient().clone();
    for length in [100, 7 << 20] {
        fs::write(&file, noise(1, 6 * GROUP_BYTES)).unwrap();
        let file = fs::File::options().write(true).open(&file).unwrap();
        let mut progress = |_| file.set_len(length).unwrap();
        let mut work = Work {
            engine: engine(),
            progress: &mut progress,
            interrupt: &NEVER,
        };
        let source = PlainSource::Directory(&plain);
        let recipients = [&recipient];
        seal(
            source,
            Destination::Directory(&sealed),
            &recipients,
            &SealOptions::default(),
            &mut work,
        )
        .unwrap_err();
        assert_eq!(place.leftovers(), [""; 0]);
        assert!(!sealed.exists());
    }
}

#[test]
fn nobody_to_seal_for_is_an_error() {
    let place = Place::with(&small());
    let (plain, sealed) = (place.path("plain"), place.path("sealed"));
    let error = with_work(|work| {
        let source = PlainSource::Directory(&plain);
        seal(
            source,
            Destination::Directory(&sealed),
            &[],
            &SealOptions::default(),
            work,
        )
    });
    assert!(matches!(error, Err(Error::Wrap(_))));
}

#[test]
fn fuzzers_ways_in_refuse_what_is_broken() {
    use super::super::index_codec;
    assert!(open_bytes(engine(), b"", &SetKey::from_bytes(&[1; 32])).is_err());
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let bytes = place.sealed();
    let error = open_bytes(engine(), &bytes, &SetKey::from_bytes(&[1; 32])).unwrap_err();
    assert!(
        matches!(&error, Error::Unauthentic { what, .. } if what == "the key commitment"),
        "{error}"
    );
    let set = place.set("sealed");
    let mut index = Vec::new();
    index_codec::encode(set.index(), &mut index).unwrap();
    check_index(&index, false).unwrap();
    for length in 0..index.len() {
        assert!(check_index(&index[..length], false).is_err(), "{length}");
    }
    for bit in 0..index.len() * 8 {
        let mut changed = index.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // Some changes make another index; none is a panic.
        let _ = check_index(&changed, false);
        let _ = check_index(&changed, true);
        let _ = check_manifest(u64::MAX, &changed);
    }
    // A file that begins before the one before it is whole, content without a file, a copy from nowhere.
    for events in [
        &b"\x02\x01\x00a\x80\x01\x05\0\0\0\0\0\0\0\x02\x01\x00b\x80\x01\0\0\0\0\0\0\0\0"[..],
        b"\x03\x01\0\0\0",
        b"\x02\x01\x00a\x80\x01\x05\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0",
        b"\x02\x02\x00..\x80\x01\x05\0\0\0\0\0\0\0",
        b"\x02\x06\x00parent\x80\x01\x05\0\0\0\0\0\0\0",
        b"\x07",
    ] {
        assert!(check_manifest(0, events).is_err(), "{events:?}");
    }
    check_manifest(
        0,
        b"\x02\x01\x00a\x80\x01\x05\0\0\0\0\0\0\0\x04\x05\0\0\0\0\0\0\0",
    )
    .unwrap();
}
