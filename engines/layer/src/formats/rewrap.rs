//! Adding and removing recipients of layers; the blobs stay as they are.
//!
//! Who is removed can no longer open the image as it is then, but may have kept the layer's key or the former manifest:
//! only encrypting anew takes that away.

use std::collections::BTreeMap;

use super::annotations;
use super::decrypt::within;
use super::recipients::Packet;
use super::unlock::private_options;
use super::{Format, LayerOutcome};
use crate::Error;
use crate::image::{
    BlobWriter, Descriptor, ImageReference, LayerChoice, LayerPlace, Layout, is_encrypted, replace_index,
    rewrite,
};
use crate::ocicrypt::named_cipher;
use crate::wrapping::{JWE, LayerRecipient, NamedKey, PKCS7, WrappingError, count_pkcs7, only_pkcs7, wrap};

/// How the recipients of an image change.
#[derive(Clone, Copy, Debug)]
pub struct Rewrap<'a> {
    /// Keys of recipients that the layers have.
    pub keys: &'a [NamedKey<'a>],
    /// Who is added, at most 100 of each scheme.
    pub add: &'a [LayerRecipient],
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
    let others = change
        .remove
        .iter()
        .any(|removal| matches!(removal, Removal::Others));
    let mut packets = Packets::new();
    if others {
        annotations::clear_keys(&mut rewrapped.annotations);
    } else {
        for scheme in annotations::schemes(&layer.annotations).into_keys() {
            let of_scheme = annotations::packets(&layer.annotations, &scheme).map_err(within(&name))?;
            packets.insert(scheme, of_scheme);
        }
    }
    let mut packets = keep(&name, &packets, change.remove)?;
    if !change.add.is_empty() {
        for (scheme, packet) in wrap(private.as_bytes(), change.add).map_err(Error::wrapping(&name))? {
            packets.entry(scheme).or_default().push(packet);
        }
    }
    for (scheme, packets) in &packets {
        annotations::set_packets(&mut rewrapped.annotations, scheme, packets);
        // What would be read back must be within the bounds of reading.
        annotations::packets(&rewrapped.annotations, scheme).map_err(within(&name))?;
    }
    if annotations::schemes(&rewrapped.annotations).is_empty() {
        return Err(Error::malformed(&name, "no recipient would be left; one must be"));
    }
    let outcome = LayerOutcome::new(place, layer, &rewrapped, format, None, Some(key));
    Ok((rewrapped, outcome))
}

/// The packets of each scheme.
type Packets = BTreeMap<String, Vec<Vec<u8>>>;

/// The packets without the recipients that are removed.
fn keep(name: &str, packets: &Packets, remove: &[Removal<'_>]) -> Result<Packets, Error> {
    // Places first: they are those of the packets as they were.
    let mut gone: BTreeMap<&str, Vec<Vec<bool>>> = packets
        .iter()
        .map(|(scheme, packets)| {
            let none = packets.iter().map(|packet| vec![false; count(scheme, packet)]);
            (scheme.as_str(), none.collect())
        })
        .collect();
    let number: usize = packets.values().map(Vec::len).sum();
    for removal in remove {
        match removal {
            Removal::Others => {}
            Removal::Place { packet, recipient } => {
                let slot = gone
                    .get_mut(JWE)
                    .and_then(|packets| packets.get_mut(*packet))
                    .and_then(|packet| packet.get_mut(*recipient));
                *slot.ok_or_else(|| Error::NotFound {
                    place: name.to_owned(),
                    wanted: format!("recipient {recipient} in JWE packet {packet}"),
                    present: format!("{number} packets"),
                })? = true;
            }
            Removal::Key(key) => {
                let mut found = false;
                for (scheme, gone) in &mut gone {
                    for (packet, gone) in packets[*scheme].iter().zip(gone) {
                        for (recipient, gone) in gone.iter_mut().enumerate() {
                            if opens(scheme, packet, recipient, key).map_err(Error::wrapping(name))? {
                                *gone = true;
                                found = true;
                            }
                        }
                    }
                }
                if !found {
                    return Err(Error::NotFound {
                        place: name.to_owned(),
                        wanted: format!("recipient that {} is the key of", key.name),
                        present: format!("{number} packets for others"),
                    });
                }
            }
        }
    }
    let mut kept = packets.clone();
    for (scheme, packets) in &mut kept {
        let mut gone = gone[scheme.as_str()].iter();
        packets.retain_mut(|packet| match gone.next() {
            Some(gone) if gone.contains(&true) => match only(scheme, packet, &mut |number| !gone[number]) {
                Some(rest) => {
                    *packet = rest;
                    true
                }
                None => false,
            },
            _ => true,
        });
    }
    Ok(kept)
}

/// How many recipients a packet has. One that cannot be divided has one.
fn count(scheme: &str, packet: &[u8]) -> usize {
    match scheme {
        JWE => Packet::parse(packet).map_or(1, |packet| packet.count()),
        PKCS7 => count_pkcs7(packet),
        _ => 1,
    }
}

/// The packet with those recipients alone whose numbers `keep` takes; `None` if that is none.
fn only(scheme: &str, packet: &[u8], keep: &mut dyn FnMut(usize) -> bool) -> Option<Vec<u8>> {
    match scheme {
        JWE => Packet::parse(packet).ok()?.only(keep),
        PKCS7 => only_pkcs7(packet, keep),
        _ => keep(0).then(|| packet.to_vec()),
    }
}

fn opens(scheme: &str, packet: &[u8], recipient: usize, key: &NamedKey<'_>) -> Result<bool, WrappingError> {
    let alone = only(scheme, packet, &mut |number| number == recipient);
    let Some(alone) = alone else {
        return Ok(false);
    };
    Ok(key.key.open(scheme, &alone)?.is_some())
}
