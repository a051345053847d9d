//! Blobs that are fetched as they are read, from a registry that breaks, and with a cache that is not what it was.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use sealab_layer::{Blobs, Error};
use sealab_registry::{Cache, RemoteBlobs, RemoteReference, Traffic};

use super::*;

/// A manifest with the layer once encrypted and once another that is not.
fn image() -> (Vec<u8>, [Descriptor; 2]) {
    let mut sealed = descriptor(&layer());
    sealed.media_type = "application/vnd.oci.image.layer.v1.tar+encrypted".to_owned();
    let plain = descriptor(CONFIG);
    let manifest = json!({"schemaVersion": 2, "config": plain, "layers": [sealed, plain]}).to_string();
    (manifest.into_bytes(), [sealed, plain])
}

/// A registry with the image, whose answers `change` may change; the answer to each range is numbered from 0.
fn registry(change: impl Fn(usize, &mut Answer) + Send + Sync + 'static) -> Server {
    let number = AtomicUsize::new(0);
    Server::start(move |asked| {
        let (manifest, [sealed, _]) = image();
        if path(asked).contains("/manifests/") {
            return Some(Answer::new(200, &manifest).with("content-type", MANIFEST));
        }
        let blob = if path(asked).ends_with(&sealed.digest.hex()) {
            layer()
        } else {
            CONFIG.to_vec()
        };
        let range = asked.headers.get("range")?.strip_prefix("bytes=")?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let range = format!("bytes {first}-{last}/{}", blob.len());
        let mut answer = Answer::new(206, &blob[first..=last]).with("content-range", range);
        change(number.fetch_add(1, Ordering::Relaxed), &mut answer);
        Some(answer)
    })
}

fn remote(server: &Server, folder: &Path) -> RemoteBlobs {
    let cache = Cache::open(folder, 1 << 20).unwrap();
    RemoteBlobs::new(repository(server), Some(cache), |error| panic!("{error}"))
}

