//! Going over an image's layers, through the indexes of several platforms, and rewriting what holds changed ones.

use std::fmt;

use serde::Deserialize;

use super::media_type::{CHUNK, INDEX};
use super::{
    BlobWriter, Descriptor, Digest, FILE_INDEX, Index, LayerChoice, Layout, MANIFEST, MAX_MANIFEST_BYTES,
    Manifest, is_encrypted,
};
use crate::Error;

/// How deep indexes may lie within indexes.
const MAX_DEPTH: usize = 4;

/// Where a layer stands, for people.
#[derive(Clone, Debug)]
pub(crate) struct LayerPlace {
    pub(crate) manifest: Digest,
    pub(crate) platform: Option<String>,
    pub(crate) number: usize,
    pub(crate) digest: Digest,
    /// The digest of the layer uncompressed, from the image's configuration.
    pub(crate) diff_id: Option<String>,
}

impl LayerPlace {
    /// A layer of which no more is known than its descriptor.
    pub(crate) fn alone(layer: &Descriptor) -> Self {
        Self {
            manifest: layer.digest,
            platform: None,
            number: 0,
            digest: layer.digest,
            diff_id: None,
        }
    }
}

impl fmt::Display for LayerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {} ({}", self.number, self.digest)?;
        if let Some(platform) = &self.platform {
            write!(f, ", {platform}")?;
        }
        f.write_str(")")
    }
}

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

/// Gives the descriptor of what it wrote for a layer.
type Rewriting<'a> =
    dyn FnMut(&LayerPlace, &Descriptor, &mut BlobWriter) -> Result<Option<Descriptor>, Error> + 'a;

/// Goes over the chosen layers of the image `root`.
pub(crate) fn visit(
    source: &Layout,
    root: &Descriptor,
    choice: &LayerChoice,
    look: &mut dyn FnMut(&LayerPlace, &Descriptor) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut change = |place: &LayerPlace, layer: &Descriptor, _: &mut Option<BlobWriter>| {
        look(place, layer)?;
        Ok(None)
    };
    let taken = walk(source, &mut None, root, choice, 0, &mut change)?.1;
    some(taken, choice)
}

/// Writes the image `root` into `writer` with the changed descriptors that `change` gives; `None` leaves a layer as it is.
pub(crate) fn rewrite(
    source: &Layout,
    writer: BlobWriter,
    root: &Descriptor,
    choice: &LayerChoice,
    change: &mut Rewriting<'_>,
) -> Result<(Descriptor, BlobWriter), Error> {
    let mut writer = Some(writer);
    let mut within = |place: &LayerPlace, layer: &Descriptor, writer: &mut Option<BlobWriter>| match writer {
        Some(writer) => change(place, layer, writer),
        None => Ok(None),
    };
    let (root, taken) = walk(source, &mut writer, root, choice, 0, &mut within)?;
    some(taken, choice)?;
    writer
        .map(|writer| (root, writer))
        .ok_or_else(|| Error::malformed("the image", "nothing writes it"))
}

fn some(taken: bool, choice: &LayerChoice) -> Result<(), Error> {
    if taken {
        return Ok(());
    }
    Err(Error::NotFound {
        place: "the image".to_owned(),
        wanted: format!("manifest for {}", choice.platforms.join(", ")),
        present: "others".to_owned(),
    })
}

type Change<'a> =
    dyn FnMut(&LayerPlace, &Descriptor, &mut Option<BlobWriter>) -> Result<Option<Descriptor>, Error> + 'a;

