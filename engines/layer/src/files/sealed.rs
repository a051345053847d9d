//! The file index as it travels: compressed, and sealed under a key of its own.

use sealab_engine::{AeadKey, Engine, EngineError, InOutBuf, Messages, NONCE_BYTES, Nonce, TAG_BYTES, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::index::{FileIndex, MAX_PLAIN_BYTES};
use crate::Error;
use crate::chunks::derive;
use crate::ocicrypt::LayerKey;

const MAGIC: [u8; 8] = *b"SLFILE\0\x01";
const COMMITMENT_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + COMMITMENT_BYTES;
const LENGTH_BYTES: usize = 4;
const PURPOSE: &str = "sealab layer-files v1 aes-256-gcm";
const PLACE: &str = "the file index";
/// Above it zstd takes more memory than all other work on a layer.
const LEVEL: i32 = 9;

/// The layer's key seals one index alone.
const NONCE: [Nonce; 1] = [Nonce([0; NONCE_BYTES])];

/// The longest sealed index that is read or written, in bytes.
pub(crate) const MAX_SEALED_BYTES: usize = 1 << 20;

/// Seals the index of a layer whose blob has `layer_bytes` once it is decrypted. `None` where it would be too long.
pub(crate) fn seal(
    engine: &dyn Engine,
    key: &LayerKey,
    layer_bytes: u64,
    index: FileIndex,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(plain) = index.to_bytes() else {
        return Ok(None);
    };
    drop(index);
    let mut message = Zeroizing::new(vec![
        0;
        LENGTH_BYTES + zstd::zstd_safe::compress_bound(plain.len())
    ]);
    message[..LENGTH_BYTES].copy_from_slice(&(plain.len() as u32).to_le_bytes());
    let packed = zstd::bulk::compress_to_buffer(&plain, &mut message[LENGTH_BYTES..], LEVEL)
        .map_err(Error::io("zstd".as_ref()))?;
    let message = &message[..LENGTH_BYTES + packed];
    let sealed_bytes = HEADER_BYTES + message.len() + TAG_BYTES;
    if sealed_bytes > MAX_SEALED_BYTES {
        return Ok(None);
    }
    let keys = derive(key, PURPOSE, 0, layer_bytes)?;
    let mut sealed = Vec::with_capacity(sealed_bytes);
    sealed.extend(MAGIC);
    sealed.extend(keys.commitment);
    sealed.resize(HEADER_BYTES + message.len(), 0);
    let mut tags = [Tag([0; TAG_BYTES])];
    let data = InOutBuf::new(message, &mut sealed[HEADER_BYTES..])
        .map_err(|_| Error::malformed(PLACE, "its input and output differ in length"))?;
    engine.aead(&AeadKey::Aes256Gcm(keys.key))?.seal(
        Messages::equal(message.len(), &NONCE, &[])?,
        data,
        &mut tags,
    )?;
    sealed.extend(tags[0].0);
    Ok(Some(sealed))
}

/// Opens the sealed index of a layer of `layer_bytes`.
pub(crate) fn open(
    engine: &dyn Engine,
    key: &LayerKey,
    layer_bytes: u64,
    sealed: Vec<u8>,
) -> Result<FileIndex, Error> {
    let wrong = |problem: String| Error::malformed(PLACE, problem);
    let mut sealed = Zeroizing::new(sealed);
    let length = sealed.len();
    if !(HEADER_BYTES + LENGTH_BYTES + TAG_BYTES..=MAX_SEALED_BYTES).contains(&length) {
        return Err(wrong(format!(
            "it has {length} bytes sealed; it must have {} to {MAX_SEALED_BYTES}",
            HEADER_BYTES + LENGTH_BYTES + TAG_BYTES
        )));
    }
    let (header, message) = sealed.split_at_mut(HEADER_BYTES);
    let (message, tag) = message.split_at_mut(length - HEADER_BYTES - TAG_BYTES);
    let (magic, commitment) = header.split_at(MAGIC.len());
    if *magic != MAGIC {
        return Err(wrong(
            "it does not begin as a sealed index of version 1".to_owned(),
        ));
    }
    let keys = derive(key, PURPOSE, 0, layer_bytes)?;
    if !bool::from(keys.commitment.as_slice().ct_eq(commitment)) {
        return Err(Error::unauthentic(
            PLACE,
            "it is not this layer's: what commits to its key does not hold",
        ));
    }
    let mut tags = [Tag([0; TAG_BYTES])];
    tags[0].0.copy_from_slice(tag);
    engine
        .aead(&AeadKey::Aes256Gcm(keys.key))?
        .open(
            Messages::equal(message.len(), &NONCE, &[])?,
            InOutBuf::from(&mut *message),
            &tags,
        )
        .map_err(|error| match error {
            EngineError::Unauthentic { .. } => {
                Error::unauthentic(PLACE, "its tag does not hold: it was changed")
            }
            other => other.into(),
        })?;
    parse(message, layer_bytes)
}

/// Reads what was sealed: the index's length, and the index in one zstd frame.
pub(super) fn parse(message: &[u8], layer_bytes: u64) -> Result<FileIndex, Error> {
    let wrong = |problem: String| Error::malformed(PLACE, problem);
    let (length, packed) = message
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or_else(|| wrong(format!("it has {} bytes", message.len())))?;
    let plain_bytes = u32::from_le_bytes(*length) as usize;
    if plain_bytes > MAX_PLAIN_BYTES {
        return Err(wrong(format!(
            "it has {plain_bytes} bytes; at most {MAX_PLAIN_BYTES} are read"
        )));
    }
    let mut plain = Zeroizing::new(vec![0; plain_bytes]);
    match zstd::bulk::decompress_to_buffer(packed, plain.as_mut_slice()) {
        Ok(found) if found == plain_bytes => FileIndex::parse(&plain, layer_bytes),
        _ => Err(wrong(format!(
            "it does not unpack to the {plain_bytes} bytes that it says"
        ))),
    }
}
