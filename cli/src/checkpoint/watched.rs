//! An engine that counts what passes through it and ends the work when the user asks: `criu-pr2297` has no ear of its
//! own for either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, CodePath, Ctr, CtrKey, DataUnits, Engine, EngineError, HmacSha256,
    InOutBuf, MacKey, Messages, Primitive, Sha256, Tag, Xts, XtsKey,
};

use crate::progress::Counter;

/// The engine `inner`, watched.
pub(super) struct Watched {
    pub(super) inner: Box<dyn Engine>,
    pub(super) watch: Watch,
}

#[derive(Clone)]
pub(super) struct Watch {
    pub(super) counter: Arc<Counter>,
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Watch {
    fn pass(&self, bytes: usize) -> Result<(), EngineError> {
        self.counter.done.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.interrupted.load(Ordering::Relaxed) {
            // The caller knows the flag and does not show this.
            return Err(EngineError::Library {
                call: "the work",
                detail: "interrupted".to_owned(),
            });
        }
        Ok(())
    }
}

impl Engine for Watched {
    fn id(&self) -> &'static str {
        self.inner.id()
    }

    fn version(&self) -> String {
        self.inner.version()
    }

    fn code_path(&self) -> CodePath {
        self.inner.code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.inner.primitives()
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(Box::new(Keyed(self.inner.xts(key)?, self.watch.clone())))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(Keyed(self.inner.aead(key)?, self.watch.clone())))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        self.inner.ctr(key)
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(Keyed(self.inner.hmac_sha256(key)?, self.watch.clone())))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        self.inner.sha256()
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        self.inner.block_cipher(key)
    }
}

struct Keyed<T>(T, Watch);

impl Xts for Keyed<Box<dyn Xts>> {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.1.pass(data.len())?;
        self.0.encrypt(units, data)
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.1.pass(data.len())?;
        self.0.decrypt(units, data)
    }
}

impl Aead for Keyed<Box<dyn Aead>> {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        self.1.pass(data.len())?;
        self.0.seal(messages, data, tags)
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        self.1.pass(data.len())?;
        self.0.open(messages, data, tags)
    }
}

impl HmacSha256 for Keyed<Box<dyn HmacSha256>> {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.1.pass(bytes.len())?;
        self.0.update(bytes)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        self.0.finish()
    }
}
