//! `sealab layer decrypt`.

use sealab_engine::Primitive;
use sealab_registry::Parts;

use super::arguments::DecryptArguments;
use super::staging::{Destination, Source};
use super::{LayerFailure, outcome};
use crate::layer::keys::Keys;
use crate::{Done, interrupt};

/// What any of the formats may need.
const NEEDED: [Primitive; 5] = [
    Primitive::Aes256Ctr,
    Primitive::Aes256Gcm,
    Primitive::ChaCha20Poly1305,
    Primitive::HmacSha256,
    Primitive::Sha256,
];

pub(super) fn decrypt(arguments: &DecryptArguments) -> Done {
    let keys = Keys::read(&arguments.unlocking.key, &arguments.unlocking.cert)?;
    let choice = arguments.choosing.choice();
    let interrupted = interrupt::flag()?;
    let destination = Destination::begin(&arguments.destination, &interrupted)?;
    let source = Source::open(
        &arguments.source,
        Parts::All,
        Some(&arguments.destination),
        &interrupted,
    )?;
    let layers = sealab_layer::show(&source.layout).map_err(LayerFailure::from)?;
    if layers.iter().all(|layer| !layer.encrypted) {
        // Not copied as if it had been: who asks for decryption takes what comes for what was sealed.
        let message = format!("{}: none of its layers is encrypted", arguments.source);
        return Err(LayerFailure::Call(message).into());
    }
    if let Some(plain) = layers.iter().find(|layer| !layer.encrypted)
        && arguments.all_encrypted
    {
        let image = arguments.source.to_string();
        let layer = plain.layer;
        return Err(LayerFailure::Plain { image, layer }.into());
    }
    let outcomes = outcome::watched(
        "decrypting",
        &arguments.working,
        &NEEDED,
        &layers,
        &choice,
        &interrupted,
        |work| sealab_layer::decrypt(&source.layout, &destination.layout, &keys.named(), &choice, work),
    )?;
    destination.finish(&interrupted)?;
    outcome::tell(
        "decrypted",
        &arguments.destination,
        &outcomes,
        arguments.working.json,
    )
}
