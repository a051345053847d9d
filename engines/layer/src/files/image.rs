//! The files of an image, read as they are asked for.

use std::sync::Arc;

use sealab_engine::Engine;

use super::cache::PieceCache;
use super::open::open_layer;
use super::source::{LayerSource, Reading};
use super::tree::{Place, Tree};
use super::{Blobs, FileNode, NodeId, NodeKind};
use crate::Error;
use crate::image::Manifest;
use crate::wrapping::NamedKey;

/// The most layers of an image; runtimes stop at a few hundred.
const MAX_LAYERS: usize = 1000;

/// How an image's files are read.
#[derive(Clone, Debug)]
pub struct FilesOptions {
    /// Which of an image's platforms, as `os/architecture[/variant]`; none is the host's.
    pub platform: Option<String>,
    /// How many bytes of plaintext are kept at most, so that what is read again is not fetched again.
    pub memory: usize,
}

impl Default for FilesOptions {
    /// The host's platform, and 64 MiB.
    fn default() -> Self {
        Self {
            platform: None,
            memory: 64 << 20,
        }
    }
}

/// The files of an image, of all layers together. Several threads may read.
pub struct ImageFiles<'e> {
    engine: &'e dyn Engine,
    layers: Vec<LayerSource>,
    tree: Tree,
    cache: PieceCache,
}

impl<'e> ImageFiles<'e> {
    /// Opens the layers of `manifest` and reads which files they have: from the sealed index where a layer has one, else
    /// from the headers of its tar. Nothing of a file's content is read.
    ///
    /// Encrypted layers must be of a format with chunks, and each byte that is given out is verified. A layer that is not
    /// encrypted must be an uncompressed tar; its bytes are taken as the source has them, for nothing verifies a part of it.
    pub fn open(
        manifest: &Manifest,
        blobs: Arc<dyn Blobs>,
        keys: &[NamedKey<'_>],
        engine: &'e dyn Engine,
        options: &FilesOptions,
    ) -> Result<Self, Error> {
        let cache = PieceCache::new(options.memory);
        let with = Reading {
            engine,
            cache: &cache,
        };
        let count = manifest.image_layers().count();
        if count > MAX_LAYERS {
            return Err(Error::malformed(
                "the manifest",
                format!("it has {count} layers; files of at most {MAX_LAYERS} are read"),
            ));
        }
        let (mut layers, mut tree) = (Vec::new(), Tree::new());
        for (number, layer) in manifest.image_layers().enumerate() {
            let (source, entries) = open_layer(number, layer, &blobs, keys, with)?;
            tree.add_layer(number, &entries)?;
            layers.push(source);
        }
        tree.finish();
        Ok(Self {
            engine,
            layers,
            tree,
            cache,
        })
    }

    /// What a file is; none for an identifier that is no file's.
    pub fn node(&self, id: NodeId) -> Option<&FileNode> {
        self.tree.node(id).map(|node| &node.file)
    }

    /// The file with the name in a directory.
    pub fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        self.tree.node(parent)?.children.get(name).map(|child| child.id)
    }

    /// Names and files in a directory, in the order of the names' bytes; none in what is no directory.
    pub fn children(&self, parent: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
        let children = self.tree.node(parent).map(|node| node.children.iter());
        children
            .into_iter()
            .flatten()
            .map(|(name, child)| (name.as_slice(), child.id))
    }

    /// The file at a path. Symbolic links are followed within the image, at most 40.
    pub fn resolve(&self, path: &[u8]) -> Result<NodeId, Error> {
        self.tree.resolve(path)
    }

    /// Reads what stands at `offset` of a regular file, as much as there is, verified; says how much that was. On an error
    /// `output` may hold what was verified before.
    pub fn read(&self, id: NodeId, offset: u64, output: &mut [u8]) -> Result<usize, Error> {
        let node = self
            .tree
            .node(id)
            .filter(|node| node.file.kind == NodeKind::Regular);
        let wrong = |problem: &str| Error::malformed(format!("file {}", id.0), problem);
        let node = node.ok_or_else(|| wrong("it is no regular file, and only those have content"))?;
        let length = node.file.size.saturating_sub(offset).min(output.len() as u64) as usize;
        if length == 0 {
            return Ok(0);
        }
        let Some(Place::At { layer, offset: start }) = node.place else {
            return Err(wrong("it is stored as a sparse file, which is not read"));
        };
        let with = Reading {
            engine: self.engine,
            cache: &self.cache,
        };
        let layer = &self.layers[layer];
        layer
            .read_tar(with, start + offset, &mut output[..length])
            .map_err(|error| layer.named(error))?;
        Ok(length)
    }
}
