//! A real registry, and layers in it that are read by ranges.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

#[path = "../peer/mod.rs"]
mod peer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use peer::Registry;
use sealab_engine::Engine;
use sealab_keys::jwe::JweKey;
use sealab_keys::{Recipient, RecipientKey};
use sealab_layer::image::{Descriptor, Digest, ImageReference, LayerChoice, Manifest};
use sealab_layer::{Compression, EncryptOptions, Format, NamedKey, Work, encrypt, open_layer};
use sealab_registry::{Parts, RegistryError, RemoteImage, Replacing, Repository, Transfer, pull, push};
use serde_json::json;

/// The length of the layer that is read, in bytes.
const LAYER_BYTES: u32 = 3_000_000;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn key_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../keys/tests/fixtures")
        .join(name)
}

/// A repository, with the number of bytes that it moved.
fn repository(image: &str) -> (Repository, Arc<AtomicU64>) {
    let moved = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&moved);
    let image: RemoteImage = image.parse().unwrap();
    let transfer = Transfer {
        progress: Arc::new(move |bytes| {
            counter.fetch_add(bytes, Ordering::Relaxed);
        }),
        interrupt: Arc::new(AtomicBool::new(false)),
    };
    (Repository::new(&image, transfer), moved)
}

fn layout(directory: PathBuf) -> ImageReference {
    ImageReference { directory, tag: None }
}

/// An image of one layer of `plain`, encrypted in `format`.
fn encrypted(plain: &[u8], format: Format, place: &Path) -> ImageReference {
    let source = place.join("plain");
    let blobs = source.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let write = |bytes: &[u8], media_type: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let digest = Digest::new(digest.as_ref().try_into().unwrap());
        std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    };
    let config = write(
        br#"{"rootfs":{"diff_ids":[]}}"#,
        "application/vnd.oci.image.config.v1+json",
    );
    let layer = write(plain, "application/vnd.oci.image.layer.v1.tar");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let manifest = write(
        manifest.to_string().as_bytes(),
        "application/vnd.oci.image.manifest.v1+json",
    );
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    std::fs::write(source.join("index.json"), index.to_string()).unwrap();
    std::fs::write(source.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let closed = layout(place.join("closed"));
    let options = EncryptOptions {
        format,
        recipients: &[Recipient::read(&key_file("rsa.pub.pem")).unwrap().into()],
        choice: &LayerChoice::default(),
        salt: None,
        compression: Compression::Keep,
    };
    let work = Work {
        engine: &*engine(),
        threads: 1,
        progress: &|_| {},
        interrupt: &AtomicBool::new(false),
    };
    encrypt(&layout(source), &closed, &options, &work).unwrap();
    closed
}

fn layer_of(repository: &Repository) -> Descriptor {
    let found = repository.manifest(&repository.image().reference).unwrap();
    let mut manifest: Manifest = serde_json::from_slice(&found.bytes).unwrap();
    manifest.layers.remove(0)
}

#[test]
fn a_range_of_an_encrypted_layer_moves_its_chunks_alone() {
    let Some(registry) = Registry::start("a_range_of_an_encrypted_layer_moves_its_chunks_alone") else {
        return;
    };
    let plain: Vec<u8> = (0..LAYER_BYTES)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let key: JweKey = RecipientKey::read(&key_file("rsa-pkcs1.der"), None)
        .unwrap()
        .into();
    let keys = [NamedKey {
        name: "rsa",
        key: &key,
    }];
    let engine = engine();
    // The others have no chunks, or theirs are blobs of their own.
    let in_chunks = |format: &Format| !matches!(format, Format::Ocicrypt | Format::Convergent);
    for format in Format::ALL.into_iter().filter(in_chunks) {
        let place = tempfile::tempdir().unwrap();
        let closed = encrypted(&plain, format, place.path());
        let image = registry.image(format.name(), "v1");
        let (pushing, _) = repository(&image);
        push(&closed, &pushing, Parts::All, Replacing::Nothing).unwrap();

        let (reading, moved) = repository(&image);
        let layer = layer_of(&reading);
        let blob = reading.blob_ranges(&layer);
        let mut reader = open_layer(&layer, &keys, Box::new(blob), &*engine).unwrap();
        assert_eq!(moved.load(Ordering::Relaxed), 0);
        for offset in [0, 1_000_000, u64::from(LAYER_BYTES) - 4096] {
            let before = moved.load(Ordering::Relaxed);
            let mut part = vec![0; 4096];
            assert_eq!(reader.read_at(offset, &mut part).unwrap(), 4096);
            let from = offset as usize;
            assert!(part == plain[from..from + 4096], "{format} {offset}");
            // A chunk, or the two that the range touches.
            let moved = moved.load(Ordering::Relaxed) - before;
            assert!(
                (1..=2 * (65_536 + 16)).contains(&moved),
                "{format} {offset}: {moved}"
            );
        }
        // The whole, as a layout again.
        let back = tempfile::tempdir().unwrap();
        pull(&reading, Parts::All, back.path()).unwrap();
        let blob = back.path().join("blobs/sha256").join(layer.digest.hex());
        assert_eq!(std::fs::metadata(blob).unwrap().len(), layer.size);
    }
}

#[test]
fn a_blob_that_was_changed_in_the_registry_is_refused() {
    let Some(registry) = Registry::start("a_blob_that_was_changed_in_the_registry_is_refused") else {
        return;
    };
    let plain = vec![7; 200_000];
    let place = tempfile::tempdir().unwrap();
    let closed = encrypted(&plain, Format::OcicryptSeekable, place.path());
    let image = registry.image("changed", "v1");
    push(&closed, &repository(&image).0, Parts::All, Replacing::Nothing).unwrap();
    let (reading, _) = repository(&image);
    let layer = layer_of(&reading);
    let stored = registry.blob(&layer.digest.hex());
    let mut bytes = std::fs::read(&stored).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&stored, bytes).unwrap();

    let back = tempfile::tempdir().unwrap();
    let error = pull(&reading, Parts::All, back.path()).unwrap_err();
    assert!(
        matches!(error, RegistryError::Digest { expected, .. } if expected == layer.digest),
        "{error}"
    );
    let key: JweKey = RecipientKey::read(&key_file("rsa-pkcs1.der"), None)
        .unwrap()
        .into();
    let keys = [NamedKey {
        name: "rsa",
        key: &key,
    }];
    let engine = engine();
    let blob = reading.blob_ranges(&layer);
    let mut reader = open_layer(&layer, &keys, Box::new(blob), &*engine).unwrap();
    let mut part = vec![0; 10];
    assert!(reader.read_at(0, &mut part).is_ok());
    let error = reader.read_at(100_000, &mut part).unwrap_err().to_string();
    assert!(error.contains("its tag does not hold"), "{error}");
}
