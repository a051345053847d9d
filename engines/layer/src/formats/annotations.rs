//! The annotations of an encrypted layer: wrapped keys, public options, and the chunk table.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};

use crate::Error;
use crate::chunks::{ChunkTable, MAX_TABLE_BYTES};
use crate::files::MAX_SEALED_BYTES;
use crate::image::FILE_INDEX;
use crate::ocicrypt::MAX_OPTIONS_BYTES;
use crate::wrapping::MAX_PACKET_BYTES;

/// Everything under it is dropped where a layer is decrypted, by other implementations too.
const PREFIX: &str = "org.opencontainers.image.enc.";
const KEYS: &str = "org.opencontainers.image.enc.keys.";
const PUBLIC_OPTIONS: &str = "org.opencontainers.image.enc.pubopts";
/// Ours; a name under the prefix, so that it goes where the layer is decrypted by others.
const CHUNK_TABLE: &str = "org.opencontainers.image.enc.sealab.tags";

/// The most packets of one scheme that are read.
const MAX_PACKETS: usize = 100;

type Annotations = BTreeMap<String, String>;

/// The wrapped keys of one scheme (`jwe`, `pkcs7`, `pgp`, `provider.NAME`, …), each decoded.
pub(super) fn packets(annotations: &Annotations, scheme: &str) -> Result<Vec<Vec<u8>>, Error> {
    let name = format!("{KEYS}{scheme}");
    let Some(text) = annotations.get(&name) else {
        return Ok(Vec::new());
    };
    let found = text.split(',').count();
    if found > MAX_PACKETS {
        return Err(Error::malformed(
            name,
            format!("it has {found} packets; at most {MAX_PACKETS} are read"),
        ));
    }
    text.split(',')
        .enumerate()
        .map(|(number, packet)| decode(&format!("{name}, packet {number}"), packet, MAX_PACKET_BYTES))
        .collect()
}

pub(super) fn set_packets(annotations: &mut Annotations, scheme: &str, packets: &[Vec<u8>]) {
    let name = format!("{KEYS}{scheme}");
    if packets.is_empty() {
        annotations.remove(&name);
        return;
    }
    let encoded: Vec<String> = packets
        .iter()
        .map(|packet| Base64::encode_string(packet))
        .collect();
    annotations.insert(name, encoded.join(","));
}

/// The schemes of a layer's wrapped keys, each with the number of its packets.
pub(super) fn schemes(annotations: &Annotations) -> BTreeMap<String, usize> {
    annotations
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(KEYS)?.to_owned(), text.split(',').count())))
        .collect()
}

/// The public options' JSON.
pub(super) fn public_options(annotations: &Annotations) -> Result<String, Error> {
    let text = annotations.get(PUBLIC_OPTIONS).ok_or_else(|| {
        Error::malformed(
            PUBLIC_OPTIONS,
            "it is missing: the layer's annotations were stripped; it must be there",
        )
    })?;
    let bytes = decode(PUBLIC_OPTIONS, text, MAX_OPTIONS_BYTES)?;
    String::from_utf8(bytes).map_err(|_| Error::malformed(PUBLIC_OPTIONS, "it is not UTF-8"))
}

pub(super) fn set_public_options(annotations: &mut Annotations, json: &str) {
    annotations.insert(PUBLIC_OPTIONS.to_owned(), Base64::encode_string(json.as_bytes()));
}

pub(super) fn chunk_table(annotations: &Annotations) -> Result<Option<ChunkTable>, Error> {
    let Some(text) = annotations.get(CHUNK_TABLE) else {
        return Ok(None);
    };
    ChunkTable::parse(&decode(CHUNK_TABLE, text, MAX_TABLE_BYTES)?).map(Some)
}

/// The sealed index of the layer's files.
pub(super) fn file_index(annotations: &Annotations) -> Result<Option<Vec<u8>>, Error> {
    let text = annotations.get(FILE_INDEX);
    text.map(|text| decode(FILE_INDEX, text, MAX_SEALED_BYTES))
        .transpose()
}

pub(super) fn has_file_index(annotations: &Annotations) -> bool {
    annotations.contains_key(FILE_INDEX)
}

pub(super) fn set_file_index(annotations: &mut Annotations, sealed: &[u8]) {
    annotations.insert(FILE_INDEX.to_owned(), Base64::encode_string(sealed));
}

pub(super) fn has_chunk_table(annotations: &Annotations) -> bool {
    annotations.contains_key(CHUNK_TABLE)
}

pub(super) fn set_chunk_table(annotations: &mut Annotations, table: &ChunkTable) {
    annotations.insert(CHUNK_TABLE.to_owned(), Base64::encode_string(&table.to_bytes()));
}

/// Removes what belongs to the encryption.
pub(super) fn clear(annotations: &mut Annotations) {
    annotations.retain(|name, _| !name.starts_with(PREFIX));
}

/// Removes the wrapped keys of every scheme.
pub(super) fn clear_keys(annotations: &mut Annotations) {
    annotations.retain(|name, _| !name.starts_with(KEYS));
}

fn decode(place: &str, text: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let bytes = text.len() / 4 * 3;
    // Two bytes may be padding.
    if bytes > limit + 2 {
        return Err(Error::malformed(
            place,
            format!("it has {bytes} bytes; at most {limit} are read"),
        ));
    }
    Base64::decode_vec(text).map_err(|_| Error::malformed(place, "it is not base64 with padding"))
}
