//! What an adversary does.

use serde::Serialize;

use crate::Guarantee;

/// One thing that an adversary does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Act {
    /// What is attacked: `checkpoint`, …
    pub plane: &'static str,
    /// The stable identifier, unique within its plane.
    pub id: &'static str,
    /// The guarantee that it tests.
    pub guarantee: Guarantee,
    /// One sentence of what the adversary does.
    pub what: &'static str,
}
