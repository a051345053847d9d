//! `sealab layer`: the layers of container images encrypted, decrypted, rewrapped and shown.

mod archive;
mod arguments;
mod decrypt;
mod encrypt;
mod failure;
mod image;
mod keys;
mod outcome;
mod rewrap;
mod show;
mod staging;

pub(crate) use arguments::LayerCommand;
pub(crate) use failure::LayerFailure;

use crate::Done;

pub(crate) fn layer(command: &LayerCommand) -> Done {
    match command {
        LayerCommand::Encrypt(arguments) => encrypt::encrypt(arguments),
        LayerCommand::Decrypt(arguments) => decrypt::decrypt(arguments),
        LayerCommand::Rewrap(arguments) => rewrap::rewrap(arguments),
        LayerCommand::Show(arguments) => show::show(arguments),
    }
}
