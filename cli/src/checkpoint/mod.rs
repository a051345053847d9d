//! `sealab checkpoint`: sets of CRIU images sealed, opened, shown and verified.

mod arguments;
mod failure;
mod found;
mod open;
mod outline;
mod pr2297;
mod seal;
mod sealed;
mod show;
mod stream;
mod verify;
mod watched;

pub(crate) use arguments::CheckpointCommand;
pub(crate) use failure::CheckpointFailure;

use crate::Done;

pub(crate) fn checkpoint(command: &CheckpointCommand) -> Done {
    match command {
        CheckpointCommand::Seal(arguments) => seal::seal(arguments),
        CheckpointCommand::Open(arguments) => open::open(arguments),
        CheckpointCommand::Show(arguments) => show::show(arguments),
        CheckpointCommand::Verify(arguments) => verify::verify(arguments),
    }
}