/// The descriptor of what was written for `root`, and whether any manifest was meant.
fn walk(
    source: &Layout,
    writer: &mut Option<BlobWriter>,
    root: &Descriptor,
    choice: &LayerChoice,
    depth: usize,
    change: &mut Change<'_>,
) -> Result<(Descriptor, bool), Error> {
    let place = source.blob_path(&root.digest).display().to_string();
    match root.media_type.as_str() {
        INDEX if depth < MAX_DEPTH => {
            let mut index: Index = source.json(root)?;
            let (mut any, mut same) = (false, true);
            for entry in &mut index.manifests {
                let (written, taken) = walk(source, writer, entry, choice, depth + 1, change)?;
                same &= written == *entry;
                *entry = written;
                any |= taken;
            }
            Ok((
                written(source, root, writer, (!same).then_some(&index), &place)?,
                any,
            ))
        }
        INDEX => Err(Error::malformed(
            place,
            format!("indexes lie more than {MAX_DEPTH} deep within each other"),
        )),
        MANIFEST => {
            let mut manifest: Manifest = source.json(root)?;
            let chunks = split_chunks(&mut manifest);
            let taken = choice.takes(root.platform.as_ref());
            let chosen = if taken {
                choice.among(manifest.layers.len(), &place)?
            } else {
                vec![false; manifest.layers.len()]
            };
            // What is no image (an artifact) may have a configuration that is no JSON.
            let configuration: Configuration =
                source.json(&manifest.config).or_else(|error| match error {
                    Error::Malformed { .. } => Ok(Configuration::default()),
                    other => Err(other),
                })?;
            if let Some(writer) = writer {
                writer.share(source, &manifest.config)?;
            }
            let platform = root
                .platform
                .as_ref()
                .map(|platform| format!("{}/{}", platform.os, platform.architecture));
            let mut same = true;
            for (number, layer) in manifest.layers.iter_mut().enumerate() {
                let place = LayerPlace {
                    manifest: root.digest,
                    platform: platform.clone(),
                    number,
                    digest: layer.digest,
                    diff_id: configuration.rootfs.diff_ids.get(number).cloned(),
                };
                let changed = if chosen[number] {
                    change(&place, layer, writer)?
                } else {
                    None
                };
                match (changed, &mut *writer) {
                    (Some(changed), _) => {
                        same = false;
                        *layer = changed;
                    }
                    (None, Some(writer)) => writer.share(source, layer)?,
                    (None, None) => {}
                }
            }
            if let Some(writer) = writer {
                list_chunks(source, writer, &mut manifest, chunks)?;
                if !same {
                    shorten(&mut manifest, &place)?;
                }
            }
            Ok((
                written(source, root, writer, (!same).then_some(&manifest), &place)?,
                taken,
            ))
        }
        other => Err(Error::malformed(
            place,
            format!("its media type is {other:.200?}; {MANIFEST} and {INDEX} are read"),
        )),
    }
}

/// The chunks that a manifest lists behind its layers, which are none of an image's own.
fn split_chunks(manifest: &mut Manifest) -> Vec<Descriptor> {
    let (chunks, layers) = std::mem::take(&mut manifest.layers)
        .into_iter()
        .partition(|layer| layer.media_type == CHUNK);
    manifest.layers = layers;
    chunks
}

/// Lists the chunks that were written, and those that were listed as long as a layer is left that may need them: which
/// one needs which is sealed. In the order of their digests, for that of a layer is sealed too.
fn list_chunks(
    source: &Layout,
    writer: &mut BlobWriter,
    manifest: &mut Manifest,
    listed: Vec<Descriptor>,
) -> Result<(), Error> {
    let mut chunks = writer.take_chunks();
    if manifest
        .layers
        .iter()
        .any(|layer| is_encrypted(&layer.media_type))
    {
        for chunk in listed {
            writer.share(source, &chunk)?;
            chunks.insert(chunk.digest, chunk.size);
        }
    }
    manifest
        .layers
        .extend(chunks.into_iter().map(|(digest, size)| Descriptor {
            media_type: CHUNK.to_owned(),
            ..Descriptor::blob(&digest, size)
        }));
    Ok(())
}

/// Drops file indexes, the longest first, until the manifest is as long as may be: a layer is read without one too.
fn shorten(manifest: &mut Manifest, place: &str) -> Result<(), Error> {
    let bytes = serde_json::to_vec(manifest).map_err(|error| Error::malformed(place, error.to_string()))?;
    let mut bytes = bytes.len();
    while bytes > MAX_MANIFEST_BYTES {
        let index = |layer: &Descriptor| layer.annotations.get(FILE_INDEX).map_or(0, String::len);
        let longest = manifest.layers.iter_mut().max_by_key(|layer| index(layer));
        let Some(dropped) = longest.and_then(|layer| layer.annotations.remove(FILE_INDEX)) else {
            break;
        };
        bytes -= dropped.len();
    }
    Ok(())
}

/// Writes a changed manifest or index; one that is the same is taken over as it is.
fn written(
    source: &Layout,
    root: &Descriptor,
    writer: &mut Option<BlobWriter>,
    changed: Option<&impl serde::Serialize>,
    place: &str,
) -> Result<Descriptor, Error> {
    let mut root = root.clone();
    match (writer, changed) {
        (Some(writer), Some(changed)) => (root.digest, root.size) = writer.json(changed, place)?,
        (Some(writer), None) => writer.share(source, &root)?,
        (None, _) => {}
    }
    Ok(root)
}
