//! Opening one layer for reading at any place.

use sealab_engine::Engine;

use super::annotations;
use super::decrypt::{chunked, within};
use super::unlock::{LayerCipherName, unlock};
use crate::Error;
use crate::chunks::{ChunkedLayer, LayerReader, ReadAt};
use crate::convergent::{ChunkIndex, ChunkSource, ConvergentReader, open_index};
use crate::image::{Descriptor, LayerPlace};
use crate::ocicrypt::LayerKey;
use crate::wrapping::NamedKey;

/// Opens the encrypted layer that `layer` describes for reading of any range, its blob in `source`. Only for the formats
/// with chunks: a layer as ocicrypt has it is authentic as a whole or not at all.
pub fn open_layer<'e>(
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
    source: Box<dyn ReadAt>,
    engine: &'e dyn Engine,
) -> Result<LayerReader<'e>, Error> {
    let place = LayerPlace::alone(layer);
    let unlocked = unlock(&place, layer, keys)?;
    let name = place.to_string();
    if unlocked.cipher == LayerCipherName::Convergent {
        return Err(Error::malformed(
            name,
            "its chunks are blobs of their own, and its blob holds none; open_convergent_layer reads them",
        ));
    }
    match chunked(layer, &unlocked).map_err(within(&name))? {
        Some((_, chunks)) => Ok(LayerReader::new(chunks, engine, source)),
        None => Err(Error::malformed(
            name,
            "it has no chunk table, so no part of it can be verified alone; ocicrypt-seekable or chunked-aead has them",
        )),
    }
}

/// Opens the layer in the format `convergent` that `layer` describes for reading of any range: its blob, the index, in
/// `source`, its chunks in `chunks`.
pub fn open_convergent_layer<'e>(
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
    source: &dyn ReadAt,
    chunks: Box<dyn ChunkSource>,
    engine: &'e dyn Engine,
) -> Result<ConvergentReader<'e>, Error> {
    let place = LayerPlace::alone(layer);
    let unlocked = unlock(&place, layer, keys)?;
    let name = place.to_string();
    if unlocked.cipher != LayerCipherName::Convergent {
        return Err(Error::malformed(
            name,
            "its format is not convergent; open_layer reads others",
        ));
    }
    let index = open_index(layer, &unlocked.options, source, engine).map_err(within(&name))?;
    ConvergentReader::new(index, chunks, engine)
}

/// What a layer is divided into.
pub(crate) enum LayerParts {
    Chunks(ChunkedLayer),
    Convergent(ChunkIndex),
}

/// An encrypted layer, opened for reading in parts.
pub(crate) struct OpenedParts {
    /// None where it can only be read whole.
    pub(crate) parts: Option<LayerParts>,
    pub(crate) key: LayerKey,
    /// The index of its files, still sealed.
    pub(crate) file_index: Option<Vec<u8>>,
}

/// Finds the layer's key, and what its parts are verified by. Its blob is in `source`.
pub(crate) fn open_parts(
    place: &LayerPlace,
    layer: &Descriptor,
    keys: &[NamedKey<'_>],
    source: &dyn ReadAt,
    engine: &dyn Engine,
) -> Result<OpenedParts, Error> {
    let unlocked = unlock(place, layer, keys)?;
    let opened = || {
        let parts = if unlocked.cipher == LayerCipherName::Convergent {
            let index = open_index(layer, &unlocked.options, source, engine)?;
            Some(LayerParts::Convergent(index))
        } else {
            chunked(layer, &unlocked)?.map(|(_, chunks)| LayerParts::Chunks(chunks))
        };
        Ok((parts, annotations::file_index(&layer.annotations)?))
    };
    let (parts, file_index) = opened().map_err(within(&place.to_string()))?;
    Ok(OpenedParts {
        parts,
        key: unlocked.options.key,
        file_index,
    })
}
