//! `sealab checkpoint open`.

use std::io::Write;
use std::process::ExitCode;

use super::arguments::{Format, OpenArguments};
use super::{found, pr2297, seal, sealed};
use crate::{Done, interrupt, keys};

pub(super) fn open(arguments: &OpenArguments) -> Done {
    let (source, destination) = (&arguments.source, &arguments.destination);
    let key = keys::private(&arguments.key)?;
    // A stream is of the one format that can be opened from its start.
    let format = if found::is_stream(source) {
        Format::SealedCheckpoint
    } else {
        found::sealed(source, arguments.format)?
    };
    seal::free(destination)?;
    let interrupted = interrupt::flag()?;
    let told = match format {
        Format::CriuPr2297 => {
            let summary = pr2297::open(source, destination, &key, &arguments.unlocking, &interrupted)?;
            format!("{} files, {} pages", summary.files, summary.pages)
        }
        Format::SealedCheckpoint => {
            sealed::open(source, destination, key, &arguments.unlocking, &interrupted)?
        }
    };
    if !found::is_stream(destination) {
        writeln!(std::io::stdout(), "opened: {told} in {}", destination.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
