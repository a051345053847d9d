//! Files as stores, and what lies in them.

use std::path::Path;
use std::sync::Arc;

use sealab_engine::{Engine, Primitive};
use sealab_volume::Volume;
use sealab_volume::luks::{self, Device, OpenOptions};
use sealab_volume::plain::Plain;
use sealab_volume::sealed_log::BLOCK_BYTES;
use sealab_volume::store::{Access, DirectFileStore, FileStore, Store};

use super::VolumeFailure;
use super::arguments::{Format, OpenArguments};
use super::passphrase;
use crate::engine;
use crate::failure::Failure;

/// What LUKS headers begin with, both versions.
const LUKS_MAGIC: &[u8] = b"LUKS\xba\xbe";
/// What the second copy of a LUKS2 header begins with, and where it may stand, in KiB.
const SECOND_MAGIC: &[u8] = b"SKUL\xba\xbe";
const SECOND_KIB: [u64; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/// What each of the two copies of a sealed log's header begins with.
const SEALED_LOG_MAGIC: &[u8] = b"SEALDLOG";

pub(super) fn store(path: &Path, access: Access, direct: bool) -> Result<Arc<dyn Store>, VolumeFailure> {
    let store: Arc<dyn Store> = if direct {
        Arc::new(DirectFileStore::open(path, access).map_err(VolumeFailure::at(path))?)
    } else {
        Arc::new(FileStore::open(path, access).map_err(VolumeFailure::at(path))?)
    };
    Ok(store)
}

/// Whether a LUKS header, or its second copy, stands on the store.
pub(super) fn is_luks(store: &dyn Store, path: &Path) -> Result<bool, VolumeFailure> {
    if has(store, path, 0, LUKS_MAGIC)? {
        return Ok(true);
    }
    for kibibytes in SECOND_KIB {
        if has(store, path, kibibytes << 10, SECOND_MAGIC)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the header of a sealed log, or its second copy, stands on the store, and no LUKS header in their place.
pub(super) fn is_sealed_log(store: &dyn Store, path: &Path) -> Result<bool, VolumeFailure> {
    if has(store, path, 0, LUKS_MAGIC)? {
        return Ok(false);
    }
    let second = BLOCK_BYTES as u64;
    Ok(has(store, path, 0, SEALED_LOG_MAGIC)? || has(store, path, second, SEALED_LOG_MAGIC)?)
}

/// Whether `magic` stands at `offset`.
fn has(store: &dyn Store, path: &Path, offset: u64, magic: &[u8]) -> Result<bool, VolumeFailure> {
    // A whole sector, whatever the store's alignment.
    let mut bytes = vec![0; 4096];
    if offset + bytes.len() as u64 > store.size() {
        return Ok(false);
    }
    store
        .read_at(offset, &mut bytes)
        .map_err(VolumeFailure::at(path))?;
    Ok(bytes.starts_with(magic))
}

/// A LUKS volume's stores.
pub(super) fn device(arguments: &OpenArguments, access: Access) -> Result<Device, VolumeFailure> {
    let data = store(&arguments.file, access, arguments.direct)?;
    Ok(match &arguments.header {
        Some(header) => Device::detached(store(header, access, false)?, data),
        None => Device::attached(data),
    })
}

/// The format that is asked for or found. What has neither a LUKS header nor a sealed log's is not taken for plain bytes: whoever can write the file
/// could have it served so.
pub(super) fn format(arguments: &OpenArguments) -> Result<Format, VolumeFailure> {
    if let Some(format) = arguments.format {
        return Ok(format);
    }
    if arguments.root_hash.is_some() {
        return Ok(Format::Verity);
    }
    let path = arguments.header.as_ref().unwrap_or(&arguments.file);
    let store = store(path, Access::ReadOnly, false)?;
    if is_sealed_log(&*store, path)? {
        return Ok(Format::SealedLog);
    }
    if is_luks(&*store, path)? {
        return Ok(Format::Luks2);
    }
    Err(VolumeFailure::Format {
        path: path.display().to_string(),
        found: "no LUKS header stands there, nor a sealed log's".to_owned(),
        hint: "name what it is with --format, or a verity volume's --root-hash",
    })
}

/// An engine for LUKS volumes.
pub(super) fn luks_engine(asked: Option<&str>) -> Result<Arc<dyn Engine>, Failure> {
    let needed = [Primitive::Aes256Xts];
    engine::open(asked, &needed).map(Arc::from)
}

/// Opens the volume.
pub(super) fn open(
    arguments: &OpenArguments,
    access: Access,
    allow_discards: bool,
) -> Result<Arc<dyn Volume>, Failure> {
    let read_only = access == Access::ReadOnly;
    let format = format(arguments)?;
    if format != Format::SealedLog && (arguments.counter.is_some() || arguments.accept_rollback) {
        let message =
            "--counter and --accept-rollback go with a sealed log only; this volume has no commits to count";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    }
    match format {
        Format::Plain => {
            let store = store(&arguments.file, access, arguments.direct)?;
            let block = if arguments.direct { 4096 } else { 512 };
            Ok(Arc::new(
                Plain::new(store, block, read_only).map_err(VolumeFailure::from)?,
            ))
        }
        wanted @ (Format::Luks1 | Format::Luks2) => {
            let device = device(arguments, access)?;
            let options = OpenOptions {
                read_only,
                allow_discards,
                integrity_no_journal: arguments.integrity_no_journal,
                ..OpenOptions::default()
            };
            if arguments.format.is_some() {
                let header =
                    luks::Header::read(&**device.header(), &options.limits).map_err(VolumeFailure::from)?;
                let found = header.version();
                if (found == luks::Version::Luks1) != (wanted == Format::Luks1) {
                    return Err(VolumeFailure::Format {
                        path: arguments.file.display().to_string(),
                        found: format!("its header is of {found:?}"),
                        hint: "--format says otherwise",
                    }
                    .into());
                }
            }
            let passphrase = passphrase::needed(arguments.passphrase_file.as_deref())?;
            let engine = luks_engine(arguments.engine.as_deref())?;
            let volume = luks::open(engine, &device, &passphrase, &options).map_err(VolumeFailure::from)?;
            Ok(Arc::new(volume))
        }
        Format::SealedLog => Ok(Arc::new(super::sealed_log::open(arguments, access, None)?)),
        Format::Verity => super::verity::open(arguments),
    }
}
