//! Opening a convergent layer: all of it on several threads, or any range.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::chunk::ChunkOpener;
use super::index::{ChunkEntry, ChunkIndex, sealed_index_bytes};
use crate::chunks::on_threads;
use crate::image::{Descriptor, Digest, Layout};
use crate::ocicrypt::LayerOptions;
use crate::{Error, ReadAt, Work};

/// Where chunks come from: a layout's blobs, or a registry's.
pub trait ChunkSource: Send + Sync {
    /// The whole blob `digest`, of `bytes` bytes; another length is an error. Its digest is the caller's to verify.
    fn chunk(&self, digest: &Digest, bytes: u64) -> io::Result<Vec<u8>>;
}

impl ChunkSource for Layout {
    fn chunk(&self, digest: &Digest, bytes: u64) -> io::Result<Vec<u8>> {
        let descriptor = Descriptor::blob(digest, bytes);
        let file = self.open_blob(&descriptor).map_err(io::Error::other)?;
        let mut chunk = vec![0; bytes as usize];
        FileExt::read_exact_at(&file, &mut chunk, 0)?;
        Ok(chunk)
    }
}

/// Reads and opens the index of a layer.
pub(crate) fn open_index(
    layer: &Descriptor,
    options: &LayerOptions,
    source: &dyn ReadAt,
    engine: &dyn Engine,
) -> Result<ChunkIndex, Error> {
    let mut sealed = Zeroizing::new(vec![0; sealed_index_bytes(layer.size)?]);
    source
        .read_exact_at(&mut sealed, 0)
        .map_err(Error::io("the layer's blob".as_ref()))?;
    ChunkIndex::open(engine, &options.key, &options.code, sealed)
}

impl ChunkIndex {
    /// The length of the layer, in bytes.
    pub(crate) fn layer_bytes(&self) -> u64 {
        self.layer_bytes
    }

    /// Where each chunk begins.
    pub(crate) fn offsets(&self) -> Vec<u64> {
        let mut next = 0;
        let mut offset = |entry: &ChunkEntry| {
            let offset = next;
            next += u64::from(entry.plain_bytes);
            offset
        };
        self.entries.iter().map(&mut offset).collect()
    }
}

/// Reads and opens one chunk.
pub(crate) fn open_chunk(
    entry: &ChunkEntry,
    source: &dyn ChunkSource,
    opener: &mut ChunkOpener<'_>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stored = source
        .chunk(&entry.digest, u64::from(entry.stored_bytes))
        .map_err(Error::io(format!("the chunk {}", entry.digest).as_ref()))?;
    // Opened in place, so a secret from then on.
    opener.open(entry, &mut Zeroizing::new(stored))
}

/// Decrypts the whole layer into `output` (`path`), each chunk verified before it is written. Where one does not hold,
/// what was written must be removed.
pub(crate) fn open_all(
    index: &ChunkIndex,
    source: &dyn ChunkSource,
    output: &File,
    path: &Path,
    work: &Work<'_>,
) -> Result<(), Error> {
    let offsets = index.offsets();
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let labour = || {
        let done = (|| {
            let mut opener = ChunkOpener::new(work.engine)?;
            while !failed.load(Ordering::Relaxed) {
                work.check()?;
                let number = next.fetch_add(1, Ordering::Relaxed);
                let (Some(entry), Some(&offset)) = (index.entries.get(number), offsets.get(number)) else {
                    break;
                };
                let plain = open_chunk(entry, source, &mut opener)?;
                output.write_all_at(&plain, offset).map_err(Error::io(path))?;
                (work.progress)(plain.len() as u64);
            }
            Ok(())
        })();
        if done.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        done
    };
    on_threads(work.threads, labour)
}

/// A convergent layer whose chunks are read and verified as they are asked for. Belongs to one thread at a time.
pub struct ConvergentReader<'e> {
    index: ChunkIndex,
    offsets: Vec<u64>,
    source: Box<dyn ChunkSource>,
    opener: ChunkOpener<'e>,
    /// The chunk that was read last, in plaintext.
    held: Option<(usize, Zeroizing<Vec<u8>>)>,
}

impl<'e> ConvergentReader<'e> {
    pub(crate) fn new(
        index: ChunkIndex,
        source: Box<dyn ChunkSource>,
        engine: &'e dyn Engine,
    ) -> Result<Self, Error> {
        Ok(Self {
            offsets: index.offsets(),
            index,
            source,
            opener: ChunkOpener::new(engine)?,
            held: None,
        })
    }

    /// The length of the layer's plaintext, in bytes.
    pub fn length(&self) -> u64 {
        self.index.layer_bytes
    }

    /// Reads what stands at `offset` of the plaintext, as much as there is; says how much that was. On an error `output`
    /// may hold what was verified before.
    pub fn read_at(&mut self, offset: u64, output: &mut [u8]) -> Result<usize, Error> {
        let wanted = self.length().saturating_sub(offset).min(output.len() as u64) as usize;
        let mut done = 0;
        while done < wanted {
            let place = offset + done as u64;
            // The last that begins there or before.
            let number = self.offsets.partition_point(|start| *start <= place) - 1;
            let plain = match self.held.take() {
                Some((held, plain)) if held == number => plain,
                _ => open_chunk(&self.index.entries[number], &*self.source, &mut self.opener)?,
            };
            let part = &plain[(place - self.offsets[number]) as usize..];
            let length = part.len().min(wanted - done);
            output[done..done + length].copy_from_slice(&part[..length]);
            done += length;
            self.held = Some((number, plain));
        }
        Ok(done)
    }
}
