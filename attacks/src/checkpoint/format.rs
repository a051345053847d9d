//! What the bench needs of a checkpoint format.

use std::fs;
use std::path::Path;

use sealab_attack_record::FormatUnderAttack;
use sealab_keys::{Recipient, SigningKey, VerifyingKey};

use super::keyring::OpeningKey;
use crate::files::{Files, Piece};

/// Why a format did not do what it was asked, in its own words.
pub(super) type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Parts of a checkpoint whose sealed bytes an adversary may find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// What a reader needs to begin: wrapped keys, tweaks, codes.
    Header,
    /// `inventory.img`.
    Inventory,
    /// `pstree.img`.
    Tree,
    /// `core-*.img`: the state of each process.
    Core,
    /// `files.img`: the open files.
    OpenFiles,
    /// `pagemap-*.img`.
    Pagemap,
    /// `pages-*.img`.
    Pages,
    /// A deleted file under 12,288 bytes.
    SmallGhost,
    /// A deleted file of 12,288 bytes or more.
    LargeGhost,
    /// What stood in a pipe.
    Pipe,
    /// What tar and iptables wrote.
    ToolOutput,
    /// What ip and nft wrote.
    NetworkTools,
    /// `stats-*`.
    Statistics,
    /// Files of other programs beside the images.
    Log,
    /// What stands behind all content: an index, a trailer.
    Trailer,
}

/// What an adversary can find and move in a sealed set.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The sealed bytes of each part that the format has.
    pub(super) parts: Vec<(Part, Piece)>,
    /// The smallest pieces that hold the entries of the open files, in their order; where pieces are not of one file,
    /// all of them.
    pub(super) entries: Vec<Piece>,
    /// For each process the smallest pieces that hold its pages, each with the page that it holds first, in the order of
    /// the pages.
    pub(super) pages: Vec<Vec<(usize, Piece)>>,
    /// What can be exchanged for the same of another set: files, or what stands for them in one big file.
    pub(super) exchangeable: Vec<Piece>,
}

impl Layout {
    /// Adds a piece of a part, once.
    pub(super) fn add(&mut self, part: Part, piece: Piece) {
        let known = (part, piece);
        if !self.parts.contains(&known) {
            self.parts.push(known);
        }
    }

    /// The pieces of a part.
    pub(super) fn part(&self, part: Part) -> Vec<&Piece> {
        let of_part = self.parts.iter().filter(|(of, _)| *of == part);
        of_part.map(|(_, piece)| piece).collect()
    }

    /// The piece that holds a page of a process, if one does.
    pub(super) fn page(&self, process: usize, page: usize) -> Option<&Piece> {
        let pages = self.pages.get(process)?;
        let last = pages.iter().rev().find(|(first, _)| *first <= page);
        last.map(|(_, piece)| piece)
    }
}

/// What is asked for when a set is sealed.
pub(super) struct Sealing<'a> {
    pub(super) recipient: &'a Recipient,
    pub(super) signer: Option<&'a SigningKey>,
    /// The sealed set that this one builds on.
    pub(super) parent: Option<&'a Path>,
}

/// What a reader brings.
pub(super) struct Asking<'a> {
    pub(super) key: &'a OpeningKey,
    /// Whom the set must be from.
    pub(super) sender: Option<&'a VerifyingKey>,
}

/// A way to keep a checkpoint, with its reader.
pub(super) trait CheckpointFormat {
    fn format(&self) -> FormatUnderAttack;

    /// Seals the plain set in `plain` into the new folder `sealed`.
    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem>;

    /// As [`CheckpointFormat::seal`], but made to fail near the end; may change what is in `plain`.
    fn seal_and_fail(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        // Among the last by name, and so of what is read.
        let name = plain.join("stats-dump");
        let mut bytes = fs::read(&name)?;
        bytes.pop();
        fs::write(&name, bytes)?;
        self.seal(plain, sealed, with)
    }

    /// Opens the set in `sealed`. Whatever the reader gives to anybody is in `handed_out` when it returns, also when it
    /// refuses.
    fn open(&self, sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem>;

    /// Where everything stands in a sealed set. An adversary need not have the key for that: layouts are public, and who
    /// watches a program for long enough learns the rest.
    fn layout(&self, sealed: &Files, key: &OpeningKey) -> Result<Layout, Problem>;

    /// Whether the format can say whom a set is from.
    fn has_senders(&self) -> bool {
        false
    }

    /// Whether what is written is sealed at all.
    fn seals(&self) -> bool {
        true
    }

    /// What the set becomes when an adversary removes that it is sealed, by what was removed.
    fn stripped(&self, _sealed: &Files) -> Vec<(&'static str, Files)> {
        Vec::new()
    }

    /// Whether a set can build on another.
    fn has_parents(&self) -> bool {
        false
    }

    /// The memory of each process through the sets that `sealed` builds on (the link `parent` in it), as a file a
    /// process; nothing if the format has no parents.
    fn memory(
        &self,
        _sealed: &Path,
        _asking: &Asking<'_>,
        _handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        None
    }
}
