//! What can go wrong in wrapping and unwrapping.

/// Why a key could not be wrapped, unwrapped or derived.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// A length is outside what the algorithm defines.
    #[error("{what} is {found} bytes; it must be {expected}")]
    Length {
        /// The part in question.
        what: &'static str,
        /// Its length, in bytes.
        found: usize,
        /// What would be right.
        expected: String,
    },
    /// The library reported a failure that is none of the others.
    #[error("{0} failed")]
    Library(&'static str),
    /// The bytes do not unwrap under this key: another key made them, or they were changed. Which of the two, and
    /// where, is not told on purpose.
    #[error("{0} does not hold under this key: it was made for another key, or it was changed")]
    Refused(&'static str),
    /// The algorithm, or this size of it, is not implemented.
    #[error("{what} {found} is not implemented; {implemented} are")]
    Unsupported {
        /// What kind of thing was asked for.
        what: &'static str,
        /// What was asked for.
        found: String,
        /// What there is in its place.
        implemented: &'static str,
    },
}
