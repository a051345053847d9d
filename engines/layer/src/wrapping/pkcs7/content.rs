//! The content of an EnvelopedData: AES in CBC as it is written, and in GCM as ocicrypt writes it.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use x509_cert::spki::ObjectIdentifier;
use zeroize::Zeroizing;

use super::Pkcs7Error;

pub(super) const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_128_GCM_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.6");
const AES_256_GCM_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");

/// AES-128-GCM in DER, and what Go's pkcs7 has behind it: the parameters as a SEQUENCE within a SEQUENCE, the outer one
/// without the bit of constructed types.
const GO_GCM: [u8; 12] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x06, 0x10,
];
const SEQUENCE: u8 = 0x30;

/// What was sealed, with its initial vector.
pub(super) struct Sealed {
    pub(super) iv: [u8; 16],
    pub(super) content: Vec<u8>,
}

/// A new key for AES-256.
pub(super) fn random_key() -> Result<Zeroizing<Vec<u8>>, Pkcs7Error> {
    let mut key = Zeroizing::new(vec![0; 32]);
    getrandom::fill(&mut key).map_err(|_| Pkcs7Error::Library("getrandom"))?;
    Ok(key)
}

/// Seals with AES-256-CBC.
pub(super) fn seal(private: &[u8], key: &[u8]) -> Result<Sealed, Pkcs7Error> {
    let failed = |_| Pkcs7Error::Library("encrypting with AES-256-CBC");
    // Room for the padding, so that the plaintext does not move.
    let mut content = Vec::with_capacity(private.len() + 16);
    content.extend_from_slice(private);
    let context = UnboundCipherKey::new(&AES_256, key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.encrypt(&mut content))
        .map_err(failed)?;
    let DecryptionContext::Iv128(iv) = context else {
        return Err(Pkcs7Error::Library("choosing an initial vector"));
    };
    Ok(Sealed {
        iv: *iv.as_ref(),
        content,
    })
}

/// Opens `content` as its algorithm and the value of the algorithm's parameters say. `None`: it does not open.
pub(super) fn open(
    algorithm: ObjectIdentifier,
    parameters: &[u8],
    key: &[u8],
    content: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, Pkcs7Error> {
    let opened = match algorithm {
        AES_128_CBC => cbc(&AES_128, parameters, key, content),
        AES_256_CBC => cbc(&AES_256, parameters, key, content),
        AES_128_GCM_OID => gcm(&AES_128_GCM, parameters, key, content),
        AES_256_GCM_OID => gcm(&AES_256_GCM, parameters, key, content),
        other => return Err(Pkcs7Error::Content(other.to_string())),
    };
    Ok(opened)
}

fn cbc(
    algorithm: &'static Algorithm,
    parameters: &[u8],
    key: &[u8],
    content: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let iv: &[u8; 16] = parameters.try_into().ok()?;
    let mut opened = Zeroizing::new(content.to_vec());
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    let length = PaddedBlockDecryptingKey::cbc_pkcs7(key)
        .and_then(|key| {
            key.decrypt(&mut opened, DecryptionContext::Iv128(FixedLength::from(iv)))
                .map(|plain| plain.len())
        })
        .ok()?;
    opened.truncate(length);
    Some(opened)
}

fn gcm(
    algorithm: &'static aws_lc_rs::aead::Algorithm,
    parameters: &[u8],
    key: &[u8],
    content: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let nonce = Nonce::assume_unique_for_key(gcm_nonce(parameters)?);
    let key = UnboundKey::new(algorithm, key).ok()?;
    let mut opened = Zeroizing::new(content.to_vec());
    let length = LessSafeKey::new(key)
        .open_in_place(nonce, Aad::empty(), &mut opened)
        .ok()?
        .len();
    opened.truncate(length);
    Some(opened)
}

/// The nonce in GCMParameters (RFC 5084), or in what Go's pkcs7 has instead; tags must have 16 bytes.
fn gcm_nonce(parameters: &[u8]) -> Option<[u8; 12]> {
    let members = parameters.strip_prefix(&[SEQUENCE, 17]).unwrap_or(parameters);
    let nonce = members
        .strip_prefix(&[0x84, 12])
        .or_else(|| members.strip_prefix(&[0x04, 12]))?;
    nonce.strip_suffix(&[0x02, 1, 16])?.try_into().ok()
}

/// The packet with the bit that Go's pkcs7 leaves out.
pub(super) fn mended(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let place = packet.windows(GO_GCM.len()).position(|window| window == GO_GCM);
    if let Some(place) = place {
        packet[place + GO_GCM.len() - 1] = SEQUENCE;
    }
    packet
}
