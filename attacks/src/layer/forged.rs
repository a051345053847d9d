//! A chunk of `convergent` that its adversary made: whoever reads an image has the keys of its chunks, and another image with
//! an equal chunk has the same key for it.

use sealab_engine::{AeadKey, Engine, InOutBuf, Key, MacKey, Messages, Nonce, TAG_BYTES, Tag};
use sealab_keys::hkdf;
use sealab_layer::SALT_BYTES;

use super::format::Problem;
use super::image::{Image, digest};
use crate::files::Files;

/// The nonce of every chunk.
const NONCE: [Nonce; 1] = [Nonce([0; 12])];

/// A chunk as the bench knows it.
struct Chunk {
    /// The number of its entry.
    number: usize,
    key: [u8; 32],
    /// What is sealed.
    message: Vec<u8>,
}

/// The image with the first chunk of a layer changed and sealed again under its key, by how it is offered.
pub(super) fn chunk(
    engine: &dyn Engine,
    salt: &[u8; SALT_BYTES],
    sealed: &Image,
    layers: &Files,
) -> Result<Vec<(&'static str, Image)>, Problem> {
    let found = first_chunk(engine, salt, sealed, layers)?;
    let mut chunk = found.ok_or("the first chunk of no layer is among the chunks")?;
    chunk.message[1] ^= 1;
    let forged = seal(engine, &chunk.key, &chunk.message)?;
    let mut renamed = sealed.clone();
    let blob = std::mem::replace(&mut renamed.entries[chunk.number].blob, forged.clone());
    let mut under_its_name = sealed.clone();
    under_its_name.misnamed.push((digest(&blob), forged));
    Ok(vec![
        ("under its own digest", renamed),
        ("under the digest of the true one", under_its_name),
    ])
}

/// Finds the first chunk of a layer, with the key that an index of it has. The bench takes the key from the salt, which
/// comes to the same and needs no second image.
fn first_chunk(
    engine: &dyn Engine,
    salt: &[u8; SALT_BYTES],
    sealed: &Image,
    layers: &Files,
) -> Result<Option<Chunk>, Problem> {
    let secret = hkdf::derive_sha256(salt, &[], b"sealab convergent v1 chunk keys", 32)?;
    let mut keys = engine.hmac_sha256(&MacKey::new(&secret))?;
    for layer in layers.values() {
        for (number, entry) in sealed.entries.iter().enumerate() {
            // Noise is not compressed: a zero byte and the chunk.
            let bytes = entry.blob.len().checked_sub(TAG_BYTES + 1);
            let Some(plain) = bytes
                .and_then(|bytes| layer.get(..bytes))
                .filter(|_| entry.is_chunk())
            else {
                continue;
            };
            let message = [&[0], plain].concat();
            let key = keys.compute(&[&message])?;
            if seal(engine, &key, &message)? == entry.blob {
                return Ok(Some(Chunk { number, key, message }));
            }
        }
    }
    Ok(None)
}

fn seal(engine: &dyn Engine, key: &[u8; 32], message: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut sealed = message.to_vec();
    let mut tags = [Tag([0; TAG_BYTES])];
    let messages = Messages::equal(message.len(), &NONCE, &[])?;
    let mut aead = engine.aead(&AeadKey::Aes256Gcm(Key::new(key)))?;
    aead.seal(messages, InOutBuf::from(sealed.as_mut_slice()), &mut tags)?;
    sealed.extend(tags[0].0);
    Ok(sealed)
}
