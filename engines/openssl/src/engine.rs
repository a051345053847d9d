//! The engine: the fetched algorithms, and the objects that it keys.

use std::sync::Arc;

use openssl::cipher::Cipher;
use openssl::md::Md;
use sealab_engine::{
    AeadKey, BlockCipher, BlockKey, CodePath, Ctr, CtrKey, Engine, EngineError, HmacSha256, MacKey,
    Primitive, Sha256, Xts, XtsKey,
};

use crate::failed;

pub(crate) const ID: &str = "openssl";

struct OpenSsl {
    aes_128_gcm: Cipher,
    aes_256_gcm: Cipher,
    aes_128_xts: Cipher,
    aes_256_xts: Cipher,
    aes_256_ctr: Cipher,
    aes_256_ecb: Cipher,
    chacha20_poly1305: Cipher,
    sha_256: Arc<Md>,
}

pub(crate) fn open() -> Result<Box<dyn Engine>, EngineError> {
    openssl_sys::init();
    let cipher = |name| Cipher::fetch(None, name, None).map_err(failed("EVP_CIPHER_fetch"));
    Ok(Box::new(OpenSsl {
        aes_128_gcm: cipher("AES-128-GCM")?,
        aes_256_gcm: cipher("AES-256-GCM")?,
        aes_128_xts: cipher("AES-128-XTS")?,
        aes_256_xts: cipher("AES-256-XTS")?,
        aes_256_ctr: cipher("AES-256-CTR")?,
        aes_256_ecb: cipher("AES-256-ECB")?,
        chacha20_poly1305: cipher("ChaCha20-Poly1305")?,
        sha_256: Arc::new(Md::fetch(None, "SHA2-256", None).map_err(failed("EVP_MD_fetch"))?),
    }))
}

impl Engine for OpenSsl {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        // "OpenSSL 3.6.3 9 Jun 2026"
        let version = openssl::version::version();
        version.split(' ').nth(1).unwrap_or(version).to_owned()
    }

    fn code_path(&self) -> CodePath {
        crate::code_path::code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        &Primitive::ALL
    }

    fn writes_ciphertext_only(&self) -> bool {
        true
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        let cipher = match key {
            XtsKey::Aes128(_) => &self.aes_128_xts,
            XtsKey::Aes256(_) => &self.aes_256_xts,
        };
        Ok(Box::new(crate::xts::Xts::new(cipher, key)?))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn sealab_engine::Aead>, EngineError> {
        let cipher = match key {
            AeadKey::Aes128Gcm(_) => &self.aes_128_gcm,
            AeadKey::Aes256Gcm(_) => &self.aes_256_gcm,
            AeadKey::ChaCha20Poly1305(_) => &self.chacha20_poly1305,
        };
        Ok(Box::new(crate::aead::Aead::new(cipher, key)?))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        Ok(Box::new(crate::ctr::Ctr::new(&self.aes_256_ctr, key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(crate::hmac::HmacSha256::new(key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(crate::sha256::Sha256::new(Arc::clone(&self.sha_256))?))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        Ok(Box::new(crate::block::Block::new(&self.aes_256_ecb, key)?))
    }
}
