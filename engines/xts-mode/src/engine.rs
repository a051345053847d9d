//! The engine itself.

use sealab_engine::{Candidate, CodePath, Engine, EngineError, Primitive, Xts, XtsKey};

use crate::xts::Sectors;

/// The `xts-mode` crate, which is compiled in and runs on every CPU.
pub const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "xts-mode",
    open: || Ok(Box::new(XtsMode)),
};

const ID: &str = "xts-mode";

struct XtsMode;

impl Engine for XtsMode {
    fn id(&self) -> &'static str {
        ID
    }

    /// From the lock file at build time: the crates tell no version at run time.
    fn version(&self) -> String {
        env!("LIBRARY_VERSIONS").to_owned()
    }

    fn code_path(&self) -> CodePath {
        let hardware_aes = aes::hardware_accelerated();
        let implementation = if hardware_aes {
            "the CPU's AES instructions"
        } else {
            "software, fixsliced"
        };
        CodePath {
            hardware_aes,
            description: format!(
                "{implementation}, one block at a time (aes::hardware_accelerated() is {hardware_aes})"
            ),
        }
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::Aes128Xts, Primitive::Aes256Xts]
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(match key {
            XtsKey::Aes128(key) => Box::new(Sectors::aes128(key)),
            XtsKey::Aes256(key) => Box::new(Sectors::aes256(key)),
        })
    }
}
