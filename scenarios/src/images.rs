//! Container images: what an `images` block asks for.

mod blocks;
mod layer;
mod place;
mod run;

use std::collections::HashSet;
use std::fmt;

use sealab_images::{ImageContent, Method, StartWay};
use sealab_layer::Format;
use sealab_memory::{ByteSize, Share};
use serde_saphyr::{Location, Spanned};

use crate::ScenarioError;
use crate::file::UnitOperation;
use crate::place::Place;
use crate::plan::Vocabulary;
use crate::selection::Selection;

pub use blocks::{DedupBlock, EncryptBlock, ImageBlock, LayersBlock, LazyStartBlock, SpaceBlock};
pub(crate) use layer::LayerBench;
pub(crate) use place::LayerPlace;
pub(crate) use run::Images;

/// The plane's identifier in records.
pub(crate) const LAYER_PLANE: &str = "layer";

/// The smallest image, in bytes.
const MIN_BYTES: u64 = 1 << 20;
/// The largest.
const MAX_BYTES: u64 = 64 << 30;
const MAX_ROUNDS: u32 = 100;

/// One image that programs work on, not yet made.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// What it holds.
    pub content: ImageContent,
    /// About how long its layer is.
    pub size: ByteSize,
    /// What is done with it.
    pub task: ImageTask,
}

/// What is done with an image.
#[derive(Clone, Debug)]
pub enum ImageTask {
    /// It is encrypted and decrypted.
    Encrypt {
        /// By these.
        methods: Vec<Method>,
        /// So often by each.
        rounds: u32,
    },
    /// It is the first of two versions that go to a registry.
    Dedup {
        /// The part of the second that is not in the first.
        new: Share,
        /// By these.
        methods: Vec<Method>,
        /// So often by each.
        rounds: u32,
    },
    /// A part of its files is wanted.
    LazyStart {
        /// The part.
        files: Share,
        /// In these ways.
        ways: Vec<StartWay>,
        /// So often in each.
        rounds: u32,
    },
}

impl ImageSpec {
    /// What its jobs are of, without the size.
    pub(crate) fn subject(&self) -> String {
        match self.task {
            ImageTask::Encrypt { .. } => self.content.to_string(),
            ImageTask::Dedup { new, .. } => format!("{}, {new} new in the second version", self.content),
            ImageTask::LazyStart { files, .. } => format!("{files} of the files, {}", self.content),
        }
    }
}

/// One engine × CPU profile × format × operation × threads on the layer of an image, not yet run.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LayerCellSpec {
    /// The engine's identifier.
    pub engine: &'static str,
    /// The CPU profile's identifier.
    pub cpu_profile: String,
    /// The layer's format.
    pub format: LayerFormat,
    /// What is timed.
    pub operation: UnitOperation,
    /// What the layer holds.
    pub content: ImageContent,
    /// About how long it is, in bytes.
    pub size: u64,
    /// Threads at once.
    pub threads: u32,
}

impl LayerCellSpec {
    /// The workload with all its parameters but those that a cell has of its own.
    pub(crate) fn label(&self) -> String {
        format!("layer of {}, {} MiB, in memory", self.content, self.size >> 20)
    }
}

/// A format of layers, by its name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LayerFormat(&'static str);

impl LayerFormat {
    /// Its name in commands and records.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for LayerFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Cells that are measured in the same rounds: those on the same layer.
pub(crate) fn groups(specs: &[LayerCellSpec]) -> Vec<Vec<&LayerCellSpec>> {
    let mut groups: Vec<Vec<&LayerCellSpec>> = Vec::new();
    for spec in specs {
        let kin = |group: &&mut Vec<&LayerCellSpec>| {
            let first = group.first();
            first.is_some_and(|first| (first.content, first.size) == (spec.content, spec.size))
        };
        match groups.iter_mut().find(kin) {
            Some(group) => group.push(spec),
            None => groups.push(vec![spec]),
        }
    }
    groups
}

/// Multiplies the blocks out.
pub(crate) fn plan_images(
    blocks: &[ImageBlock],
    words: &Vocabulary,
    place: &Place<'_>,
) -> Result<(Vec<ImageSpec>, Vec<LayerCellSpec>), ScenarioError> {
    let (mut images, mut layers): (Vec<ImageSpec>, _) = (Vec::new(), Vec::new());
    for block in blocks {
        let (specs, location) = match block {
            ImageBlock::Encrypt(block) => (place.encrypt(block)?, block.sizes.referenced),
            ImageBlock::Space(block) => (place.space(block)?, block.sizes.referenced),
            ImageBlock::Dedup(block) => (place.dedup(block)?, block.sizes.referenced),
            ImageBlock::LazyStart(block) => (place.lazy_start(block)?, block.sizes.referenced),
            ImageBlock::Layers(block) => {
                layers.extend(place.layers(block, words)?);
                continue;
            }
        };
        for spec in specs {
            let twice = |other: &ImageSpec| (other.subject(), other.size) == (spec.subject(), spec.size);
            if images.iter().any(twice) {
                let message = format!("{} with {} stands twice", spec.subject(), spec.size);
                return Err(place.error(location, message));
            }
            images.push(spec);
        }
    }
    let mut seen = HashSet::new();
    layers.retain(|spec| seen.insert(spec.clone()));
    Ok((images, layers))
}

impl Place<'_> {
    fn encrypt(&self, block: &EncryptBlock) -> Result<Vec<ImageSpec>, ScenarioError> {
        let task = ImageTask::Encrypt {
            methods: self.methods(&block.methods, &Method::ALL, block.sizes.referenced)?,
            rounds: self.range("rounds", &block.rounds, 1..=MAX_ROUNDS)?,
        };
        self.of_sizes(&block.sizes, block.content, &task)
    }

