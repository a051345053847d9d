//! ECDH-ES: the key agreement of JWE (RFC 7518, section 4.6) with its Concat KDF over SHA-256.

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::kdf::{
    SskdfDigestAlgorithm, SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest,
};
use zeroize::Zeroizing;

use crate::{Curve, WrapError};

/// What a derived key is bound to.
pub(crate) struct Context<'a> {
    /// The `alg`, or with direct agreement the `enc`, that the key is for.
    pub(crate) algorithm: &'a str,
    /// The sender's party information.
    pub(crate) apu: &'a [u8],
    /// The recipient's party information.
    pub(crate) apv: &'a [u8],
    /// The length of the derived key, in bytes.
    pub(crate) key_bytes: usize,
}

/// An ephemeral public point (uncompressed) and the key that it gives with the recipient's `point`.
pub(crate) fn send(
    curve: Curve,
    point: &[u8],
    context: &Context<'_>,
) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), WrapError> {
    let failed = |_| WrapError::Library("making an ephemeral EC key");
    let ephemeral = PrivateKey::generate(curve.ecdh()).map_err(failed)?;
    let public = ephemeral.compute_public_key().map_err(failed)?;
    let key = receive(&ephemeral, curve, point, context)?;
    Ok((public.as_ref().to_vec(), key))
}

/// The key that `private` gives with the sender's ephemeral `point`; [`WrapError::Refused`] for a point that is not on
/// `curve`.
pub(crate) fn receive(
    private: &PrivateKey,
    curve: Curve,
    point: &[u8],
    context: &Context<'_>,
) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    agree(
        private,
        UnparsedPublicKey::new(curve.ecdh(), point),
        WrapError::Refused("the ephemeral EC key"),
        |secret| concat_kdf(secret, context),
    )
}

fn concat_kdf(secret: &[u8], context: &Context<'_>) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    static SHA256: Option<&SskdfDigestAlgorithm> = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256);
    let failed = WrapError::Library("the Concat KDF");
    let mut info = Vec::new();
    for part in [context.algorithm.as_bytes(), context.apu, context.apv] {
        let Ok(length) = u32::try_from(part.len()) else {
            return Err(failed);
        };
        info.extend(length.to_be_bytes());
        info.extend(part);
    }
    let (Some(sha256), Ok(bits)) = (SHA256, u32::try_from(context.key_bytes * 8)) else {
        return Err(failed);
    };
    info.extend(bits.to_be_bytes());
    let mut key = Zeroizing::new(vec![0; context.key_bytes]);
    match sskdf_digest(sha256, secret, &info, &mut key) {
        Ok(()) => Ok(key),
        Err(_) => Err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7518, appendix C: Z and the derived key of the example with `dir`-like agreement to A128GCM.
    #[test]
    fn the_concat_kdf_is_that_of_rfc_7518() {
        let z = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
            218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let context = Context {
            algorithm: "A128GCM",
            apu: b"Alice",
            apv: b"Bob",
            key_bytes: 16,
        };
        let expected = [
            86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26,
        ];
        assert_eq!(*concat_kdf(&z, &context).unwrap(), expected);
    }

    #[test]
    fn both_sides_agree_on_every_curve_and_only_in_one_context() {
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let private = PrivateKey::generate(curve.ecdh()).unwrap();
            let public = private.compute_public_key().unwrap();
            let context = |algorithm| Context {
                algorithm,
                apu: b"",
                apv: b"",
                key_bytes: 32,
            };
            let (point, sent) = send(curve, public.as_ref(), &context("A256GCM")).unwrap();
            assert_eq!(
                sent,
                receive(&private, curve, &point, &context("A256GCM")).unwrap()
            );
            assert_ne!(
                sent,
                receive(&private, curve, &point, &context("A256GCN")).unwrap()
            );
            let mut off = point.clone();
            off[curve.coordinate_bytes()] ^= 1;
            assert!(matches!(
                receive(&private, curve, &off, &context("A256GCM")),
                Err(WrapError::Refused(_))
            ));
        }
    }
}
