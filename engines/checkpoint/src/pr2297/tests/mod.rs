//! Fixtures and steps that the tests share.

mod golden;
mod operations;
mod payloads;
mod tampering;
mod truncations;

use std::fs;

use sealab_engine::Engine;
use sealab_keys::{RecipientKey, pkcs1v15};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::fixtures::{Files, contents, data, shows, write};

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn private_key() -> RecipientKey {
    RecipientKey::read(&data("key.der"), None).unwrap()
}

fn unwrap(wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    Ok(pkcs1v15::decrypt(&private_key(), wrapped)?)
}

fn wrap(key: &[u8]) -> Result<Vec<u8>, WrapError> {
    Ok(pkcs1v15::encrypt(private_key().recipient(), key)?)
}

/// Opens the files as a sealed set: the plain ones, or the error, with nothing left behind.
fn open_files(files: &Files) -> Result<Files, Error> {
    let place = TempDir::new().unwrap();
    let (sealed, plain) = (place.path().join("sealed"), place.path().join("plain"));
    write(&sealed, files);
    let opened = open(engine().as_ref(), &sealed, &plain, &unwrap);
    let left = fs::read_dir(place.path()).unwrap().count();
    match opened {
        Ok(_) => Ok(contents(&plain)),
        Err(error) => {
            assert_eq!(left, 1, "something is left of {error}");
            Err(error)
        }
    }
}

fn seal_files(files: &Files) -> Result<Files, Error> {
    let place = TempDir::new().unwrap();
    let (plain, sealed) = (place.path().join("plain"), place.path().join("sealed"));
    write(&plain, files);
    let result = seal(engine().as_ref(), &plain, &sealed, &wrap);
    let left = fs::read_dir(place.path()).unwrap().count();
    match result {
        Ok(_) => Ok(contents(&sealed)),
        Err(error) => {
            assert_eq!(left, 1, "something is left of {error}");
            Err(error)
        }
    }
}

fn golden() -> Files {
    contents(&data("criu-pr2297"))
}
