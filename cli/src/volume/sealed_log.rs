//! Sealed logs: the log in one file, and a trusted counter apart from it.

use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use sealab_engine::{Engine, Primitive};
use sealab_volume::luks::{Argon2Cost, Pbkdf, Version};
use sealab_volume::sealed_log::{self, BLOCK_BYTES, CreateOptions, Layout, OpenOptions, SealedLog};
use sealab_volume::store::{Access, Store};

use super::arguments::{
    AddKeyArguments, CreateArguments, Derivation, OpenArguments, RemoveKeyArguments, ShowArguments,
};
use super::counter::{self, CounterChoice};
use super::create::pbkdf;
use super::made::Made;
use super::{VolumeFailure, passphrase, stores};
use crate::failure::Failure;
use crate::{Done, engine};

/// The two copies of the header stand in the first two blocks.
const COPIES: [&str; 2] = ["first", "second"];

/// An engine for sealed logs.
fn sealing(asked: Option<&str>) -> Result<Arc<dyn Engine>, Failure> {
    engine::open(asked, &[Primitive::Aes256Gcm, Primitive::HmacSha256]).map(Arc::from)
}

/// The first of the options that is given, although a sealed log has no use for it.
fn refuse(options: &[(&str, bool)]) -> Result<(), VolumeFailure> {
    match options.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(VolumeFailure::Call(format!(
            "{option} does not go with a sealed log"
        ))),
    }
}

fn cost(asked: &Derivation) -> Result<Argon2Cost, VolumeFailure> {
    match pbkdf(Version::Luks2, asked)? {
        Pbkdf::Argon2id(cost) => Ok(cost),
        _ => Err(VolumeFailure::Call(
            "a sealed log has argon2id only; leave --pbkdf out".to_owned(),
        )),
    }
}

/// Tells in one line what the user does without.
fn warn(line: &str) {
    // Nobody is left to tell that standard error is gone.
    let _ = writeln!(io::stderr(), "sealab: {line}");
}

