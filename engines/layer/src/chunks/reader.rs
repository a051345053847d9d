//! Reading any range of a layer, each chunk verified before a byte of it is given out.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::ChunkedLayer;
use super::layer::Opener;
use crate::Error;

/// Bytes that are read at any place: a blob's file, or one that is fetched by ranges.
pub trait ReadAt: Send + Sync {
    /// Fills `bytes` from what stands at `offset`; less than that is an error.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, bytes, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let part = from.and_then(|from| from.get(..bytes.len()));
        bytes.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A layer whose chunks are read and verified as they are asked for. Belongs to one thread at a time.
pub struct LayerReader<'e> {
    layer: ChunkedLayer,
    engine: &'e dyn Engine,
    source: Box<dyn ReadAt>,
    /// The chunk that was read last, in plaintext.
    held: Option<u64>,
    buffer: Zeroizing<Vec<u8>>,
}

impl<'e> LayerReader<'e> {
    pub(crate) fn new(layer: ChunkedLayer, engine: &'e dyn Engine, source: Box<dyn ReadAt>) -> Self {
        Self {
            layer,
            engine,
            source,
            held: None,
            buffer: Zeroizing::new(Vec::new()),
        }
    }

    /// The length of the layer's plaintext, in bytes.
    pub fn length(&self) -> u64 {
        self.layer.layer_bytes()
    }

    /// Reads what stands at `offset` of the plaintext, as much as there is; says how much that was. On an error `output`
    /// may hold what was verified before.
    pub fn read_at(&mut self, offset: u64, output: &mut [u8]) -> Result<usize, Error> {
        let wanted = self.length().saturating_sub(offset).min(output.len() as u64) as usize;
        let mut opener = None;
        let mut done = 0;
        while done < wanted {
            let place = offset + done as u64;
            let chunk = place / self.layer.chunk_bytes();
            if self.held != Some(chunk) {
                self.held = None;
                if opener.is_none() {
                    opener = Some(self.layer.opener(self.engine)?);
                }
                if let Some(opener) = &mut opener {
                    load(&self.layer, &*self.source, opener, chunk, &mut self.buffer)?;
                }
                self.held = Some(chunk);
            }
            let within = (place % self.layer.chunk_bytes()) as usize;
            let part = &self.buffer[within..self.layer.plain_bytes(chunk)];
            let length = part.len().min(wanted - done);
            output[done..done + length].copy_from_slice(&part[..length]);
            done += length;
        }
        Ok(done)
    }
}

fn load(
    layer: &ChunkedLayer,
    source: &dyn ReadAt,
    opener: &mut Opener<'_>,
    chunk: u64,
    buffer: &mut Vec<u8>,
) -> Result<(), Error> {
    buffer.resize(layer.plain_bytes(chunk) + layer.extra_bytes(), 0);
    source
        .read_exact_at(buffer, layer.stored_at(chunk))
        .map_err(Error::io("the layer's blob".as_ref()))?;
    opener.open(chunk, buffer)
}
