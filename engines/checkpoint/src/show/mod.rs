//! Image sets as JSON, as CRIT (CRIU's own tool) shows them.
//!
//! An image is `{"magic": …, "entries": […]}`; an entry has its fields under CRIU's names, its bytes in base64, and
//! what follows it under `extra`. [`Style`] says how numbers are written. Where this differs from CRIT:
//! - fields that no message here has are shown under their numbers (CRIT drops them), as are unknown values of an enum
//!   (CRIT stops), and a missing field is no error;
//! - a pagemap entry of CRIU before 4.2 has `nr_pages`, one of a later CRIU `compat_nr_pages` and `nr_pages`: what the
//!   CRIT of either version prints;
//! - shared memory of System V that is kept in pages has no `extra` (CRIT takes the entries behind it for it);
//! - line ends in the name of a socket are quoted;
//! - an `extra` of more than [`EXTRA_MOST`] bytes is shown by its length and SHA-256;
//! - what CRIT does not read is shown too: `pages-*.img` by its extents, raw files by their length and SHA-256, and
//!   further kinds of images by their entries.
//!
//! [`Images`] is where the plain files come from: a plain set, or a sealed one with its key.

mod descriptor;
mod error;
mod form;
mod image;
mod list;
mod memory;
mod message;
mod pr2297;
mod quoted;
mod sealed;
mod set;
#[cfg(test)]
mod tests;

pub use error::ShowError;
pub use form::Style;
pub use image::EXTRA_MOST;
pub use list::{Listed, list};
pub use pr2297::OpenedSet;
pub use sealed::SealedFiles;
pub use set::{Images, PlainSet, SourceError, write_file, write_set};
