//! Golden vectors and the check that holds an engine to them.
//!
//! The vectors are files under `data/`, in a format after Wycheproof's that `schema.json` describes; each says where
//! its values come from. `generate/` holds the scripts that wrote them. [`check_all`] runs all vectors of one primitive
//! through an engine, [`check`] a choice that costs little. [`Suite::shipped`] gives the vectors themselves, those of
//! peers' constructions included, for whoever runs them elsewhere.

mod aead;
mod algorithm;
mod case;
mod check;
mod data;
mod error;
mod form;
mod plain;
mod suite;
mod value;
mod xts;

pub use algorithm::{Algorithm, Operation};
pub use case::{Case, Verdict};
pub use check::{Checked, check, check_all};
pub use error::VectorError;
pub use suite::{LeftOut, Suite};
pub use value::Value;