fn read(blobs: &RemoteBlobs, blob: &Descriptor, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    blobs.blob(blob)?.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[test]
fn a_connection_that_breaks_is_opened_once_more() {
    let half = |answer: &mut Answer| {
        answer.told = Some(answer.body.len());
        answer.body.truncate(50);
    };
    let server = registry(move |number, answer| {
        if number == 0 {
            half(answer);
        }
    });
    let reading = repository(&server);
    let blob = reading.blob_ranges(&image().1[0]);
    let mut bytes = [0; 100];
    blob.read(&mut bytes, 1000).unwrap();
    assert_eq!(bytes, layer()[1000..1100]);
    // What came of the first is counted.
    let traffic = Traffic {
        requests: 2,
        bytes: 150,
    };
    assert_eq!(reading.traffic(), traffic);
    // Not for ever, and another range is refused on the second way too.
    let server = registry(move |_, answer| half(answer));
    let blob = repository(&server).blob_ranges(&image().1[0]);
    assert!(blob.read(&mut bytes, 1000).is_err());
    assert_eq!(server.asked().len(), 2);
    let server = registry(move |number, answer| match number {
        0 => half(answer),
        _ => answer.headers[0].1 = "bytes 0-99/300000".to_owned(),
    });
    let blob = repository(&server).blob_ranges(&image().1[0]);
    let error = blob.read(&mut bytes, 1000).unwrap_err().to_string();
    assert!(error.contains("the range that came"), "{error}");
    // A registry that answers is not asked again.
    let server = registry(|_, answer| *answer = Answer::new(500, b""));
    let blob = repository(&server).blob_ranges(&image().1[0]);
    assert!(blob.read(&mut bytes, 1000).is_err());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_was_fetched_is_not_fetched_again() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("cache");
    let server = registry(|_, _| {});
    let (manifest, [sealed, plain]) = image();
    let named = RemoteReference::Digest(digest(&manifest));
    let blobs = remote(&server, &folder);
    assert_eq!(blobs.manifest(&named).unwrap().bytes, manifest);
    assert_eq!(read(&blobs, &sealed, 1000, 100).unwrap(), layer()[1000..1100]);
    // Its two ends alone are asked for.
    assert_eq!(read(&blobs, &sealed, 990, 120).unwrap(), layer()[990..1110]);
    let ranges: Vec<String> = server
        .asked()
        .iter()
        .filter_map(|asked| asked.headers.get("range").cloned())
        .collect();
    assert_eq!(ranges, ["bytes=1000-1099", "bytes=990-999", "bytes=1100-1109"]);
    assert_eq!(blobs.from_cache(), 100);
    // What is not encrypted is not kept.
    assert_eq!(read(&blobs, &plain, 0, CONFIG.len()).unwrap(), CONFIG);
    let kept = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect::<Vec<_>>();
    assert!(kept.iter().all(|file| fs::read(file).unwrap() != CONFIG));
    // Later, and without the registry.
    drop(blobs);
    let asked = server.asked().len();
    let blobs = remote(&server, &folder);
    assert_eq!(blobs.manifest(&named).unwrap().descriptor.media_type, MANIFEST);
    assert_eq!(read(&blobs, &sealed, 990, 120).unwrap(), layer()[990..1110]);
    assert_eq!(server.asked().len(), asked);
    // A tag is asked for each time.
    blobs.manifest(&RemoteReference::Tag("v1".to_owned())).unwrap();
    assert_eq!(server.asked().len(), asked + 1);
}

#[test]
fn a_cache_that_does_not_hold_is_no_end() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("cache");
    let server = registry(|_, _| {});
    let (manifest, [sealed, _]) = image();
    let blobs = remote(&server, &folder);
    blobs
        .manifest(&RemoteReference::Digest(digest(&manifest)))
        .unwrap();
    read(&blobs, &sealed, 1000, 100).unwrap();
    let file = folder.join(format!("{}-1000-100", sealed.digest.hex()));
    fs::write(&file, [0; 100]).unwrap();
    let seen = Mutex::new(Vec::new());
    // As a reader of layers does, which knows the tags.
    let work = |right: Vec<u8>| {
        let found = read(&blobs, &sealed, 1000, 100).map_err(|source| Error::Io {
            path: "blob".into(),
            source,
        })?;
        seen.lock().unwrap().push(found.clone());
        if found == right {
            return Ok(found);
        }
        Err(Error::Unauthentic {
            place: "chunk 0".to_owned(),
            problem: "its tag does not hold".to_owned(),
        })
    };
    let right = layer()[1000..1100].to_vec();
    assert_eq!(blobs.verified(|| work(right.clone())).unwrap(), right);
    assert_eq!(*seen.lock().unwrap(), [vec![0; 100], right.clone()]);
    // It is mended, so that nothing is fetched now.
    let asked = server.asked().len();
    assert_eq!(blobs.verified(|| work(right.clone())).unwrap(), right);
    assert_eq!(server.asked().len(), asked);
    // What is wrong in the registry too is fetched once more and not for ever.
    assert!(blobs.verified(|| work(vec![1; 100])).is_err());
    assert_eq!(server.asked().len(), asked + 1);
    // What did not come from the cache is not fetched twice.
    let fetched = |offset| {
        let bytes = read(&blobs, &sealed, offset, 10).unwrap();
        Err::<(), Error>(Error::Unauthentic {
            place: "chunk 0".to_owned(),
            problem: format!("{bytes:?}"),
        })
    };
    assert!(blobs.verified(|| fetched(5000)).is_err());
    assert_eq!(server.asked().len(), asked + 2);
    // Manifests are what their digests say, or asked for.
    let file = folder.join(format!("{}-0-{}", digest(&manifest).hex(), manifest.len()));
    let other = String::from_utf8(manifest.clone()).unwrap();
    fs::write(&file, other.replace("+encrypted", "+plaintext")).unwrap();
    let found = blobs
        .manifest(&RemoteReference::Digest(digest(&manifest)))
        .unwrap();
    assert_eq!(found.bytes, manifest);
    assert!(fs::read(&file).unwrap() == manifest);
}

#[test]
fn a_cache_that_cannot_be_written_hinders_nothing() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("cache");
    let server = registry(|_, _| {});
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let cache = Cache::open(&folder, 1 << 20).unwrap();
    let blobs = RemoteBlobs::new(repository(&server), Some(cache), move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    fs::remove_dir_all(&folder).unwrap();
    let (manifest, [sealed, _]) = image();
    blobs
        .manifest(&RemoteReference::Digest(digest(&manifest)))
        .unwrap();
    assert_eq!(read(&blobs, &sealed, 5, 5).unwrap(), layer()[5..10]);
    assert_eq!(told.load(Ordering::Relaxed), 2);
}
