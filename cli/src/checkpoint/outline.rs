//! `sealab checkpoint show` of a sealed set without a key: what stands in clear.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use sealab_checkpoint::image::Set;
use sealab_checkpoint::sealed::{Cipher, Outline};
use sealab_engine::Primitive;
use serde::Serialize;

use super::arguments::{Format, ShowArguments};
use super::failure::CheckpointFailure;
use crate::Done;
use crate::engine;
use crate::failure::Failure;

/// What everything that is shown here has in common.
const NOTE: &str = "not authenticated; names, entries and memory need a recipient's private key: --key";
const NOTE_PR2297: &str = "not authenticated; entries and memory need the recipient's private key: --key";

pub(super) fn show(source: &Path, format: Format, arguments: &ShowArguments) -> Done {
    match format {
        Format::SealedCheckpoint => print(&Sealed::read(source, arguments)?, arguments.json, sealed_table)?,
        Format::CriuPr2297 => print(&Pr2297::read(source)?, arguments.json, pr2297_table)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print<T: Serialize>(
    shown: &T,
    json: bool,
    table: impl FnOnce(&T, &mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if json {
        serde_json::to_writer(&mut out, shown).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        table(shown, &mut out)?;
    }
    Ok(out.flush()?)
}

/// A set sealed as `sealed-checkpoint`.
#[derive(Serialize)]
struct Sealed {
    format: &'static str,
    note: &'static str,
    version: u16,
    cipher: &'static str,
    compressed: bool,
    deduplicated: bool,
    signed: bool,
    set_id: String,
    commitment: String,
    recipients: Vec<Recipient>,
    header_bytes: u64,
    groups: u64,
    content_bytes: u64,
    index_bytes: u64,
    sealed_bytes: u64,
}

#[derive(Serialize)]
struct Recipient {
    algorithm: String,
    curve: Option<String>,
}

impl Sealed {
    fn read(source: &Path, arguments: &ShowArguments) -> Result<Self, Failure> {
        let engine = engine::open(arguments.unlocking.engine.as_deref(), &[Primitive::Sha256])?;
        let outline = Outline::read(source, &*engine);
        let outline = outline.map_err(|error| CheckpointFailure::of_open(source, source, error))?;
        Ok(Self {
            format: Format::SealedCheckpoint.name(),
            note: NOTE,
            // The one that is read.
            version: 1,
            cipher: match outline.cipher {
                Cipher::Aes256Gcm => "aes-256-gcm",
                Cipher::ChaCha20Poly1305 => "chacha20-poly1305",
            },
            compressed: outline.compressed,
            deduplicated: outline.deduplicated,
            signed: outline.signed,
            set_id: outline.set_id.iter().map(|byte| format!("{byte:02x}")).collect(),
            commitment: outline.commitment.to_string(),
            recipients: outline
                .recipients
                .into_iter()
                .map(|recipient| Recipient {
                    algorithm: recipient.algorithm,
                    curve: recipient.curve,
                })
                .collect(),
            header_bytes: outline.header_bytes,
            groups: outline.groups,
            content_bytes: outline.content_bytes,
            index_bytes: outline.index_bytes,
            sealed_bytes: outline.sealed_bytes,
        })
    }
}

fn sealed_table(shown: &Sealed, out: &mut dyn Write) -> std::io::Result<()> {
    let recipients = shown.recipients.iter().map(|recipient| match &recipient.curve {
        Some(curve) => format!("{} {curve}", recipient.algorithm),
        None => recipient.algorithm.clone(),
    });
    let options = [
        (shown.compressed, "compressed"),
        (shown.deduplicated, "equal pages stored once"),
        (shown.signed, "signed"),
    ];
    let options: Vec<&str> = options
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    let options = if options.is_empty() {
        "none".to_owned()
    } else {
        options.join(", ")
    };
    let lines = [
        ("format", format!("{} {}", shown.format, shown.version)),
        ("cipher", shown.cipher.to_owned()),
        ("options", options),
        ("recipients", recipients.collect::<Vec<_>>().join(", ")),
        ("set id", shown.set_id.clone()),
        ("commitment", shown.commitment.clone()),
        ("header", format!("{} bytes", shown.header_bytes)),
        (
            "content",
            format!("{} bytes in {} groups", shown.content_bytes, shown.groups),
        ),
        ("index", format!("{} bytes", shown.index_bytes)),
        ("sealed", format!("{} bytes", shown.sealed_bytes)),
    ];
    for (name, value) in lines {
        writeln!(out, "{name:<12} {value}")?;
    }
    writeln!(out, "{}", shown.note)
}

/// A set sealed as `criu-pr2297`, whose files and their lengths show.
#[derive(Serialize)]
struct Pr2297 {
    format: &'static str,
    note: &'static str,
    files: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    kind: &'static str,
    bytes: u64,
}

impl Pr2297 {
    fn read(source: &Path) -> Result<Self, Failure> {
        let set = Set::open(source).map_err(|error| CheckpointFailure::broken(source, error))?;
        let files = set.members().iter().map(|member| Listed {
            name: member.name.clone(),
            kind: member.kind.name(),
            bytes: member.bytes,
        });
        Ok(Self {
            format: Format::CriuPr2297.name(),
            note: NOTE_PR2297,
            files: files.collect(),
        })
    }
}

fn pr2297_table(shown: &Pr2297, out: &mut dyn Write) -> std::io::Result<()> {
    let name = shown
        .files
        .iter()
        .map(|file| file.name.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let kind = shown
        .files
        .iter()
        .map(|file| file.kind.len())
        .max()
        .unwrap_or(0)
        .max(4);
    writeln!(out, "{:name$}  {:kind$}  {:>14}", "file", "kind", "bytes")?;
    for file in &shown.files {
        writeln!(
            out,
            "{:name$}  {:kind$}  {:>14}",
            file.name, file.kind, file.bytes
        )?;
    }
    writeln!(
        out,
        "{} files sealed as {}; {}",
        shown.files.len(),
        shown.format,
        shown.note
    )
}