pub(super) fn create(arguments: &CreateArguments, bytes: u64) -> Done {
    refuse(&[
        ("--sector-size", arguments.sector_size.is_some()),
        ("--cipher", arguments.cipher.is_some()),
        ("--integrity", arguments.integrity.is_some()),
        ("--label", arguments.label.is_some()),
        ("--header", arguments.header.is_some()),
    ])?;
    let Some(choice) = &arguments.counter else {
        let message = "a sealed log needs --counter: file:PATH, tpm:DEVICE,INDEX or swtpm:SOCKET,INDEX (see \
                       docs/trusted-counters.md), or none to do without freshness";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    };
    let options = CreateOptions {
        cost: cost(&arguments.derivation)?,
    };
    let passphrase = passphrase::needed(arguments.passphrase_file.as_deref())?;
    let engine = sealing(arguments.engine.as_deref())?;
    let mut made = Made::default();
    let store = made.file(&arguments.file, bytes)?;
    // Closed before `made` removes it.
    let counter = match choice {
        CounterChoice::None => None,
        CounterChoice::At(address) => Some(counter::make(address, &mut made)?),
    };
    sealed_log::create(&*engine, &*store, &passphrase, &options, counter.as_deref())
        .map_err(VolumeFailure::from)?;
    let layout = layout(&*store)?;
    made.keep();
    if counter.is_none() {
        warn("without a counter there is no freshness: nobody can tell whether an older state was put back");
    }
    writeln!(io::stdout(), "{}", uuid(&layout))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens a log; its index may take `index_memory` bytes.
pub(super) fn open(
    arguments: &OpenArguments,
    access: Access,
    index_memory: Option<u64>,
) -> Result<SealedLog, Failure> {
    refuse(&[
        ("--header", arguments.header.is_some()),
        ("--root-hash", arguments.root_hash.is_some()),
        ("--data-blocks", arguments.data_blocks.is_some()),
        ("--integrity-no-journal", arguments.integrity_no_journal),
    ])?;
    let mut options = OpenOptions {
        read_only: access == Access::ReadOnly,
        without_counter: arguments.accept_rollback,
        ..OpenOptions::default()
    };
    if let Some(bytes) = index_memory {
        options.index_memory = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    let passphrase = passphrase::needed(arguments.passphrase_file.as_deref())?;
    let engine = sealing(arguments.engine.as_deref())?;
    let store = stores::store(&arguments.file, access, arguments.direct)?;
    let counter = counter::open(arguments.counter.as_ref())?;
    let log = sealed_log::open(engine, store, &passphrase, &options, counter).map_err(VolumeFailure::from)?;
    if arguments.accept_rollback {
        warn(match access {
            Access::ReadOnly => "no counter is asked: nobody can tell whether an older state was put back",
            Access::ReadWrite => {
                "no counter is asked: nobody can tell whether an older state was put back, and what is written now is \
                 not counted"
            }
        });
    }
    Ok(log)
}

/// Whether both copies of the header are there and say the same.
pub(super) fn check_header(arguments: &OpenArguments, out: &mut impl Write) -> Result<bool, Failure> {
    let path = &arguments.file;
    let store = stores::store(path, Access::ReadOnly, arguments.direct)?;
    let bytes = header_bytes(&*store).map_err(VolumeFailure::at(path))?;
    let mut held = true;
    for (copy, which) in bytes.chunks(BLOCK_BYTES).zip(COPIES) {
        if let Err(broken) = sealed_log::parse_layout(&store.name(), copy) {
            writeln!(out, "the {which} copy of the header is broken: {broken}")?;
            held = false;
        }
    }
    let (first, second) = bytes.split_at(bytes.len().min(BLOCK_BYTES));
    if held && first != second {
        writeln!(
            out,
            "the copies of the header differ: one is broken, or changing a keyslot was cut short"
        )?;
        held = false;
    }
    writeln!(
        out,
        "{}",
        if held {
            "the header holds"
        } else {
            "adding or removing a keyslot writes both copies again"
        }
    )?;
    Ok(held)
}

/// The first two blocks, as far as they are there.
fn header_bytes(store: &dyn Store) -> io::Result<Vec<u8>> {
    let blocks = (store.size() / BLOCK_BYTES as u64).min(2);
    let mut bytes = vec![0; blocks as usize * BLOCK_BYTES];
    store.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// What the first copy of the header says, or the second where the first is none.
fn layout(store: &dyn Store) -> Result<Layout, VolumeFailure> {
    let name = store.name();
    let bytes = header_bytes(store).map_err(VolumeFailure::at(name.as_ref()))?;
    let first = sealed_log::parse_layout(&name, &bytes);
    let second = || sealed_log::parse_layout(&name, bytes.get(BLOCK_BYTES..)?).ok();
    first.or_else(|error| second().ok_or(error.into()))
}

pub(super) fn show(arguments: &ShowArguments, store: &dyn Store, out: &mut impl Write) -> Done {
    let layout = layout(store)?;
    if arguments.json {
        let range = |range: &Range<u64>| serde_json::json!({ "offset": range.start, "bytes": range.end - range.start });
        let value = serde_json::json!({
            "format": "sealed-log",
            "uuid": uuid(&layout),
            "volume_bytes": layout.volume,
            "block_bytes": BLOCK_BYTES,
            "counted": layout.counted,
            "keyslots": layout.keyslots,
            "headers": layout.headers.iter().map(range).collect::<Vec<_>>(),
            "superblocks": layout.superblocks.iter().map(range).collect::<Vec<_>>(),
            "journal": range(&layout.journal),
            "log": range(&layout.log),
        });
        writeln!(out, "{value:#}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "format:     sealed log")?;
    writeln!(out, "UUID:       {}", uuid(&layout))?;
    writeln!(
        out,
        "volume:     {} bytes in blocks of {BLOCK_BYTES}",
        layout.volume
    )?;
    let counted = if layout.counted {
        "counts its commits; it does not open without"
    } else {
        "none: an older state that is put back is not noticed"
    };
    writeln!(out, "counter:    {counted}")?;
    let keyslots: Vec<String> = layout.keyslots.iter().map(usize::to_string).collect();
    writeln!(out, "keyslots:   {}", keyslots.join(", "))?;
    let mut part = |name: &str, range: &Range<u64>| {
        let bytes = range.end - range.start;
        writeln!(out, "{name:12}{bytes} bytes from byte {} on", range.start)
    };
    for header in &layout.headers {
        part("header:", header)?;
    }
    for superblock in &layout.superblocks {
        part("superblock:", superblock)?;
    }
    part("journal:", &layout.journal)?;
    part("log:", &layout.log)?;
    Ok(ExitCode::SUCCESS)
}

/// 8-4-4-4-12 hexadecimal digits.
fn uuid(layout: &Layout) -> String {
    let mut text = String::new();
    for (index, byte) in layout.uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The number of the keyslot that the new passphrase opens.
pub(super) fn add_key(arguments: &AddKeyArguments, store: &dyn Store) -> Result<usize, Failure> {
    let (old, new) = (
        passphrase::read(&arguments.passphrase_file)?,
        passphrase::read(&arguments.new_passphrase_file)?,
    );
    let cost = cost(&arguments.derivation)?;
    let keyslot = arguments.keyslot.map(|keyslot| keyslot as usize);
    let added = sealed_log::add_keyslot(&*sealing(None)?, store, &old, &new, cost, keyslot);
    Ok(added.map_err(VolumeFailure::from)?)
}

pub(super) fn remove_key(arguments: &RemoveKeyArguments, store: &dyn Store) -> Result<(), Failure> {
    let known = passphrase::read(&arguments.passphrase_file)?;
    let keyslot = arguments.keyslot as usize;
    let removed = sealed_log::remove_keyslot(&*sealing(None)?, store, &known, keyslot);
    Ok(removed.map_err(VolumeFailure::from)?)
}
