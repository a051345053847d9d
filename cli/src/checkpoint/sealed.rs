//! What the commands do for the format `sealed-checkpoint`.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_checkpoint::sealed::{
    self, Cipher, Compression, Destination, OpenOptions, Output, PlainSource, Progress, SealOptions,
    SealedSet, SealedSource, Summary, Unlock, Work,
};
use sealab_checkpoint::show::SealedFiles;
use sealab_engine::{Engine, Primitive};
use sealab_keys::jwe::JweKey;
use sealab_keys::{Recipient, RecipientKey};

use super::arguments::{CipherChoice, CompressionChoice, SealArguments, Unlocking};
use super::failure::CheckpointFailure;
use super::found;
use super::stream::{Input, output};
use crate::failure::Failure;
use crate::{engine, keys, progress};

/// Any of the ciphers; what a set has is known only when it is read.
const NEEDED: [Primitive; 4] = [
    Primitive::Aes256Gcm,
    Primitive::ChaCha20Poly1305,
    Primitive::HmacSha256,
    Primitive::Sha256,
];

/// Seals a folder or a tar stream: what was done.
pub(super) fn seal(
    arguments: &SealArguments,
    recipients: &[Recipient],
    interrupted: &AtomicBool,
) -> Result<String, Failure> {
    let (source, destination) = (&arguments.source, &arguments.destination);
    let sender = arguments.sign.as_deref().map(keys::signing).transpose()?;
    let options = SealOptions {
        cipher: match arguments.cipher {
            None | Some(CipherChoice::Aes256Gcm) => Cipher::Aes256Gcm,
            Some(CipherChoice::ChaCha20Poly1305) => Cipher::ChaCha20Poly1305,
        },
        compression: match arguments.compress {
            None | Some(CompressionChoice::None) => Compression::None,
            Some(CompressionChoice::Auto) => Compression::Auto,
            Some(CompressionChoice::Zstd) => Compression::Zstd,
            Some(CompressionChoice::Lz4) => Compression::Lz4,
        },
        deduplicate: arguments.dedup,
        parent: arguments.parent.as_deref(),
        sender: sender.as_ref(),
    };
    let needed = [
        options.cipher.primitive(),
        Primitive::HmacSha256,
        Primitive::Sha256,
    ];
    let engine = engine::open(arguments.engine.as_deref(), &needed)?;
    let recipients: Vec<&Recipient> = recipients.iter().collect();
    let mut input = Input::new(interrupted);
    let from = if found::is_stream(source) {
        PlainSource::Tar(&mut input)
    } else {
        PlainSource::Directory(source)
    };
    let mut stream: File;
    let to = if found::is_stream(destination) {
        stream = output()?;
        Destination::Stream(&mut stream)
    } else {
        Destination::Directory(destination)
    };
    let summary = work("sealing", &*engine, interrupted, |work| {
        sealed::seal(from, to, &recipients, &options, work)
    });
    let summary = summary.map_err(|error| {
        ended(interrupted, || {
            CheckpointFailure::of_seal(source, destination, error)
        })
    })?;
    Ok(format!(
        "{} files, {} bytes as {}, commitment {}",
        summary.files, summary.plain_bytes, summary.sealed_bytes, summary.commitment
    ))
}

/// Opens a folder or stream: what was done.
pub(super) fn open(
    source: &Path,
    destination: &Path,
    key: RecipientKey,
    unlocking: &Unlocking,
    interrupted: &AtomicBool,
) -> Result<String, Failure> {
    let mut stream: File;
    let to = if found::is_stream(destination) {
        stream = output()?;
        Output::Tar(&mut stream)
    } else {
        Output::Directory(destination)
    };
    let read = |from: SealedSource<'_>, options: &OpenOptions<'_>, work: &mut Work<'_>| {
        sealed::open(from, to, options, work)
    };
    let summary = unlocked("opening", source, destination, key, unlocking, interrupted, read)?;
    Ok(format!("{} files, {} bytes", summary.files, summary.plain_bytes))
}

