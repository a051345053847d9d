//! Memory pages: AES-256-XTS, one data unit a page, the same tweak for each; and their digest, the XOR over all pages of
//! HMAC-SHA-256 (ciphertext, address as 64 bits little-endian, process as 32 bits little-endian) under the token.

use sealab_engine::{
    DataUnits, Engine, EngineError, HmacSha256, InOutBuf, Key, MacKey, Primitive, Tweak, Xts, XtsKey,
};
use subtle::ConstantTimeEq;

use super::Error;
use crate::image::PAGE_BYTES;

/// Bytes of the digest.
pub const DIGEST_BYTES: usize = 32;

/// Pages of one call to the engine.
pub(super) const BATCH: usize = 64;

/// The process that every code is bound to: the pull request never sets another.
pub(super) const PID: i32 = 0;

/// The cipher for pages under one key and tweak.
pub(super) struct PageCipher {
    xts: Box<dyn Xts>,
    tweaks: [Tweak; BATCH],
}

impl PageCipher {
    pub(super) fn new(engine: &dyn Engine, key: &Key<64>, tweak: Tweak) -> Result<Self, Error> {
        let key = XtsKey::new(Primitive::Aes256Xts, key.expose())?;
        Ok(Self {
            xts: engine.xts(&key)?,
            tweaks: [tweak; BATCH],
        })
    }

    /// Encrypts whole pages in place.
    pub(super) fn encrypt(&mut self, pages: &mut [u8]) -> Result<(), EngineError> {
        for batch in pages.chunks_mut(BATCH * PAGE_BYTES) {
            let units = DataUnits::new(PAGE_BYTES, &self.tweaks[..batch.len() / PAGE_BYTES])?;
            self.xts.encrypt(units, InOutBuf::from(batch))?;
        }
        Ok(())
    }

    /// Decrypts whole pages in place.
    pub(super) fn decrypt(&mut self, pages: &mut [u8]) -> Result<(), EngineError> {
        for batch in pages.chunks_mut(BATCH * PAGE_BYTES) {
            let units = DataUnits::new(PAGE_BYTES, &self.tweaks[..batch.len() / PAGE_BYTES])?;
            self.xts.decrypt(units, InOutBuf::from(batch))?;
        }
        Ok(())
    }
}

/// The digest of the pages so far.
pub(super) struct Digest {
    mac: Box<dyn HmacSha256>,
    sum: [u8; DIGEST_BYTES],
}

impl Digest {
    pub(super) fn new(engine: &dyn Engine, token: &Key<32>) -> Result<Self, Error> {
        Ok(Self {
            mac: engine.hmac_sha256(&MacKey::new(token.expose()))?,
            sum: [0; DIGEST_BYTES],
        })
    }

    pub(super) fn add(&mut self, address: u64, pid: i32, ciphertext: &[u8]) -> Result<(), EngineError> {
        let code = self
            .mac
            .compute(&[ciphertext, &address.to_le_bytes(), &pid.to_le_bytes()])?;
        for (sum, byte) in self.sum.iter_mut().zip(code) {
            *sum ^= byte;
        }
        Ok(())
    }

    /// Adds pages that lie at consecutive addresses from `address` on.
    pub(super) fn add_run(&mut self, address: u64, ciphertext: &[u8]) -> Result<(), EngineError> {
        let addresses = (address..).step_by(PAGE_BYTES);
        for (page, address) in ciphertext.chunks(PAGE_BYTES).zip(addresses) {
            self.add(address, PID, page)?;
        }
        Ok(())
    }

    pub(super) fn sum(&self) -> [u8; DIGEST_BYTES] {
        self.sum
    }

    /// Whether the digest is `expected`, in constant time.
    pub(super) fn is(&self, expected: &[u8; DIGEST_BYTES]) -> bool {
        self.sum.ct_eq(expected).into()
    }
}

/// The keys of memory pages.
#[derive(Clone, Debug)]
pub struct PageKeys {
    /// For AES-256-XTS: the data key, then the tweak key.
    pub cipher: Key<64>,
    /// The tweak of every page, before its encryption.
    pub tweak: Tweak,
    /// For HMAC-SHA-256. In a set it is the token.
    pub mac: Key<32>,
}

/// Encrypts `pages` of 4096 bytes at `addresses` of process `pid` (in a set always 0): the ciphertext and its digest.
///
/// # Errors
/// `pages` are not as many as `addresses`, equal halves of the key, or the engine fails.
pub fn seal_pages(
    engine: &dyn Engine,
    keys: &PageKeys,
    addresses: &[u64],
    pid: i32,
    pages: &[u8],
) -> Result<(Vec<u8>, [u8; DIGEST_BYTES]), Error> {
    check(addresses, pages)?;
    let mut sealed = pages.to_vec();
    PageCipher::new(engine, &keys.cipher, keys.tweak)?.encrypt(&mut sealed)?;
    let mut digest = Digest::new(engine, &keys.mac)?;
    for (page, address) in sealed.chunks(PAGE_BYTES).zip(addresses) {
        digest.add(*address, pid, page)?;
    }
    Ok((sealed, digest.sum()))
}

/// Decrypts `pages` if their digest is `digest`.
///
/// # Errors
/// [`Error::Digest`]; otherwise as [`seal_pages`].
pub fn open_pages(
    engine: &dyn Engine,
    keys: &PageKeys,
    addresses: &[u64],
    pid: i32,
    pages: &[u8],
    digest: &[u8; DIGEST_BYTES],
) -> Result<Vec<u8>, Error> {
    check(addresses, pages)?;
    let mut computed = Digest::new(engine, &keys.mac)?;
    for (page, address) in pages.chunks(PAGE_BYTES).zip(addresses) {
        computed.add(*address, pid, page)?;
    }
    if !computed.is(digest) {
        return Err(Error::Digest);
    }
    let mut opened = pages.to_vec();
    PageCipher::new(engine, &keys.cipher, keys.tweak)?.decrypt(&mut opened)?;
    Ok(opened)
}

fn check(addresses: &[u64], pages: &[u8]) -> Result<(), Error> {
    if addresses.len().checked_mul(PAGE_BYTES) == Some(pages.len()) {
        return Ok(());
    }
    Err(Error::Length {
        what: "the length of the pages",
        found: pages.len(),
        expected: format!("4096 for each of {} addresses", addresses.len()),
    })
}
