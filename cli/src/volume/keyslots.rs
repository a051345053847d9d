//! `sealab volume add-key` and `remove-key`.

use std::io::Write;
use std::process::ExitCode;

use sealab_volume::luks::{Header, KdfLimits, LuksError};
use sealab_volume::store::{Access, Store};

use super::arguments::{AddKeyArguments, RemoveKeyArguments};
use super::create::pbkdf;
use super::{VolumeFailure, passphrase, sealed_log, stores};
use crate::Done;
use crate::failure::Failure;

pub(super) fn add(arguments: &AddKeyArguments) -> Done {
    let store = stores::store(&arguments.file, Access::ReadWrite, false)?;
    let number = if stores::is_sealed_log(&*store, &arguments.file)? {
        sealed_log::add_key(arguments, &*store)?
    } else {
        add_to_luks(arguments, &*store)? as usize
    };
    writeln!(
        std::io::stdout(),
        "keyslot {number} opens the volume with the new passphrase"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn add_to_luks(arguments: &AddKeyArguments, store: &dyn Store) -> Result<u32, Failure> {
    let mut header = Header::read(store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    let (old, new) = (
        passphrase::read(&arguments.passphrase_file)?,
        passphrase::read(&arguments.new_passphrase_file)?,
    );
    let pbkdf = pbkdf(header.version(), &arguments.derivation)?;
    let engine = stores::luks_engine(None)?;
    let added = header.add_keyslot(&*engine, store, &old, &new, pbkdf, arguments.keyslot);
    Ok(added.map_err(VolumeFailure::from)?)
}

pub(super) fn remove(arguments: &RemoveKeyArguments) -> Done {
    let store = stores::store(&arguments.file, Access::ReadWrite, false)?;
    if stores::is_sealed_log(&*store, &arguments.file)? {
        sealed_log::remove_key(arguments, &*store)?;
    } else {
        remove_from_luks(arguments, &*store)?;
    }
    writeln!(std::io::stdout(), "keyslot {} is destroyed", arguments.keyslot)?;
    Ok(ExitCode::SUCCESS)
}

fn remove_from_luks(arguments: &RemoveKeyArguments, store: &dyn Store) -> Result<(), Failure> {
    let mut header = Header::read(store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    let known = passphrase::read(&arguments.passphrase_file)?;
    let engine = stores::luks_engine(None)?;
    let others = header.summary().keyslots;
    // One by one: that of the keyslot to be destroyed shows nothing of what stays.
    let stays = others
        .iter()
        .filter(|keyslot| keyslot.number != arguments.keyslot)
        .any(|keyslot| {
            header
                .test_passphrase(&*engine, store, &known, Some(keyslot.number))
                .is_ok()
        });
    if !stays {
        return Err(VolumeFailure::from(LuksError::Passphrase).into());
    }
    let removed = header.remove_keyslot(store, arguments.keyslot);
    Ok(removed.map_err(VolumeFailure::from)?)
}
