//! What people do after a dump today, an archive of the set, encrypted by a program of the system; and what the lab's own
//! program does.
//!
//! Each peer is the real program, where it needs one in a pipe with `tar`, as its manual has it. [`Peers::compare`] seals
//! a set with each, opens it again, holds the result to the set byte for byte, and removes what it wrote.

mod prepared;
mod tool;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::{Scratch, bytes_of, remove, same};
use serde::Serialize;

use crate::CriuError;

use prepared::Prepared;
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
    /// The peers that failed, took too long, or did not give the set back as it was, with what was found. They have no
    /// rows from then on.
    pub failed: Vec<(Tool, String)>,
}

/// Who is compared, and where.
#[derive(Clone, Debug)]
pub struct Peers<'a> {
    /// The peers.
    pub tools: &'a [Tool],
    /// How often each seals and opens.
    pub rounds: u32,
    /// Where they work: folders below it, on the file system that is to be measured. Nothing stays there.
    pub folder: &'a Path,
    /// The lab's own program, for its formats.
    pub sealab: Option<&'a Path>,
    /// A peer whose set, as it gave it back in the last round, is to be left in a new folder.
    pub keep: Option<(Tool, &'a Path)>,
}

impl Peers<'_> {
    /// Has every peer seal and open the set in `images`, and holds what it gives back to the set, byte for byte.
    ///
    /// Set `cancelled` to end it early.
    ///
    /// # Errors
    /// It was cancelled, or `folder` cannot be worked in. That a peer is missing or fails is no error.
    pub fn compare(&self, images: &Path, cancelled: &AtomicBool) -> Result<Comparison, CriuError> {
        let images = std::path::absolute(images).map_err(CriuError::at(images))?;
        let plain_bytes = bytes_of(&images)?;
        let limit = Duration::from_secs(60 + (plain_bytes >> 22));
        let scratch = Scratch::new(self.folder)?;
        let mut comparison = Comparison::default();
        let mut prepared = Vec::new();
        for &tool in self.tools {
            let place = scratch.path().join(tool.id());
            fs::create_dir(&place).map_err(CriuError::at(&place))?;
            match Prepared::new(tool, self.sealab, &place, limit, cancelled) {
                Ok(peer) => {
                    comparison.versions.push((tool, peer.version.clone()));
                    prepared.push((peer, place));
                }
                Err(CriuError::Unavailable(reason)) => comparison.missing.push((tool, reason.to_string())),
                Err(error) => comparison.fail(tool, error)?,
            }
        }
        for round in 0..self.rounds {
            // Forwards and backwards in turn, so that drift of the machine hits all alike.
            prepared.reverse();
            for (peer, place) in &prepared {
                if comparison.failed.iter().any(|(tool, _)| *tool == peer.tool) {
                    continue;
                }
                let job = Round {
                    images: &images,
                    plain_bytes,
                    round,
                    limit,
                    keep: self
                        .keep
                        .filter(|(tool, _)| *tool == peer.tool && round + 1 == self.rounds),
                };
                match job.run(peer, place, cancelled) {
                    Ok(rows) => comparison.rows.extend(rows),
                    Err(error) => comparison.fail(peer.tool, error)?,
                }
            }
        }
        Ok(comparison)
    }
}

impl Comparison {
    /// Writes down that a peer failed, unless all of it was ended.
    fn fail(&mut self, tool: Tool, error: CriuError) -> Result<(), CriuError> {
        if matches!(error, CriuError::Interrupted) {
            return Err(error);
        }
        self.failed.push((tool, error.to_string()));
        Ok(())
    }
}

/// One peer's turn.
struct Round<'a> {
    images: &'a Path,
    plain_bytes: u64,
    round: u32,
    limit: Duration,
    keep: Option<(Tool, &'a Path)>,
}

impl Round<'_> {
    fn run(&self, peer: &Prepared, place: &Path, cancelled: &AtomicBool) -> Result<[Row; 2], CriuError> {
        let (sealed, opened) = (place.join("sealed"), place.join("opened"));
        let sealing = peer.seal(self.images, &sealed, self.limit, cancelled)?;
        let stored_bytes = bytes_of(&sealed)?;
        let opening = peer.open(&sealed, &opened, self.limit, cancelled)?;
        same(self.images, &opened, peer.tool.id(), self.limit, cancelled)?;
        remove(&sealed)?;
        match self.keep {
            Some((_, to)) => fs::rename(&opened, to).map_err(CriuError::at(to))?,
            None => remove(&opened)?,
        }
        Ok(
            [(Way::Seal, sealing), (Way::Open, opening)].map(|(way, spent)| Row {
                tool: peer.tool,
                way,
                round: self.round,
                plain_bytes: self.plain_bytes,
                stored_bytes,
                wall_seconds: spent.wall.as_secs_f64(),
                cpu_seconds: spent.cpu_seconds,
                peak_bytes: spent.peak_bytes,
            }),
        )
    }
}
