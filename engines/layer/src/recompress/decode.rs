//! A layer's tar, uncompressed as it is read.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::image::{Compressed, Digest};
use crate::stream::Sha256;
use crate::{Error, Work};

const BUFFER_BYTES: usize = 256 << 10;
/// The largest window that a zstd stream may ask for, 32 MiB, as the logarithm of its bytes: that of level 20.
const MAX_WINDOW_LOG: u32 = 25;

/// A blob that is hashed as it is read.
struct Hashed<'a> {
    blob: io::Take<File>,
    hash: Sha256,
    read: u64,
    work: &'a Work<'a>,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.blob.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.read += read as u64;
        (self.work.progress)(read as u64);
        Ok(read)
    }
}

type Source<'a> = BufReader<Hashed<'a>>;

enum Decoder<'a> {
    Plain(Source<'a>),
    Gzip(Box<MultiGzDecoder<Source<'a>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Source<'a>>>),
}

/// Reads as the tar in a blob.
pub(super) struct TarReader<'a>(Decoder<'a>);

impl<'a> TarReader<'a> {
    /// The blob `file`, of `bytes` bytes.
    pub(super) fn new(
        file: File,
        bytes: u64,
        compressed: Compressed,
        work: &'a Work<'a>,
    ) -> Result<Self, Error> {
        let hashed = Hashed {
            blob: file.take(bytes),
            hash: Sha256::new(),
            read: 0,
            work,
        };
        let source = BufReader::with_capacity(BUFFER_BYTES, hashed);
        Ok(Self(match compressed {
            Compressed::No => Decoder::Plain(source),
            Compressed::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(source))),
            Compressed::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(source).and_then(|mut decoder| {
                    decoder.window_log_max(MAX_WINDOW_LOG)?;
                    Ok(decoder)
                });
                Decoder::Zstd(Box::new(decoder.map_err(Error::io("zstd".as_ref()))?))
            }
        }))
    }

    /// Fills `buffer` as far as there is more; says how far.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            let part = &mut buffer[filled..];
            let read = match &mut self.0 {
                Decoder::Plain(source) => source.read(part),
                Decoder::Gzip(decoder) => decoder.read(part),
                Decoder::Zstd(decoder) => decoder.read(part),
            };
            match read {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::malformed(
                        format!("the blob, before byte {}", self.source().get_ref().read),
                        format!("it cannot be decompressed: {error}"),
                    ));
                }
            }
        }
        Ok(filled)
    }

    fn source(&self) -> &Source<'a> {
        match &self.0 {
            Decoder::Plain(source) => source,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
        }
    }

    /// The digest of the whole blob, what no decoder asked for read too.
    pub(super) fn finish(self) -> Result<Digest, Error> {
        let source = match self.0 {
            Decoder::Plain(source) => source,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        };
        let mut hashed = source.into_inner();
        io::copy(&mut hashed, &mut io::sink()).map_err(Error::io("the blob".as_ref()))?;
        Ok(hashed.hash.finish())
    }
}
