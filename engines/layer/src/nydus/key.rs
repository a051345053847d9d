//! What a blob is sealed with.

use std::fmt;

use sealab_engine::{EngineError, Primitive, Tweak, XtsKey};
use zeroize::Zeroizing;

use super::NydusError;

/// The length of a blob's key, in bytes: the data key, then the tweak key.
pub const KEY_BYTES: usize = 32;
/// The length of a blob's tweak, in bytes. Nydus calls it the IV.
pub const TWEAK_BYTES: usize = 16;

/// The data key where both halves of a key are equal, and where they begin with that very byte.
const SUBSTITUTES: [u8; 2] = [0xa5, 0x5a];

/// The key and the tweak of all chunks of one blob.
#[derive(Clone)]
pub struct BlobKey {
    pub(super) key: XtsKey,
    pub(super) tweak: Tweak,
}

impl BlobKey {
    /// A given key and tweak. XTS needs two different halves: where they are equal, the first becomes bytes 0xa5, or
    /// 0x5a where it begins with 0xa5, as Nydus does when it makes a key. (Nydus refuses such a key when it reads one;
    /// none that it made is.)
    pub fn new(key: &[u8; KEY_BYTES], tweak: &[u8; TWEAK_BYTES]) -> Result<Self, NydusError> {
        let mut distinct = Zeroizing::new(*key);
        let (data, other) = distinct.split_at_mut(KEY_BYTES / 2);
        if bool::from(subtle::ConstantTimeEq::ct_eq(&*data, &*other)) {
            data.fill(SUBSTITUTES[usize::from(other[0] == SUBSTITUTES[0])]);
        }
        let key = XtsKey::new(Primitive::Aes128Xts, distinct.as_slice())?;
        Ok(Self {
            key,
            tweak: Tweak(*tweak),
        })
    }

    /// A new key and tweak from the operating system's random numbers.
    pub fn generate() -> Result<Self, NydusError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let mut tweak = [0; TWEAK_BYTES];
        getrandom::fill(key.as_mut_slice())
            .and_then(|()| getrandom::fill(&mut tweak))
            .map_err(|error| EngineError::Library {
                call: "getrandom",
                detail: error.to_string(),
            })?;
        Self::new(&key, &tweak)
    }

    /// The key itself, its halves different.
    pub fn expose(&self) -> &[u8] {
        self.key.expose()
    }

    /// The tweak.
    pub fn tweak(&self) -> &[u8; TWEAK_BYTES] {
        &self.tweak.0
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_key(half: [u8; 16]) -> Vec<u8> {
        let mut key = [0; KEY_BYTES];
        key[..16].copy_from_slice(&half);
        key[16..].copy_from_slice(&half);
        let made = BlobKey::new(&key, &[0; TWEAK_BYTES]).unwrap();
        assert_eq!(made.expose()[16..], half);
        made.expose()[..16].to_vec()
    }

    /// As `nydus-utils` 0.5.1 changes the same keys.
    #[test]
    fn equal_halves_become_different() {
        assert_eq!(data_key([0; 16]), [0xa5; 16]);
        assert_eq!(data_key([0xa5; 16]), [0x5a; 16]);
        // The first byte decides alone.
        let mut half = [7; 16];
        half[0] = 0xa5;
        assert_eq!(data_key(half), [0x5a; 16]);
        assert_eq!(data_key([0x5a; 16]), [0xa5; 16]);
    }

    #[test]
    fn other_keys_stay_as_they_are() {
        let key: [u8; KEY_BYTES] = std::array::from_fn(|at| at as u8);
        let made = BlobKey::new(&key, &[9; TWEAK_BYTES]).unwrap();
        assert_eq!((made.expose(), made.tweak()), (&key[..], &[9; TWEAK_BYTES]));
        assert_eq!(format!("{made:?}"), "BlobKey(secret)");
    }

    #[test]
    fn new_keys_differ() {
        let (one, other) = (BlobKey::generate().unwrap(), BlobKey::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.tweak(), other.tweak());
    }
}
