//! The verdict on one act for one format.

use serde::Serialize;

use crate::{Guarantee, Verdict};

/// The verdict on one act for one format.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What is attacked: `checkpoint`, …
    pub plane: &'static str,
    /// The format's identifier.
    pub format: &'static str,
    /// The act's identifier.
    pub attack: &'static str,
    /// The guarantee that the act tests.
    pub guarantee: Guarantee,
    /// What came out.
    pub verdict: Verdict,
    /// What was expected; nothing if nobody has said.
    pub expected: Option<Verdict>,
    /// What was tried, and what was seen.
    pub detail: String,
    /// Why the expected verdict is expected; empty if nobody has said.
    pub reason: String,
}

impl Finding {
    /// Whether the verdict is the expected one. Without an expectation it is not.
    pub fn is_expected(&self) -> bool {
        self.expected == Some(self.verdict)
    }
}
