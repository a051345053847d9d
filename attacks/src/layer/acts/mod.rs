//! Every act on images. Expected verdicts stand in `expected.yaml`, none of them here.

mod annotations;
mod blobs;
mod chunks;
mod look;
mod offer;

use sealab_attack_record::{Act, Guarantee};

use super::PLANE;
use super::stage::Stage;
use crate::{AttackError, Outcome};

type Attempt = fn(&Stage<'_>) -> Result<Outcome, AttackError>;

/// An act with the code that does it.
pub(super) struct LayerAct {
    pub(super) act: Act,
    pub(super) attempt: Attempt,
}

const fn act(id: &'static str, guarantee: Guarantee, what: &'static str, attempt: Attempt) -> LayerAct {
    LayerAct {
        act: Act {
            plane: PLANE,
            id,
            guarantee,
            what,
        },
        attempt,
    }
}

use Guarantee::{Anonymity, Authenticity, Confidentiality, Consistency, Freshness, Integrity};

/// All of them, in the order of reports.
pub(super) const ACTS: &[LayerAct] = &[
    act(
        "canaries",
        Confidentiality,
        "Looks in blobs, manifest and configuration for texts that stand in the layers.",
        look::canaries,
    ),
    act(
        "equal-blocks",
        Confidentiality,
        "Looks whether blocks of 16 bytes that stand at the same place of chunks repeat in what is stored.",
        look::equal_blocks,
    ),
    act(
        "equal-chunks",
        Confidentiality,
        "Looks whether chunks of one content repeat in what is stored, or make it smaller.",
        look::equal_chunks,
    ),
    act(
        "equal-images",
        Confidentiality,
        "Has one image sealed twice, and looks whether the blobs show it.",
        look::equal_images,
    ),
    act(
        "size-by-content",
        Confidentiality,
        "Looks whether layers of zeros and of noise are stored in as many bytes.",
        look::size_by_content,
    ),
    act(
        "confirm-guess",
        Confidentiality,
        "Guesses all of a layer, and looks for the digest of the guess in manifest and configuration.",
        look::confirm_guess,
    ),
    act(
        "wrong-key",
        Confidentiality,
        "Opens the image with a key of its own.",
        offer::wrong_key,
    ),
    act(
        "size-of-layers",
        Anonymity,
        "Compares the lengths of blobs before and after the layers have grown by 512 bytes.",
        look::size_of_layers,
    ),
    act(
        "flip-ciphertext",
        Integrity,
        "Flips single bits of the blobs, from the first byte to the last.",
        blobs::flip,
    ),
    act(
        "flip-annotations",
        Integrity,
        "Flips single bits of each annotation of the encryption: public options, packets, tables.",
        annotations::flip,
    ),
    act(
        "truncate",
        Integrity,
        "Cuts blobs off: at nothing, at a chunk, within one, by 16 bytes, by one.",
        blobs::truncate,
    ),
    act(
        "append",
        Integrity,
        "Puts bytes behind the end of blobs.",
        blobs::append,
    ),
    act(
        "swap-chunks",
        Integrity,
        "Exchanges two chunks of a layer.",
        chunks::swap,
    ),
    act(
        "forge-chunk",
        Integrity,
        "Seals another chunk under the key of one that stands in an image of the adversary's too.",
        chunks::forge,
    ),
    act(
        "swap-blobs",
        Integrity,
        "Exchanges the blobs of two layers of one length; annotations stay.",
        blobs::swap,
    ),
    act(
        "swap-layers",
        Integrity,
        "Exchanges two layers of one recipient, annotations and all.",
        blobs::swap_layers,
    ),
    act(
        "public-nonce",
        Integrity,
        "Puts another nonce into the public options.",
        annotations::public_nonce,
    ),
    act(
        "strip-code",
        Integrity,
        "Makes the HMAC of the public options null, empty, zeros, or missing, and changes the blob.",
        annotations::strip_code,
    ),
    act(
        "other-cipher",
        Integrity,
        "Names another cipher in the public options: none, unknown ones, those of other formats.",
        annotations::other_cipher,
    ),
    act(
        "garbage-packet",
        Integrity,
        "Puts packets that open nothing before the packet of the recipient.",
        annotations::garbage_packet,
    ),
    act(
        "strip-table",
        Integrity,
        "Removes the table of tags.",
        annotations::strip_table,
    ),
    act(
        "foreign-table",
        Integrity,
        "Puts the table of tags of another layer in place, of this image or of an older one.",
        annotations::foreign_table,
    ),
    act(
        "stop-early",
        Integrity,
        "Changes blobs before a reader that takes the first half of each layer and stops.",
        blobs::stop_early,
    ),
    act(
        "chunk-of-18-bytes",
        Integrity,
        "Has a layer sealed whose last chunk has 18 bytes that end as padding does.",
        chunks::of_18_bytes,
    ),
    act(
        "restore-layer",
        Consistency,
        "Puts a layer of an older image of the same name in place.",
        offer::restore_layer,
    ),
    act(
        "restore-image",
        Freshness,
        "Gives the whole older image.",
        offer::restore_image,
    ),
    act(
        "strip-annotations",
        Authenticity,
        "Removes all annotations of the encryption.",
        annotations::strip,
    ),
    act(
        "call-it-plain",
        Authenticity,
        "Gives encrypted layers the media type of plain ones, with their annotations and without.",
        annotations::call_it_plain,
    ),
    act(
        "plain-image",
        Authenticity,
        "Gives a plain image of its own in place of the encrypted one.",
        offer::plain_image,
    ),
    act(
        "stranger-image",
        Authenticity,
        "Seals an image of its own for the recipient's public key.",
        offer::stranger_image,
    ),
];
