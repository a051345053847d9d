//! `sealab volume show`.

use std::io::Write;
use std::process::ExitCode;

use sealab_volume::luks::{Header, KdfLimits};
use sealab_volume::store::Access;

use super::arguments::ShowArguments;
use super::{VolumeFailure, stores};
use crate::Done;

pub(super) fn show(arguments: &ShowArguments) -> Done {
    let path = &arguments.file;
    let store = stores::store(path, Access::ReadOnly, false)?;
    let mut out = std::io::stdout().lock();
    if stores::is_sealed_log(&*store, path)? {
        return super::sealed_log::show(arguments, &*store, &mut out);
    }
    if !stores::is_luks(&*store, path)? {
        return super::verity::show(arguments, &*store, &mut out);
    }
    let header = Header::read(&*store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    let summary = header.summary();
    if arguments.json {
        let mut value = serde_json::to_value(&summary).map_err(std::io::Error::from)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("format".to_owned(), format!("luks{}", summary.version).into());
        }
        writeln!(out, "{value:#}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "format:     LUKS{}", summary.version)?;
    writeln!(out, "UUID:       {}", summary.uuid)?;
    for (name, text) in [("label:    ", &summary.label), ("subsystem:", &summary.subsystem)] {
        if !text.is_empty() {
            writeln!(out, "{name}  {}", text.escape_debug())?;
        }
    }
    let integrity = summary
        .integrity
        .map_or_else(String::new, |integrity| format!(" with {integrity}"));
    writeln!(
        out,
        "cipher:     {}{integrity}, a key of {} bits, sectors of {} bytes",
        summary.encryption,
        summary.key_bytes * 8,
        summary.sector_size
    )?;
    let end = summary
        .data_bytes
        .map_or_else(|| "to the end".to_owned(), |bytes| format!("{bytes} bytes"));
    writeln!(out, "data:       from byte {} on, {end}", summary.data_offset)?;
    for keyslot in &summary.keyslots {
        writeln!(out, "keyslot {}:  {}", keyslot.number, pbkdf(&keyslot.pbkdf))?;
    }
    for token in &summary.tokens {
        writeln!(
            out,
            "token:      {}",
            serde_json::to_string(token).map_err(std::io::Error::from)?
        )?;
    }
    for flag in &summary.flags {
        writeln!(out, "flag:       {}", flag.escape_debug())?;
    }
    for copy in &summary.copies {
        writeln!(
            out,
            "copy:       {}",
            serde_json::to_string(copy).map_err(std::io::Error::from)?
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn pbkdf(pbkdf: &sealab_volume::luks::Pbkdf) -> String {
    use sealab_volume::luks::Pbkdf;
    match pbkdf {
        Pbkdf::Pbkdf2 { hash, iterations } => format!("PBKDF2 with {}, {iterations} iterations", hash.id()),
        Pbkdf::Argon2i(cost) | Pbkdf::Argon2id(cost) => {
            let name = if matches!(pbkdf, Pbkdf::Argon2i(_)) {
                "Argon2i"
            } else {
                "Argon2id"
            };
            format!(
                "{name}, {} passes over {} KiB, {} lanes",
                cost.time, cost.memory, cost.cpus
            )
        }
    }
}
