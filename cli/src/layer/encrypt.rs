//! `sealab layer encrypt`.

use sealab_layer::{EncryptOptions, Format};
use sealab_registry::Parts;

use super::arguments::EncryptArguments;
use super::staging::{Destination, Source};
use super::{LayerFailure, keys, outcome};
use crate::{Done, interrupt};

pub(super) fn encrypt(arguments: &EncryptArguments) -> Done {
    let recipients = keys::recipients(&arguments.recipient)?;
    let salt = match (&arguments.salt, arguments.format) {
        (Some(path), Format::Convergent) => Some(keys::salt(path)?),
        (Some(_), format) => {
            let message = format!("--salt is for the format convergent; {format} has none");
            return Err(LayerFailure::Call(message).into());
        }
        (None, _) => None,
    };
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
    let options = EncryptOptions {
        format: arguments.format,
        recipients: &recipients,
        choice: &choice,
        salt: salt.as_ref(),
        compression: arguments.compression,
    };
    let outcomes = outcome::watched(
        "encrypting",
        &arguments.working,
        arguments.format.primitives(),
        &layers,
        &choice,
        &interrupted,
        |work| sealab_layer::encrypt(&source.layout, &destination.layout, &options, work),
    )?;
    destination.finish(&interrupted)?;
    outcome::tell(
        "encrypted",
        &arguments.destination,
        &outcomes,
        arguments.working.json,
    )
}
