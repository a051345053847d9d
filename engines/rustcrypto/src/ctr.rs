//! AES-256 in counter mode.

use aes::{Aes256Enc, cipher::KeyInit};
use cipher::{InnerIvInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::{CtrCore, flavors::Ctr128BE};
use inout::InOutBuf;
use sealab_engine::{Ctr, CtrKey, EngineError};

pub(crate) struct Aes256Ctr(Aes256Enc);

impl Aes256Ctr {
    pub(crate) fn new(key: &CtrKey) -> Self {
        Self(Aes256Enc::new(key.0.expose().into()))
    }
}

impl Ctr for Aes256Ctr {
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let core = CtrCore::<_, Ctr128BE>::inner_iv_init(&self.0, initial.into());
        StreamCipherCoreWrapper::from_core(core)
            .try_apply_keystream_inout(data)
            .map_err(|error| EngineError::Library {
                call: "try_apply_keystream_inout",
                detail: error.to_string(),
            })
    }
}
