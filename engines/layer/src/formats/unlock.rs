//! Finding the key that opens a layer.

use sealab_keys::jwe::{self, JweKey, Limits};
use zeroize::Zeroizing;

use super::annotations::{self, JWE, MAX_PACKET_BYTES};
use super::recipients::MAX_RECIPIENTS;
use crate::Error;
use crate::chunks::StreamCipher;
use crate::image::{Descriptor, LayerPlace};
use crate::ocicrypt::{CIPHER, LayerOptions};

/// A key with the name that messages call it by.
#[derive(Clone, Copy, Debug)]
pub struct NamedKey<'a> {
    /// Its file, for example.
    pub name: &'a str,
    /// The key.
    pub key: &'a JweKey,
}

/// What opens a layer.
pub(super) struct Unlocked {
    pub(super) options: LayerOptions,
    /// The stream's cipher; none is ocicrypt's own.
    pub(super) stream: Option<StreamCipher>,
    /// The name of the key that fitted.
    pub(super) key: String,
}

pub(super) const LIMITS: Limits = Limits {
    bytes: MAX_PACKET_BYTES,
    recipients: MAX_RECIPIENTS,
};

/// The private options of the layer, and the name of the key that opened them.
pub(super) fn private_options(
    place: &str,
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
) -> Result<(Zeroizing<String>, String), Error> {
    let packets = annotations::packets(&layer.annotations, JWE)?;
    for packet in &packets {
        // A packet that is no JWE does not keep the next one from fitting.
        let Ok(text) = str::from_utf8(packet) else {
            continue;
        };
        for key in keys {
            let Ok(opened) = jwe::decrypt(text, key.key, LIMITS) else {
                continue;
            };
            let private = str::from_utf8(&opened)
                .map_err(|_| Error::malformed(place, "the private options are not UTF-8"))?;
            return Ok((Zeroizing::new(private.to_owned()), key.name.to_owned()));
        }
    }
    let list = |words: Vec<String>| {
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        }
    };
    let schemes = annotations::schemes(&layer.annotations);
    Err(Error::NoKey {
        layer: place.to_owned(),
        tried: list(keys.iter().map(|key| key.name.to_owned()).collect()),
        schemes: list(
            schemes
                .into_iter()
                .map(|(scheme, packets)| match scheme.as_str() {
                    JWE => format!("jwe ({packets} packets)"),
                    _ => format!("{scheme} ({packets} packets, not implemented)"),
                })
                .collect(),
        ),
    })
}

pub(super) fn unlock(
    place: &LayerPlace,
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
) -> Result<Unlocked, Error> {
    let place = place.to_string();
    let within = |error| match error {
        Error::Malformed { place: part, problem } => Error::malformed(format!("{place}: {part}"), problem),
        other => other,
    };
    // First, so that stripped options are not taken for a key that does not fit.
    let public = annotations::public_options(&layer.annotations).map_err(within)?;
    let (private, key) = private_options(&place, layer, keys).map_err(within)?;
    let ciphers = [CIPHER, StreamCipher::ALL[0].name(), StreamCipher::ALL[1].name()];
    let (options, cipher) =
        LayerOptions::parse_among(&private, &public, &ciphers).map_err(Error::layer(&place))?;
    Ok(Unlocked {
        options,
        stream: StreamCipher::ALL
            .into_iter()
            .find(|stream| stream.name() == cipher),
        key,
    })
}
