//! Where workers encrypt and decrypt layers: a folder in memory with the plain image in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_images::{Image, Tree};
use sealab_memory::ByteSize;
use sealab_programs::Scratch;

use super::LayerCellSpec;
use crate::workplace::Workplace;

/// The plain image, what came of it, and room to breathe.
const COPIES: u64 = 4;

/// A folder for one group of cells, removed with all that is in it when this is dropped.
pub(crate) struct LayerPlace {
    scratch: Scratch,
}

impl LayerPlace {
    /// Makes the image of the cells of `group`, which are alike in it; fails with the reason.
    pub(crate) fn new(group: &[&LayerCellSpec], cancelled: &AtomicBool) -> Result<Self, String> {
        let Some(first) = group.first() else {
            return Err("no cells".to_owned());
        };
        let mut kept: Vec<_> = group
            .iter()
            .map(|spec| (spec.engine, &spec.cpu_profile, spec.format))
            .collect();
        kept.sort_unstable_by_key(|(engine, profile, format)| (*engine, *profile, format.name()));
        kept.dedup();
        let size = ByteSize::from_bytes(first.size).map_err(|error| error.to_string())?;
        let place = Workplace::find("layers", size, COPIES + kept.len() as u64)?;
        if !place.memory {
            return Err(format!(
                "there is no room in memory for {} layers of {size}",
                COPIES + kept.len() as u64
            ));
        }
        let scratch = Scratch::new(&place.folder).map_err(|error| error.to_string())?;
        let place = Self { scratch };
        let tree = Tree::new(first.content, first.size, cancelled).map_err(|error| error.to_string())?;
        Image::write(&tree, &place.image(), cancelled).map_err(|error| error.to_string())?;
        Ok(place)
    }

    /// The layout of the plain image.
    pub(crate) fn image(&self) -> PathBuf {
        self.folder().join("plain")
    }

    /// Where workers work.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }
}
