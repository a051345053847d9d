//! `sealab checkpoint verify`.

use std::io::Write;
use std::process::ExitCode;

use super::arguments::{Format, VerifyArguments};
use super::{found, pr2297, sealed};
use crate::{Done, interrupt, keys};

pub(super) fn verify(arguments: &VerifyArguments) -> Done {
    let source = &arguments.source;
    let key = keys::private(&arguments.key)?;
    let format = if found::is_stream(source) {
        Format::SealedCheckpoint
    } else {
        found::sealed(source, arguments.format)?
    };
    let interrupted = interrupt::flag()?;
    let kind = key.kind();
    let id = key.id();
    let lines = match format {
        Format::CriuPr2297 => {
            let summary = pr2297::verify(source, &key, &arguments.unlocking, &interrupted)?;
            vec![
                (
                    "entries",
                    format!(
                        "{} in {} files: each that the format seals is authentic on its own",
                        summary.entries, summary.files
                    ),
                ),
                (
                    "pages",
                    format!("{}: all have the digest of cipher.img", summary.pages),
                ),
                (
                    "not checked",
                    "who sealed it, the order of entries, missing files, which process a page is of, long deleted \
                     files: the format does not bind them"
                        .to_owned(),
                ),
            ]
        }
        Format::SealedCheckpoint => sealed::verify(source, key, &arguments.unlocking, &interrupted)?,
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:12} {}", "format", format.name())?;
    writeln!(out, "{:12} {kind}, {id}", "key")?;
    for (what, told) in lines {
        writeln!(out, "{what:12} {told}")?;
    }
    Ok(ExitCode::SUCCESS)
}
