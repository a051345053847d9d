//! Writing a layer compressed in another way, verified, to a file beside the image that is made.

use std::fs::File;
use std::io::Write;
use std::thread;

use zeroize::Zeroizing;
use zstd::bulk::Compressor;

use super::Compression;
use super::decode::TarReader;
use crate::files::{Frame, Scan};
use crate::image::{
    BlobWriter, Compressed, Descriptor, LayerPlace, Layout, PartialBlob, compressed, recompressed,
};
use crate::stream::Sha256;
use crate::{Error, Work};

const LEVEL: i32 = 3;
/// How much of the tar is in a frame, in bytes.
const FRAME_BYTES: usize = 128 << 10;
/// How much is decompressed before it is compressed again, in bytes.
const WINDOW_BYTES: usize = 32 * FRAME_BYTES;

/// What programs wrote of a layer that hold for its former compression alone: where files are in it.
const OF_FORMER: [&str; 3] = [
    "io.github.containers.zstd-chunked.",
    "io.containers.estargz.",
    "containerd.io/snapshot/stargz/",
];

/// A layer in its new compression.
pub(crate) struct Recompressed {
    /// Its blob: plaintext, removed when this is dropped.
    blob: PartialBlob,
    /// Its descriptor.
    pub(crate) layer: Descriptor,
    /// The frames of a compressed tar.
    frames: Vec<Frame>,
    tar_bytes: u64,
}

impl Recompressed {
    /// Its blob, from the start.
    pub(crate) fn open(&self) -> Result<File, Error> {
        File::open(self.blob.path()).map_err(Error::io(self.blob.path()))
    }

    /// The frames, and the length of the tar in bytes.
    pub(crate) fn into_frames(self) -> (Vec<Frame>, u64) {
        (self.frames, self.tar_bytes)
    }
}

/// Writes a layer as `compression` has it; `None` where it is so already, or no tar. What is decompressed must have the
/// digest that the image's configuration has for the layer; the layer's own is verified too. `scan` is shown the tar.
pub(crate) fn recompress(
    layout: &Layout,
    place: &LayerPlace,
    layer: &Descriptor,
    compression: Compression,
    scan: &mut Scan,
    writer: &BlobWriter,
    work: &Work<'_>,
) -> Result<Option<Recompressed>, Error> {
    let Ok(before) = compressed(&layer.media_type) else {
        return Ok(None);
    };
    let frames = match compression {
        Compression::Keep => return Ok(None),
        Compression::None if before == Compressed::No => return Ok(None),
        Compression::None => None,
        Compression::ZstdFrames => Some(Frames::new(work.threads)?),
    };
    let mut tar = TarReader::new(layout.open_blob(layer)?, layer.size, before, work)?;
    let mut written = Written {
        blob: writer.begin()?,
        tar_hash: Sha256::new(),
        hash: Sha256::new(),
        bytes: 0,
        tar_bytes: 0,
        frames,
    };
    let mut window = Zeroizing::new(vec![0; WINDOW_BYTES]);
    loop {
        work.check()?;
        let filled = tar.fill(&mut window)?;
        written.write(&window[..filled], scan)?;
        if filled < window.len() {
            break;
        }
    }
    let found = tar.finish()?;
    if found != layer.digest {
        return Err(Error::Digest {
            expected: layer.digest,
            found,
        });
    }
    let tar_digest = written.tar_hash.finish();
    if let Some(expected) = &place.diff_id
        && *expected != tar_digest.to_string()
    {
        return Err(Error::malformed(
            "what it holds uncompressed",
            format!("its digest is {tar_digest}; the image's configuration says {expected:.100}"),
        ));
    }
    let mut new = layer.clone();
    let (digest, form, frames) = match written.frames {
        Some(frames) => (written.hash.finish(), Compressed::Zstd, frames.done),
        None => (tar_digest, Compressed::No, Vec::new()),
    };
    new.digest = digest;
    new.size = written.bytes;
    new.media_type = recompressed(&layer.media_type, form);
    new.annotations
        .retain(|name, _| !OF_FORMER.iter().any(|former| name.starts_with(former)));
    Ok(Some(Recompressed {
        blob: written.blob,
        layer: new,
        frames,
        tar_bytes: written.tar_bytes,
    }))
}

struct Written {
    blob: PartialBlob,
    tar_hash: Sha256,
    /// Of the frames.
    hash: Sha256,
    bytes: u64,
    tar_bytes: u64,
    frames: Option<Frames>,
}

impl Written {
    fn write(&mut self, tar: &[u8], scan: &mut Scan) -> Result<(), Error> {
        self.tar_bytes += tar.len() as u64;
        let tar_hash = &mut self.tar_hash;
        let mut look = || {
            tar_hash.update(tar);
            scan.update(tar);
        };
        let mut put = |bytes: &[u8]| {
            self.bytes += bytes.len() as u64;
            self.blob
                .file()
                .write_all(bytes)
                .map_err(Error::io(self.blob.path()))
        };
        match &mut self.frames {
            Some(frames) => {
                for frame in frames.compress(tar, look)? {
                    self.hash.update(&frame);
                    put(&frame)?;
                }
                Ok(())
            }
            None => {
                look();
                put(tar)
            }
        }
    }
}

/// Compresses a tar in frames, on several threads.
struct Frames {
    compressors: Vec<Compressor<'static>>,
    done: Vec<Frame>,
}

type Packed = Zeroizing<Vec<u8>>;

impl Frames {
    fn new(threads: usize) -> Result<Self, Error> {
        let compressors = (0..threads.max(1)).map(|_| Compressor::new(LEVEL));
        Ok(Self {
            compressors: compressors
                .collect::<Result<_, _>>()
                .map_err(Error::io("zstd".as_ref()))?,
            done: Vec::new(),
        })
    }

    /// The frames of what comes next, whole frames but for the tar's end. `look` is done meanwhile.
    fn compress(&mut self, tar: &[u8], look: impl FnOnce()) -> Result<Vec<Packed>, Error> {
        let mut parts: Vec<&[u8]> = tar.chunks(FRAME_BYTES).collect();
        if parts.is_empty() && self.done.is_empty() {
            // An empty tar is one empty frame: no bytes at all are no zstd stream.
            parts.push(&[]);
        }
        let threads = self.compressors.len();
        let parts = &parts;
        let lists = thread::scope(|scope| {
            let workers: Vec<_> = self
                .compressors
                .iter_mut()
                .enumerate()
                .map(|(first, compressor)| {
                    scope.spawn(move || {
                        let own = parts.iter().skip(first).step_by(threads);
                        own.map(|part| compressor.compress(part).map(Zeroizing::new))
                            .collect::<Result<Vec<_>, _>>()
                    })
                })
                .collect();
            look();
            let joined = workers.into_iter().map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined.collect::<Result<Vec<_>, _>>()
        });
        // Dealt out one by one, so taken back the same way.
        let mut lists: Vec<_> = lists
            .map_err(Error::io("zstd".as_ref()))?
            .into_iter()
            .map(Vec::into_iter)
            .collect();
        let mut frames = Vec::with_capacity(parts.len());
        for (number, part) in parts.iter().enumerate() {
            let Some(frame) = lists[number % threads].next() else {
                break;
            };
            self.done.push(Frame {
                stored_bytes: frame.len() as u32,
                plain_bytes: part.len() as u32,
            });
            frames.push(frame);
        }
        Ok(frames)
    }
}
