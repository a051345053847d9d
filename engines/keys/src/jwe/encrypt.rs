//! Sealing a JWE as ocicrypt does: content under A256GCM, its key under RSA-OAEP (SHA-1) or ECDH-ES+A256KW; the flattened
//! serialization for one recipient and the general one for several.

use aws_lc_rs::rand;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use zeroize::Zeroizing;

use super::content::{A256GCM, seal_a256gcm};
use super::header::EphemeralKey;
use super::serialization::malformed;
use super::{JweError, Limits};
use crate::recipient::RecipientPublic;
use crate::rsa_oaep::Hash;
use crate::{Curve, Recipient, WrapError, ecdh_es, key_wrap, rsa_oaep};

const EC_ALGORITHM: &str = "ECDH-ES+A256KW";

/// The header of one recipient; members in the order in which go-jose writes them.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epk: Option<EphemeralKey>,
}

#[derive(Serialize)]
struct Flattened {
    protected: String,
    encrypted_key: String,
    iv: String,
    ciphertext: String,
    tag: String,
}

#[derive(Serialize)]
struct General<'a> {
    protected: String,
    recipients: Vec<GeneralRecipient<'a>>,
    iv: String,
    ciphertext: String,
    tag: String,
}

#[derive(Serialize)]
struct GeneralRecipient<'a> {
    header: Written<'a>,
    encrypted_key: String,
}

/// Seals `content` so that each of `recipients`, at least one and at most 100, can open it.
pub fn encrypt(content: &[u8], recipients: &[&Recipient]) -> Result<String, JweError> {
    let limit = Limits::default().recipients;
    if recipients.len() > limit {
        return Err(JweError::TooMany {
            what: "recipients",
            found: recipients.len(),
            limit,
        });
    }
    let failed = |_| JweError::Wrap(WrapError::Library("drawing random bytes"));
    let mut key = Zeroizing::new(vec![0; A256GCM.key_bytes()]);
    rand::fill(&mut key).map_err(failed)?;
    let mut iv = [0; 12];
    rand::fill(&mut iv).map_err(failed)?;

    let mut wrapped = recipients
        .iter()
        .map(|recipient| wrap(recipient, &key))
        .collect::<Result<Vec<_>, _>>()
        .map_err(JweError::Wrap)?;
    // A single recipient's header is protected, several ones' cannot be.
    let single = if wrapped.len() == 1 { wrapped.pop() } else { None };
    let (alg, epk, encrypted_key) = match single {
        Some(GeneralRecipient {
            header,
            encrypted_key,
        }) => (header.alg, header.epk, Some(encrypted_key)),
        None => (None, None, None),
    };
    let protected = base64url(
        json(&Written {
            alg,
            enc: Some(A256GCM.name),
            epk,
        })?
        .as_bytes(),
    );
    let mut ciphertext = Zeroizing::new(content.to_vec());
    let tag = seal_a256gcm(&key, iv, protected.as_bytes(), &mut ciphertext).map_err(JweError::Wrap)?;
    let (iv, ciphertext, tag) = (base64url(&iv), base64url(&ciphertext), base64url(&tag));
    match encrypted_key {
        Some(encrypted_key) => json(&Flattened {
            protected,
            encrypted_key,
            iv,
            ciphertext,
            tag,
        }),
        None if wrapped.is_empty() => Err(malformed("list of recipients", "it is empty")),
        None => json(&General {
            protected,
            recipients: wrapped,
            iv,
            ciphertext,
            tag,
        }),
    }
}

fn wrap(recipient: &Recipient, key: &[u8]) -> Result<GeneralRecipient<'static>, WrapError> {
    let (alg, epk, encrypted_key) = match recipient.key() {
        RecipientPublic::Rsa(_) => (
            "RSA-OAEP",
            None,
            rsa_oaep::encrypt(recipient, Hash::Sha1, Hash::Sha1, b"", key)?,
        ),
        RecipientPublic::Ec(curve) => {
            let context = ecdh_es::Context {
                algorithm: EC_ALGORITHM,
                apu: b"",
                apv: b"",
                key_bytes: 32,
            };
            let (point, agreed) = ecdh_es::send(*curve, recipient.point(*curve), &context)?;
            (
                EC_ALGORITHM,
                Some(ephemeral(*curve, &point)),
                key_wrap::wrap(&agreed, key)?,
            )
        }
    };
    Ok(GeneralRecipient {
        header: Written {
            alg: Some(alg),
            enc: None,
            epk,
        },
        encrypted_key: base64url(&encrypted_key),
    })
}

fn ephemeral(curve: Curve, point: &[u8]) -> EphemeralKey {
    // After the octet that says "uncompressed".
    let (x, y) = point[1..].split_at(curve.coordinate_bytes());
    EphemeralKey {
        kty: "EC".to_owned(),
        crv: curve.name().to_owned(),
        x: base64url(x),
        y: base64url(y),
    }
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn json(value: &impl Serialize) -> Result<String, JweError> {
    serde_json::to_string(value).map_err(|error| malformed("JSON", error.to_string()))
}
