//! The engine, and the objects that it keys.

use std::ffi::CStr;

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, CodePath, Ctr, CtrKey, Engine, EngineError, HmacSha256, MacKey,
    Primitive, Sha256, Xts, XtsKey,
};

pub(crate) const ID: &str = "aws-lc";

struct AwsLc;

pub(crate) fn open() -> Result<Box<dyn Engine>, EngineError> {
    aws_lc_sys::init();
    Ok(Box::new(AwsLc))
}

impl Engine for AwsLc {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        // SAFETY: returns a static C string for every number.
        let version = unsafe { CStr::from_ptr(aws_lc_sys::OpenSSL_version(aws_lc_sys::OPENSSL_VERSION)) };
        // "AWS-LC 5.12.0"
        let version = version.to_string_lossy();
        version.strip_prefix("AWS-LC ").unwrap_or(&version).to_owned()
    }

    fn code_path(&self) -> CodePath {
        crate::code_path::code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[
            Primitive::Aes128Gcm,
            Primitive::Aes256Block,
            Primitive::Aes256Ctr,
            Primitive::Aes256Gcm,
            Primitive::Aes256Xts,
            Primitive::ChaCha20Poly1305,
            Primitive::HmacSha256,
            Primitive::Sha256,
        ]
    }

    fn writes_ciphertext_only(&self) -> bool {
        true
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        match key {
            XtsKey::Aes128(_) => Err(self.unsupported(key.primitive())),
            XtsKey::Aes256(key) => Ok(Box::new(crate::xts::Xts::new(key)?)),
        }
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(crate::aead::Aead::new(key)?))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        Ok(Box::new(crate::ctr::Ctr::new(key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(crate::hmac::HmacSha256::new(key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(crate::sha256::Sha256::new()?))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        Ok(Box::new(crate::block::Block::new(key)?))
    }
}
