//! Adding and removing recipients of layers; the blobs stay as they are.
//!
//! Who is removed can no longer open the image as it is then, but may have kept the layer's key or the former manifest:
//! only encrypting anew takes that away.

use sealab_keys::{Recipient, jwe};

use super::annotations::{self, JWE};
use super::decrypt::within;
use super::recipients::Packet;
use super::unlock::{LIMITS, private_options};
use super::{Format, LayerOutcome, NamedKey};
use crate::Error;
use crate::image::{
    BlobWriter, Descriptor, ImageReference, LayerChoice, LayerPlace, Layout, is_encrypted, replace_index,
    rewrite,
};
use crate::ocicrypt::named_cipher;

/// How the recipients of an image change.
#[derive(Clone, Copy, Debug)]
pub struct Rewrap<'a> {
    /// Keys of recipients that the layers have.
    pub keys: &'a [NamedKey<'a>],
    /// Who is added, at most 100.
    pub add: &'a [&'a Recipient],
    /// Who is removed.
    pub remove: &'a [Removal<'a>],
    /// Which layers.
    pub choice: &'a LayerChoice,
}

/// Who is removed. The packets of ocicrypt do not name their recipients, so a public key alone finds none.
#[derive(Clone, Copy, Debug)]
pub enum Removal<'a> {
    /// Everyone whom this private key opens packets for.
    Key(&'a NamedKey<'a>),
    /// One recipient of one JWE packet, both counted from 0 as [`super::show`] lists them.
    Place {
        /// The packet.
        packet: usize,
        /// The recipient in it.
        recipient: usize,
    },
    /// Everyone who is not added, of every scheme.
    Others,
}

/// Changes the recipients of the chosen layers that are encrypted, in the layout itself: its index is replaced in one
/// step. The blob of the former manifest stays, as other images may have it.
pub fn rewrap(image: &ImageReference, change: &Rewrap<'_>) -> Result<Vec<LayerOutcome>, Error> {
    let layout = Layout::open(&image.directory)?;
    let mut index = layout.index()?;
    let entry = layout.resolve(&index, image.tag.as_deref())?;
    let mut outcomes = Vec::new();
    let writer = BlobWriter::within(layout.directory());
    let (root, writer) = rewrite(
        &layout,
        writer,
        &index.manifests[entry],
        change.choice,
        &mut |place, layer, _| {
            if !is_encrypted(&layer.media_type) {
                return Ok(None);
            }
            let (rewrapped, outcome) = rewrap_layer(place, layer, change)?;
            outcomes.push(outcome);
            Ok(Some(rewrapped))
        },
    )?;
    index.manifests[entry] = root;
    writer.keep()?;
    replace_index(&layout, &index)?;
    Ok(outcomes)
}

fn rewrap_layer(
    place: &LayerPlace,
    layer: &Descriptor,
    change: &Rewrap<'_>,
) -> Result<(Descriptor, LayerOutcome), Error> {
    let name = place.to_string();
    let public = annotations::public_options(&layer.annotations).map_err(within(&name))?;
    let cipher = named_cipher(&public).map_err(Error::layer(&name))?;
    let format = Format::of(&cipher, annotations::has_chunk_table(&layer.annotations))
        .ok_or_else(|| Error::malformed(&name, format!("its cipher {cipher:.100?} is not implemented")))?;
    let (private, key) = private_options(&name, layer, change.keys).map_err(within(&name))?;

    let mut rewrapped = layer.clone();
    let mut packets = annotations::packets(&layer.annotations, JWE).map_err(within(&name))?;
    for removal in change.remove {
        if let Removal::Others = removal {
            packets.clear();
            annotations::clear_keys(&mut rewrapped.annotations);
        }
    }
    let packets = keep(&name, &packets, change.remove)?;
    let mut packets: Vec<Vec<u8>> = packets;
    if !change.add.is_empty() {
        let packet = jwe::encrypt(private.as_bytes(), change.add).map_err(|source| Error::Jwe {
            layer: name.clone(),
            source,
        })?;
        packets.push(packet.into_bytes());
    }
    annotations::set_packets(&mut rewrapped.annotations, JWE, &packets);
    if annotations::schemes(&rewrapped.annotations).is_empty() {
        return Err(Error::malformed(&name, "no recipient would be left; one must be"));
    }
    // What would be read back must be within the bounds of reading.
    annotations::packets(&rewrapped.annotations, JWE).map_err(within(&name))?;
    let outcome = LayerOutcome::new(place, layer, &rewrapped, format, None, Some(key));
    Ok((rewrapped, outcome))
}

/// The packets without the recipients that are removed.
fn keep(name: &str, packets: &[Vec<u8>], remove: &[Removal<'_>]) -> Result<Vec<Vec<u8>>, Error> {
    let mut parsed: Vec<Option<Packet>> = packets.iter().map(|packet| Packet::parse(packet).ok()).collect();
    // Places first: they are those of the packets as they were.
    let mut gone: Vec<Vec<bool>> = parsed
        .iter()
        .map(|packet| vec![false; packet.as_ref().map_or(1, Packet::count)])
        .collect();
    for removal in remove {
        match removal {
            Removal::Others => {}
            Removal::Place { packet, recipient } => {
                let slot = gone
                    .get_mut(*packet)
                    .and_then(|packet| packet.get_mut(*recipient));
                *slot.ok_or_else(|| Error::NotFound {
                    place: name.to_owned(),
                    wanted: format!("recipient {recipient} in JWE packet {packet}"),
                    present: format!("{} packets", packets.len()),
                })? = true;
            }
            Removal::Key(key) => {
                let mut found = false;
                for (packet, gone) in parsed.iter().zip(&mut gone) {
                    for (number, gone) in gone.iter_mut().enumerate() {
                        if packet.as_ref().is_some_and(|packet| opens(packet, number, key)) {
                            *gone = true;
                            found = true;
                        }
                    }
                }
                if !found {
                    return Err(Error::NotFound {
                        place: name.to_owned(),
                        wanted: format!("recipient that {} is the key of", key.name),
                        present: format!("{} packets for others", packets.len()),
                    });
                }
            }
        }
    }
    let kept = packets
        .iter()
        .zip(parsed.drain(..))
        .zip(gone)
        .filter_map(|((bytes, packet), gone)| match packet {
            _ if gone.iter().all(|gone| !gone) => Some(bytes.clone()),
            Some(packet) => packet.only(|number| !gone[number]),
            None => None,
        });
    Ok(kept.collect())
}

fn opens(packet: &Packet, recipient: usize, key: &NamedKey<'_>) -> bool {
    packet
        .only(|number| number == recipient)
        .and_then(|alone| String::from_utf8(alone).ok())
        .is_some_and(|alone| jwe::decrypt(&alone, key.key, LIMITS).is_ok())
}
