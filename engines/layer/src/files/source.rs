//! One layer's plaintext, read at any place through the cache.

use std::io;
use std::sync::Arc;

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::Blobs;
use super::cache::{Piece, PieceCache, PieceKey, PieceKind};
use super::index::Frame;
use crate::chunks::ChunkedLayer;
use crate::convergent::{ChunkIndex, ChunkOpener, ChunkSource, open_chunk};
use crate::formats::within;
use crate::image::{Descriptor, Digest};
use crate::{Error, ReadAt};

/// What a layer that is not encrypted is divided into, in bytes.
const PLAIN_PIECE_BYTES: u64 = 64 << 10;
/// How much is fetched at once, in bytes, where so much is asked for.
const RUN_BYTES: u64 = 1 << 20;

/// A layer that is read in parts.
pub(super) struct LayerSource {
    /// What messages call it.
    pub(super) name: String,
    /// Its number among the image's, by which the cache knows it.
    number: usize,
    pub(super) content: Content,
    frames: Vec<Frame>,
    /// Where each frame begins: in the layer, and in the tar.
    frame_starts: Vec<(u64, u64)>,
    pub(super) tar_bytes: u64,
}

/// What the decrypted layer is read from.
pub(super) enum Content {
    Chunks {
        layer: ChunkedLayer,
        blob: Box<dyn ReadAt>,
    },
    Convergent {
        index: ChunkIndex,
        offsets: Vec<u64>,
        chunks: BlobChunks,
    },
    /// A layer that is not encrypted: nothing verifies a part of it.
    Plain { blob: Box<dyn ReadAt>, bytes: u64 },
}

/// The chunks of convergent layers, each a blob.
pub(super) struct BlobChunks(pub(super) Arc<dyn Blobs>);

impl ChunkSource for BlobChunks {
    fn chunk(&self, digest: &Digest, bytes: u64) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; bytes as usize];
        self.0
            .blob(&Descriptor::blob(digest, bytes))?
            .read_exact_at(&mut chunk, 0)?;
        Ok(chunk)
    }
}

impl Content {
    /// The length of the decrypted layer, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Chunks { layer, .. } => layer.layer_bytes(),
            Self::Convergent { index, .. } => index.layer_bytes(),
            Self::Plain { bytes, .. } => *bytes,
        }
    }

    /// The piece that the byte at `place`, which is in the layer, is in: its number, and where it begins.
    fn piece_at(&self, place: u64) -> (u64, u64) {
        let even = |piece_bytes: u64| (place / piece_bytes, place - place % piece_bytes);
        match self {
            Self::Chunks { layer, .. } => even(layer.chunk_bytes()),
            Self::Convergent { offsets, .. } => {
                let number = offsets.partition_point(|start| *start <= place) - 1;
                (number as u64, offsets[number])
            }
            Self::Plain { .. } => even(PLAIN_PIECE_BYTES),
        }
    }

    /// How many pieces are fetched together at most.
    fn group(&self) -> u64 {
        match self {
            Self::Chunks { layer, .. } => (RUN_BYTES / layer.chunk_bytes()).max(1),
            Self::Convergent { .. } => 1,
            Self::Plain { .. } => RUN_BYTES / PLAIN_PIECE_BYTES,
        }
    }

    /// Fetches and verifies the `count` pieces from `first` on.
    fn load(&self, engine: &dyn Engine, first: u64, count: u64) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
        let failed = |error| Error::io("the layer's blob".as_ref())(error);
        match self {
            Self::Chunks { layer, blob } => {
                let lengths: Vec<usize> = (first..first + count)
                    .map(|chunk| layer.plain_bytes(chunk) + layer.extra_bytes())
                    .collect();
                let mut stored = Zeroizing::new(vec![0; lengths.iter().sum()]);
                blob.read_exact_at(&mut stored, layer.stored_at(first))
                    .map_err(failed)?;
                let mut opener = layer.opener(engine)?;
                let (mut pieces, mut rest) = (Vec::new(), stored.as_mut_slice());
                for (chunk, length) in (first..).zip(lengths) {
                    let (own, behind) = rest.split_at_mut(length);
                    opener.open(chunk, own)?;
                    pieces.push(Zeroizing::new(own[..layer.plain_bytes(chunk)].to_vec()));
                    rest = behind;
                }
                Ok(pieces)
            }
            Self::Convergent { index, chunks, .. } => {
                let mut opener = ChunkOpener::new(engine)?;
                (first..first + count)
                    .map(|number| open_chunk(&index.entries[number as usize], chunks, &mut opener))
                    .collect()
            }
            Self::Plain { blob, bytes } => {
                let start = first * PLAIN_PIECE_BYTES;
                let length = (count * PLAIN_PIECE_BYTES).min(bytes - start);
                let mut plain = Zeroizing::new(vec![0; length as usize]);
                blob.read_exact_at(&mut plain, start).map_err(failed)?;
                let pieces = plain.chunks(PLAIN_PIECE_BYTES as usize);
                Ok(pieces.map(|piece| Zeroizing::new(piece.to_vec())).collect())
            }
        }
    }
}

/// What is read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) cache: &'a PieceCache,
}

impl LayerSource {
    pub(super) fn new(number: usize, name: String, content: Content) -> Self {
        Self {
            name,
            number,
            tar_bytes: content.bytes(),
            content,
            frames: Vec::new(),
            frame_starts: Vec::new(),
        }
    }

