//! Where the blobs of an image come from.

use std::io;

use crate::ReadAt;
use crate::image::{Descriptor, Layout};

/// An image's blobs: those of a layout, or of a registry, where only the ranges that are read are fetched.
pub trait Blobs: Send + Sync {
    /// The blob that `blob` describes, for reading at any place. Its digest is not the source's to verify.
    fn blob(&self, blob: &Descriptor) -> io::Result<Box<dyn ReadAt>>;
}

impl Blobs for Layout {
    fn blob(&self, blob: &Descriptor) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(self.open_blob(blob).map_err(io::Error::other)?))
    }
}
