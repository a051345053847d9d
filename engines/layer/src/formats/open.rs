//! Opening one layer for reading at any place.

use sealab_engine::Engine;

use super::NamedKey;
use super::decrypt::{chunked, within};
use super::unlock::unlock;
use crate::Error;
use crate::chunks::{LayerReader, ReadAt};
use crate::image::{Descriptor, LayerPlace};

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
    match chunked(layer, &unlocked).map_err(within(&name))? {
        Some((_, chunks)) => Ok(LayerReader::new(chunks, engine, source)),
        None => Err(Error::malformed(
            name,
            "it has no chunk table, so no part of it can be verified alone; ocicrypt-seekable or chunked-aead has them",
        )),
    }
}
