//! Every act on checkpoints. Expected verdicts stand in `expected.yaml`, none of them here.

mod change;
mod entries;
mod flip;
mod interrupt;
mod look;
mod offer;
mod pages;
mod parent;
mod replay;
mod whole_files;

use sealab_attack_record::{Act, Guarantee};

use super::PLANE;
use super::format::Part;
use super::stage::Stage;
use crate::{AttackError, Outcome};
use look::{canaries, numbers_in_names};

type Attempt = fn(&Stage<'_>, &Act) -> Result<Outcome, AttackError>;

/// An act with the code that does it.
pub(super) struct CheckpointAct {
    pub(super) act: Act,
    pub(super) attempt: Attempt,
}

const fn act(id: &'static str, guarantee: Guarantee, what: &'static str, attempt: Attempt) -> CheckpointAct {
    CheckpointAct {
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
pub(super) const ACTS: &[CheckpointAct] = &[
    act(
        "canary-memory",
        Confidentiality,
        "Looks in what is stored for texts that stood in memory pages.",
        |stage, _| canaries(stage, &[Part::Pages]),
    ),
    act(
        "canary-entries",
        Confidentiality,
        "Looks for strings of protobuf entries: names of programs and of open files.",
        |stage, _| canaries(stage, &[Part::Inventory, Part::Core, Part::OpenFiles]),
    ),
    act(
        "canary-pipe",
        Confidentiality,
        "Looks for what stood in a pipe.",
        |stage, _| canaries(stage, &[Part::Pipe]),
    ),
    act(
        "canary-ghost-small",
        Confidentiality,
        "Looks for the content of a deleted file under 12,288 bytes.",
        |stage, _| canaries(stage, &[Part::SmallGhost]),
    ),
    act(
        "canary-ghost-large",
        Confidentiality,
        "Looks for the content of a deleted file of 12,288 bytes or more.",
        |stage, _| canaries(stage, &[Part::LargeGhost]),
    ),
    act(
        "canary-tool-output",
        Confidentiality,
        "Looks for what tar and iptables wrote: content of tmpfs, firewall rules.",
        |stage, _| canaries(stage, &[Part::ToolOutput]),
    ),
    act(
        "canary-network-tools",
        Confidentiality,
        "Looks for what ip and nft wrote: addresses, firewall rules.",
        |stage, _| canaries(stage, &[Part::NetworkTools]),
    ),
    act(
        "canary-log",
        Confidentiality,
        "Looks for lines of the log that lies beside the images.",
        |stage, _| canaries(stage, &[Part::Log]),
    ),
    act(
        "equal-pages",
        Confidentiality,
        "Looks whether pages that are equal in memory are equal in what is stored.",
        |stage, _| look::equal_pages(stage),
    ),
    act(
        "equal-blocks",
        Confidentiality,
        "Looks whether 16-byte blocks that are equal in memory, in pages that are not, are equal in what is stored.",
        |stage, _| look::equal_blocks(stage),
    ),
    act(
        "equal-sets",
        Confidentiality,
        "Has one checkpoint sealed twice and looks whether that shows.",
        |stage, _| look::equal_sets(stage),
    ),
    act(
        "size-by-content",
        Confidentiality,
        "Tells memory full of zeros from memory full of noise by the size of what is stored.",
        |stage, _| look::size_by_content(stage),
    ),
    act(
        "wrong-key",
        Confidentiality,
        "Opens the set with a key of its own.",
        |stage, _| offer::wrong_key(stage),
    ),
    act(
        "numbers-in-names",
        Anonymity,
        "Reads process and inode numbers from the names of files.",
        |stage, _| numbers_in_names(stage),
    ),
    act(
        "size-of-processes",
        Anonymity,
        "Tells by names and sizes which of two processes has grown by a page.",
        |stage, _| look::size_of_processes(stage),
    ),
    act(
        "size-of-set",
        Anonymity,
        "Tells by the total size whether one page more was sealed.",
        |stage, _| look::size_of_set(stage),
    ),
    act(
        "flip-header",
        Integrity,
        "Flips bits of what a reader needs to begin: wrapped keys, tweak, codes.",
        |stage, _| flip::flip(stage, Part::Header),
    ),
    act(
        "flip-inventory",
        Integrity,
        "Flips bits of the inventory.",
        |stage, _| flip::flip(stage, Part::Inventory),
    ),
    act(
        "flip-tree",
        Integrity,
        "Flips bits of the tree of processes.",
        |stage, _| flip::flip(stage, Part::Tree),
    ),
    act(
        "flip-core",
        Integrity,
        "Flips bits of the processes' registers and state.",
        |stage, _| flip::flip(stage, Part::Core),
    ),
    act(
        "flip-open-files",
        Integrity,
        "Flips bits of the list of open files.",
        |stage, _| flip::flip(stage, Part::OpenFiles),
    ),
    act(
        "flip-pagemap",
        Integrity,
        "Flips bits of the pagemaps.",
        |stage, _| flip::flip(stage, Part::Pagemap),
    ),
    act(
        "flip-pages",
        Integrity,
        "Flips bits of memory pages.",
        |stage, _| flip::flip(stage, Part::Pages),
    ),
    act(
        "flip-ghost-small",
        Integrity,
        "Flips bits of a deleted file under 12,288 bytes.",
        |stage, _| flip::flip(stage, Part::SmallGhost),
    ),
    act(
        "flip-ghost-large",
        Integrity,
        "Flips bits of a deleted file of 12,288 bytes or more.",
        |stage, _| flip::flip(stage, Part::LargeGhost),
    ),
    act(
        "flip-pipe",
        Integrity,
        "Flips bits of a pipe's content.",
        |stage, _| flip::flip(stage, Part::Pipe),
    ),
    act(
        "flip-tool-output",
        Integrity,
        "Flips bits of what tar and iptables wrote.",
        |stage, _| flip::flip(stage, Part::ToolOutput),
    ),
    act(
        "flip-network-tools",
        Integrity,
        "Flips bits of what ip and nft wrote.",
        |stage, _| flip::flip(stage, Part::NetworkTools),
    ),
    act(
        "flip-statistics",
        Integrity,
        "Flips bits of the statistics.",
        |stage, _| flip::flip(stage, Part::Statistics),
    ),
    act(
        "flip-log",
        Integrity,
        "Flips bits of the log that lies beside the images.",
        |stage, _| flip::flip(stage, Part::Log),
    ),
    act(
        "flip-trailer",
        Integrity,
        "Flips bits of what stands behind all content: an index, a trailer.",
        |stage, _| flip::flip(stage, Part::Trailer),
    ),
    act(
        "swap-pages",
        Integrity,
        "Swaps two pages of one process.",
        |stage, _| pages::swap_within(stage),
    ),
    act(
        "swap-pages-of-processes",
        Integrity,
        "Swaps the pages that two processes have at the same address.",
        |stage, _| pages::swap_across(stage),
    ),
    act(
        "cover-equal-pages",
        Integrity,
        "Puts one other page over the equal pages that two processes have at the same address.",
        |stage, _| pages::cover_equal(stage),
    ),
    act(
        "swap-entries",
        Integrity,
        "Swaps two entries of one image.",
        |stage, _| entries::swap(stage),
    ),
    act(
        "drop-entry",
        Integrity,
        "Drops the last entry of an image.",
        |stage, _| entries::drop_last(stage),
    ),
    act(
        "add-entry",
        Integrity,
        "Adds a copy of an entry to its image.",
        |stage, _| entries::add(stage),
    ),
    act(
        "truncate-entry",
        Integrity,
        "Cuts an image off within its last entry.",
        |stage, _| entries::truncate(stage),
    ),
    act(
        "swap-images",
        Integrity,
        "Swaps two images of one kind.",
        |stage, _| whole_files::swap(stage),
    ),
    act(
        "drop-file",
        Integrity,
        "Drops one file of the set, each in turn.",
        |stage, _| whole_files::drop_each(stage),
    ),
    act(
        "add-file",
        Integrity,
        "Adds a copy of a file under a new name.",
        |stage, _| whole_files::add(stage),
    ),
    act(
        "truncate-file",
        Integrity,
        "Cuts files off: to nothing, in the middle, between two parts, before the last byte.",
        |stage, _| whole_files::truncate(stage),
    ),
    act(
        "replay-part",
        Consistency,
        "Puts a part of an older set of the same processes, sealed for the same key, into this one, each in turn.",
        |stage, _| replay::part(stage),
    ),
    act(
        "replay-set",
        Freshness,
        "Gives the whole older set in place of this one.",
        |stage, _| replay::whole(stage),
    ),
    act(
        "exchange-parent",
        Freshness,
        "Gives a set that builds on another an older one to build on.",
        |stage, _| parent::exchange(stage),
    ),
    act(
        "interrupt-sealing",
        Atomicity,
        "Has sealing fail near its end and gives what is left of it to a reader.",
        |stage, _| interrupt::interrupt(stage),
    ),
    act(
        "strip-header",
        Authenticity,
        "Removes what says that the set is sealed.",
        |stage, _| offer::strip_header(stage),
    ),
    act(
        "plain-set",
        Authenticity,
        "Gives a plain set of its own where a sealed one was asked for.",
        |stage, _| offer::plain_set(stage),
    ),
    act(
        "stranger-set",
        Authenticity,
        "Seals a set of its own with the recipient's public key; the reader names no sender.",
        |stage, _| offer::stranger(stage),
    ),
    act(
        "stranger-set-sender-named",
        Authenticity,
        "The same, unsigned and signed by itself; the reader names the sender that it expects.",
        |stage, _| offer::stranger_with_sender_named(stage),
    ),
];
