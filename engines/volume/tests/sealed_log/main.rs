//! The sealed log: what was written comes back, and what was changed, put back, cut off or broken is told.

mod cleaning;
mod failures;
mod freshness;
mod model;
mod nonces;
mod refusals;
mod sessions;
mod superblocks;

use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::counter::TrustedCounter;
use sealab_volume::luks::Argon2Cost;
use sealab_volume::sealed_log::{
    CreateOptions, OpenOptions, SealedLog, SealedLogError, create, open, store_bytes,
};
use sealab_volume::store::{MemoryStore, Store};

const BLOCK: usize = 4096;
const PASSPHRASE: &[u8] = b"correct horse";
/// The least that a header may ask for.
const CHEAPEST: Argon2Cost = Argon2Cost {
    time: 4,
    memory: 32,
    cpus: 1,
};

fn engine() -> Arc<dyn Engine> {
    Arc::from((sealab_engine_aws_lc::CANDIDATE.open)().expect("an engine"))
}

/// Numbers that look random (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn made(bytes: u64, counter: Option<&dyn TrustedCounter>) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new(store_bytes(bytes).expect("a size")));
    let options = CreateOptions { cost: CHEAPEST };
    create(&*engine(), &*store, PASSPHRASE, &options, counter).expect("a log");
    store
}

fn opened(store: Arc<dyn Store>, memory: usize, counter: Option<Arc<dyn TrustedCounter>>) -> SealedLog {
    let options = OpenOptions {
        index_memory: memory,
        ..OpenOptions::default()
    };
    open(engine(), store, PASSPHRASE, &options, counter).expect("an open log")
}

/// Opens with default options; the error, if it is one.
fn refused(store: Arc<dyn Store>, counter: Option<Arc<dyn TrustedCounter>>) -> SealedLogError {
    match open(engine(), store, PASSPHRASE, &OpenOptions::default(), counter) {
        Ok(_) => panic!("the log was opened"),
        Err(error) => error,
    }
}

fn copy(store: &MemoryStore) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::from(store.contents().expect("its bytes")))
}

fn content(number: u64, bytes: usize) -> Vec<u8> {
    (0..bytes as u64)
        .map(|at| (number.wrapping_mul(0x9e37_79b9) + at * 7 + (at >> 12)) as u8)
        .collect()
}
