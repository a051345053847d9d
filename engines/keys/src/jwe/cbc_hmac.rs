//! AES-CBC with HMAC of RFC 7518, section 5.2: only opened, for ocicrypt reads it and never writes it.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::WrapError;

/// One of its three sizes. The content key is the MAC's half, then the cipher's; the tag is the first half of the code.
pub(super) struct CbcHmac {
    cipher: &'static Algorithm,
    mac: hmac::Algorithm,
    /// The length of each half of the key, and of the tag, in bytes.
    half: usize,
}

pub(super) static A128_HS256: CbcHmac = CbcHmac {
    cipher: &AES_128,
    mac: hmac::HMAC_SHA256,
    half: 16,
};
pub(super) static A192_HS384: CbcHmac = CbcHmac {
    cipher: &AES_192,
    mac: hmac::HMAC_SHA384,
    half: 24,
};
pub(super) static A256_HS512: CbcHmac = CbcHmac {
    cipher: &AES_256,
    mac: hmac::HMAC_SHA512,
    half: 32,
};

const BLOCK: usize = 16;

impl CbcHmac {
    pub(super) fn key_bytes(&self) -> usize {
        2 * self.half
    }

    pub(super) fn open(
        &self,
        key: &[u8],
        iv: &[u8],
        associated_data: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let refused = |_| WrapError::Refused("the content");
        if key.len() != self.key_bytes() {
            return Err(WrapError::Refused("the content key"));
        }
        let (mac_key, cipher_key) = key.split_at(self.half);
        let mut mac = hmac::Context::with_key(&hmac::Key::new(self.mac, mac_key));
        mac.update(associated_data);
        mac.update(iv);
        mac.update(ciphertext);
        mac.update(&(associated_data.len() as u64 * 8).to_be_bytes());
        let code = mac.sign();
        if !bool::from(code.as_ref()[..self.half].ct_eq(tag)) {
            return Err(WrapError::Refused("the content"));
        }
        // Before the library, which looks for the padding in the last block.
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err(WrapError::Refused("the content"));
        }
        let iv: [u8; BLOCK] = iv.try_into().map_err(|_| WrapError::Refused("the content"))?;
        let mut content = Zeroizing::new(ciphertext.to_vec());
        let length = UnboundCipherKey::new(self.cipher, cipher_key)
            .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
            .and_then(|key| {
                key.decrypt(&mut content, DecryptionContext::Iv128(FixedLength::from(iv)))
                    .map(|content| content.len())
            })
            .map_err(refused)?;
        content.truncate(length);
        Ok(content)
    }
}