/// Checks a folder or stream: what was checked.
pub(super) fn verify(
    source: &Path,
    key: RecipientKey,
    unlocking: &Unlocking,
    interrupted: &AtomicBool,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let summary = unlocked(
        "verifying",
        source,
        source,
        key,
        unlocking,
        interrupted,
        sealed::verify,
    )?;
    let sender = match &unlocking.sender {
        Some(path) => format!("signed by the key of {}", path.display()),
        None => "not checked; anyone who knows a recipient's public key can seal: see --sender".to_owned(),
    };
    Ok(vec![
        ("commitment", summary.commitment.to_string()),
        (
            "files",
            format!(
                "{} with {} bytes: all are authentic, in their places, and none is missing",
                summary.files, summary.plain_bytes
            ),
        ),
        ("sealed", format!("{} bytes", summary.sealed_bytes)),
        ("sender", sender),
    ])
}

/// The plain files of a sealed set, to be shown.
pub(super) fn opened(
    source: &Path,
    key: RecipientKey,
    unlocking: &Unlocking,
) -> Result<SealedFiles, Failure> {
    if !source.is_dir() {
        return Err(CheckpointFailure::broken(
            source,
            "single files of a set are read in its folder; put it there as checkpoint.sealed, or open it",
        )
        .into());
    }
    let engine = engine::open(unlocking.engine.as_deref(), &NEEDED)?;
    let sender = unlocking.sender.as_deref().map(keys::sender).transpose()?;
    let key = JweKey::from(key);
    let options = options(&key, unlocking, sender.as_ref());
    let set = SealedSet::open(source, &*engine, &options).and_then(SealedFiles::new);
    Ok(set.map_err(|error| CheckpointFailure::of_open(source, source, error))?)
}

/// Reads a sealed set to its end.
fn unlocked(
    what: &'static str,
    source: &Path,
    destination: &Path,
    key: RecipientKey,
    unlocking: &Unlocking,
    interrupted: &AtomicBool,
    read: impl FnOnce(SealedSource<'_>, &OpenOptions<'_>, &mut Work<'_>) -> Result<Summary, sealed::Error>,
) -> Result<Summary, Failure> {
    let engine = engine::open(unlocking.engine.as_deref(), &NEEDED)?;
    let sender = unlocking.sender.as_deref().map(keys::sender).transpose()?;
    let key = JweKey::from(key);
    let options = options(&key, unlocking, sender.as_ref());
    let mut input: Input<'_>;
    let mut file: File;
    let from = if found::is_stream(source) {
        input = Input::new(interrupted);
        SealedSource::Stream(&mut input)
    } else if source.is_dir() {
        SealedSource::Directory(source)
    } else {
        // The file of such a folder, or a stream that was kept.
        file = File::open(source).map_err(|error| CheckpointFailure::broken(source, error))?;
        SealedSource::Stream(&mut file)
    };
    let summary = work(what, &*engine, interrupted, |work| read(from, &options, work));
    Ok(summary.map_err(|error| {
        ended(interrupted, || {
            CheckpointFailure::of_open(source, destination, error)
        })
    })?)
}

fn options<'a>(
    key: &'a JweKey,
    unlocking: &'a Unlocking,
    sender: Option<&'a sealab_keys::VerifyingKey>,
) -> OpenOptions<'a> {
    OpenOptions {
        unlock: Unlock::Recipient(key),
        parent: unlocking.parent.as_deref(),
        sender,
    }
}

/// Runs `run` with its progress shown.
fn work(
    what: &'static str,
    engine: &dyn Engine,
    interrupted: &AtomicBool,
    run: impl FnOnce(&mut Work<'_>) -> Result<Summary, sealed::Error>,
) -> Result<Summary, sealed::Error> {
    let shown = progress::Progress::start(what);
    let counter = shown.counter();
    let mut tell = |progress: Progress| {
        counter.done.store(progress.done, Ordering::Relaxed);
        counter
            .total
            .store(progress.total.unwrap_or(0), Ordering::Relaxed);
    };
    run(&mut Work {
        engine,
        progress: &mut tell,
        interrupt: interrupted,
    })
}

/// The failure, or that the user has ended the work.
fn ended(interrupted: &AtomicBool, failure: impl FnOnce() -> CheckpointFailure) -> CheckpointFailure {
    if interrupted.load(Ordering::Relaxed) {
        return CheckpointFailure::Interrupted;
    }
    failure()
}