    fn space(&self, block: &SpaceBlock) -> Result<Vec<ImageSpec>, ScenarioError> {
        self.filled("contents", &block.contents.value, block.contents.referenced)?;
        let task = ImageTask::Encrypt {
            methods: self.methods(&block.methods, &Method::ALL, block.sizes.referenced)?,
            rounds: 1,
        };
        let mut specs = Vec::new();
        for content in &block.contents.value {
            specs.extend(self.of_sizes(&block.sizes, *content, &task)?);
        }
        Ok(specs)
    }

    fn dedup(&self, block: &DedupBlock) -> Result<Vec<ImageSpec>, ScenarioError> {
        let there: Vec<Method> = Method::ALL
            .into_iter()
            .filter(|method| *method != Method::Copy)
            .collect();
        self.some("new", &block.new)?;
        let task = ImageTask::Dedup {
            new: block.new.value,
            methods: self.methods(&block.methods, &there, block.sizes.referenced)?,
            rounds: self.range("rounds", &block.rounds, 1..=MAX_ROUNDS)?,
        };
        self.of_sizes(&block.sizes, block.content, &task)
    }

    fn lazy_start(&self, block: &LazyStartBlock) -> Result<Vec<ImageSpec>, ScenarioError> {
        self.some("files", &block.files)?;
        let ids = StartWay::ALL.map(StartWay::id);
        let ways = self.selected("way", &block.ways, &ids, block.sizes.referenced)?;
        let task = ImageTask::LazyStart {
            files: block.files.value,
            ways: ways.into_iter().filter_map(StartWay::from_id).collect(),
            rounds: self.range("rounds", &block.rounds, 1..=MAX_ROUNDS)?,
        };
        self.of_sizes(&block.sizes, block.content, &task)
    }

    fn layers(&self, block: &LayersBlock, words: &Vocabulary) -> Result<Vec<LayerCellSpec>, ScenarioError> {
        let location = block.sizes.referenced;
        let engines = self.selected("engine", &block.engines, &words.engines, location)?;
        let profiles = self.selected("CPU profile", &block.cpu_profiles, &words.cpu_profiles, location)?;
        let formats = self.selected("format", &block.formats, &Format::ALL.map(Format::name), location)?;
        let threads = self.threads(&block.threads, location)?;
        self.filled("operations", &block.operations.value, block.operations.referenced)?;
        self.sizes(&block.sizes)?;
        let mut specs = Vec::new();
        for size in &block.sizes.value {
            for format in &formats {
                for operation in &block.operations.value {
                    for threads in &threads {
                        for cpu_profile in &profiles {
                            specs.extend(engines.iter().map(|engine| LayerCellSpec {
                                engine,
                                cpu_profile: cpu_profile.clone(),
                                format: LayerFormat(format),
                                operation: *operation,
                                content: block.content,
                                size: size.bytes(),
                                threads: *threads,
                            }));
                        }
                    }
                }
            }
        }
        Ok(specs)
    }

    fn methods(
        &self,
        chosen: &Selection<String>,
        there: &[Method],
        location: Location,
    ) -> Result<Vec<Method>, ScenarioError> {
        let ids: Vec<&'static str> = there.iter().map(|method| method.id()).collect();
        let chosen = self.selected("method", chosen, &ids, location)?;
        Ok(chosen.into_iter().filter_map(Method::from_id).collect())
    }

    fn some(&self, what: &str, share: &Spanned<Share>) -> Result<(), ScenarioError> {
        if share.value.is_zero() {
            let message = format!("{what} is 0; it must be more, such as 0.1");
            return Err(self.error(share.referenced, message));
        }
        Ok(())
    }

    fn of_sizes(
        &self,
        sizes: &Spanned<Vec<ByteSize>>,
        content: ImageContent,
        task: &ImageTask,
    ) -> Result<Vec<ImageSpec>, ScenarioError> {
        self.sizes(sizes)?;
        let spec = |size: &ByteSize| ImageSpec {
            content,
            size: *size,
            task: task.clone(),
        };
        Ok(sizes.value.iter().map(spec).collect())
    }

    fn sizes(&self, sizes: &Spanned<Vec<ByteSize>>) -> Result<(), ScenarioError> {
        self.filled("sizes", &sizes.value, sizes.referenced)?;
        let fits = |size: &&ByteSize| !(MIN_BYTES..=MAX_BYTES).contains(&size.bytes());
        match sizes.value.iter().find(fits) {
            Some(wrong) => {
                let message = format!("the size {wrong} must be 1 MiB to 64 GiB");
                Err(self.error(sizes.referenced, message))
            }
            None => Ok(()),
        }
    }
}
