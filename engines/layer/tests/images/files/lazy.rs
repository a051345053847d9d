//! What is fetched for what is read.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_layer::ReadAt;
use sealab_layer::chunks::StreamCipher;

use super::*;

/// Blobs of a layout, and how many bytes of them were read.
struct Counting {
    layout: Layout,
    bytes: Arc<AtomicU64>,
    reads: Arc<AtomicUsize>,
}

struct CountingBlob {
    blob: Box<dyn ReadAt>,
    bytes: Arc<AtomicU64>,
    reads: Arc<AtomicUsize>,
}

impl Blobs for Counting {
    fn blob(&self, blob: &Descriptor) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(CountingBlob {
            blob: self.layout.blob(blob)?,
            bytes: Arc::clone(&self.bytes),
            reads: Arc::clone(&self.reads),
        }))
    }
}

impl ReadAt for CountingBlob {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.blob.read_exact_at(bytes, offset)
    }
}

fn counting(image: &ImageReference) -> (Arc<Counting>, Arc<AtomicU64>, Arc<AtomicUsize>) {
    let counting = Arc::new(Counting {
        layout: Layout::open(&image.directory).unwrap(),
        bytes: Arc::default(),
        reads: Arc::default(),
    });
    let (bytes, reads) = (Arc::clone(&counting.bytes), Arc::clone(&counting.reads));
    (counting, bytes, reads)
}

/// An image like those of programs: 600 files of 1 KiB to 120 KiB in directories.
fn programs() -> Vec<u8> {
    let mut tar = Tar::new();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for file in 0..600 {
        if file % 30 == 0 {
            tar.directory(&format!("usr/lib/package{}/", file / 30));
        }
        // Half as long compressed.
        let length = 1024 + file * 7919 % 120_000;
        let mut content = vec![0; length];
        random.fill_bytes(&mut content);
        for half in content.chunks_mut(64) {
            let spaces = half.len() / 2;
            half[..spaces].fill(b' ');
        }
        tar.file(&format!("usr/lib/package{}/file{file}", file / 30), &content);
    }
    tar.finish()
}

#[test]
fn a_few_files_take_a_few_of_the_bytes() {
    let tar = programs();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar], &place.path().join("image"));
    for format in FORMATS.into_iter().filter(|format| *format != Format::Ocicrypt) {
        for compression in [Compression::None, Compression::ZstdFrames] {
            let name = format!("{format}-{compression}");
            let (closed, _) = seal(&image, format, compression, &place.path().join(&name)).unwrap();
            let (blobs, fetched, reads) = counting(&closed);
            let files = open_over(&closed, blobs, 16 << 20).unwrap();
            // One package: 5 % of the files.
            let package = files.resolve(b"usr/lib/package7").unwrap();
            let mut read = 0;
            let ids: Vec<NodeId> = files.children(package).map(|(_, id)| id).collect();
            assert_eq!(ids.len(), 30);
            for id in &ids {
                read += content(&files, *id).unwrap().len();
            }
            let stored: usize = manifest(&closed)
                .layers
                .iter()
                .map(|layer| layer.size as usize)
                .sum();
            let fetched_once = fetched.load(Ordering::Relaxed) as usize;
            assert!(
                fetched_once <= stored / 10,
                "{name}: {fetched_once} of {stored} for {read}"
            );
            let few = if format == Format::Convergent { 40 } else { 60 };
            assert!(reads.load(Ordering::Relaxed) <= few, "{name}: {reads:?}");
            // Nothing is fetched again that is kept.
            for id in ids {
                content(&files, id).unwrap();
            }
            assert_eq!(fetched.load(Ordering::Relaxed) as usize, fetched_once, "{name}");
        }
    }
}

#[test]
fn a_long_read_is_a_few_fetches_and_threads_share_them() {
    let mut tar = Tar::new();
    let long = bytes(3, 5 << 20);
    tar.file("long", &long);
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar.finish()], &place.path().join("image"));
    let closed = seal(
        &image,
        Format::OcicryptSeekable,
        Compression::Keep,
        &place.path().join("closed"),
    )
    .unwrap()
    .0;
    let (blobs, fetched, reads) = counting(&closed);
    let files = open_over(&closed, blobs, 16 << 20).unwrap();
    let id = files.resolve(b"/long").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut found = vec![0; long.len() + 1];
                assert_eq!(files.read(id, 0, &mut found).unwrap(), long.len());
                assert!(found[..long.len()] == long);
            });
        }
    });
    assert!(reads.load(Ordering::Relaxed) <= 6, "{reads:?}");
    assert!(
        fetched.load(Ordering::Relaxed) <= (5 << 20) + (128 << 10),
        "{fetched:?}"
    );
}

#[test]
fn a_changed_chunk_is_refused_and_other_files_read() {
    let tar = programs();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar], &place.path().join("image"));
    let gcm = Format::ChunkedAead(StreamCipher::Aes256Gcm);
    for (format, compression) in [
        (Format::OcicryptSeekable, Compression::None),
        (Format::OcicryptSeekable, Compression::ZstdFrames),
        (gcm, Compression::None),
    ] {
        let folder = place.path().join(format!("{format}-{compression}"));
        let (closed, _) = seal(&image, format, compression, &folder).unwrap();
        let blob = blob_path(&closed, &manifest(&closed).layers[0]);
        let mut changed = std::fs::read(&blob).unwrap();
        changed[1_000_000] ^= 1;
        std::fs::write(&blob, changed).unwrap();
        let files = open(&closed, 1 << 20).unwrap();
        let (mut held, mut refused) = (0, 0);
        for package in 0..20 {
            let package = files
                .resolve(format!("usr/lib/package{package}").as_bytes())
                .unwrap();
            for (_, id) in files.children(package) {
                match content(&files, id) {
                    Ok(_) => held += 1,
                    Err(error) => {
                        let error = error.to_string();
                        assert!(
                            error.contains("layer 0") && error.contains("tag does not hold"),
                            "{error}"
                        );
                        refused += 1;
                    }
                }
            }
        }
        assert_eq!(held + refused, 600);
        assert!((1..40).contains(&refused), "{format} {compression}: {refused}");
    }
}
