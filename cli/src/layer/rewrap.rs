//! `sealab layer rewrap`.

use sealab_layer::Rewrap;
use sealab_registry::Parts;

use super::arguments::RewrapArguments;
use super::image::Image;
use super::keys::Keys;
use super::staging::Source;
use super::{LayerFailure, keys, outcome};
use crate::{Done, interrupt};

pub(super) fn rewrap(arguments: &RewrapArguments) -> Done {
    let message = match &arguments.image {
        Image::Archive { .. } => {
            "an archive is not changed in its place; unpack it into a layout, oci:FOLDER:TAG"
        }
        Image::Directory(_) => {
            "a folder of skopeo's is not changed in its place; copy it into oci:FOLDER:TAG"
        }
        Image::Registry(remote) if remote.names_digest() => {
            "what a digest names cannot be changed; name a tag, which then names the rewrapped image"
        }
        _ => "",
    };
    if !message.is_empty() {
        return Err(LayerFailure::Call(format!("{}: {message}", arguments.image)).into());
    }
    let keys = Keys::read(&arguments.unlocking.key, &arguments.unlocking.cert)?;
    let add = keys::recipients(&arguments.add_recipient)?;
    let removed = keys::removed_keys(&arguments.remove_recipient)?;
    let removed = removed.named();
    let choice = arguments.choosing.choice();
    let interrupted = interrupt::flag()?;
    let source = Source::open(&arguments.image, Parts::WithoutLayers, None, &interrupted)?;
    let outcomes = sealab_layer::rewrap(
        &source.layout,
        &Rewrap {
            keys: &keys.named(),
            add: &add,
            remove: &keys::removals(&arguments.remove_recipient, &removed),
            choice: &choice,
        },
    )
    .map_err(LayerFailure::from)?;
    source.put_back()?;
    outcome::tell("rewrapped", &arguments.image, &outcomes, arguments.json)
}
