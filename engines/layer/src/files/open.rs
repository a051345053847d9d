//! Opening one layer of an image: what it is read from, and its entries.

use std::sync::Arc;

use super::Blobs;
use super::entry::{Budget, Entry};
use super::scan::TarScanner;
use super::sealed;
use super::source::{BlobChunks, Content, LayerSource, Reading};
use crate::Error;
use crate::formats::{LayerParts, open_parts};
use crate::image::{Compressed, Descriptor, LayerPlace, compressed, decrypted, is_encrypted};
use crate::wrapping::NamedKey;

/// Opens the layer with the `number`; gives also its entries.
pub(super) fn open_layer(
    number: usize,
    layer: &Descriptor,
    blobs: &Arc<dyn Blobs>,
    keys: &[NamedKey<'_>],
    with: Reading<'_>,
) -> Result<(LayerSource, Vec<Entry>), Error> {
    let place = LayerPlace {
        number,
        ..LayerPlace::alone(layer)
    };
    let name = place.to_string();
    let wrong = |problem: String| Error::malformed(&name, problem);
    let encrypted = is_encrypted(&layer.media_type);
    let media_type = decrypted(&layer.media_type).map_err(wrong)?;
    let compressed = compressed(media_type).map_err(wrong)?;
    let blob = blobs.blob(layer).map_err(Error::io(name.as_ref()))?;
    if !encrypted {
        if compressed != Compressed::No {
            return Err(whole(&name, "it is compressed as a whole"));
        }
        let bytes = layer.size;
        let source = LayerSource::new(number, name, Content::Plain { blob, bytes });
        let entries = walk(&source, with).map_err(|error| source.named(error))?;
        return Ok((source, entries));
    }
    let opened = open_parts(&place, layer, keys, &*blob, with.engine)?;
    let content = match opened.parts {
        Some(LayerParts::Chunks(layer)) => Content::Chunks { layer, blob },
        Some(LayerParts::Convergent(index)) => Content::Convergent {
            offsets: index.offsets(),
            index,
            chunks: BlobChunks(Arc::clone(blobs)),
        },
        None => return Err(whole(&name, "it is one message, without a chunk table")),
    };
    let mut source = LayerSource::new(number, name, content);
    let entries = (|| {
        let bytes = source.content.bytes();
        let index = opened
            .file_index
            .map(|index| sealed::open(with.engine, &opened.key, bytes, index))
            .transpose()?;
        match (compressed, index) {
            (Compressed::No, None) => walk(&source, with),
            (Compressed::No, Some(index)) if index.frames.is_empty() => Ok(index.entries),
            (Compressed::Zstd, Some(index)) if !index.frames.is_empty() => {
                source.set_frames(index.frames, index.tar_bytes);
                Ok(index.entries)
            }
            (Compressed::No | Compressed::Zstd, Some(_)) => Err(Error::malformed(
                "the file index",
                format!("it is not for a layer of the type {media_type}"),
            )),
            (Compressed::Gzip | Compressed::Zstd, _) => Err(whole(
                &source.name,
                "it is compressed, and has no index of frames",
            )),
        }
    })();
    let entries = entries.map_err(|error| source.named(error))?;
    Ok((source, entries))
}

/// The entries by the headers of the tar, of which nothing else is read.
fn walk(source: &LayerSource, with: Reading<'_>) -> Result<Vec<Entry>, Error> {
    let mut scanner = TarScanner::new(Budget::LAYER);
    let mut buffer = Vec::new();
    while let Some((place, length)) = scanner.wants() {
        scanner.pass_content();
        let left = source.tar_bytes.saturating_sub(place);
        if left < length as u64 {
            break;
        }
        buffer.resize(length, 0);
        source.read_tar(with, place, &mut buffer)?;
        scanner.update(&buffer)?;
    }
    scanner.finish(source.tar_bytes)
}

fn whole(name: &str, why: &str) -> Error {
    Error::malformed(
        name,
        format!(
            "{why}, so it can only be read whole: decrypt the image, or encrypt it with --format ocicrypt-seekable and \
             --compression none (or zstd-frames) to read files of it"
        ),
    )
}
