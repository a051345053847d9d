//! `sealab layer`: the layers of container images encrypted, decrypted, rewrapped and shown, and their files read.

mod archive;
mod arguments;
mod aside;
mod copied;
mod decrypt;
mod directory;
mod encrypt;
mod failure;
mod image;
mod keys;
mod list;
mod opened;
mod outcome;
mod read;
mod rewrap;
mod serve;
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
        LayerCommand::List(arguments) => list::list(arguments),
        LayerCommand::Read(arguments) => read::read(arguments),
        LayerCommand::Serve(arguments) => serve::serve(arguments),
        LayerCommand::Show(arguments) => show::show(arguments),
    }
}
