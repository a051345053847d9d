//! HKDF with SHA-256 (RFC 5869).

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::WrapError;

/// The most that one derivation gives, in bytes.
pub const MAX_BYTES: usize = 255 * 32;

struct Size(usize);

impl KeyType for Size {
    fn len(&self) -> usize {
        self.0
    }
}

/// `size` bytes, at least 1 and at most [`MAX_BYTES`], from the secret `ikm`. An empty `salt` is a salt of zeros; `info`
/// says what the bytes are for.
pub fn derive_sha256(
    ikm: &[u8],
    salt: &[u8],
    info: &[u8],
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    if !(1..=MAX_BYTES).contains(&size) {
        return Err(WrapError::Length {
            what: "the output of HKDF",
            found: size,
            expected: format!("1 to {MAX_BYTES}"),
        });
    }
    let mut out = Zeroizing::new(vec![0; size]);
    Salt::new(HKDF_SHA256, salt)
        .extract(ikm)
        .expand(&[info], Size(size))
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| WrapError::Library("HKDF"))?;
    Ok(out)
}
