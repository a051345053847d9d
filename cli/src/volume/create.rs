//! `sealab volume create`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use sealab_volume::luks::{self, Cipher, Device, Options, Pbkdf, Version};
use sealab_volume::store::{FileStore, Store};

use super::arguments::{CipherChoice, CreateArguments, Derivation, Format, IntegrityChoice, PbkdfChoice};
use super::{VolumeFailure, passphrase, stores};
use crate::Done;

pub(super) fn create(arguments: &CreateArguments) -> Done {
    if arguments.format == Format::Verity {
        return super::verity::create(arguments);
    }
    let Some(size) = arguments.size else {
        let message = "--size is needed: how large the file is to be, its header included";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    };
    // Whatever fails from here on leaves no file behind.
    let mut made = Made(Vec::new());
    let data = made.file(&arguments.file, size.bytes())?;
    if arguments.format == Format::Plain {
        if arguments.header.is_some() || arguments.passphrase_file.is_some() {
            let message = "a plain volume has neither a header nor a passphrase";
            return Err(VolumeFailure::Call(message.to_owned()).into());
        }
        data.sync().map_err(VolumeFailure::at(&arguments.file))?;
        made.keep();
        return Ok(ExitCode::SUCCESS);
    }
    let options = options(arguments)?;
    let passphrase = passphrase::needed(arguments.passphrase_file.as_deref())?;
    let engine = stores::luks_engine(arguments.engine.as_deref())?;
    let device = match &arguments.header {
        Some(header) => Device::detached(made.file(header, options.header_bytes())?, data),
        None => Device::attached(data),
    };
    let header = luks::create(engine.clone(), &device, &options, &passphrase).map_err(VolumeFailure::from)?;
    made.keep();
    writeln!(std::io::stdout(), "{}", header.summary().uuid)?;
    Ok(ExitCode::SUCCESS)
}

/// Files that are removed again unless all went well.
struct Made(Vec<PathBuf>);

impl Made {
    fn file(&mut self, path: &Path, bytes: u64) -> Result<Arc<dyn Store>, VolumeFailure> {
        let store = FileStore::create(path, bytes).map_err(VolumeFailure::at(path))?;
        self.0.push(path.to_owned());
        Ok(Arc::new(store))
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn options(arguments: &CreateArguments) -> Result<Options, VolumeFailure> {
    let mut options = match arguments.format {
        Format::Luks1 => Options::luks1(),
        _ => Options::luks2(),
    };
    options.cipher = match (arguments.cipher, arguments.integrity) {
        (CipherChoice::AesXts, None) => Cipher::Aes256XtsPlain64,
        (CipherChoice::Aes128Xts, None) => Cipher::Aes128XtsPlain64,
        (CipherChoice::AesCbcEssiv, None) => Cipher::Aes256CbcEssivSha256,
        (CipherChoice::AesXts, Some(IntegrityChoice::Aead)) => Cipher::Aes256GcmRandom,
        (CipherChoice::AesXts, Some(IntegrityChoice::HmacSha256)) => Cipher::Aes256XtsHmacSha256,
        (cipher, Some(_)) => {
            return Err(VolumeFailure::Call(format!(
                "--integrity stands for a cipher of its own; it does not go with --cipher {cipher:?}"
            )));
        }
    };
    options.sector_size = arguments.sector_size.unwrap_or(options.sector_size);
    options.label.clone_from(&arguments.label);
    options.pbkdf = pbkdf(options.version, &arguments.derivation)?;
    Ok(options)
}

/// The key derivation that is asked for, or the version's own.
pub(super) fn pbkdf(version: Version, asked: &Derivation) -> Result<Pbkdf, VolumeFailure> {
    let choice = asked.pbkdf.unwrap_or(match version {
        Version::Luks1 => PbkdfChoice::Pbkdf2,
        Version::Luks2 => PbkdfChoice::Argon2id,
    });
    let mut derivation = match choice {
        PbkdfChoice::Pbkdf2 => Options::luks1().pbkdf,
        PbkdfChoice::Argon2id => Pbkdf::default(),
    };
    match &mut derivation {
        Pbkdf::Pbkdf2 { .. } if asked.pbkdf_memory.is_some() => {
            return Err(VolumeFailure::Call(
                "--pbkdf-memory goes with argon2id only".to_owned(),
            ));
        }
        Pbkdf::Pbkdf2 { iterations, .. } => *iterations = asked.iterations.unwrap_or(*iterations),
        Pbkdf::Argon2i(cost) | Pbkdf::Argon2id(cost) => {
            cost.time = asked.iterations.unwrap_or(cost.time);
            if let Some(size) = asked.pbkdf_memory {
                cost.memory = u32::try_from(size.bytes() >> 10).unwrap_or(u32::MAX);
            }
        }
    }
    Ok(derivation)
}
