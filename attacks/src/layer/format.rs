//! What the bench needs of a format of images.

use std::path::Path;

use sealab_attack_record::FormatUnderAttack;

use super::image::Image;
use super::keyring::Key;
use super::ours;
use crate::files::Files;

/// Why a format did not do what it was asked, in its own words.
pub(super) type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Where an adversary finds what in a sealed image: numbers of its entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// The entries of the subject's layers, in their order.
    pub(super) layers: Vec<usize>,
    /// The entries that hold ciphertext of the layers.
    pub(super) data: Vec<usize>,
    /// The entries that are annotated with wrapped keys.
    pub(super) wrapped: Vec<usize>,
    /// The length of what can be exchanged within a blob, in bytes; nothing if that is whole blobs of chunks.
    pub(super) unit: Option<usize>,
}

/// A way to keep an image, with its reader.
pub(super) trait LayerFormat {
    fn format(&self) -> FormatUnderAttack;

    /// Seals the layers for the owner of `key`. `folder` is the bench's, empty, and goes.
    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem>;

    /// The same layers, not encrypted, in an image that the reader takes for one of its own if it takes any.
    fn plain(&self, layers: &Files) -> Result<Image, Problem> {
        Ok(ours::plain(layers))
    }

    /// Opens the image in the layout `sealed`. Whatever the reader gives to anybody is in `handed_out` when it returns, also
    /// when it refuses. `folder` is empty and the reader's, and goes.
    fn open(&self, sealed: &Path, key: &Key, folder: &Path, handed_out: &mut Files) -> Result<(), Problem>;

    /// As [`LayerFormat::open`], but no more than the first `bytes` of each layer, by a reader that then stops; nothing if
    /// none can.
    fn open_start(
        &self,
        _sealed: &Path,
        _key: &Key,
        _bytes: usize,
        _handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        None
    }

    /// Where everything stands in a sealed image.
    fn parts(&self, sealed: &Image) -> Parts;

    /// The image with a chunk exchanged for one of the adversary's own making that holds under the chunk's key, which it
    /// has from another image; by how it is offered. Nothing if no two images ever share keys.
    fn forged_chunk(&self, _sealed: &Image, _layers: &Files) -> Result<Vec<(&'static str, Image)>, Problem> {
        Ok(Vec::new())
    }
}
