//! How a layer's private options are wrapped for recipients: one kind of packet for each scheme that ocicrypt has.
//!
//! A [`LayerRecipient`] is who packets are made for, a [`PacketKey`] what opens them. Implemented are `jwe`, `pkcs7` and
//! the keyproviders, with the feature `pgp` OpenPGP; `pkcs11` is refused with the reason.

mod key;
mod keyprovider;
#[cfg(feature = "pgp")]
mod pgp;
mod pkcs7;
mod recipient;

pub use key::{NamedKey, PacketKey};
pub use keyprovider::{
    CONFIG_VARIABLE, Keyprovider, KeyproviderError, Keyproviders, MAX_REPLY_BYTES, ProviderKey,
    ProviderRecipient, REPLY_LIMIT,
};
#[cfg(feature = "pgp")]
pub use pgp::{PgpError, PgpKey, PgpRecipient};
pub use pkcs7::{Pkcs7Error, Pkcs7Key, Pkcs7Recipient};
pub use recipient::{LayerRecipient, WrappingError};

pub(crate) use key::MAX_RECIPIENTS;
pub(crate) use pkcs7::{count as count_pkcs7, only as only_pkcs7};
pub(crate) use recipient::wrap;

/// The longest packet that is read, in bytes: some 100 recipients with long RSA keys.
pub(crate) const MAX_PACKET_BYTES: usize = 256 << 10;

/// The scheme of JSON Web Encryption, as annotations name it.
pub(crate) const JWE: &str = "jwe";
/// The scheme of CMS, as annotations name it.
pub(crate) const PKCS7: &str = "pkcs7";
/// The scheme of OpenPGP, as annotations name it.
pub(crate) const PGP: &str = "pgp";
/// What the schemes of keyproviders begin with; the provider's name follows.
pub(crate) const PROVIDER: &str = "provider.";
