//! `sealab volume create`.

use std::io::Write;
use std::process::ExitCode;

use sealab_volume::luks::{self, Cipher, Device, Options, Pbkdf, Version};

use super::arguments::{CipherChoice, CreateArguments, Derivation, Format, IntegrityChoice, PbkdfChoice};
use super::made::Made;
use super::{VolumeFailure, passphrase, stores};
use crate::Done;

pub(super) fn create(arguments: &CreateArguments) -> Done {
    if arguments.format != Format::SealedLog && arguments.counter.is_some() {
        return Err(VolumeFailure::Call("--counter goes with --format sealed-log only".to_owned()).into());
    }
    if arguments.format == Format::Verity {
        return super::verity::create(arguments);
    }
    let Some(size) = arguments.size else {
        let message = "--size is needed: how large the file is to be, its header included";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    };
    if arguments.format == Format::SealedLog {
        return super::sealed_log::create(arguments, size.bytes());
    }
    // Whatever fails from here on leaves no file behind.
    let mut made = Made::default();
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

fn options(arguments: &CreateArguments) -> Result<Options, VolumeFailure> {
    let mut options = match arguments.format {
        Format::Luks1 => Options::luks1(),
        _ => Options::luks2(),
    };
    options.cipher = match (
        arguments.cipher.unwrap_or(CipherChoice::AesXts),
        arguments.integrity,
    ) {
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
    options.label = arguments.label.clone().unwrap_or_default();
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
