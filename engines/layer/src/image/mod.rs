//! Images as OCI layouts in folders: index, manifests, descriptors, blobs (image-spec 1.1).
//!
//! Manifests are read into types that keep the members they do not know, so that what is rewritten loses nothing.

mod choice;
mod descriptor;
mod digest;
mod layout;
mod media_type;
mod reference;
mod walk;
mod writer;

pub use choice::LayerChoice;
pub use descriptor::{Descriptor, Index, Manifest, Platform};
pub use digest::Digest;
pub use layout::{Layout, MAX_MANIFEST_BYTES};
pub use reference::ImageReference;

pub(crate) use media_type::{
    Compressed, INDEX, MANIFEST, compressed, decrypted, encrypted, is_encrypted, recompressed,
};
pub(crate) use walk::{LayerPlace, rewrite, visit};
pub(crate) use writer::{BlobWriter, NewLayout, PartialBlob, replace_index};

/// The annotation of an encrypted layer that holds the sealed index of its files. Ours; a name under the prefix whose
/// annotations every implementation drops where it decrypts the layer.
pub(crate) const FILE_INDEX: &str = "org.opencontainers.image.enc.sealab.files";

/// The annotation of an index that holds a tag.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
