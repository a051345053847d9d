//! How image layers are sealed, over any engine: images as OCI layouts, and the formats of their encrypted layers.
//!
//! [`encrypt`], [`decrypt`] and [`rewrap`] work on whole images or on chosen layers, [`show`] says what an image has, and
//! [`LayerReader`] reads any range of a layer whose format has chunks. [`ocicrypt`] is the compatible layer cipher alone,
//! [`chunks`] what the two formats of ours add.

pub mod chunks;
mod error;
mod formats;
pub mod image;
pub mod ocicrypt;
mod stream;
mod work;

pub use chunks::{LayerReader, ReadAt};
pub use error::Error;
pub use formats::{
    EncryptOptions, Format, LayerInfo, LayerOutcome, NamedKey, Removal, Rewrap, SealedDigest, WrappedFor,
    decrypt, encrypt, open_layer, recipients_of, rewrap, show,
};
pub use work::Work;
