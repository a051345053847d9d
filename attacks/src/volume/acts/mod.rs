//! Every act on volumes. Expected verdicts stand in `expected.yaml`, none of them here.

mod addresses;
mod crash;
mod flip;
mod forge;
mod look;
mod moved;
mod offer;
mod replay;

use sealab_attack_record::{Act, Guarantee};

use super::PLANE;
use super::stage::Stage;
use crate::crash::Promise;
use crate::{AttackError, Outcome};

type Attempt = fn(&Stage) -> Result<Outcome, AttackError>;

/// An act with the code that does it.
pub(super) struct VolumeAct {
    pub(super) act: Act,
    pub(super) attempt: Attempt,
}

const fn act(id: &'static str, guarantee: Guarantee, what: &'static str, attempt: Attempt) -> VolumeAct {
    VolumeAct {
        act: Act {
            plane: PLANE,
            id,
            guarantee,
            what,
        },
        attempt,
    }
}

use Guarantee::{Anonymity, Atomicity, Authenticity, Confidentiality, Consistency, Freshness, Integrity};

/// All of them, in the order of reports.
pub(super) const ACTS: &[VolumeAct] = &[
    act(
        "canaries",
        Confidentiality,
        "Reads the whole store, closed and after a power cut, for texts that stand in every sector of the volume.",
        look::canaries,
    ),
    act(
        "equal-blocks",
        Confidentiality,
        "Looks whether blocks of one content repeat in what is stored.",
        look::equal_blocks,
    ),
    act(
        "content-comes-back",
        Confidentiality,
        "Looks whether a block that is written, changed, and written again as it was is stored as before.",
        look::content_comes_back,
    ),
    act(
        "wrong-key",
        Confidentiality,
        "Opens the volume with what opens one of the adversary's own.",
        offer::wrong_key,
    ),
    act(
        "null-cipher",
        Confidentiality,
        "Has the header name a cipher that does nothing, checksums mended, and waits for what is written next.",
        forge::null_cipher,
    ),
    act(
        "learn-addresses",
        Anonymity,
        "Watches what is written where, and guesses which block it was.",
        addresses::learn,
    ),
    act(
        "compare-snapshots",
        Anonymity,
        "Compares the store before and after one block was written, and guesses which one it was.",
        addresses::compare,
    ),
    act(
        "flip-data",
        Integrity,
        "Flips single bits of stored blocks.",
        flip::data,
    ),
    act(
        "flip-codes",
        Integrity,
        "Flips single bits of what stands for blocks elsewhere: tags, nonces, hashes.",
        flip::codes,
    ),
    act(
        "flip-header",
        Integrity,
        "Flips single bits of each header, of a LUKS2 header's first copy, and of keyslots.",
        flip::header,
    ),
    act(
        "flip-header-copies",
        Integrity,
        "Flips the same bit in both copies of a header.",
        flip::header_copies,
    ),
    act(
        "flip-journal",
        Integrity,
        "Flips single bits of what the journal got, after a power cut once it had it.",
        flip::journal,
    ),
    act(
        "forge-header",
        Integrity,
        "Changes where the header says that data are and how long they are, checksums mended.",
        forge::header,
    ),
    act(
        "swap-blocks",
        Integrity,
        "Swaps the data of two blocks.",
        moved::swap,
    ),
    act(
        "swap-blocks-with-codes",
        Integrity,
        "Swaps two blocks with what stands for them elsewhere.",
        moved::swap_with_codes,
    ),
    act(
        "copy-block",
        Integrity,
        "Copies a block over another one, with what stands for it elsewhere.",
        moved::copy,
    ),
    act(
        "erase-block",
        Integrity,
        "Makes a block zeroes, with what stands for it elsewhere.",
        moved::erase,
    ),
    act(
        "truncate",
        Integrity,
        "Cuts the store off: nothing left, half, without its last sector, without its last byte.",
        moved::truncate,
    ),
    act(
        "restore-block",
        Freshness,
        "Puts an older state of one block in place, with what stood for it elsewhere.",
        replay::block,
    ),
    act(
        "restore-journal",
        Freshness,
        "Puts the journal back as it was, after a power cut once it had got what was flushed.",
        replay::journal,
    ),
    act(
        "restore-image",
        Freshness,
        "Puts an older state of the whole store in place.",
        replay::image,
    ),
    act(
        "crash-durability",
        Consistency,
        "Cuts the power at any write: what was flushed must be there.",
        |stage| crash::crash(stage, Promise::Durability),
    ),
    act(
        "crash-flush-atomicity",
        Consistency,
        "Cuts the power at any write: all blocks must be as one flush left them, the last completed or a later one.",
        |stage| crash::crash(stage, Promise::FlushAtomicity),
    ),
    act(
        "crash-block-atomicity",
        Atomicity,
        "Cuts the power at any write: each block of 4096 bytes must be as it was or as it was to be.",
        |stage| crash::crash(stage, Promise::BlockAtomicity),
    ),
    act(
        "foreign-volume",
        Authenticity,
        "Gives the owner a volume of its own in place of theirs.",
        offer::foreign_volume,
    ),
];

const UNWRITABLE: &str = "Nothing is ever written to the volume.";
