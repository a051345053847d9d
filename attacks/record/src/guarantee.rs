//! What a format may promise.

use std::fmt;

use serde::Serialize;

/// What a format may promise to whoever seals with it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// The content cannot be read without the key, nor anything about it.
    Confidentiality,
    /// What is handed out is what was sealed, at the place where it was.
    Integrity,
    /// What is handed out is the latest that was sealed, not an older state of it.
    Freshness,
    /// What is handed out is one state as a whole, never parts of several.
    Consistency,
    /// A write that was cut off is there whole or not at all.
    Atomicity,
    /// Names, numbers, counts, sizes and places tell nothing of whom and what the content is about.
    Anonymity,
    /// What is handed out was sealed by the sender that the reader expects.
    Authenticity,
}

impl Guarantee {
    /// All, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Confidentiality,
        Self::Integrity,
        Self::Freshness,
        Self::Consistency,
        Self::Atomicity,
        Self::Anonymity,
        Self::Authenticity,
    ];

    /// The stable identifier, as in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Confidentiality => "confidentiality",
            Self::Integrity => "integrity",
            Self::Freshness => "freshness",
            Self::Consistency => "consistency",
            Self::Atomicity => "atomicity",
            Self::Anonymity => "anonymity",
            Self::Authenticity => "authenticity",
        }
    }

    /// The promise in one sentence.
    pub fn promise(self) -> &'static str {
        match self {
            Self::Confidentiality => "The content cannot be read without the key, nor anything about it.",
            Self::Integrity => "What is handed out is what was sealed, at the place where it was.",
            Self::Freshness => "What is handed out is the latest that was sealed, not an older state.",
            Self::Consistency => "What is handed out is one state as a whole, never parts of several.",
            Self::Atomicity => "A write that was cut off is there whole or not at all.",
            Self::Anonymity => "Names, numbers, counts, sizes and places tell nothing.",
            Self::Authenticity => "What is handed out was sealed by the sender that the reader expects.",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
