//! `sealab checkpoint show`.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use sealab_checkpoint::image::Set;
use sealab_checkpoint::show::{self, Images, PlainSet, Style};

use super::arguments::{Format, ShowArguments};
use super::failure::CheckpointFailure;
use super::found::{self, Found};
use super::{outline, pr2297, sealed};
use crate::failure::Failure;
use crate::{Done, keys};

pub(super) fn show(arguments: &ShowArguments) -> Done {
    let source = &arguments.source;
    let path = || source.display().to_string();
    let key = arguments.key.as_deref().map(keys::private).transpose()?;
    let mut images: Box<dyn Images> = match (found::at(source)?, key) {
        (Found::Plain, None) => Box::new(PlainSet(
            Set::open(source).map_err(|error| CheckpointFailure::broken(source, error))?,
        )),
        (Found::Plain, Some(_)) => return Err(CheckpointFailure::NeedlessKey { path: path() }.into()),
        (Found::Sealed(format), None) => {
            // Whoever names a file or a sender asks for what only a key gives.
            let unlocking = &arguments.unlocking;
            if arguments.file.is_some() || unlocking.sender.is_some() || unlocking.parent.is_some() {
                return Err(CheckpointFailure::NeedsKey { path: path(), format }.into());
            }
            return outline::show(source, format, arguments);
        }
        (Found::Sealed(Format::CriuPr2297), Some(key)) => {
            Box::new(pr2297::opened(source, &key, &arguments.unlocking)?)
        }
        (Found::Sealed(Format::SealedCheckpoint), Some(key)) => {
            Box::new(sealed::opened(source, key, &arguments.unlocking)?)
        }
    };
    let is_sealed = arguments.key.is_some();
    print(&mut *images, arguments, source, is_sealed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(
    images: &mut dyn Images,
    arguments: &ShowArguments,
    source: &Path,
    is_sealed: bool,
) -> Result<(), Failure> {
    let failed = |error| CheckpointFailure::of_show(source, error, is_sealed);
    let mut out = BufWriter::new(std::io::stdout().lock());
    match (&arguments.file, arguments.json) {
        (Some(file), true) => show::write_file(images, file, Style::Plain, &mut out).map_err(failed)?,
        (Some(file), false) => show::write_file(images, file, Style::Readable, &mut out).map_err(failed)?,
        (None, true) => show::write_set(images, Style::Plain, &mut out).map_err(failed)?,
        (None, false) => return table(&show::list(images).map_err(failed)?, &mut out),
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

fn table(files: &[show::Listed], out: &mut impl Write) -> Result<(), Failure> {
    let width =
        |of: fn(&show::Listed) -> usize, head: &str| files.iter().map(of).max().unwrap_or(0).max(head.len());
    let name = width(|file| file.name.len(), "file");
    let kind = width(|file| file.kind.name().len(), "kind");
    writeln!(
        out,
        "{:name$}  {:kind$}  {:>8}  {:>14}",
        "file", "kind", "entries", "bytes"
    )?;
    for file in files {
        let entries = file
            .entries
            .map_or_else(|| "-".to_owned(), |count| count.to_string());
        writeln!(
            out,
            "{:name$}  {:kind$}  {entries:>8}  {:>14}",
            file.name,
            file.kind.name(),
            file.bytes
        )?;
    }
    writeln!(
        out,
        "{} files, {} bytes",
        files.len(),
        files.iter().map(|file| file.bytes).sum::<u64>()
    )?;
    Ok(out.flush()?)
}
