//! Key files as they are named on the command line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealab_keys::{KeyFileError, KeyProblem, Recipient, RecipientKey, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// The longest password file, in bytes.
const PASSWORD_MOST: u64 = 4096;

type Password = Zeroizing<Vec<u8>>;

/// Why a key file cannot be used, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}; {hint}")]
pub(crate) struct KeyFailure {
    problem: String,
    hint: &'static str,
}

pub(crate) fn recipient(path: &Path) -> Result<Recipient, KeyFailure> {
    Recipient::read(path).map_err(public_key)
}

pub(crate) fn sender(path: &Path) -> Result<VerifyingKey, KeyFailure> {
    VerifyingKey::read(path).map_err(public_key)
}

pub(crate) fn private(named: &str) -> Result<RecipientKey, KeyFailure> {
    let (path, password) = split(named)?;
    RecipientKey::read(&path, password.as_ref().map(|bytes| bytes.as_slice())).map_err(private_key(named))
}

pub(crate) fn signing(named: &str) -> Result<SigningKey, KeyFailure> {
    let (path, password) = split(named)?;
    SigningKey::read(&path, password.as_ref().map(|bytes| bytes.as_slice())).map_err(private_key(named))
}

/// The file and the password of `KEY[:PASSFILE]`. What exists as it stands has no password, whatever colons are in it.
fn split(named: &str) -> Result<(PathBuf, Option<Password>), KeyFailure> {
    match named.rsplit_once(':') {
        Some((key, password)) if !Path::new(named).exists() => {
            Ok((PathBuf::from(key), Some(read_password(Path::new(password))?)))
        }
        _ => Ok((PathBuf::from(named), None)),
    }
}

/// The password is the file's first line.
fn read_password(path: &Path) -> Result<Password, KeyFailure> {
    let failed = |problem: String| KeyFailure {
        problem: format!("{}: {problem}", path.display()),
        hint: "name a file with the key's password behind the colon",
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSWORD_MOST as usize + 1));
    File::open(path)
        .and_then(|file| file.take(PASSWORD_MOST + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.truncate(end);
    }
    if bytes.is_empty() || bytes.len() as u64 > PASSWORD_MOST {
        return Err(failed(format!(
            "its first line has {} bytes; a password has 1 to {PASSWORD_MOST}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

fn public_key(error: KeyFileError) -> KeyFailure {
    KeyFailure {
        problem: error.to_string(),
        hint: "name a certificate or public key, in PEM or DER",
    }
}

fn private_key(named: &str) -> impl FnOnce(KeyFileError) -> KeyFailure {
    let named = named.to_owned();
    move |error| {
        let hint = match error.problem {
            KeyProblem::Encrypted => "name the file with its password behind a colon: KEY:PASSFILE",
            KeyProblem::Password => "PASSFILE must hold the key's password in its first line",
            KeyProblem::Read(_) if named.contains(':') => "name KEY, or KEY:PASSFILE",
            _ => "name a private key, in PEM or DER",
        };
        KeyFailure {
            problem: error.to_string(),
            hint,
        }
    }
}
