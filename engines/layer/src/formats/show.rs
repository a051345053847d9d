//! What an image's layers are, without any key.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Format;
use super::annotations;
use super::recipients::{WrappedFor, recipients_of};
use crate::Error;
use crate::image::{Digest, ImageReference, LayerChoice, Layout, is_encrypted, visit};
use crate::ocicrypt::named_cipher;
use crate::wrapping::JWE;

/// What shows of a layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerInfo {
    /// The manifest that the layer is in.
    pub manifest: Digest,
    /// The platform of the manifest's image, where there are several.
    pub platform: Option<String>,
    /// The layer's number, from 0.
    pub layer: usize,
    /// The layer's media type.
    pub media_type: String,
    /// Its blob.
    pub digest: Digest,
    /// The blob's length, in bytes.
    pub bytes: u64,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The name of its format, if it is one that is implemented.
    pub format: Option<&'static str>,
    /// Its cipher, as its public options name it.
    pub cipher: Option<String>,
    /// The recipients of its JWE packets, packet by packet; an empty list is a packet that is no JWE.
    pub recipients: Vec<Vec<WrappedFor>>,
    /// The number of packets of each scheme, those that are not implemented too.
    pub packets: BTreeMap<String, usize>,
    /// The length of its chunks, in bytes, where it has a chunk table.
    pub chunk_bytes: Option<u32>,
    /// Whether it has a sealed index of its files.
    pub file_index: bool,
}

/// What shows of each layer of an image.
pub fn show(image: &ImageReference) -> Result<Vec<LayerInfo>, Error> {
    let layout = Layout::open(&image.directory)?;
    let index = layout.index()?;
    let root = &index.manifests[layout.resolve(&index, image.tag.as_deref())?];
    let mut layers = Vec::new();
    visit(&layout, root, &LayerChoice::default(), &mut |place, layer| {
        let encrypted = is_encrypted(&layer.media_type);
        let name = place.to_string();
        let within = super::decrypt::within(&name);
        let cipher = if encrypted {
            let public = annotations::public_options(&layer.annotations).map_err(&within)?;
            Some(named_cipher(&public).map_err(Error::layer(&name))?)
        } else {
            None
        };
        let has_table = annotations::has_chunk_table(&layer.annotations);
        let format = cipher.as_deref().and_then(|cipher| Format::of(cipher, has_table));
        let packets = annotations::packets(&layer.annotations, JWE).map_err(&within)?;
        let table = annotations::chunk_table(&layer.annotations).map_err(&within)?;
        layers.push(LayerInfo {
            manifest: place.manifest,
            platform: place.platform.clone(),
            layer: place.number,
            media_type: layer.media_type.clone(),
            digest: layer.digest,
            bytes: layer.size,
            encrypted,
            format: format.map(Format::name),
            cipher,
            recipients: packets
                .iter()
                .map(|packet| recipients_of(packet).unwrap_or_default())
                .collect(),
            packets: annotations::schemes(&layer.annotations),
            chunk_bytes: table.map(|table| table.chunk_bytes()),
            file_index: annotations::has_file_index(&layer.annotations),
        });
        Ok(())
    })?;
    Ok(layers)
}
