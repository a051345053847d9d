//! The keys of the chunks, derived from a layer's own.

use sealab_engine::Key;
use sealab_keys::hkdf;

use crate::Error;
use crate::ocicrypt::LayerKey;

/// A key for the chunks of one layer, and what commits to it.
pub(crate) struct ChunkKeys {
    pub(crate) key: Key<32>,
    /// Two keys that differ have different commitments: GCM and Poly1305 do not commit to their key, so without it one
    /// layer could hold under different keys for different recipients.
    pub(crate) commitment: [u8; 32],
}

/// HKDF-SHA-256 with the layer's nonce as salt. `purpose` names format and cipher; chunk and layer length go in too, so
/// that a layer of another length has other keys.
pub(crate) fn derive(
    layer: &LayerKey,
    purpose: &str,
    chunk_bytes: u32,
    layer_bytes: u64,
) -> Result<ChunkKeys, Error> {
    let mut info = purpose.as_bytes().to_vec();
    info.push(0);
    info.extend(chunk_bytes.to_be_bytes());
    info.extend(layer_bytes.to_be_bytes());
    let derived = hkdf::derive_sha256(layer.expose(), layer.nonce(), &info, 64)?;
    let (mut key, mut commitment) = (zeroize::Zeroizing::new([0; 32]), [0; 32]);
    key.copy_from_slice(&derived[..32]);
    commitment.copy_from_slice(&derived[32..]);
    Ok(ChunkKeys {
        key: Key::new(&key),
        commitment,
    })
}
