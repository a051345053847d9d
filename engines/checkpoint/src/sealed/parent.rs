//! Which set a set is, and where the one is that it builds on.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use sealab_engine::Engine;

use super::Error;

pub(super) const COMMITMENT_BYTES: usize = 32;
/// Keeps the digest apart from all others.
const LABEL: &[u8] = b"sealed-checkpoint v1 commitment\0";

/// Which set a set is: SHA-256 over its header and trailer, which fix its key and its index. No key is needed to
/// compute it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Commitment(pub [u8; COMMITMENT_BYTES]);

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Commitment {
    pub(super) fn of(engine: &dyn Engine, header: &[u8], trailer: &[u8]) -> Result<Self, Error> {
        Ok(Self(engine.sha256()?.digest(&[LABEL, header, trailer])?))
    }
}

/// The way from the folder `from`, which need not exist, to the folder `to`, which does; empty if there is none in
/// UTF-8.
pub(super) fn way(from: &Path, to: &Path) -> String {
    find_way(from, to).unwrap_or_default()
}

fn find_way(from: &Path, to: &Path) -> Option<String> {
    let above = match from.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    };
    let from = above.canonicalize().ok()?.join(from.file_name()?);
    let to = to.canonicalize().ok()?;
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let mut way: PathBuf = from
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir)
        .collect();
    way.extend(to.components().skip(shared));
    way.into_os_string().into_string().ok()
}
