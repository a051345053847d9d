//! What people do after a dump today: an archive of the set, encrypted by a program of the system.
//!
//! Each peer is the real program in a pipe with `tar`, as its manual has it. [`compare`] seals a set with each, opens it
//! again, holds the result to the set byte for byte, and removes what it wrote.

mod measured;
mod tool;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_memory::ByteSize;
use serde::Serialize;

use crate::scratch::Scratch;
use crate::{CriuError, ImageSet, Unavailable};

use tool::Prepared;
pub use tool::Tool;

/// One way of one peer, once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The peer.
    pub tool: Tool,
    /// What was measured.
    pub way: Way,
    /// Which round it was, from 0.
    pub round: u32,
    /// Bytes of the set's files.
    pub plain_bytes: u64,
    /// Bytes of what the peer stored.
    pub stored_bytes: u64,
    /// From the start to the end of all processes, in seconds.
    pub wall_seconds: f64,
    /// CPU time of all processes, in seconds; each is counted in hundredths.
    pub cpu_seconds: f64,
    /// The peak resident memory of all processes, added up, in bytes (`ru_maxrss`).
    pub peak_bytes: u64,
}

/// Into the sealed form or back.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From the set to what is stored.
    Seal,
    /// From what is stored to the set.
    Open,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// The figures, in the order in which they were taken.
    pub rows: Vec<Row>,
    /// How each peer names itself and its version.
    pub versions: Vec<(Tool, String)>,
    /// The peers that are not on this machine, with the reason.
    pub missing: Vec<(Tool, String)>,
}

/// Has every peer of `tools` seal and open the set in `images`, `rounds` times, in folders below `folder`, which should
/// be on the file system that is to be measured.
///
/// Set `cancelled` to end it early. Nothing is left in `folder` however it ends.
///
/// # Errors
/// A peer fails, takes too long, or does not give the set back as it was. That a peer is missing is no error.
pub fn compare(
    images: &Path,
    tools: &[Tool],
    rounds: u32,
    folder: &Path,
    cancelled: &AtomicBool,
) -> Result<Comparison, CriuError> {
    let images = std::path::absolute(images).map_err(CriuError::at(images))?;
    let plain_bytes = bytes_of(&images)?;
    let limit = Duration::from_secs(60 + (plain_bytes >> 22));
    let scratch = Scratch::new(folder)?;
    let mut comparison = Comparison::default();
    let mut prepared = Vec::new();
    for &tool in tools {
        let place = scratch.path().join(tool.id());
        fs::create_dir(&place).map_err(CriuError::at(&place))?;
        match Prepared::new(tool, &place, limit, cancelled) {
            Ok(peer) => {
                comparison.versions.push((tool, peer.version.clone()));
                prepared.push((peer, place));
            }
            Err(CriuError::Unavailable(reason)) => comparison.missing.push((tool, reason.to_string())),
            Err(error) => return Err(error),
        }
    }
    for round in 0..rounds {
        // Forwards and backwards in turn, so that drift of the machine hits all alike.
        let mut order: Vec<_> = prepared.iter().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (peer, place) in order {
            let (sealed, opened) = (place.join("sealed"), place.join("opened"));
            fs::create_dir(&opened).map_err(CriuError::at(&opened))?;
            for way in [Way::Seal, Way::Open] {
                let spent = match way {
                    Way::Seal => peer.seal(&images, &sealed, limit, cancelled)?,
                    Way::Open => peer.open(&sealed, &opened, limit, cancelled)?,
                };
                comparison.rows.push(Row {
                    tool: peer.tool,
                    way,
                    round,
                    plain_bytes,
                    stored_bytes: bytes_of(&sealed)?,
                    wall_seconds: spent.wall.as_secs_f64(),
                    cpu_seconds: spent.cpu_seconds,
                    peak_bytes: spent.peak_bytes,
                });
            }
            measured::same(&images, &opened, peer.tool.id(), limit, cancelled)?;
            remove(&sealed)?;
            remove(&opened)?;
        }
    }
    Ok(comparison)
}

/// The same over sets like `set` of each of `sizes`, which are made below `folder` and removed again.
///
/// # Errors
/// As [`compare`] and [`ImageSet::write`].
pub fn compare_sizes(
    set: &ImageSet,
    sizes: &[ByteSize],
    tools: &[Tool],
    rounds: u32,
    folder: &Path,
    cancelled: &AtomicBool,
) -> Result<Vec<(ByteSize, Comparison)>, CriuError> {
    let mut comparisons = Vec::new();
    for &size in sizes {
        let scratch = Scratch::new(folder)?;
        let images = scratch.path().join("images");
        ImageSet { size, ..set.clone() }.write(&images, cancelled)?;
        comparisons.push((size, compare(&images, tools, rounds, folder, cancelled)?));
    }
    Ok(comparisons)
}

/// The bytes of a file, or of all files of a folder.
fn bytes_of(path: &Path) -> Result<u64, CriuError> {
    let metadata = fs::symlink_metadata(path).map_err(CriuError::at(path))?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(CriuError::at(path))? {
        bytes += bytes_of(&entry.map_err(CriuError::at(path))?.path())?;
    }
    Ok(bytes)
}

fn remove(path: &Path) -> Result<(), CriuError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(CriuError::at(path))
}

/// That a program is there.
fn needs(program: &'static str, package: &'static str) -> Result<std::path::PathBuf, CriuError> {
    crate::bounded::in_path(program).ok_or_else(|| Unavailable::Program { program, package }.into())
}
