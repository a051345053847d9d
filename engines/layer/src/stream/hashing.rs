//! SHA-256 of what goes by in pieces, for the names of blobs.
//!
//! What belongs to a layer's format is hashed by the engine; names are the same whichever it is, so they come from AWS-LC.

use aws_lc_rs::digest;

use crate::image::Digest;

/// A SHA-256 that is fed in pieces.
pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        let mut octets = [0; 32];
        octets.copy_from_slice(self.0.finish().as_ref());
        Digest::new(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example, in pieces.
    #[test]
    fn pieces_are_one_message() {
        let mut hash = Sha256::new();
        hash.update(b"a");
        hash.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.finish().hex(), expected);
    }
}
