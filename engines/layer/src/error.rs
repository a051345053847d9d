//! What can go wrong with an image.

use std::io;
use std::path::{Path, PathBuf};

use sealab_engine::EngineError;
use sealab_keys::WrapError;

use crate::image::Digest;
use crate::ocicrypt::LayerError;
use crate::wrapping::WrappingError;

/// Why an image was not read, sealed, opened or rewrapped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The output is there already; nothing is ever replaced.
    #[error("{} exists; name a folder that does not", .0.display())]
    Exists(PathBuf),
    /// A part of the image is not as its specification has it.
    #[error("{place}: {problem}")]
    Malformed {
        /// The file, and the place in it.
        place: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A part of a layer is not authentic.
    #[error("{place}: {problem}")]
    Unauthentic {
        /// The layer, and the place in it.
        place: String,
        /// What does not hold.
        problem: String,
    },
    /// What was asked for is not in the image.
    #[error("{place} has no {wanted}; it has {present}")]
    NotFound {
        /// Where it was looked for.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        present: String,
    },
    /// A blob has not the digest that it is named by.
    #[error("the blob {expected} is not what its name says: its digest is {found}")]
    Digest {
        /// The digest in its descriptor.
        expected: Digest,
        /// The digest of what was read.
        found: Digest,
    },
    /// A blob is longer or shorter than its descriptor says.
    #[error("the blob {digest} has {found} bytes; its descriptor says {expected}")]
    Size {
        /// The blob.
        digest: Digest,
        /// The length in its descriptor, in bytes.
        expected: u64,
        /// The length of its file, in bytes.
        found: u64,
    },
    /// None of the keys opens any packet of a layer.
    #[error("no key fits {layer}: tried {tried}; it is wrapped by {schemes}")]
    NoKey {
        /// The layer.
        layer: String,
        /// The names of the keys.
        tried: String,
        /// The layer's key-wrapping schemes, each with its number of packets.
        schemes: String,
    },
    /// A layer cannot be sealed or opened.
    #[error("{layer}: {source}")]
    Layer {
        /// The layer.
        layer: String,
        /// Why.
        source: LayerError,
    },
    /// A layer's key cannot be wrapped.
    #[error("{layer}: {source}")]
    Wrapping {
        /// The layer.
        layer: String,
        /// Why.
        source: Box<WrappingError>,
    },
    /// The engine reported an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Deriving a key failed.
    #[error(transparent)]
    Derive(#[from] WrapError),
    /// The work was interrupted; nothing of it is left.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn malformed(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Malformed {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn unauthentic(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Unauthentic {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn layer(layer: &str) -> impl FnOnce(LayerError) -> Self {
        let layer = layer.to_owned();
        move |source| Self::Layer { layer, source }
    }

    pub(crate) fn wrapping(layer: &str) -> impl FnOnce(WrappingError) -> Self {
        let layer = layer.to_owned();
        move |source| Self::Wrapping {
            layer,
            source: Box::new(source),
        }
    }
}
