//! dm-verity, with the tree behind the data.

use std::sync::Arc;

use sealab_engine::{Engine, Primitive};

use super::{Fill, FormatError, Owner, Protection, VolumeFormat};
use crate::Volume;
use crate::plain::Plain;
use crate::store::{Slice, Store};
use crate::verity::{HashArea, Parameters, RootHash, Verity, create};

const BLOCK_BYTES: u64 = 4096;
const SALT_BYTES: usize = 32;

pub(super) struct VerityFormat;

/// What stands for the data: the root hash, and what the tree is like, which the root hash does not cover.
struct Root {
    hash: RootHash,
    parameters: Parameters,
}

impl Root {
    fn area(parameters: &Parameters) -> HashArea {
        HashArea {
            offset: parameters.data_bytes(),
            superblock: true,
        }
    }
}

impl VolumeFormat for VerityFormat {
    fn id(&self) -> &'static str {
        "verity"
    }

    fn description(&self) -> &'static str {
        "dm-verity: blocks of 4096 bytes for reading only, SHA-256"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::Sha256]
    }

    fn protection(&self) -> Protection {
        Protection::Integrity
    }

    fn writable(&self) -> bool {
        false
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        let parameters = Parameters::new(bytes.div_ceil(BLOCK_BYTES).max(1), Vec::new(), [0; 16]);
        parameters.data_bytes() + parameters.hash_bytes()
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let (mut salt, mut uuid) = (vec![0; SALT_BYTES], [0; 16]);
        getrandom::fill(&mut salt)
            .and_then(|()| getrandom::fill(&mut uuid))
            .map_err(FormatError::new)?;
        let mut parameters = Parameters::new(store.size() / BLOCK_BYTES, salt, uuid);
        // As many blocks as leave room for their tree; each pass takes off no more than is over.
        loop {
            let over = (parameters.data_bytes() + parameters.hash_bytes()).saturating_sub(store.size());
            if over == 0 {
                break;
            }
            let less = (over / (2 * BLOCK_BYTES)).max(1);
            parameters.data_blocks = parameters
                .data_blocks
                .checked_sub(less)
                .ok_or_else(|| FormatError::new(format!("{}: no room for a tree", store.name())))?;
        }
        let data = Slice::new(store.clone(), 0, parameters.data_bytes()).map_err(FormatError::new)?;
        let plain = Plain::new(Arc::new(data), BLOCK_BYTES as u32, false).map_err(FormatError::new)?;
        fill(&plain)
            .and_then(|()| plain.flush())
            .map_err(FormatError::new)?;
        let hash = create(&*engine, &*store, None, Root::area(&parameters), &parameters)
            .map_err(FormatError::new)?;
        Ok(Box::new(Root { hash, parameters }))
    }
}

impl Owner for Root {
    fn open(&self, engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        let area = Self::area(&self.parameters);
        let volume = Verity::open(engine, store, None, area, Some(&self.parameters), &self.hash);
        Ok(Box::new(volume.map_err(FormatError::new)?))
    }
}
