//! CMS EnvelopedData (RFC 5652), which ocicrypt calls PKCS #7: RSA key transport to the holders of certificates.
//!
//! ocicrypt writes AES-128-GCM, with parameters in an encoding that is no DER and that OpenSSL refuses: that is read. What
//! is written is AES-256-CBC, which both ocicrypt and OpenSSL read, and which keeps the layer's key at 256 bits. It has
//! no code of its own, and needs none against forgers: whoever has the certificate can make a packet anyhow.
//! The key transport is PKCS #1 v1.5 (RFC 8017), the only one that ocicrypt knows; see [`sealab_keys::pkcs1v15`].

mod content;
mod envelope;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cms::cert::IssuerAndSerialNumber;
use cms::enveloped_data::RecipientIdentifier;
use sealab_keys::{Recipient, RecipientKey, WrapError, pkcs1v15};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::{MAX_RECIPIENTS, PKCS7, PacketKey, WrappingError};
use envelope::Envelope;

const MAX_CERTIFICATE_BYTES: usize = 64 << 10;

/// Why an EnvelopedData is not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs7Error {
    /// A recipient's file is no certificate of an RSA key.
    #[error("{file}: {problem}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The structure cannot be built.
    #[error("a CMS EnvelopedData cannot be written: {0}")]
    Structure(String),
    /// Its content is encrypted in a way that is not implemented.
    #[error(
        "unsupported: the content of the CMS EnvelopedData is encrypted with {0}; AES in CBC and GCM are read"
    )]
    Content(String),
    /// Wrapping the content key failed.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The library failed.
    #[error("{0} failed")]
    Library(&'static str),
}

/// The holder of a certificate with an RSA key.
#[derive(Clone, Debug)]
pub struct Pkcs7Recipient {
    certificate: IssuerAndSerialNumber,
    key: Recipient,
}

impl Pkcs7Recipient {
    /// The certificate in the file `path`, in PEM or DER. Its signature, dates and purposes are not looked at.
    pub fn read(path: &Path) -> Result<Self, WrappingError> {
        let file = path.display().to_string();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| {
                file.take(MAX_CERTIFICATE_BYTES as u64 + 1)
                    .read_to_end(&mut bytes)
            })
            .map_err(|error| Pkcs7Error::Certificate {
                file: file.clone(),
                problem: format!("it cannot be read: {error}"),
            })?;
        Self::from_bytes(&file, &bytes)
    }

    /// As [`Pkcs7Recipient::read`], of bytes that are at hand; `file` is what errors call them.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, WrappingError> {
        let wrong = |problem: String| Pkcs7Error::Certificate {
            file: file.to_owned(),
            problem,
        };
        if bytes.len() > MAX_CERTIFICATE_BYTES {
            return Err(wrong(format!("it has more than {MAX_CERTIFICATE_BYTES} bytes")).into());
        }
        let der = match pem_block(bytes) {
            Some(block) => pem_rfc7468::decode_vec(block)
                .map(|(_, der)| der)
                .map_err(|error| wrong(format!("its PEM is wrong: {error}")))?,
            None => bytes.to_vec(),
        };
        let certificate = Certificate::from_der(&der).map_err(|error| {
            wrong(format!(
                "it is no X.509 certificate, which a recipient of PKCS #7 must be named by: {error}"
            ))
        })?;
        let key = Recipient::from_bytes(file, &der)?;
        if !matches!(key.kind(), sealab_keys::KeyKind::Rsa { .. }) {
            return Err(wrong(format!(
                "its key is {}; ocicrypt's PKCS #7 is for RSA alone",
                key.kind()
            ))
            .into());
        }
        let certificate = certificate.tbs_certificate();
        Ok(Self {
            certificate: IssuerAndSerialNumber {
                issuer: certificate.issuer().clone(),
                serial_number: certificate.serial_number().clone(),
            },
            key,
        })
    }
}

fn pem_block(bytes: &[u8]) -> Option<&[u8]> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = str::from_utf8(bytes).ok()?;
    let text = &text[text.find(BEGIN)?..];
    Some(&text.as_bytes()[..text.find(END)? + END.len()])
}

/// A private key that opens EnvelopedData.
#[derive(Debug)]
pub struct Pkcs7Key {
    key: RecipientKey,
    certificate: Option<IssuerAndSerialNumber>,
}

impl Pkcs7Key {
    /// A key with the certificate by which packets name it. Without one, the key is tried on each recipient.
    pub fn new(key: RecipientKey, certificate: Option<&Pkcs7Recipient>) -> Result<Self, WrappingError> {
        if certificate.is_some_and(|certificate| certificate.key.id() != key.id()) {
            return Err(Pkcs7Error::Certificate {
                file: "the certificate".to_owned(),
                problem: format!("it is not that of the private key, which has {}", key.id()),
            }
            .into());
        }
        Ok(Self {
            key,
            certificate: certificate.map(|certificate| certificate.certificate.clone()),
        })
    }

    fn is_named(&self, recipient: &RecipientIdentifier) -> bool {
        match (&self.certificate, recipient) {
            (Some(own), RecipientIdentifier::IssuerAndSerialNumber(named)) => own == named,
            // An identifier of the key: tried.
            _ => true,
        }
    }
}

impl PacketKey for Pkcs7Key {
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        if scheme != PKCS7 {
            return Ok(None);
        }
        // A packet that is none does not keep the next one from fitting.
        let Some(envelope) = Envelope::parse(packet) else {
            return Ok(None);
        };
        for recipient in envelope.recipients().take(MAX_RECIPIENTS) {
            if !self.is_named(&recipient.rid) {
                continue;
            }
            let content_key = pkcs1v15::decrypt(&self.key, recipient.enc_key.as_bytes());
            // Whether the padding held does not show (RFC 3218): another key is taken, under which nothing opens.
            let content_key = match content_key {
                Ok(key) => key,
                Err(_) => content::random_key()?,
            };
            if let Some(private) = envelope.open(&content_key)? {
                return Ok(Some(private));
            }
        }
        Ok(None)
    }
}

/// An EnvelopedData of `private` for all recipients.
pub(super) fn encrypt(private: &[u8], recipients: &[&Pkcs7Recipient]) -> Result<Vec<u8>, Pkcs7Error> {
    let content_key = content::random_key()?;
    let mut wrapped = Vec::new();
    for recipient in recipients {
        let key = pkcs1v15::encrypt(&recipient.key, &content_key)?;
        wrapped.push((recipient.certificate.clone(), key));
    }
    let sealed = content::seal(private, &content_key)?;
    envelope::write(wrapped, sealed)
}

/// How many recipients the EnvelopedData has; one that is none has one.
pub(crate) fn count(packet: &[u8]) -> usize {
    Envelope::parse(packet).map_or(1, |envelope| envelope.count())
}

/// The EnvelopedData for those recipients alone whose numbers `keep` takes; `None` if that is none.
pub(crate) fn only(packet: &[u8], keep: &mut dyn FnMut(usize) -> bool) -> Option<Vec<u8>> {
    Envelope::parse(packet)?.only(keep)
}
