//! Sealing a layer in chunks, on several threads in bounded memory.

use std::fs::File;
use std::io::{self, Read};
use std::thread;

use sealab_engine::Sha256;

use super::chunk::ChunkSealer;
use super::cutter::Cutter;
use super::index::{ChunkEntry, ChunkIndex};
use super::salt::Salt;
use crate::files::Scan;
use crate::image::{BlobWriter, Descriptor, Digest};
use crate::ocicrypt::{CODE_BYTES, LayerKey};
use crate::{Error, Work};

/// What a sealed layer is, beside its chunks.
pub(crate) struct SealedLayer {
    /// The sealed index, which is the layer's blob.
    pub(crate) index: Vec<u8>,
    /// What commits to the index's key.
    pub(crate) commitment: [u8; CODE_BYTES],
}

/// A layer that is sealed.
pub(crate) struct Source<'a> {
    pub(crate) layer: &'a Descriptor,
    /// Its blob, from the start.
    pub(crate) file: File,
    /// Is shown the layer.
    pub(crate) scan: Option<&'a mut Scan>,
}

/// Seals a layer, and writes its chunks as blobs. Its digest is verified.
pub(crate) fn seal_layer(
    source: Source<'_>,
    key: &LayerKey,
    salt: &Salt,
    writer: &mut BlobWriter,
    work: &Work<'_>,
) -> Result<SealedLayer, Error> {
    let mut sealers = (0..work.threads.max(1))
        .map(|_| ChunkSealer::new(work.engine, salt.key_maker(work.engine)?))
        .collect::<Result<Vec<_>, _>>()?;
    let mut cutter = Cutter::new(salt.boundary_seed()?);
    let mut hash = work.engine.sha256()?;
    let mut index = ChunkIndex::default();
    let Source {
        layer,
        file,
        mut scan,
    } = source;
    let mut reader = file.take(layer.size);
    let mut more = true;
    while more {
        work.check()?;
        more = cutter.next(&mut reader, |data, lengths| {
            for (entry, stored) in seal_window(data, lengths, &mut sealers, &mut *hash)? {
                writer.add_chunk(&entry.digest, &stored)?;
                index.push(entry)?;
            }
            if let Some(scan) = &mut scan {
                scan.update(data);
            }
            (work.progress)(data.len() as u64);
            Ok::<_, Failure>(())
        })?;
    }
    if index.layer_bytes != layer.size {
        return Err(Error::malformed(
            "the blob",
            format!(
                "it ends at byte {}; its descriptor says {}",
                index.layer_bytes, layer.size
            ),
        ));
    }
    let found = Digest::new(hash.finish()?);
    if found != layer.digest {
        return Err(Error::Digest {
            expected: layer.digest,
            found,
        });
    }
    let (index, commitment) = index.seal(work.engine, key)?;
    Ok(SealedLayer { index, commitment })
}

type Sealed = (ChunkEntry, Vec<u8>);

/// Seals the chunks that follow each other in `data`, in order; the window goes into the layer's digest meanwhile.
fn seal_window(
    data: &[u8],
    lengths: &[usize],
    sealers: &mut [ChunkSealer<'_>],
    hash: &mut dyn Sha256,
) -> Result<Vec<Sealed>, Error> {
    let mut rest = data;
    let chunks: Vec<&[u8]> = lengths
        .iter()
        .map(|&length| {
            let (chunk, behind) = rest.split_at(length);
            rest = behind;
            chunk
        })
        .collect();
    let threads = sealers.len();
    let parts = thread::scope(|scope| {
        let mut sealers = sealers.iter_mut().enumerate();
        let chunks = &chunks;
        let seal = move |(first, sealer): (usize, &mut ChunkSealer<'_>)| {
            let own = chunks.iter().skip(first).step_by(threads);
            own.map(|chunk| sealer.seal(chunk))
                .collect::<Result<Vec<_>, Error>>()
        };
        let this = sealers.next();
        let others: Vec<_> = sealers.map(|sealer| scope.spawn(move || seal(sealer))).collect();
        let hashed = hash.update(data);
        let mut parts: Vec<_> = this.into_iter().map(seal).collect();
        for other in others {
            parts.push(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        hashed?;
        parts.into_iter().collect::<Result<Vec<_>, Error>>()
    })?;
    // Dealt out one by one, so taken back the same way.
    let mut parts: Vec<_> = parts.into_iter().map(Vec::into_iter).collect();
    Ok((0..chunks.len())
        .filter_map(|number| parts[number % threads].next())
        .collect())
}

/// An error of reading, or another.
struct Failure(Error);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(Error::io("the layer's blob".as_ref())(error))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
