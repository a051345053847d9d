//! Compression of single chunks, by trial, before they are sealed.

use std::io;

use zeroize::Zeroizing;
use zstd::bulk::{Compressor as Zstd, Decompressor as Unzstd};

use super::CHUNK_BYTES;
use super::table::Method;

/// Zstandard's fastest regular level: sealing must keep pace with memory.
const ZSTD_LEVEL: i32 = 1;

/// Whether and how chunks are compressed. A chunk that does not shrink by a 32nd stays as it is.
///
/// Compressed lengths tell something of the content; see the format's document.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compression {
    /// None: lengths tell nothing of the content.
    #[default]
    None,
    /// LZ4, the fastest to open.
    Lz4,
    /// Zstandard, the smallest.
    Zstd,
    /// LZ4 for chunks that it at least halves, else Zstandard.
    Auto,
}

/// Compresses chunks, on one thread.
pub(super) struct Compressor {
    choice: Compression,
    zstd: Option<Zstd<'static>>,
    out: Zeroizing<Vec<u8>>,
}

impl Compressor {
    pub(super) fn new(choice: Compression) -> io::Result<Self> {
        let zstd = match choice {
            Compression::Zstd | Compression::Auto => Some(Zstd::new(ZSTD_LEVEL)?),
            Compression::None | Compression::Lz4 => None,
        };
        let scratch = match choice {
            Compression::None => 0,
            _ => zstd::zstd_safe::compress_bound(CHUNK_BYTES)
                .max(lz4_flex::block::get_maximum_output_size(CHUNK_BYTES)),
        };
        Ok(Self {
            choice,
            zstd,
            out: Zeroizing::new(vec![0; scratch]),
        })
    }

    pub(super) fn is_off(&self) -> bool {
        self.choice == Compression::None
    }

    /// The compressed `chunk`, if it is worth it.
    pub(super) fn compress(&mut self, chunk: &[u8]) -> Option<(Method, &[u8])> {
        let most = chunk.len() - chunk.len().div_ceil(32);
        let (method, bytes) = match self.choice {
            Compression::None => return None,
            Compression::Lz4 => (Method::Lz4, self.lz4(chunk)?),
            Compression::Zstd => (Method::Zstd, self.zstd(chunk)?),
            Compression::Auto => match self.lz4(chunk) {
                Some(bytes) if bytes <= chunk.len() / 2 => (Method::Lz4, bytes),
                _ => (Method::Zstd, self.zstd(chunk)?),
            },
        };
        (bytes <= most).then(|| (method, &self.out[..bytes]))
    }

    fn lz4(&mut self, chunk: &[u8]) -> Option<usize> {
        // Errs only if the output is too short, which it never is; the chunk stays as it is then.
        lz4_flex::block::compress_into(chunk, &mut self.out).ok()
    }

    fn zstd(&mut self, chunk: &[u8]) -> Option<usize> {
        let zstd = self.zstd.as_mut()?;
        zstd.compress_to_buffer(chunk, &mut self.out[..]).ok()
    }
}

/// Decompresses chunks, on one thread.
#[derive(Default)]
pub(super) struct Decompressor {
    zstd: Option<Unzstd<'static>>,
}

impl Decompressor {
    /// Fills `chunk` from what is authentic; `false` if it does not yield exactly so many bytes.
    pub(super) fn decompress(&mut self, method: Method, stored: &[u8], chunk: &mut [u8]) -> io::Result<bool> {
        let bytes = match method {
            Method::Raw => {
                if stored.len() == chunk.len() {
                    chunk.copy_from_slice(stored);
                }
                Some(stored.len())
            }
            Method::Lz4 => lz4_flex::block::decompress_into(stored, chunk).ok(),
            Method::Zstd => {
                let zstd = match &mut self.zstd {
                    Some(zstd) => zstd,
                    none => none.insert(Unzstd::new()?),
                };
                zstd.decompress_to_buffer(stored, chunk).ok()
            }
        };
        Ok(bytes == Some(chunk.len()))
    }
}
