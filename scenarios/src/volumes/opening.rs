//! How long it takes to open a volume again whose process ended without closing it.

use std::sync::Arc;
use std::time::Instant;

use schemars::JsonSchema;
use sealab_blocks::{Limit, Operation, Pattern, Workload, drive};
use sealab_engine::Engine;
use sealab_record::Setting;
use sealab_volume::format::{Owner, VolumeFormat};
use sealab_volume::store::{OverlayStore, Store};
use sealab_volume::{Volume, VolumeError};
use serde::{Deserialize, Serialize};

use super::content::fill;
use crate::protocol::{PrepareVolume, Prepared, Sample};
use crate::usage::Usage;

/// What is opened.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Blocks of 4 KiB that were written at random places since the last flush when the process ended.
    pub unflushed_blocks: u64,
}

impl Opening {
    pub(super) const BLOCK_BYTES: u64 = 4096;

    pub(super) fn label(self, without: Option<Setting>) -> String {
        match self.unflushed_blocks {
            _ if without == Some(Setting::UnflushedBlocks) => "opening".to_owned(),
            0 => "opening, all flushed".to_owned(),
            blocks => format!("opening, {blocks} blocks unflushed"),
        }
    }

    /// Why it cannot be on a volume of `size` bytes.
    pub(super) fn wrong(self, size: u64) -> Option<String> {
        let most = size / Self::BLOCK_BYTES;
        (self.unflushed_blocks > most).then(|| {
            format!(
                "unflushed_blocks is {}; the volume has {most}",
                self.unflushed_blocks
            )
        })
    }
}

/// A volume that is opened again and again, each time as the one before was left.
pub(super) struct OpeningCell {
    engine: Arc<dyn Engine>,
    owner: Box<dyn Owner>,
    /// What the open volume lies on.
    store: Arc<OverlayStore>,
    volume: Box<dyn Volume>,
    unflushed: Workload,
}

impl OpeningCell {
    /// Makes and fills the volume on `store`, and opens it.
    pub(super) fn new(
        engine: &Arc<dyn Engine>,
        format: &dyn VolumeFormat,
        prepare: &PrepareVolume,
        opening: Opening,
        store: Arc<dyn Store>,
    ) -> Result<(Self, Prepared), String> {
        let stored_bytes = store.size();
        let all = 0..prepare.size;
        let owner = format
            .make(engine.clone(), store.clone(), &mut |volume| {
                fill(volume, all.clone())
            })
            .map_err(|error| format!("making the volume: {error}"))?;
        let store = Arc::new(OverlayStore::new(store));
        let volume = open(engine, &*owner, &store)?;
        let prepared = Prepared {
            plain_bytes: volume.size(),
            stored_bytes,
            resident_bytes: 0,
        };
        let cell = Self {
            engine: engine.clone(),
            owner,
            store,
            volume,
            unflushed: Workload {
                pattern: Pattern::Random,
                operation: Operation::Write,
                block_bytes: Opening::BLOCK_BYTES as u32,
                depth: 1,
                limit: Limit::Operations(opening.unflushed_blocks),
                start: 0,
                span: prepare.size,
                flush_every: None,
                seed: 1,
            },
        };
        Ok((cell, prepared))
    }

    /// Leaves the volume without closing it, and times opening what it left, up to the answer to the first read.
    pub(super) fn sample(&mut self) -> Result<Sample, String> {
        let said = |error: &dyn std::fmt::Display| format!("before the cut: {error}");
        self.volume.flush().map_err(|error| said(&error))?;
        self.unflushed.seed = self.unflushed.seed.wrapping_add(1);
        if self.unflushed.limit != Limit::Operations(0) {
            drive(&self.unflushed, &*self.volume).map_err(|error| said(&error))?;
        }
        let store = Arc::new(self.store.cut());
        let mut block = [0; Opening::BLOCK_BYTES as usize];
        let (begun, usage) = (Instant::now(), Usage::now());
        let volume = open(&self.engine, &*self.owner, &store)?;
        let read = volume.read(0, &mut block);
        let (elapsed, usage) = (begun.elapsed(), Usage::now().since(usage));
        match read {
            // Formats that are not atomic may have lost the code of a block that was written; the volume is open.
            Ok(()) | Err(VolumeError::Unauthentic { .. }) => {}
            Err(error) => return Err(format!("reading from the volume that was opened: {error}")),
        }
        // The one that was left can write nothing any more, whatever it tries when it is dropped.
        (self.store, self.volume) = (store, volume);
        Ok(Sample {
            bytes: 1,
            seconds: elapsed.as_secs_f64(),
            cpu_seconds: usage.cpu_seconds,
            involuntary_switches: usage.involuntary_switches,
            traffic: None,
            peak_bytes: None,
        })
    }
}

fn open(
    engine: &Arc<dyn Engine>,
    owner: &dyn Owner,
    store: &Arc<OverlayStore>,
) -> Result<Box<dyn Volume>, String> {
    owner
        .open(engine.clone(), store.clone())
        .map_err(|error| format!("opening the volume: {error}"))
}

#[cfg(test)]
mod tests {
    use sealab_volume::format::format;
    use sealab_volume::store::MemoryStore;

    use super::super::{StoreKind, VolumeTask};
    use super::*;

    const SIZE: u64 = 2 << 20;

    fn cell(id: &str, unflushed_blocks: u64) -> OpeningCell {
        let engine: Arc<dyn Engine> = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap().into();
        let (format, opening) = (format(id).unwrap(), Opening { unflushed_blocks });
        let store = Arc::new(MemoryStore::new(format.store_bytes(SIZE)));
        let prepare = PrepareVolume {
            cell: 0,
            fresh: true,
            format: id.to_owned(),
            store: StoreKind::Memory,
            size: SIZE,
            task: VolumeTask::Opening(opening),
            sample_seconds: 0.01,
        };
        OpeningCell::new(&engine, format, &prepare, opening, store)
            .unwrap()
            .0
    }

    #[test]
    fn what_was_flushed_is_there_when_it_is_opened_again_and_again() {
        for id in ["plain", "luks2-gcm-journal"] {
            let mut cell = cell(id, 0);
            for _ in 0..3 {
                cell.volume.write(8192, &[0x33; 4096]).unwrap();
                assert_eq!(cell.sample().unwrap().bytes, 1);
                super::super::content::holds(&*cell.volume, 0..8192).unwrap();
                let mut block = [0; 4096];
                cell.volume.read(8192, &mut block).unwrap();
                assert_eq!(block, [0x33; 4096], "{id}");
            }
        }
    }

    #[test]
    fn the_process_ends_with_blocks_that_no_flush_followed() {
        let mut cell = cell("plain", 100);
        let left = cell.store.clone();
        cell.sample().unwrap();
        assert!(left.sync().is_err(), "the volume that was left can write no more");
        assert!(
            super::super::content::holds(&*cell.volume, 0..SIZE).is_err(),
            "blocks were written"
        );
    }
}