    /// Names the layer before the part of it that an error is about.
    pub(super) fn named(&self, error: Error) -> Error {
        match &error {
            // It says which layer already.
            Error::Malformed { place, .. } if *place == self.name => error,
            _ => within(&self.name)(error),
        }
    }

    /// Says that the tar is compressed in these frames, which a file index lists: they fill the layer, and the tar.
    pub(super) fn set_frames(&mut self, frames: Vec<Frame>, tar_bytes: u64) {
        let mut next = (0, 0);
        let start = |frame: &Frame| {
            let start = next;
            next.0 += u64::from(frame.stored_bytes);
            next.1 += u64::from(frame.plain_bytes);
            start
        };
        self.frame_starts = frames.iter().map(start).collect();
        self.frames = frames;
        self.tar_bytes = tar_bytes;
    }

    /// Fills `output` from what stands at `offset` of the tar; less than that is an error.
    pub(super) fn read_tar(&self, with: Reading<'_>, offset: u64, output: &mut [u8]) -> Result<(), Error> {
        bounded(offset, output.len(), self.tar_bytes)?;
        if self.frames.is_empty() {
            return self.read_layer(with, offset, output);
        }
        let mut done = 0;
        while done < output.len() {
            let place = offset + done as u64;
            let number = self.frame_starts.partition_point(|(_, start)| *start <= place) - 1;
            let frame = self.frame(with, number)?;
            done += copy(&frame, place - self.frame_starts[number].1, &mut output[done..]);
        }
        Ok(())
    }

    fn frame(&self, with: Reading<'_>, number: usize) -> Result<Piece, Error> {
        let key = self.key(PieceKind::Frame, number as u64);
        if let Some(frame) = with.cache.get(key) {
            return Ok(frame);
        }
        let _alone = with.cache.gate(PieceKind::Frame, self.number, number as u64);
        if let Some(frame) = with.cache.get(key) {
            return Ok(frame);
        }
        let wanted = self.frames[number];
        let mut packed = Zeroizing::new(vec![0; wanted.stored_bytes as usize]);
        self.read_layer(with, self.frame_starts[number].0, &mut packed)?;
        let mut plain = Zeroizing::new(vec![0; wanted.plain_bytes as usize]);
        match zstd::bulk::decompress_to_buffer(&packed, plain.as_mut_slice()) {
            Ok(found) if found == plain.len() => {}
            _ => {
                return Err(Error::malformed(
                    format!(
                        "frame {number}, from byte {} of the layer",
                        self.frame_starts[number].0
                    ),
                    format!(
                        "it does not unpack to the {} bytes that the file index has for it",
                        plain.len()
                    ),
                ));
            }
        }
        let frame = Arc::new(plain);
        with.cache.put(key, &frame);
        Ok(frame)
    }

    fn read_layer(&self, with: Reading<'_>, offset: u64, output: &mut [u8]) -> Result<(), Error> {
        bounded(offset, output.len(), self.content.bytes())?;
        let mut done = 0;
        while done < output.len() {
            let (number, start) = self.content.piece_at(offset + done as u64);
            let (last, _) = self.content.piece_at(offset + output.len() as u64 - 1);
            // Only the first piece is read from within.
            let mut skipped = offset + done as u64 - start;
            for piece in self.pieces(with, number, last)? {
                done += copy(&piece, skipped, &mut output[done..]);
                skipped = 0;
            }
        }
        Ok(())
    }

    /// The piece `first`, and with it those up to `last` that are fetched in one go.
    fn pieces(&self, with: Reading<'_>, first: u64, last: u64) -> Result<Vec<Piece>, Error> {
        let key = |number| self.key(PieceKind::Chunk, number);
        if let Some(piece) = with.cache.get(key(first)) {
            return Ok(vec![piece]);
        }
        let group = self.content.group();
        let _alone = with.cache.gate(PieceKind::Chunk, self.number, first / group);
        if let Some(piece) = with.cache.get(key(first)) {
            return Ok(vec![piece]);
        }
        let end = last.min(first - first % group + group - 1);
        let missing = (first..=end).take_while(|number| with.cache.get(key(*number)).is_none());
        let loaded = self.content.load(with.engine, first, missing.count() as u64)?;
        let pieces: Vec<Piece> = loaded.into_iter().map(Arc::new).collect();
        for (number, piece) in (first..).zip(&pieces) {
            with.cache.put(key(number), piece);
        }
        Ok(pieces)
    }

    fn key(&self, kind: PieceKind, number: u64) -> PieceKey {
        PieceKey {
            layer: self.number,
            kind,
            number,
        }
    }
}

/// Copies what there is of `piece` from `start` on; says how much that was.
fn copy(piece: &[u8], start: u64, output: &mut [u8]) -> usize {
    let part = &piece[start as usize..];
    let length = part.len().min(output.len());
    output[..length].copy_from_slice(&part[..length]);
    length
}

fn bounded(offset: u64, length: usize, bytes: u64) -> Result<(), Error> {
    match offset.checked_add(length as u64) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(Error::malformed(
            format!("byte {offset}"),
            format!("{length} bytes are read there; there are {bytes} in all"),
        )),
    }
}
