//! The structure of an EnvelopedData.

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    KeyTransRecipientInfo, OriginatorInfo, RecipientIdentifier, RecipientInfo, RecipientInfos,
};
use der::asn1::{Any, Null, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::attr::Attributes;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier};
use zeroize::Zeroizing;

use super::content::{self, AES_256_CBC, Sealed};
use super::{MAX_RECIPIENTS, Pkcs7Error};

const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// As the crate `cms` has it, but for the content.
#[derive(Sequence)]
struct EnvelopedData {
    version: CmsVersion,
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    originator_info: Option<OriginatorInfo>,
    recipients: RecipientInfos,
    content: EncryptedContentInfo,
    #[asn1(
        context_specific = "1",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    unprotected_attributes: Option<Attributes>,
}

/// The content is optional in CMS; without any there is nothing to open.
#[derive(Sequence)]
struct EncryptedContentInfo {
    content_type: ObjectIdentifier,
    algorithm: AlgorithmIdentifierOwned,
    /// `[0] IMPLICIT OCTET STRING`, which Go's pkcs7 writes as BER allows: in parts.
    content: Any,
}

pub(super) struct Envelope(EnvelopedData);

impl Envelope {
    /// Reads what is in a ContentInfo; `None` where it is no EnvelopedData in DER.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let info = ContentInfo::from_der(&content::mended(packet)).ok()?;
        if info.content_type != ENVELOPED_DATA {
            return None;
        }
        let envelope = Self(info.content.decode_as().ok()?);
        (envelope.count() <= MAX_RECIPIENTS).then_some(envelope)
    }

    pub(super) fn count(&self) -> usize {
        self.0.recipients.0.len()
    }

    /// Those to whom the content key goes by RSA with PKCS #1 v1.5.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &KeyTransRecipientInfo> {
        self.0
            .recipients
            .0
            .iter()
            .filter_map(|recipient| match recipient {
                RecipientInfo::Ktri(recipient) if recipient.key_enc_alg.oid == RSA => Some(recipient),
                _ => None,
            })
    }

    /// The content, if it opens under `key`.
    pub(super) fn open(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Pkcs7Error> {
        let sealed = &self.0.content;
        let (Some(parameters), Some(content)) = (&sealed.algorithm.parameters, octets(&sealed.content))
        else {
            return Ok(None);
        };
        content::open(sealed.algorithm.oid, parameters.value(), key, &content)
    }

    /// The same for those recipients alone whose numbers `keep` takes. The content is sealed without naming them.
    pub(super) fn only(self, keep: &mut dyn FnMut(usize) -> bool) -> Option<Vec<u8>> {
        let mut data = self.0;
        let mut number = 0;
        let kept: Vec<RecipientInfo> = data
            .recipients
            .0
            .into_vec()
            .into_iter()
            .filter(|_| {
                number += 1;
                keep(number - 1)
            })
            .collect();
        if kept.is_empty() {
            return None;
        }
        data.recipients = RecipientInfos::try_from(kept).ok()?;
        encode(&data).ok()
    }
}

fn content_tag(constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(0),
    }
}

/// The bytes of a content, whole or in parts.
fn octets(content: &Any) -> Option<Vec<u8>> {
    if content.tag() == content_tag(false) {
        return Some(content.value().to_vec());
    }
    if content.tag() != content_tag(true) {
        return None;
    }
    let mut parts = SliceReader::new(content.value()).ok()?;
    let mut octets = Vec::new();
    while !parts.is_finished() {
        octets.extend_from_slice(OctetString::decode(&mut parts).ok()?.as_bytes());
    }
    Some(octets)
}

/// An EnvelopedData of what was sealed, with the content key wrapped for each certificate.
pub(super) fn write(
    wrapped: Vec<(IssuerAndSerialNumber, Vec<u8>)>,
    sealed: Sealed,
) -> Result<Vec<u8>, Pkcs7Error> {
    let built = (|| {
        let recipients = wrapped
            .into_iter()
            .map(|(certificate, key)| {
                Ok(RecipientInfo::Ktri(KeyTransRecipientInfo {
                    version: CmsVersion::V0,
                    rid: RecipientIdentifier::IssuerAndSerialNumber(certificate),
                    key_enc_alg: AlgorithmIdentifierOwned {
                        oid: RSA,
                        parameters: Some(Any::encode_from(&Null)?),
                    },
                    enc_key: OctetString::new(key)?,
                }))
            })
            .collect::<Result<Vec<_>, der::Error>>()?;
        let data = EnvelopedData {
            version: CmsVersion::V0,
            originator_info: None,
            recipients: RecipientInfos::try_from(recipients)?,
            content: EncryptedContentInfo {
                content_type: DATA,
                algorithm: AlgorithmIdentifierOwned {
                    oid: AES_256_CBC,
                    parameters: Some(Any::encode_from(&OctetString::new(sealed.iv)?)?),
                },
                content: Any::new(content_tag(false), sealed.content)?,
            },
            unprotected_attributes: None,
        };
        encode(&data)
    })();
    built.map_err(|error| Pkcs7Error::Structure(error.to_string()))
}

fn encode(data: &EnvelopedData) -> Result<Vec<u8>, der::Error> {
    let info = ContentInfo {
        content_type: ENVELOPED_DATA,
        content: Any::encode_from(data)?,
    };
    info.to_der()
}
