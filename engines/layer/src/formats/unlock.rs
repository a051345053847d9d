//! Finding the key that opens a layer.

use zeroize::Zeroizing;

use super::annotations;
use crate::Error;
use crate::chunks::StreamCipher;
use crate::convergent::CONVERGENT;
use crate::image::{Descriptor, LayerPlace};
use crate::ocicrypt::{CIPHER, LayerOptions};
use crate::wrapping::NamedKey;

/// The cipher of a layer, as its public options name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LayerCipherName {
    /// ocicrypt's own, with a tag table or without.
    Ocicrypt,
    Stream(StreamCipher),
    Convergent,
}

/// What opens a layer.
pub(super) struct Unlocked {
    pub(super) options: LayerOptions,
    pub(super) cipher: LayerCipherName,
    /// The name of the key that fitted.
    pub(super) key: String,
}

/// The private options of the layer, and the name of the key that opened them.
pub(super) fn private_options(
    place: &str,
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
) -> Result<(Zeroizing<String>, String), Error> {
    let schemes = annotations::schemes(&layer.annotations);
    // What keys had to complain of, behind their names.
    let mut complaints = vec![None; keys.len()];
    let mut unreadable = None;
    for scheme in schemes.keys() {
        // A scheme that cannot be read does not keep the next one from fitting.
        let packets = annotations::packets(&layer.annotations, scheme).unwrap_or_else(|error| {
            unreadable.get_or_insert(error);
            Vec::new()
        });
        for packet in packets {
            for (key, complaint) in keys.iter().zip(&mut complaints) {
                let opened = match key.key.open(scheme, &packet) {
                    Ok(Some(opened)) => opened,
                    Ok(None) => continue,
                    Err(error) => {
                        *complaint = Some(error.to_string());
                        continue;
                    }
                };
                let private = str::from_utf8(&opened)
                    .map_err(|_| Error::malformed(place, "the private options are not UTF-8"))?;
                return Ok((Zeroizing::new(private.to_owned()), key.name.to_owned()));
            }
        }
    }
    if let Some(error) = unreadable {
        return Err(error);
    }
    let list = |words: Vec<String>| {
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        }
    };
    let tried = keys
        .iter()
        .zip(complaints)
        .map(|(key, complaint)| match complaint {
            Some(complaint) => format!("{} ({complaint})", key.name),
            None => key.name.to_owned(),
        });
    let schemes = schemes
        .into_iter()
        .map(|(scheme, packets)| match scheme.as_str() {
            "pkcs11" => format!("{scheme} ({packets} packets, not implemented)"),
            "pgp" if !cfg!(feature = "pgp") => format!("{scheme} ({packets} packets, not built in)"),
            _ => format!("{scheme} ({packets} packets)"),
        });
    Err(Error::NoKey {
        layer: place.to_owned(),
        tried: list(tried.collect()),
        schemes: list(schemes.collect()),
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
    let ciphers = [
        CIPHER,
        StreamCipher::ALL[0].name(),
        StreamCipher::ALL[1].name(),
        CONVERGENT,
    ];
    let (options, cipher) =
        LayerOptions::parse_among(&private, &public, &ciphers).map_err(Error::layer(&place))?;
    Ok(Unlocked {
        options,
        cipher: match StreamCipher::ALL
            .into_iter()
            .find(|stream| stream.name() == cipher)
        {
            Some(stream) => LayerCipherName::Stream(stream),
            None if cipher == CONVERGENT => LayerCipherName::Convergent,
            None => LayerCipherName::Ocicrypt,
        },
        key,
    })
}
