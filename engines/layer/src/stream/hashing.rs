//! SHA-256 and HMAC-SHA-256 over streams.
//!
//! An engine takes a message in one call, which a layer of gigabytes that goes by in pieces is not. So these two come
//! from AWS-LC whatever the engine is, behind types that an engine could take over.

use aws_lc_rs::{digest, hmac};

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
        Digest::new(octets(self.0.finish().as_ref()))
    }
}

/// An HMAC-SHA-256 that is fed in pieces. AWS-LC overwrites its keyed state when it frees it.
pub(crate) struct HmacSha256(hmac::Context);

impl HmacSha256 {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        octets(self.0.sign().as_ref())
    }
}

fn octets(bytes: &[u8]) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(bytes);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example and RFC 4231's test case 2, each in pieces.
    #[test]
    fn pieces_are_one_message() {
        let mut hash = Sha256::new();
        hash.update(b"a");
        hash.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.finish().hex(), expected);
        let mut mac = HmacSha256::new(b"Jefe");
        mac.update(b"what do ya want ");
        mac.update(b"for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(Digest::new(mac.finish()).hex(), expected);
    }
}
