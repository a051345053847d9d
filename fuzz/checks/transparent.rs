//! An engine that protects nothing: what it seals stays as it is, and every tag and digest holds. With it a fuzzer gets
//! behind the authentication, to what a reader does with content that was authentic and is wrong all the same.

use sealab_engine::{
    Aead, AeadKey, CodePath, Engine, EngineError, HmacSha256, InOutBuf, MacKey, Messages, Primitive, Sha256,
    Tag,
};

pub(crate) struct Transparent;

impl Engine for Transparent {
    fn id(&self) -> &'static str {
        "transparent"
    }

    fn version(&self) -> String {
        String::new()
    }

    fn code_path(&self) -> CodePath {
        CodePath {
            hardware_aes: false,
            description: String::new(),
        }
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[
            Primitive::Aes256Gcm,
            Primitive::ChaCha20Poly1305,
            Primitive::HmacSha256,
            Primitive::Sha256,
        ]
    }

    fn aead(&self, _: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(Self))
    }

    fn hmac_sha256(&self, _: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(Self))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(Self))
    }
}

impl Aead for Transparent {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let _ = data.into_out_with_copied_in();
        tags.fill(Tag([0; 16]));
        Ok(())
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let _ = data.into_out_with_copied_in();
        Ok(())
    }
}

impl HmacSha256 for Transparent {
    fn update(&mut self, _: &[u8]) -> Result<(), EngineError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        Ok([0; 32])
    }
}

impl Sha256 for Transparent {
    fn update(&mut self, _: &[u8]) -> Result<(), EngineError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        Ok([0; 32])
    }
}
