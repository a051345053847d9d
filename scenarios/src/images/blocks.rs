//! An `images` block as a scenario file has it.

use schemars::JsonSchema;
use sealab_images::ImageContent;
use sealab_memory::{ByteSize, Share};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::file::{UnitOperation, default_job_rounds, default_operations, default_threads};
use crate::selection::Selection;

/// What is done with images. Each has one layer, uncompressed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageBlock {
    /// Encrypted and decrypted by whole programs.
    Encrypt(EncryptBlock),
    /// The same once, for the bytes that are stored.
    Space(SpaceBlock),
    /// Two versions pushed to a registry one after the other, pulled and decrypted.
    Dedup(DedupBlock),
    /// A few files of an image in a registry: the whole image is pulled, or those files are read.
    LazyStart(LazyStartBlock),
    /// Encrypted and decrypted within the worker of each engine under each CPU profile.
    Layers(LayersBlock),
}

/// Every method encrypts and decrypts an image of every size.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptBlock {
    /// What the images hold.
    #[serde(default)]
    pub content: ImageContent,
    /// About how long their layers are.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// What they are encrypted with: the lab's formats, skopeo, and copies without encryption.
    #[serde(default)]
    pub methods: Selection<String>,
    /// How often each method encrypts and decrypts.
    #[serde(default = "default_job_rounds")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub rounds: Spanned<i64>,
}

/// Every method encrypts and decrypts an image of every content, once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceBlock {
    /// What the images hold.
    #[schemars(with = "Vec<ImageContent>", length(min = 1))]
    pub contents: Spanned<Vec<ImageContent>>,
    /// About how long their layers are.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// What they are encrypted with.
    #[serde(default)]
    pub methods: Selection<String>,
}

/// Every method pushes two versions of an image into an empty registry, and pulls them again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DedupBlock {
    /// What the first version holds.
    #[serde(default)]
    pub content: ImageContent,
    /// About how long its layer is.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// The part of the second version's bytes that is in no file of the first.
    #[schemars(with = "Share")]
    pub new: Spanned<Share>,
    /// What they are encrypted with; `copy` knows no registry.
    #[serde(default)]
    pub methods: Selection<String>,
    /// How often each method pushes and pulls both.
    #[serde(default = "default_job_rounds")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub rounds: Spanned<i64>,
}

/// Every way comes to the same few files of an image in a registry.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LazyStartBlock {
    /// What the image holds.
    #[serde(default)]
    pub content: ImageContent,
    /// About how long its layer is.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// The part of its files that is wanted.
    #[schemars(with = "Share")]
    pub files: Spanned<Share>,
    /// The ways: to pull all of it, as a method's name says, or to read those files, as `FORMAT-read`.
    #[serde(default)]
    pub ways: Selection<String>,
    /// How often each way is gone.
    #[serde(default = "default_job_rounds")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub rounds: Spanned<i64>,
}

/// Every combination of the lists is a cell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayersBlock {
    /// Engines by identifier, or `all`.
    #[serde(default)]
    pub engines: Selection<String>,
    /// CPU profiles by identifier, or `all`.
    pub cpu_profiles: Selection<String>,
    /// Formats of layers by identifier, or `all`.
    #[serde(default)]
    pub formats: Selection<String>,
    /// What is timed.
    #[serde(default = "default_operations")]
    #[schemars(with = "Vec<UnitOperation>", length(min = 1))]
    pub operations: Spanned<Vec<UnitOperation>>,
    /// What the layers hold.
    #[serde(default)]
    pub content: ImageContent,
    /// About how long they are; in memory there must be room for one in each format for each engine under each CPU profile.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// Numbers of threads, or `all`: 1, 2, 4, … up to the machine's CPUs.
    #[serde(default = "default_threads")]
    #[schemars(with = "Selection<u32>")]
    pub threads: Selection<i64>,
}
