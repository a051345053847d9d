//! Whole images: encrypted, decrypted, rewrapped, read in parts; those of others, changed ones, and with the real skopeo.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod chunks;
mod convergent;
mod files;
mod golden;
mod hostile;
#[cfg(feature = "grpc")]
mod recipients_grpc;
mod recipients_keyprovider;
#[cfg(feature = "pgp")]
mod recipients_pgp;
mod recipients_pkcs7;
mod recompress;
mod rewrap;
mod roundtrip;
mod skopeo;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_engine::Engine;
use sealab_keys::jwe::JweKey;
use sealab_keys::{Recipient, RecipientKey};
use sealab_layer::image::{Descriptor, ImageReference, Index, Layout, Manifest};
use sealab_layer::{Format, LayerOutcome, LayerRecipient, NamedKey, Work};
use serde::de::DeserializeOwned;

/// Test keys, with the names by which messages call them.
struct Keys {
    rsa: JweKey,
    ec: JweKey,
    other: JweKey,
}

fn key_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../keys/tests/fixtures")
        .join(name)
}

fn private(name: &str) -> JweKey {
    RecipientKey::read(&key_file(name), None).unwrap().into()
}

fn public(name: &str) -> LayerRecipient {
    Recipient::read(&key_file(name)).unwrap().into()
}

impl Keys {
    fn new() -> Self {
        Self {
            rsa: private("rsa-pkcs1.der"),
            ec: private("ec-sec1.der"),
            other: private("p384.der"),
        }
    }

    fn rsa(&self) -> NamedKey<'_> {
        NamedKey {
            name: "rsa.pem",
            key: &self.rsa,
        }
    }

    fn ec(&self) -> NamedKey<'_> {
        NamedKey {
            name: "ec.pem",
            key: &self.ec,
        }
    }

    fn other(&self) -> NamedKey<'_> {
        NamedKey {
            name: "p384.pem",
            key: &self.other,
        }
    }
}

fn engine() -> Box<dyn Engine> {
    (sealab_engine_aws_lc::CANDIDATE.open)().unwrap()
}

fn work(engine: &dyn Engine) -> Work<'_> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    Work {
        engine,
        threads: 2,
        progress: &|_| {},
        interrupt: &NEVER,
    }
}

fn fixture(name: &str) -> ImageReference {
    reference(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/images")
            .join(name),
    )
}

fn reference(directory: &Path) -> ImageReference {
    ImageReference {
        directory: directory.to_owned(),
        tag: Some("v1".to_owned()),
    }
}

/// A copy of a fixture, to be changed.
fn copied(name: &str, to: &Path) -> ImageReference {
    copy_folder(&fixture(name).directory, to);
    reference(to)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else {
            std::fs::copy(path, to.join(name)).unwrap();
        }
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn blob_path(image: &ImageReference, layer: &Descriptor) -> PathBuf {
    image.directory.join("blobs/sha256").join(layer.digest.hex())
}

fn manifest(image: &ImageReference) -> Manifest {
    let index: Index = Layout::open(&image.directory).unwrap().index().unwrap();
    assert_eq!(index.manifests.len(), 1);
    json(&blob_path(image, &index.manifests[0]))
}

/// Replaces the manifest of an image, digests and all, as whoever holds the registry can.
fn set_manifest(image: &ImageReference, manifest: &serde_json::Value) {
    let mut index: Index = Layout::open(&image.directory).unwrap().index().unwrap();
    let bytes = serde_json::to_vec(manifest).unwrap();
    let digest = sha256(&bytes);
    std::fs::write(image.directory.join("blobs/sha256").join(&digest), &bytes).unwrap();
    index.manifests[0].digest = format!("sha256:{digest}").parse().unwrap();
    index.manifests[0].size = bytes.len() as u64;
    std::fs::write(
        image.directory.join("index.json"),
        serde_json::to_vec(&index).unwrap(),
    )
    .unwrap();
}

fn sha256(bytes: &[u8]) -> String {
    let digest = engine().sha256().unwrap().digest(&[bytes]).unwrap();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The blobs of an image's layers.
fn layers(image: &ImageReference) -> Vec<Vec<u8>> {
    let layers = manifest(image).layers;
    layers
        .iter()
        .map(|layer| std::fs::read(blob_path(image, layer)).unwrap())
        .collect()
}

/// Every blob is what its name says, and nothing else lies in the layout.
fn assert_sound(image: &ImageReference) {
    for entry in std::fs::read_dir(image.directory.join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        let found = sha256(&std::fs::read(entry.path()).unwrap());
        assert_eq!(found, entry.file_name().to_string_lossy());
    }
}

/// That a failed call left nothing beside the given names.
fn assert_only(folder: &Path, names: &[&str]) {
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, names);
}

fn formats(outcomes: &[LayerOutcome]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome.format).collect()
}

const FORMATS: [Format; 5] = Format::ALL;
