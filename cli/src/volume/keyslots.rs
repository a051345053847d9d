//! `sealab volume add-key` and `remove-key`.

use std::io::Write;
use std::process::ExitCode;

use sealab_volume::luks::{Header, KdfLimits, LuksError};
use sealab_volume::store::Access;

use super::arguments::{AddKeyArguments, RemoveKeyArguments};
use super::create::pbkdf;
use super::{VolumeFailure, passphrase, stores};
use crate::Done;

pub(super) fn add(arguments: &AddKeyArguments) -> Done {
    let store = stores::store(&arguments.file, Access::ReadWrite, false)?;
    let mut header = Header::read(&*store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    let (old, new) = (
        passphrase::read(&arguments.passphrase_file)?,
        passphrase::read(&arguments.new_passphrase_file)?,
    );
    let pbkdf = pbkdf(header.version(), &arguments.derivation)?;
    let engine = stores::luks_engine(None)?;
    let number = header
        .add_keyslot(&*engine, &*store, &old, &new, pbkdf, arguments.keyslot)
        .map_err(VolumeFailure::from)?;
    writeln!(
        std::io::stdout(),
        "keyslot {number} opens the volume with the new passphrase"
    )?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove(arguments: &RemoveKeyArguments) -> Done {
    let store = stores::store(&arguments.file, Access::ReadWrite, false)?;
    let mut header = Header::read(&*store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    let known = passphrase::read(&arguments.passphrase_file)?;
    let engine = stores::luks_engine(None)?;
    let others = header.summary().keyslots;
    // One by one: that of the keyslot to be destroyed shows nothing of what stays.
    let stays = others
        .iter()
        .filter(|keyslot| keyslot.number != arguments.keyslot)
        .any(|keyslot| {
            header
                .test_passphrase(&*engine, &*store, &known, Some(keyslot.number))
                .is_ok()
        });
    if !stays {
        return Err(VolumeFailure::from(LuksError::Passphrase).into());
    }
    header
        .remove_keyslot(&*store, arguments.keyslot)
        .map_err(VolumeFailure::from)?;
    writeln!(std::io::stdout(), "keyslot {} is destroyed", arguments.keyslot)?;
    Ok(ExitCode::SUCCESS)
}
