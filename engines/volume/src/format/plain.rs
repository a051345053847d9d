//! The baseline.

use std::sync::Arc;

use sealab_engine::{Engine, Primitive};

use super::{Fill, FormatError, Owner, Protection, VolumeFormat};
use crate::Volume;
use crate::plain::Plain;
use crate::store::Store;

/// Blocks of 4096 bytes, as the other formats have sectors.
pub(super) const BLOCK_BYTES: u32 = 4096;

pub(super) struct PlainFormat;

impl VolumeFormat for PlainFormat {
    fn id(&self) -> &'static str {
        "plain"
    }

    fn description(&self) -> &'static str {
        "no protection"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[]
    }

    fn protection(&self) -> Protection {
        Protection::Nothing
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        bytes.next_multiple_of(BLOCK_BYTES.into())
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let volume = Self.open(engine, store)?;
        fill(&*volume)
            .and_then(|()| volume.flush())
            .map_err(FormatError::new)?;
        Ok(Box::new(Self))
    }
}

impl Owner for PlainFormat {
    fn open(&self, _: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        let volume = Plain::new(store, BLOCK_BYTES, false).map_err(FormatError::new)?;
        Ok(Box::new(volume))
    }
}
