//! `sealab volume`: volumes made, served to NBD clients, checked and shown.

mod arguments;
mod check;
mod counter;
mod create;
mod failure;
mod keyslots;
mod made;
mod passphrase;
mod sealed_log;
mod serve;
mod show;
mod stores;
mod tending;
mod verity;

pub(crate) use arguments::VolumeCommand;
pub(crate) use failure::VolumeFailure;

use crate::Done;

pub(crate) fn volume(command: &VolumeCommand) -> Done {
    match command {
        VolumeCommand::Create(arguments) => create::create(arguments),
        VolumeCommand::Serve(arguments) => serve::serve(arguments),
        VolumeCommand::Check(arguments) => check::check(arguments),
        VolumeCommand::Show(arguments) => show::show(arguments),
        VolumeCommand::AddKey(arguments) => keyslots::add(arguments),
        VolumeCommand::RemoveKey(arguments) => keyslots::remove(arguments),
    }
}
