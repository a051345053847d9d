//! What the superblocks of dm-integrity and dm-verity share: how a field is refused, and how one is cut out.

/// A field of a superblock, or of the parameters given in its place, that cannot be right, or that asks for what is not
/// supported.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} at byte {offset} of the superblock: found {found}; it must be {expected}")]
pub struct SuperblockError {
    /// The field's name.
    pub field: &'static str,
    /// Where it stands, in bytes from the superblock's start.
    pub offset: usize,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

/// That the field at `offset` is `found`, which is not `expected`.
pub(crate) fn wrong(
    field: &'static str,
    offset: usize,
    found: impl ToString,
    expected: impl Into<String>,
) -> SuperblockError {
    SuperblockError {
        field,
        offset,
        found: found.to_string(),
        expected: expected.into(),
    }
}

/// The `N` bytes at `at` of a superblock of `SIZE` bytes.
pub(crate) fn array<const N: usize, const SIZE: usize>(bytes: &[u8; SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
