//! LUKS volumes: of real peers, of our own, broken ones.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::luks::{Device, LuksError, LuksVolume, OpenOptions, Options, Pbkdf, open};
use sealab_volume::store::{Access, FileStore, MemoryStore, Store};

#[path = "luks/faults.rs"]
mod faults;
#[path = "luks/golden.rs"]
mod golden;
#[path = "luks/integrity.rs"]
mod integrity;
#[path = "luks/keyslots.rs"]
mod keyslots;
#[path = "luks/lending.rs"]
mod lending;
#[path = "luks/peers.rs"]
mod peers;
#[path = "luks/refusals.rs"]
mod refusals;
#[path = "luks/volumes.rs"]
mod volumes;

const PASSPHRASE: &[u8] = b"correct horse";

fn engine() -> Arc<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap().into()
}

fn plain(length: usize) -> Vec<u8> {
    (0..)
        .flat_map(|record| format!("sealab golden block {record:08} ").into_bytes())
        .take(length)
        .collect()
}

/// The cheapest volumes of both versions.
fn options() -> [Options; 2] {
    [Options::luks1(), Options::luks2()].map(|options| Options {
        pbkdf: Pbkdf::cheapest(),
        ..options
    })
}

fn memory(bytes: u64) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(bytes))
}

fn file(path: &Path) -> Device {
    Device::attached(store(path))
}

fn store(path: &Path) -> Arc<dyn Store> {
    Arc::new(FileStore::open(path, Access::ReadWrite).unwrap())
}

fn opened(device: &Device, passphrase: &[u8]) -> Result<LuksVolume, LuksError> {
    open(engine(), device, passphrase, &OpenOptions::default())
}

/// A folder of its own for a test, removed when it ends.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}
