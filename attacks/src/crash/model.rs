//! What a volume may hold after a power cut.

use std::collections::BTreeMap;

use sealab_volume::Volume;

use super::Promise;

/// The unit that a volume is to write whole or not at all, in bytes.
pub const BLOCK_BYTES: usize = 4096;

/// A step of a workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// A block is written.
    Write {
        /// Its number, in units of [`BLOCK_BYTES`].
        block: u64,
        /// Its content, [`BLOCK_BYTES`] long, another one than the block ever had.
        content: Vec<u8>,
    },
    /// What was written is flushed.
    Flush,
}

/// What a workload wrote when, one step after the other.
pub struct Model {
    /// Each block's contents in their order.
    blocks: BTreeMap<u64, Vec<Version>>,
    /// The steps that are flushes.
    flushes: Vec<usize>,
}

/// A content with the step that wrote it; `None` is the content before.
type Version = (Option<usize>, Vec<u8>);

/// How far a workload had come when the power was cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// So many steps had begun.
    pub begun: usize,
    /// So many steps were done.
    pub done: usize,
}

/// That a promise was not kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Broken {
    pub(super) promise: Promise,
    /// Whether the volume said so: it gave an error and no false bytes.
    pub(super) noticed: bool,
    pub(super) what: String,
}

/// What a block was found to hold.
enum Found {
    /// What that step wrote, or what was there before.
    Version(Option<usize>),
    /// None of what was ever to be there.
    Mixture,
    /// An error.
    Lost(String),
}

impl Model {
    /// Of blocks that had the content `before` and a workload of `steps`.
    pub fn new(before: BTreeMap<u64, Vec<u8>>, steps: &[Step]) -> Self {
        let mut blocks: BTreeMap<u64, Vec<Version>> = before
            .into_iter()
            .map(|(block, content)| (block, vec![(None, content)]))
            .collect();
        let mut flushes = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::Write { block, content } => {
                    let versions = blocks.entry(*block).or_default();
                    versions.push((Some(number), content.clone()));
                }
                Step::Flush => flushes.push(number),
            }
        }
        Self { blocks, flushes }
    }

    /// What of a volume that a power cut left is not as promised.
    pub(super) fn check(&self, volume: &dyn Volume, progress: Progress) -> Vec<Broken> {
        let flushed = self.flushes.iter().copied().rfind(|flush| *flush < progress.done);
        let mut broken = Vec::new();
        let mut states = Vec::new();
        let mut lost = None;
        for (block, versions) in &self.blocks {
            let found = self.read(volume, *block, versions);
            let place = format!("block {block}");
            // The content that the last completed flush made durable, and what may have replaced it since.
            let durable = versions
                .iter()
                .rposition(|(step, _)| step.is_none_or(|step| Some(step) < flushed));
            let may = &versions[durable.unwrap_or(0)..];
            let overwritten = may[1..]
                .iter()
                .any(|(step, _)| step.is_some_and(|step| step < progress.begun));
            let torn = if overwritten {
                Promise::BlockAtomicity
            } else {
                Promise::Durability
            };
            match found {
                Found::Version(step) => {
                    if !may.iter().any(|(other, _)| *other == step) {
                        broken.push(Broken {
                            promise: Promise::Durability,
                            noticed: false,
                            what: format!("{place} has an older content than was flushed"),
                        });
                    }
                    states.push((*block, step));
                }
                Found::Mixture => {
                    broken.push(Broken {
                        promise: torn,
                        noticed: false,
                        what: format!("{place} is neither its old nor its new content"),
                    });
                    states.push((*block, Some(usize::MAX)));
                }
                Found::Lost(error) => {
                    lost = Some(format!("{place}: {error}"));
                    broken.push(Broken {
                        promise: torn,
                        noticed: true,
                        what: format!("{place} cannot be read: {error}"),
                    });
                }
            }
        }
        // The last completed flush, or the beginning, or a later flush.
        let mut points = self.flushes.iter().copied().map(Some);
        let points = points.by_ref().filter(|flush| *flush >= flushed);
        let mut points: Vec<Option<usize>> = points.collect();
        if flushed.is_none() {
            points.push(None);
        }
        let of = |point: Option<usize>, block: &u64| {
            let versions = &self.blocks[block];
            let at = versions.iter().rfind(|(step, _)| *step < point || step.is_none());
            at.and_then(|(step, _)| *step)
        };
        let whole = |point: &Option<usize>| states.iter().all(|(block, step)| of(*point, block) == *step);
        let some = points.iter().any(whole);
        if !some || lost.is_some() {
            broken.push(Broken {
                promise: Promise::FlushAtomicity,
                noticed: some,
                what: match lost {
                    Some(lost) if some => lost,
                    _ => "the blocks are together as no flush left them".to_owned(),
                },
            });
        }
        broken
    }

    fn read(&self, volume: &dyn Volume, block: u64, versions: &[Version]) -> Found {
        let mut data = vec![0; BLOCK_BYTES];
        if let Err(error) = volume.read(block * BLOCK_BYTES as u64, &mut data) {
            return Found::Lost(error.to_string());
        }
        // The latest, where contents are the same.
        match versions.iter().rfind(|(_, content)| *content == data) {
            Some((step, _)) => Found::Version(*step),
            None => Found::Mixture,
        }
    }
}
