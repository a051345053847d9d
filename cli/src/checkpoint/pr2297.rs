//! What the commands do for the format `criu-pr2297`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_checkpoint::image::{Kind, Set};
use sealab_checkpoint::pr2297::{self, Summary, WrapError};
use sealab_checkpoint::show::OpenedSet;
use sealab_engine::Primitive;
use sealab_keys::{Recipient, RecipientKey, pkcs1v15};
use zeroize::Zeroizing;

use super::arguments::{Format, SealArguments, Unlocking};
use super::failure::CheckpointFailure;
use super::found;
use super::watched::{Watch, Watched};
use crate::engine;
use crate::failure::Failure;
use crate::progress::Progress;

const NEEDED: [Primitive; 3] = [
    Primitive::Aes256Xts,
    Primitive::ChaCha20Poly1305,
    Primitive::HmacSha256,
];

const FORMAT: Format = Format::CriuPr2297;

/// Seals a folder for one RSA key.
pub(super) fn seal(
    arguments: &SealArguments,
    recipients: &[Recipient],
    interrupted: &Arc<AtomicBool>,
) -> Result<Summary, Failure> {
    refuse_options(arguments)?;
    let [recipient] = recipients else {
        return Err(not_for("--recipient", "it knows one recipient").into());
    };
    let (source, destination) = (&arguments.source, &arguments.destination);
    // Each page is encrypted, and then authenticated.
    let (progress, engine) = start("sealing", source, 2, arguments.engine.as_deref(), interrupted)?;
    let wrap = |key: &[u8]| -> Result<Vec<u8>, WrapError> { Ok(pkcs1v15::encrypt(recipient, key)?) };
    let sealed = pr2297::seal(&engine, source, destination, &wrap);
    drop(progress);
    ended(sealed, interrupted, |error| {
        CheckpointFailure::of_pr2297_seal(source, destination, error)
    })
}

/// Opens a folder into a new one.
pub(super) fn open(
    source: &Path,
    destination: &Path,
    key: &RecipientKey,
    unlocking: &Unlocking,
    interrupted: &Arc<AtomicBool>,
) -> Result<Summary, Failure> {
    refuse_unlocking(unlocking)?;
    if found::is_stream(destination) {
        return Err(not_for("- as DST", "it opens to folders").into());
    }
    let (progress, engine) = start("opening", source, 2, unlocking.engine.as_deref(), interrupted)?;
    let opened = pr2297::open(&engine, source, destination, &unwrap(key));
    drop(progress);
    ended(opened, interrupted, |error| {
        CheckpointFailure::of_pr2297_open(source, destination, error)
    })
}

/// Checks what the format lets a reader check.
pub(super) fn verify(
    source: &Path,
    key: &RecipientKey,
    unlocking: &Unlocking,
    interrupted: &Arc<AtomicBool>,
) -> Result<Summary, Failure> {
    refuse_unlocking(unlocking)?;
    let (progress, engine) = start("verifying", source, 1, unlocking.engine.as_deref(), interrupted)?;
    let verified = pr2297::verify(&engine, source, &unwrap(key));
    drop(progress);
    ended(verified, interrupted, |error| {
        CheckpointFailure::of_pr2297_open(source, source, error)
    })
}

/// The plain files of a sealed set, to be shown.
pub(super) fn opened(source: &Path, key: &RecipientKey, unlocking: &Unlocking) -> Result<OpenedSet, Failure> {
    refuse_unlocking(unlocking)?;
    let set = Set::open(source).map_err(|error| CheckpointFailure::broken(source, error))?;
    let engine = engine::open(unlocking.engine.as_deref(), &NEEDED)?;
    let opened = OpenedSet::new(&*engine, set, &unwrap(key));
    Ok(opened.map_err(|error| CheckpointFailure::of_pr2297_open(source, source, error))?)
}

fn unwrap(key: &RecipientKey) -> impl Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    move |wrapped| Ok(pkcs1v15::decrypt(key, wrapped)?)
}

/// The watched engine; each byte of the set's pages passes through it `passes` times.
fn start(
    what: &'static str,
    source: &Path,
    passes: u64,
    engine: Option<&str>,
    interrupted: &Arc<AtomicBool>,
) -> Result<(Progress, Watched), Failure> {
    let set = Set::open(source).map_err(|error| CheckpointFailure::broken(source, error))?;
    let pages = set.members().iter().filter(|member| member.kind == Kind::Pages);
    let inner = engine::open(engine, &NEEDED)?;
    let progress = Progress::start(what);
    let counter = Arc::clone(progress.counter());
    let total = pages
        .map(|member| member.bytes)
        .sum::<u64>()
        .saturating_mul(passes);
    counter.total.store(total, Ordering::Relaxed);
    let watch = Watch {
        counter,
        interrupted: Arc::clone(interrupted),
    };
    Ok((progress, Watched { inner, watch }))
}

fn ended<T>(
    result: Result<T, pr2297::Error>,
    interrupted: &AtomicBool,
    failure: impl FnOnce(pr2297::Error) -> CheckpointFailure,
) -> Result<T, Failure> {
    result.map_err(|error| {
        if interrupted.load(Ordering::Relaxed) {
            return CheckpointFailure::Interrupted.into();
        }
        failure(error).into()
    })
}

fn refuse_options(arguments: &SealArguments) -> Result<(), CheckpointFailure> {
    let streams = [&arguments.source, &arguments.destination];
    for (given, option, reason) in [
        (
            streams.iter().any(|path| found::is_stream(path)),
            "- as SRC or DST",
            "its keys stand in a file of their own, written last, so it seals folders",
        ),
        (arguments.cipher.is_some(), "--cipher", "its ciphers are fixed"),
        (arguments.compress.is_some(), "--compress", "it does not compress"),
        (arguments.dedup, "--dedup", "it stores every page"),
        (
            arguments.parent.is_some(),
            "--parent",
            "its sets build on no other",
        ),
        (
            arguments.sign.is_some(),
            "--sign",
            "it has no place for a signature",
        ),
    ] {
        if given {
            return Err(not_for(option, reason));
        }
    }
    Ok(())
}

fn refuse_unlocking(unlocking: &Unlocking) -> Result<(), CheckpointFailure> {
    if unlocking.sender.is_some() {
        return Err(not_for("--sender", "it has no place for a signature"));
    }
    if unlocking.parent.is_some() {
        return Err(not_for("--parent", "its sets build on no other"));
    }
    Ok(())
}

fn not_for(option: &'static str, reason: &'static str) -> CheckpointFailure {
    CheckpointFailure::NotForFormat {
        option,
        format: FORMAT,
        reason,
    }
}
