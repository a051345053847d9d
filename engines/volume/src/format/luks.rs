//! LUKS1 and LUKS2 with a cheap key derivation: the passphrase is random, and unlocking is not what is measured.

use std::sync::Arc;

use sealab_engine::{Engine, Primitive};
use zeroize::Zeroizing;

use super::{Fill, FormatError, Owner, Protection, VolumeFormat};
use crate::Volume;
use crate::luks::{self, Cipher, Device, OpenOptions, Options, Pbkdf};
use crate::store::Store;

pub(super) struct LuksFormat {
    id: &'static str,
    description: &'static str,
    primitives: &'static [Primitive],
    version: luks::Version,
    cipher: Cipher,
    /// Whether authenticated sectors go through dm-integrity's journal.
    journal: bool,
}

pub(super) const LUKS1: LuksFormat = LuksFormat {
    id: "luks1",
    description: "LUKS1: dm-crypt's aes-xts-plain64 in sectors of 512 bytes",
    primitives: &[Primitive::Aes256Xts],
    version: luks::Version::Luks1,
    cipher: Cipher::Aes256XtsPlain64,
    journal: false,
};

pub(super) const LUKS2_XTS: LuksFormat = LuksFormat {
    id: "luks2-xts",
    description: "LUKS2: dm-crypt's aes-xts-plain64 in sectors of 4096 bytes",
    primitives: &[Primitive::Aes256Xts],
    version: luks::Version::Luks2,
    cipher: Cipher::Aes256XtsPlain64,
    journal: false,
};

pub(super) const LUKS2_HMAC: LuksFormat = LuksFormat {
    id: "luks2-hmac",
    description: "LUKS2: aes-xts-plain64 with hmac(sha256) over dm-integrity without a journal, sectors of 4096 bytes",
    primitives: &[Primitive::Aes256Xts, Primitive::HmacSha256],
    version: luks::Version::Luks2,
    cipher: Cipher::Aes256XtsHmacSha256,
    journal: false,
};

pub(super) const LUKS2_GCM: LuksFormat = LuksFormat {
    id: "luks2-gcm",
    description: "LUKS2: aes-gcm-random over dm-integrity without a journal, sectors of 4096 bytes",
    primitives: &[Primitive::Aes256Xts, Primitive::Aes256Gcm],
    version: luks::Version::Luks2,
    cipher: Cipher::Aes256GcmRandom,
    journal: false,
};

pub(super) const LUKS2_HMAC_JOURNAL: LuksFormat = LuksFormat {
    id: "luks2-hmac-journal",
    description: "luks2-hmac through dm-integrity's journal",
    journal: true,
    ..LUKS2_HMAC
};

pub(super) const LUKS2_GCM_JOURNAL: LuksFormat = LuksFormat {
    id: "luks2-gcm-journal",
    description: "luks2-gcm through dm-integrity's journal",
    journal: true,
    ..LUKS2_GCM
};

/// A random passphrase, and how the volume is opened.
struct Passphrase {
    bytes: Zeroizing<[u8; 32]>,
    options: OpenOptions,
}

impl LuksFormat {
    fn options(&self) -> Options {
        let options = match self.version {
            luks::Version::Luks1 => Options::luks1(),
            luks::Version::Luks2 => Options::luks2(),
        };
        Options {
            cipher: self.cipher,
            pbkdf: Pbkdf::cheapest(),
            ..options
        }
    }
}

impl VolumeFormat for LuksFormat {
    fn id(&self) -> &'static str {
        self.id
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.primitives
    }

    fn protection(&self) -> Protection {
        match self.cipher.integrity() {
            Some(_) => Protection::ConfidentialityAndIntegrity,
            None => Protection::Confidentiality,
        }
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        // Refused where it is too large, and then again when the volume is made.
        self.options().store_bytes(bytes, false).unwrap_or(u64::MAX)
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let mut passphrase = Passphrase {
            bytes: Zeroizing::new([0; 32]),
            options: OpenOptions {
                integrity_no_journal: !self.journal,
                ..OpenOptions::default()
            },
        };
        getrandom::fill(passphrase.bytes.as_mut()).map_err(FormatError::new)?;
        let device = Device::attached(store.clone());
        luks::create(
            engine.clone(),
            &device,
            &self.options(),
            passphrase.bytes.as_ref(),
        )
        .map_err(FormatError::new)?;
        let volume = passphrase.open(engine, store)?;
        fill(&*volume)
            .and_then(|()| volume.flush())
            .map_err(FormatError::new)?;
        Ok(Box::new(passphrase))
    }
}

impl Owner for Passphrase {
    fn open(&self, engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        let device = Device::attached(store);
        let opened = luks::open(engine, &device, self.bytes.as_ref(), &self.options);
        Ok(Box::new(opened.map_err(FormatError::new)?))
    }
}
