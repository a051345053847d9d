//! Recipients and keys as they are named on the command line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sealab_keys::KeyKind;
use sealab_keys::jwe::JweKey;
use sealab_layer::{
    Keyproviders, LayerRecipient, NamedKey, PacketKey, Pkcs7Key, Pkcs7Recipient, ProviderKey, Removal,
    SALT_BYTES, Salt, WrappingError,
};
use zeroize::Zeroizing;

use super::LayerFailure;
use crate::failure::Failure;
use crate::keys;

/// What `--key` of a keyprovider begins with.
const PROVIDER: &str = "provider:";

pub(super) fn recipients(names: &[String]) -> Result<Vec<LayerRecipient>, LayerFailure> {
    let providers = providers()?;
    let read = |name: &String| LayerRecipient::read(name, &providers).map_err(LayerFailure::from);
    names.iter().map(read).collect()
}

fn providers() -> Result<Keyproviders, LayerFailure> {
    Keyproviders::from_environment().map_err(|error| WrappingError::from(error).into())
}

/// A private key, for every scheme that it may be for.
#[derive(Debug)]
struct PrivateKey {
    jwe: JweKey,
    /// With the certificates that belong to it, else without one; none where the scheme has no keys of its kind.
    pkcs7: Vec<Pkcs7Key>,
}

impl PacketKey for PrivateKey {
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        if let Some(opened) = self.jwe.open(scheme, packet)? {
            return Ok(Some(opened));
        }
        for key in &self.pkcs7 {
            if let Some(opened) = key.open(scheme, packet)? {
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }
}

/// Keys that open layers, with what they were called.
pub(super) struct Keys(Vec<(String, Box<dyn PacketKey>)>);

impl Keys {
    /// The private keys and keyproviders `named`, in their order. A certificate says by which name packets call the
    /// private key that belongs to it, which must be one of them.
    pub(super) fn read(named: &[String], certificates: &[PathBuf]) -> Result<Self, Failure> {
        let providers = providers()?;
        let mut certificates = certificates
            .iter()
            .map(|path| Ok((path, Pkcs7Recipient::read(path)?)))
            .collect::<Result<Vec<_>, WrappingError>>()
            .map_err(LayerFailure::from)?;
        let mut keys: Vec<(String, Box<dyn PacketKey>)> = Vec::new();
        for name in named {
            if let Some(provider) = name.strip_prefix(PROVIDER) {
                let key = ProviderKey::parse(provider, &providers)
                    .map_err(|error| LayerFailure::from(WrappingError::from(error)))?;
                keys.push((name.clone(), Box::new(key)));
                continue;
            }
            let key = keys::private(name)?;
            let mut pkcs7 = Vec::new();
            if let KeyKind::Rsa { .. } = key.kind() {
                let mut others = Vec::new();
                for (path, certificate) in certificates {
                    match Pkcs7Key::new(keys::private(name)?, Some(&certificate)) {
                        Ok(key) => pkcs7.push(key),
                        Err(_) => others.push((path, certificate)),
                    }
                }
                certificates = others;
                if pkcs7.is_empty() {
                    let key = Pkcs7Key::new(keys::private(name)?, None);
                    pkcs7.push(key.map_err(LayerFailure::from)?);
                }
            }
            let jwe = JweKey::from(key);
            keys.push((name.clone(), Box::new(PrivateKey { jwe, pkcs7 })));
        }
        match certificates.first() {
            None => Ok(Self(keys)),
            Some((path, _)) => Err(LayerFailure::broken(
                path,
                "it is not the certificate of any --key that is given; name the private key that belongs to it",
            )
            .into()),
        }
    }

    pub(super) fn named(&self) -> Vec<NamedKey<'_>> {
        self.0
            .iter()
            .map(|(name, key)| NamedKey { name, key: &**key })
            .collect()
    }
}

/// The salt in a file, which has nothing else.
pub(super) fn salt(path: &Path) -> Result<Salt, LayerFailure> {
    let mut bytes = Zeroizing::new([0; SALT_BYTES + 1]);
    let file = File::open(path).map_err(LayerFailure::at(path))?;
    let mut length = 0;
    loop {
        match (&file)
            .read(&mut bytes[length..])
            .map_err(LayerFailure::at(path))?
        {
            0 => break,
            count => length += count,
        }
    }
    match bytes.first_chunk::<SALT_BYTES>() {
        Some(salt) if length == SALT_BYTES => Ok(Salt::new(salt)),
        _ => {
            let found = if length > SALT_BYTES {
                "more".to_owned()
            } else {
                format!("{length} bytes")
            };
            Err(LayerFailure::broken(
                path,
                format!(
                    "it has {found}; a salt is {SALT_BYTES} random bytes, as `head -c {SALT_BYTES} /dev/urandom` gives"
                ),
            ))
        }
    }
}

/// Who is removed.
#[derive(Clone, Debug)]
pub(crate) enum RemovalName {
    /// Everyone whom a private key opens the layer for.
    Key(String),
    /// As `show` lists them.
    Place { packet: usize, recipient: usize },
    /// Everyone who is not added.
    Others,
}

impl FromStr for RemovalName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "others" {
            return Ok(Self::Others);
        }
        if let Some(key) = text.strip_prefix("key:") {
            return Ok(Self::Key(key.to_owned()));
        }
        if let Some((packet, recipient)) = text.split_once('.')
            && let (Ok(packet), Ok(recipient)) = (packet.parse(), recipient.parse())
        {
            return Ok(Self::Place { packet, recipient });
        }
        if text.starts_with("jwe:") {
            return Err(
                "an encrypted image does not say whose public keys it is for; name the recipient as `sealab layer \
                 show` lists it, as 0.1, or by its private key, as key:KEY[:PASSFILE]"
                    .to_owned(),
            );
        }
        Err(format!(
            "{text:?} is no recipient of an image; write PACKET.NUMBER as `sealab layer show` lists them, \
             key:KEY[:PASSFILE] or others"
        ))
    }
}

/// The private keys of those who are removed by them, in the order of `names`.
pub(super) fn removed_keys(names: &[RemovalName]) -> Result<Keys, Failure> {
    let named: Vec<String> = names
        .iter()
        .filter_map(|name| match name {
            RemovalName::Key(key) => Some(key.clone()),
            _ => None,
        })
        .collect();
    Keys::read(&named, &[])
}

pub(super) fn removals<'a>(names: &[RemovalName], keys: &'a [NamedKey<'a>]) -> Vec<Removal<'a>> {
    let mut keys = keys.iter();
    let removal = |name: &RemovalName| match name {
        RemovalName::Others => Some(Removal::Others),
        RemovalName::Place { packet, recipient } => Some(Removal::Place {
            packet: *packet,
            recipient: *recipient,
        }),
        RemovalName::Key(_) => keys.next().map(Removal::Key),
    };
    names.iter().filter_map(removal).collect()
}
