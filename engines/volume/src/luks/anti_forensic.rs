//! The anti-forensic split: key material so spread that losing any part of it loses the key (Fruhwirth, "TKS1", 2004).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{Hash, LuksError};

/// How many stripes a key is split into. Both formats have the number in the header; nobody writes another.
pub(super) const STRIPES: usize = 4000;

/// `key` split into [`STRIPES`] stripes of its own length.
pub(super) fn split(hash: Hash, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, LuksError> {
    let mut stripes = Zeroizing::new(vec![0; key.len() * STRIPES]);
    let (random, last) = stripes.split_at_mut(key.len() * (STRIPES - 1));
    getrandom::fill(random)?;
    let sum = sum(hash, random, key.len());
    for ((byte, sum), key) in last.iter_mut().zip(&*sum).zip(key) {
        *byte = sum ^ key;
    }
    Ok(stripes)
}

/// The key of `key_bytes` bytes that `stripes`, at least that long, were split from.
pub(super) fn merge(hash: Hash, stripes: &[u8], key_bytes: usize) -> Zeroizing<Vec<u8>> {
    let (random, last) = stripes[..key_bytes * STRIPES].split_at(key_bytes * (STRIPES - 1));
    let mut key = sum(hash, random, key_bytes);
    xor(&mut key, last);
    key
}

/// All stripes but the last, summed and diffused.
fn sum(hash: Hash, stripes: &[u8], key_bytes: usize) -> Zeroizing<Vec<u8>> {
    let mut sum = Zeroizing::new(vec![0; key_bytes]);
    for stripe in stripes.chunks_exact(key_bytes) {
        xor(&mut sum, stripe);
        match hash {
            Hash::Sha1 => diffuse::<Sha1>(&mut sum),
            Hash::Sha256 => diffuse::<Sha256>(&mut sum),
            Hash::Sha512 => diffuse::<Sha512>(&mut sum),
        }
    }
    sum
}

fn xor(bytes: &mut [u8], other: &[u8]) {
    for (byte, other) in bytes.iter_mut().zip(other) {
        *byte ^= other;
    }
}

/// Replaces each part as long as a digest, the last perhaps shorter, by the digest of its number and itself.
fn diffuse<D: Digest>(bytes: &mut [u8]) {
    for (number, part) in (0_u32..).zip(bytes.chunks_mut(<D as Digest>::output_size())) {
        let digest = D::new()
            .chain_update(number.to_be_bytes())
            .chain_update(&*part)
            .finalize();
        part.copy_from_slice(&digest[..part.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_merges_and_every_stripe_counts() {
        for hash in Hash::ALL {
            // Longer and shorter than each hash, and no multiple of SHA-1's length.
            for length in [32, 64, 96] {
                let key: Vec<u8> = (0..length as u8).collect();
                let mut stripes = split(hash, &key).unwrap();
                assert!(merge(hash, &stripes, length)[..] == key);
                for at in [0, length * 2000, length * STRIPES - 1] {
                    stripes[at] ^= 1;
                    assert!(merge(hash, &stripes, length)[..] != key, "{hash:?} {length} {at}");
                    stripes[at] ^= 1;
                }
            }
        }
    }
}
