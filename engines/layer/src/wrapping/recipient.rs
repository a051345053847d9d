//! Whom packets are made for.

use std::path::Path;

use sealab_keys::jwe::{self, JweError};
use sealab_keys::{KeyFileError, Recipient};

use super::{
    JWE, KeyproviderError, Keyproviders, PGP, PKCS7, PROVIDER, Pkcs7Error, Pkcs7Recipient, ProviderRecipient,
};

/// Whom a layer's private options are wrapped for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LayerRecipient {
    /// The holder of a private key; all of them share one JSON Web Encryption.
    Jwe(Recipient),
    /// The holder of a certificate's RSA key; all of them share one CMS EnvelopedData.
    Pkcs7(Pkcs7Recipient),
    /// The holder of an OpenPGP key; all of them share one message.
    #[cfg(feature = "pgp")]
    Pgp(super::PgpRecipient),
    /// A program or service that wraps in a way of its own; one packet for each provider.
    Provider(ProviderRecipient),
}

impl From<Recipient> for LayerRecipient {
    fn from(recipient: Recipient) -> Self {
        Self::Jwe(recipient)
    }
}

impl LayerRecipient {
    /// The recipient in text, as skopeo has it: `jwe:FILE` (a public key or certificate), `pkcs7:FILE` (a certificate) or
    /// `provider:NAME[:PARAMETER]`, of `providers`.
    pub fn read(text: &str, providers: &Keyproviders) -> Result<Self, WrappingError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        if rest.is_empty() {
            return Err(WrappingError::Syntax {
                found: text.to_owned(),
            });
        }
        match scheme {
            JWE => Ok(Self::Jwe(Recipient::read(Path::new(rest))?)),
            PKCS7 => Ok(Self::Pkcs7(Pkcs7Recipient::read(Path::new(rest))?)),
            "provider" => Ok(Self::Provider(ProviderRecipient::parse(rest, providers)?)),
            #[cfg(feature = "pgp")]
            PGP => Ok(Self::Pgp(super::PgpRecipient::read(Path::new(rest))?)),
            #[cfg(not(feature = "pgp"))]
            PGP => Err(WrappingError::Unsupported {
                scheme: PGP,
                reason: "Sealab was built without its feature pgp, whose library is larger than all else it is built of",
            }),
            "pkcs11" => Err(WrappingError::Unsupported {
                scheme: "pkcs11",
                reason: "Sealab speaks to no security modules; a keyprovider can",
            }),
            _ => Err(WrappingError::Syntax {
                found: text.to_owned(),
            }),
        }
    }
}

/// Why packets are not made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrappingError {
    /// A recipient's text is none.
    #[error("{found:?} is no recipient; write jwe:FILE, pkcs7:FILE or provider:NAME[:PARAMETER]")]
    Syntax {
        /// The text.
        found: String,
    },
    /// The scheme is known and not implemented.
    #[error("unsupported: recipients of the scheme {scheme} are not implemented: {reason}")]
    Unsupported {
        /// The scheme.
        scheme: &'static str,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// There are none.
    #[error("there is no recipient; at least one is needed")]
    Nobody,
    /// A recipient's file is no key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A JSON Web Encryption cannot be made.
    #[error(transparent)]
    Jwe(#[from] JweError),
    /// A CMS EnvelopedData cannot be made.
    #[error(transparent)]
    Pkcs7(#[from] Pkcs7Error),
    /// An OpenPGP message cannot be made.
    #[cfg(feature = "pgp")]
    #[error(transparent)]
    Pgp(#[from] super::PgpError),
    /// A keyprovider failed.
    #[error(transparent)]
    Provider(#[from] KeyproviderError),
}

/// A packet, after its scheme.
pub(crate) type Wrapped = (String, Vec<u8>);

/// Wraps private options for all recipients.
pub(crate) fn wrap(private: &[u8], recipients: &[LayerRecipient]) -> Result<Vec<Wrapped>, WrappingError> {
    let (mut jwes, mut certificates) = (Vec::new(), Vec::new());
    #[cfg(feature = "pgp")]
    let mut messages = Vec::new();
    let mut providers: Vec<ProviderRecipient> = Vec::new();
    for recipient in recipients {
        match recipient {
            LayerRecipient::Jwe(recipient) => jwes.push(recipient),
            LayerRecipient::Pkcs7(recipient) => certificates.push(recipient),
            #[cfg(feature = "pgp")]
            LayerRecipient::Pgp(recipient) => messages.push(recipient),
            LayerRecipient::Provider(recipient) => {
                let same = providers
                    .iter_mut()
                    .find(|other| other.name() == recipient.name());
                match same {
                    Some(same) => same.join(recipient),
                    None => providers.push(recipient.clone()),
                }
            }
        }
    }
    let mut packets = Vec::new();
    if !jwes.is_empty() {
        packets.push((JWE.to_owned(), jwe::encrypt(private, &jwes)?.into_bytes()));
    }
    if !certificates.is_empty() {
        packets.push((PKCS7.to_owned(), super::pkcs7::encrypt(private, &certificates)?));
    }
    #[cfg(feature = "pgp")]
    if !messages.is_empty() {
        packets.push((PGP.to_owned(), super::pgp::encrypt(private, &messages)?));
    }
    for provider in providers {
        packets.push((format!("{PROVIDER}{}", provider.name()), provider.wrap(private)?));
    }
    if packets.is_empty() {
        return Err(WrappingError::Nobody);
    }
    Ok(packets)
}
