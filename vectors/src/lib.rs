//! Golden vectors and the check that holds an engine to them.
//!
//! The vectors are files under `data/`, in a format after Wycheproof's that `schema.json` describes; each says where
//! its values come from. `generate/` holds the scripts that wrote them. [`check_all`] runs all vectors of one primitive
//! through an engine, [`check`] a choice that costs little.

mod aead;
mod check;
mod data;
mod error;
mod file;
mod form;
mod plain;
mod xts;

pub use check::{Checked, check, check_all};
pub use error::VectorError;
