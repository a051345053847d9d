//! Descriptors, manifests and indexes. Members that are not known are kept, and written behind the known ones.
//!
//! The types of the crate `oci-spec` drop such members, so a manifest that is rewritten through them could lose some.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Digest;
use super::media_type::{CHUNK, is_encrypted};

/// What a manifest or an index says of a blob.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The blob's media type; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's length, in bytes.
    pub size: u64,
    /// The annotations.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// In an index: what a manifest's image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The members that are not known.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// Whether the blob is an encrypted layer, or a chunk of one.
    pub fn is_sealed(&self) -> bool {
        is_encrypted(&self.media_type) || self.media_type == CHUNK
    }

    /// A blob of which no more is said than its digest and length, in bytes.
    pub(crate) fn blob(digest: &Digest, size: u64) -> Self {
        Self {
            media_type: String::new(),
            digest: *digest,
            size,
            annotations: BTreeMap::new(),
            platform: None,
            other: Map::new(),
        }
    }
}

/// What an image runs on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Platform {
    /// The operating system, as Go calls it: `linux`.
    pub os: String,
    /// The CPU architecture, as Go calls it: `amd64`.
    pub architecture: String,
    /// The variant of the architecture: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The members that are not known.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An image's manifest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u64,
    /// The image's configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The members that are not known.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Manifest {
    /// The layers, without the chunks that may be listed behind them.
    pub(crate) fn image_layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().filter(|layer| layer.media_type != CHUNK)
    }
}

/// Several manifests: a layout's entry, or an image for several platforms.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u64,
    /// The manifests, or indexes of manifests.
    pub manifests: Vec<Descriptor>,
    /// The members that are not known.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// In Go, `null` is an empty map.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
