//! The sealed log with a cheap key derivation and a counter in memory: the passphrase is random, and neither is measured.

use std::sync::Arc;

use sealab_engine::{Engine, Primitive};
use zeroize::Zeroizing;

use super::{Fill, FormatError, Owner, Protection, VolumeFormat};
use crate::Volume;
use crate::counter::{MemoryCounter, TrustedCounter};
use crate::luks::Argon2Cost;
use crate::sealed_log::{CreateOptions, OpenOptions, create, open, store_bytes};
use crate::store::Store;

/// The least that a header may ask for.
const CHEAPEST: Argon2Cost = Argon2Cost {
    time: 4,
    memory: 32,
    cpus: 1,
};

pub(super) struct SealedLogFormat;

/// A random passphrase, and the counter.
struct Counting {
    passphrase: Arc<Zeroizing<[u8; 32]>>,
    counter: Arc<MemoryCounter>,
}

impl VolumeFormat for SealedLogFormat {
    fn id(&self) -> &'static str {
        "sealed-log"
    }

    fn description(&self) -> &'static str {
        "a log of blocks sealed with AES-256-GCM, its commits counted by a trusted counter"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::Aes256Gcm, Primitive::HmacSha256]
    }

    fn protection(&self) -> Protection {
        Protection::ConfidentialityAndIntegrity
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        store_bytes(bytes).unwrap_or(u64::MAX)
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let mut passphrase = Zeroizing::new([0; 32]);
        getrandom::fill(passphrase.as_mut()).map_err(FormatError::new)?;
        let owner = Counting {
            passphrase: Arc::new(passphrase),
            counter: Arc::default(),
        };
        let options = CreateOptions { cost: CHEAPEST };
        create(
            &*engine,
            &*store,
            owner.passphrase.as_ref().as_ref(),
            &options,
            Some(&*owner.counter),
        )
        .map_err(FormatError::new)?;
        let volume = owner.open(engine, store)?;
        fill(&*volume)
            .and_then(|()| volume.flush())
            .map_err(FormatError::new)?;
        Ok(Box::new(owner))
    }
}

impl Owner for Counting {
    fn open(&self, engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        let (passphrase, counter) = (self.passphrase.as_ref().as_ref(), self.counter.clone());
        let log = open(engine, store, passphrase, &OpenOptions::default(), Some(counter));
        Ok(Box::new(log.map_err(FormatError::new)?))
    }

    fn trusted(&self) -> Option<u64> {
        self.counter.value().ok()
    }

    fn at(&self, trusted: u64) -> Option<Box<dyn Owner>> {
        Some(Box::new(Self {
            passphrase: self.passphrase.clone(),
            counter: Arc::new(MemoryCounter::new(trusted)),
        }))
    }
}
