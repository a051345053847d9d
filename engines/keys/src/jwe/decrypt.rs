//! Opening a JWE with one key.

use zeroize::Zeroizing;

use super::algorithm::KeyManagement;
use super::content::ContentEncryption;
use super::header::Header;
use super::serialization::{Packet, PacketRecipient, decode, malformed};
use super::{JweError, JweKey, Limits, Material};
use crate::recipient_key::RecipientPrivate;
use crate::{Curve, RecipientKey, ecdh_es, key_wrap, rsa_oaep};

/// The content of a JWE in its compact, flattened or general serialization. Of several recipients, each that `key` could
/// be is tried in turn.
pub fn decrypt(jwe: &str, key: &JweKey, limits: Limits) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let packet = Packet::parse(jwe, limits)?;
    let mut unsupported = None;
    let mut refused = false;
    for recipient in &packet.recipients {
        match open(&packet, recipient, key) {
            Ok(Some(content)) => return Ok(content),
            Ok(None) => {}
            Err(error @ JweError::Unsupported { .. }) => unsupported = unsupported.or(Some(error)),
            Err(error @ JweError::Malformed { .. }) => return Err(error),
            Err(_) => refused = true,
        }
    }
    if refused {
        return Err(JweError::Refused);
    }
    Err(unsupported.unwrap_or_else(|| other_keys(&packet)))
}

fn other_keys(packet: &Packet) -> JweError {
    let mut algorithms: Vec<&str> = packet
        .recipients
        .iter()
        .filter_map(|recipient| recipient.header.alg.as_deref())
        .collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    JweError::OtherKeys {
        algorithms: algorithms.join(", "),
    }
}

/// The content through one recipient; `None` if the key is of another kind than the recipient's.
fn open(
    packet: &Packet,
    recipient: &PacketRecipient,
    key: &JweKey,
) -> Result<Option<Zeroizing<Vec<u8>>>, JweError> {
    let header = &recipient.header;
    header.check_extensions()?;
    let alg = required("alg", &header.alg)?;
    let enc = required("enc", &header.enc)?;
    let management = KeyManagement::from_name(alg).ok_or_else(|| unsupported("alg", alg))?;
    let encryption = ContentEncryption::from_name(enc).ok_or_else(|| unsupported("enc", enc))?;
    // A key with an `alg` is for that alone; a key that is itself the content key can name its `enc`.
    let allowed = key
        .algorithm
        .as_deref()
        .is_none_or(|only| only == alg || (management == KeyManagement::Direct && only == enc));
    if !allowed {
        return Ok(None);
    }
    let content_key = match (&key.material, management) {
        (Material::Private(private), KeyManagement::RsaOaep(hash)) => {
            let RecipientPrivate::Rsa(_) = private.key() else {
                return Ok(None);
            };
            rsa_oaep::decrypt(private, hash, hash, b"", &recipient.encrypted_key).map_err(JweError::Wrap)?
        }
        (Material::Private(private), KeyManagement::EcdhEs) => {
            no_encrypted_key(recipient)?;
            match agree(private, header, enc, encryption.key_bytes())? {
                Some(agreed) => agreed,
                None => return Ok(None),
            }
        }
        (Material::Private(private), KeyManagement::EcdhEsAesKw(bytes)) => {
            let Some(agreed) = agree(private, header, alg, bytes)? else {
                return Ok(None);
            };
            key_wrap::unwrap(&agreed, &recipient.encrypted_key).map_err(JweError::Wrap)?
        }
        (Material::Symmetric(symmetric), KeyManagement::AesKw(bytes)) => {
            if symmetric.len() != bytes {
                return Ok(None);
            }
            key_wrap::unwrap(symmetric, &recipient.encrypted_key).map_err(JweError::Wrap)?
        }
        (Material::Symmetric(symmetric), KeyManagement::Direct) => {
            no_encrypted_key(recipient)?;
            symmetric.clone()
        }
        (Material::Private(_), KeyManagement::AesKw(_) | KeyManagement::Direct)
        | (
            Material::Symmetric(_),
            KeyManagement::EcdhEs | KeyManagement::EcdhEsAesKw(_) | KeyManagement::RsaOaep(_),
        ) => return Ok(None),
    };
    encryption
        .open(
            &content_key,
            &packet.iv,
            &packet.associated_data,
            &packet.ciphertext,
            &packet.tag,
        )
        .map(Some)
        .map_err(JweError::Wrap)
}

/// The agreed key, or `None` if `private` is on another curve than the sender's key.
fn agree(
    private: &RecipientKey,
    header: &Header,
    algorithm: &str,
    key_bytes: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, JweError> {
    let RecipientPrivate::Ec(curve, private) = private.key() else {
        return Ok(None);
    };
    let epk = header
        .epk
        .as_ref()
        .ok_or_else(|| malformed("header", "\"epk\" is missing"))?;
    if epk.kty != "EC" {
        return Err(unsupported("epk.kty", &epk.kty));
    }
    let sender = Curve::from_name(&epk.crv).ok_or_else(|| unsupported("epk.crv", &epk.crv))?;
    if sender != *curve {
        return Ok(None);
    }
    let coordinate = |part, text: &str| {
        let bytes = decode(part, text)?;
        if bytes.len() == curve.coordinate_bytes() {
            Ok(bytes)
        } else {
            let (found, expected) = (bytes.len(), curve.coordinate_bytes());
            Err(malformed(
                part,
                format!("it has {found} bytes; on {curve} it must have {expected}"),
            ))
        }
    };
    let point = [
        &[4],
        coordinate("epk's x", &epk.x)?.as_slice(),
        coordinate("epk's y", &epk.y)?.as_slice(),
    ]
    .concat();
    let context = ecdh_es::Context {
        algorithm,
        apu: &decode("apu", header.apu.as_deref().unwrap_or_default())?,
        apv: &decode("apv", header.apv.as_deref().unwrap_or_default())?,
        key_bytes,
    };
    ecdh_es::receive(private, *curve, &point, &context)
        .map(Some)
        .map_err(JweError::Wrap)
}

fn no_encrypted_key(recipient: &PacketRecipient) -> Result<(), JweError> {
    if recipient.encrypted_key.is_empty() {
        return Ok(());
    }
    Err(malformed(
        "encrypted key",
        "it is there, and this algorithm has none",
    ))
}

fn required<'a>(member: &str, value: &'a Option<String>) -> Result<&'a str, JweError> {
    value
        .as_deref()
        .ok_or_else(|| malformed("header", format!("\"{member}\" is missing")))
}

fn unsupported(member: &'static str, found: &str) -> JweError {
    JweError::Unsupported {
        member,
        found: format!("\"{found}\""),
    }
}
