//! The sender's signature.
//!
//! Recipients share the set's key, so only a signature tells the sender from them. It is over the set's commitment,
//! which fixes the index, which has a digest of each group's table, which has a digest of each message as it is stored.
//! AES-GCM and Poly1305 codes would not do in their place: who knows the key finds two messages of one code.

use sealab_keys::{SigningKey, VerifyingKey};

use super::{Commitment, Error};

/// Room for the signature before the trailer: its length in 2 bytes, the signature, zeros.
pub(super) const SLOT_BYTES: usize = 1026;
const LABEL: &[u8] = b"sealed-checkpoint v1 sender\0";

fn message(commitment: Commitment) -> Vec<u8> {
    [LABEL, &commitment.0].concat()
}

/// The slot with `key`'s signature.
pub(super) fn sign(key: &SigningKey, commitment: Commitment) -> Result<[u8; SLOT_BYTES], Error> {
    let signature = key.sign(&message(commitment))?;
    let mut slot = [0; SLOT_BYTES];
    slot[..2].copy_from_slice(&(signature.len() as u16).to_le_bytes());
    // The longest signature is of RSA with 8192 bits.
    slot[2..2 + signature.len()].copy_from_slice(&signature);
    Ok(slot)
}

/// That the slot has `key`'s signature.
pub(super) fn verify(
    file: &str,
    key: &VerifyingKey,
    commitment: Commitment,
    slot: Option<&[u8; SLOT_BYTES]>,
) -> Result<(), Error> {
    let slot = slot.ok_or_else(|| Error::Unsigned {
        file: file.to_owned(),
    })?;
    let length = usize::from(u16::from_le_bytes([slot[0], slot[1]]));
    let other = || Error::Sender {
        file: file.to_owned(),
    };
    let signature = slot[2..].get(..length).ok_or_else(other)?;
    // One slot for one signature: no room for bytes that nobody looks at.
    if slot[2 + length..].iter().any(|byte| *byte != 0) {
        return Err(other());
    }
    key.verify(&message(commitment), signature).map_err(|_| other())
}
