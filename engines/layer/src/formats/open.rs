//! Opening one layer for reading at any place.

use sealab_engine::Engine;

use super::decrypt::{chunked, within};
use super::unlock::{LayerCipherName, unlock};
use crate::Error;
use crate::chunks::{LayerReader, ReadAt};
use crate::convergent::{ChunkSource, ConvergentReader, open_index};
use crate::image::{Descriptor, LayerPlace};
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
