//! `sealab checkpoint seal`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::arguments::{Format, SealArguments};
use super::failure::CheckpointFailure;
use super::found::{self, Found};
use super::{pr2297, sealed};
use crate::failure::Failure;
use crate::{Done, interrupt, keys};

pub(super) fn seal(arguments: &SealArguments) -> Done {
    let (source, destination) = (&arguments.source, &arguments.destination);
    let recipients = arguments
        .recipient
        .iter()
        .map(|path| keys::recipient(path))
        .collect::<Result<Vec<_>, _>>()?;
    if !found::is_stream(source) {
        plain(source)?;
    }
    free(destination)?;
    let interrupted = interrupt::flag()?;
    let told = match arguments.format {
        Format::CriuPr2297 => {
            let summary = pr2297::seal(arguments, &recipients, &interrupted)?;
            format!("{} files, {} pages", summary.files, summary.pages)
        }
        Format::SealedCheckpoint => sealed::seal(arguments, &recipients, &interrupted)?,
    };
    if !found::is_stream(destination) {
        writeln!(
            std::io::stdout(),
            "sealed as {}: {told} in {}",
            arguments.format.name(),
            destination.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// That `source` is a plain set.
fn plain(source: &Path) -> Result<(), Failure> {
    match found::at(source)? {
        Found::Plain => Ok(()),
        found @ Found::Sealed(_) => Err(CheckpointFailure::broken(
            source,
            format_args!("{found} already; open it first to seal it otherwise"),
        )
        .into()),
    }
}

/// That nothing is in the destination's place: found before the work and not after it.
pub(super) fn free(destination: &Path) -> Result<(), CheckpointFailure> {
    if found::is_stream(destination) {
        if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            return Err(CheckpointFailure::Terminal);
        }
    } else if destination.symlink_metadata().is_ok() {
        return Err(CheckpointFailure::exists(destination));
    }
    Ok(())
}
