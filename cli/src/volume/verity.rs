//! dm-verity volumes: the data in one file, the tree of hashes in another.

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use sealab_engine::{Engine, Primitive};
use sealab_volume::Volume;
use sealab_volume::store::{Access, FileStore, Store};
use sealab_volume::verity::{self, HashArea, Parameters, RootHash, Verity};

use super::arguments::{CreateArguments, OpenArguments, ShowArguments};
use super::{VolumeFailure, stores};
use crate::failure::Failure;
use crate::{Done, engine};

const AREA: HashArea = HashArea {
    offset: 0,
    superblock: true,
};
const BLOCK_BYTES: u64 = 4096;
const SALT_BYTES: usize = 32;

fn hashing(asked: Option<&str>) -> Result<Arc<dyn Engine>, Failure> {
    engine::open(asked, &[Primitive::Sha256]).map(Arc::from)
}

pub(super) fn create(arguments: &CreateArguments) -> Done {
    let Some(hashes) = &arguments.header else {
        let message = "a verity volume needs --header: a new file for its tree of hashes";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    };
    if arguments.size.is_some() || arguments.passphrase_file.is_some() {
        let message = "a verity volume is as large as its data, and has no passphrase";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    }
    let data = stores::store(&arguments.file, Access::ReadOnly, false)?;
    if data.size() == 0 || !data.size().is_multiple_of(BLOCK_BYTES) {
        return Err(VolumeFailure::Format {
            path: arguments.file.display().to_string(),
            found: format!("it has {} bytes", data.size()),
            hint: "the data of a verity volume are whole blocks of 4096 bytes",
        }
        .into());
    }
    let mut random = [0; SALT_BYTES + 16];
    getrandom::fill(&mut random).map_err(|error| VolumeFailure::Call(format!("random numbers: {error}")))?;
    let (salt, uuid) = random.split_at(SALT_BYTES);
    let mut parameters = Parameters::new(data.size() / BLOCK_BYTES, salt.to_vec(), [0; 16]);
    parameters.uuid.copy_from_slice(uuid);
    let engine = hashing(arguments.engine.as_deref())?;
    let store = FileStore::create(hashes, parameters.hash_bytes()).map_err(VolumeFailure::at(hashes))?;
    let root = verity::create(&*engine, &*data, Some(&store), AREA, &parameters);
    let root = root.map_err(|error| {
        // Half a tree is of no use.
        let _ = fs::remove_file(hashes);
        VolumeFailure::from(error)
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "root hash: {root}")?;
    writeln!(out, "data blocks: {}", parameters.data_blocks)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn open(arguments: &OpenArguments) -> Result<Arc<dyn Volume>, Failure> {
    let (Some(hashes), Some(root)) = (&arguments.header, &arguments.root_hash) else {
        let message = "a verity volume needs --header, the file of its tree, and --root-hash";
        return Err(VolumeFailure::Call(message.to_owned()).into());
    };
    let root: RootHash = root.parse().map_err(VolumeFailure::from)?;
    let data = stores::store(&arguments.file, Access::ReadOnly, arguments.direct)?;
    let hashes = stores::store(hashes, Access::ReadOnly, false)?;
    let parameters = verity::open_parameters(&*hashes, 0).map_err(VolumeFailure::from)?;
    // The root hash does not cover how many blocks there are.
    if arguments
        .data_blocks
        .is_some_and(|blocks| blocks != parameters.data_blocks)
    {
        return Err(VolumeFailure::Format {
            path: arguments.file.display().to_string(),
            found: format!("its superblock says {} blocks of data", parameters.data_blocks),
            hint: "--data-blocks says otherwise",
        }
        .into());
    }
    let engine = hashing(arguments.engine.as_deref())?;
    let volume = Verity::open(engine, data, Some(hashes), AREA, Some(&parameters), &root);
    Ok(Arc::new(volume.map_err(VolumeFailure::from)?))
}

/// Shows a tree of hashes.
pub(super) fn show(arguments: &ShowArguments, store: &dyn Store, out: &mut impl Write) -> Done {
    let found = verity::open_parameters(store, 0).map_err(|error| VolumeFailure::Format {
        path: arguments.file.display().to_string(),
        found: format!(
            "no header of LUKS or of a sealed log and no verity superblock stands there ({error})"
        ),
        hint: "name a volume, its header, or its tree of hashes",
    })?;
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let salt = hex(&found.salt);
    if arguments.json {
        let value = serde_json::json!({
            "format": "verity",
            "algorithm": found.algorithm.name(),
            "data_block_bytes": found.data_block_bytes,
            "hash_block_bytes": found.hash_block_bytes,
            "data_blocks": found.data_blocks,
            "salt": salt,
            "uuid": hex(&found.uuid),
        });
        writeln!(out, "{value:#}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "format:     dm-verity")?;
    writeln!(out, "hash:       {}", found.algorithm.name())?;
    writeln!(
        out,
        "data:       {} blocks of {} bytes",
        found.data_blocks, found.data_block_bytes
    )?;
    writeln!(out, "hashes:     blocks of {} bytes", found.hash_block_bytes)?;
    writeln!(out, "salt:       {salt}")?;
    Ok(ExitCode::SUCCESS)
}
