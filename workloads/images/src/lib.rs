//! Container images to be measured, and what people do with them: encrypt them whole, push two versions of one, read a few of
//! their files.
//!
//! A [`Tree`] is the files of an image: an even sample of the host's own, or made up; [`Tree::next_version`] is the same with
//! a part of it changed. [`Image::write`] makes an OCI layout with one layer of it. [`Encryption`], [`Versions`] and
//! [`Start`] have every [`Method`] work on it in interleaved rounds, as whole programs, and hold what comes back to what it
//! was, byte for byte. [`Registry`] is a real one on this machine, whose traffic is counted.

mod comparison;
mod content;
mod counted;
mod encryption;
mod error;
mod image;
mod method;
mod registry;
mod selected;
mod start;
mod tarball;
mod toolbox;
mod tree;
mod version;
mod versions;

pub use comparison::{Comparison, Row, Way};
pub use content::ImageContent;
pub use encryption::Encryption;
pub use error::ImagesError;
pub use image::Image;
pub use method::Method;
pub use registry::Registry;
pub use start::{Start, StartWay};
pub use tree::Tree;
pub use versions::{Version, Versions};
