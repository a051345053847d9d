//! AES key wrap (RFC 3394) and AES key wrap with padding (RFC 5649), as NIST SP 800-38F has them.
//!
//! Both are deterministic and authenticate what they wrap. The key-encryption key has 16 or 32 bytes; AWS-LC has no 24.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap, KeyWrapPadded};
use zeroize::Zeroizing;

use crate::WrapError;

const BLOCK: usize = 8;

fn kek(bytes: &[u8]) -> Result<AesKek, WrapError> {
    let cipher = match bytes.len() {
        16 => &AES_128,
        32 => &AES_256,
        24 => {
            return Err(WrapError::Unsupported {
                what: "AES key wrap with a key of",
                found: "192 bits".to_owned(),
                implemented: "128 and 256 bits",
            });
        }
        found => {
            return Err(WrapError::Length {
                what: "the key-encryption key",
                found,
                expected: "16 or 32".to_owned(),
            });
        }
    };
    AesKek::new(cipher, bytes).map_err(|_| WrapError::Library("preparing AES key wrap"))
}

/// Wraps `secret`, whose length is a multiple of 8 and at least 16 bytes, under `key`; 8 bytes longer.
pub fn wrap(key: &[u8], secret: &[u8]) -> Result<Vec<u8>, WrapError> {
    let kek = kek(key)?;
    if secret.len() < 2 * BLOCK || !secret.len().is_multiple_of(BLOCK) {
        return Err(WrapError::Length {
            what: "the secret to be wrapped",
            found: secret.len(),
            expected: "at least 16 and a multiple of 8".to_owned(),
        });
    }
    let mut wrapped = vec![0; secret.len() + BLOCK];
    kek.wrap(secret, &mut wrapped)
        .map_err(|_| WrapError::Library("wrapping with AES key wrap"))?;
    Ok(wrapped)
}

/// Unwraps what [`wrap`] made.
pub fn unwrap(key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let kek = kek(key)?;
    let mut secret = Zeroizing::new(vec![0; wrapped.len().saturating_sub(BLOCK)]);
    let length = kek
        .unwrap(wrapped, &mut secret)
        .map_err(|_| WrapError::Refused("the wrapped key"))?
        .len();
    secret.truncate(length);
    Ok(secret)
}

/// Wraps `secret`, of at least 1 byte, under `key`; 8 bytes longer, after padding to a multiple of 8.
pub fn wrap_padded(key: &[u8], secret: &[u8]) -> Result<Vec<u8>, WrapError> {
    let kek = kek(key)?;
    if secret.is_empty() {
        return Err(WrapError::Length {
            what: "the secret to be wrapped",
            found: 0,
            expected: "at least 1".to_owned(),
        });
    }
    let mut wrapped = vec![0; secret.len().next_multiple_of(BLOCK) + BLOCK];
    kek.wrap_with_padding(secret, &mut wrapped)
        .map_err(|_| WrapError::Library("wrapping with padded AES key wrap"))?;
    Ok(wrapped)
}

/// Unwraps what [`wrap_padded`] made.
pub fn unwrap_padded(key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let kek = kek(key)?;
    let mut secret = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek
        .unwrap_with_padding(wrapped, &mut secret)
        .map_err(|_| WrapError::Refused("the wrapped key"))?
        .len();
    secret.truncate(length);
    Ok(secret)
}
