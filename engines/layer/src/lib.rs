//! How image layers are sealed, over any engine: images as OCI layouts, and the formats of their encrypted layers.
//!
//! [`encrypt`], [`decrypt`] and [`rewrap`] work on whole images or on chosen layers, [`show`] says what an image has, and
//! [`LayerReader`] reads any range of a layer whose format has chunks, and [`ImageFiles`] the files of a whole image.
//! [`ocicrypt`] is the compatible layer cipher alone, [`chunks`] what the two formats of ours add.

pub mod chunks;
mod convergent;
mod error;
mod files;
mod formats;
pub mod image;
pub mod nydus;
pub mod ocicrypt;
mod recompress;
mod stream;
mod work;
mod wrapping;

pub use chunks::{LayerReader, ReadAt};
pub use convergent::{
    AVERAGE_CHUNK_BYTES, ChunkSource, ConvergentReader, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, SALT_BYTES, Salt,
};
pub use error::Error;
pub use files::{Blobs, FileNode, FilesOptions, ImageFiles, NodeId, NodeKind, pick_manifest};
pub use formats::{
    EncryptOptions, Format, LayerInfo, LayerOutcome, Removal, Rewrap, SealedDigest, WrappedFor, decrypt,
    encrypt, open_convergent_layer, open_layer, recipients_of, rewrap, show,
};
pub use recompress::Compression;
pub use work::Work;
pub use wrapping::{
    CONFIG_VARIABLE, Keyprovider, KeyproviderError, Keyproviders, LayerRecipient, MAX_REPLY_BYTES, NamedKey,
    PacketKey, Pkcs7Error, Pkcs7Key, Pkcs7Recipient, ProviderKey, ProviderRecipient, REPLY_LIMIT,
    WrappingError,
};
#[cfg(feature = "pgp")]
pub use wrapping::{PgpError, PgpKey, PgpRecipient};
