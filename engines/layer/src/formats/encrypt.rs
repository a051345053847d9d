//! Encrypting an image's layers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;

use sealab_engine::{InOutBuf, Sha256};

use super::annotations;
use super::decrypt::within;
use super::{Format, LayerOutcome, SealedDigest};
use crate::chunks::{CHUNK_BYTES, StreamCipher, StreamSealer, Tagger, stream_bytes};
use crate::convergent::{CONVERGENT, Salt, SealedLayer, Source, seal_layer};
use crate::files::{self, FileIndex, Scan};
use crate::image::{
    BlobWriter, Compressed, Descriptor, Digest, ImageReference, Index, LayerChoice, LayerPlace, Layout,
    NewLayout, PartialBlob, REF_NAME, compressed, encrypted, rewrite, visit,
};
use crate::ocicrypt::{CODE_BYTES, LayerKey, LayerOptions};
use crate::recompress::{Compression, Recompressed, recompress};
use crate::stream::{Pipeline, Side};
use crate::wrapping::{LayerRecipient, wrap};
use crate::{Error, Work};

/// What goes through the stages at a time, in bytes; a multiple of most chunks.
pub(super) const PIECE_BYTES: usize = 256 << 10;

/// How an image is encrypted.
#[derive(Clone, Copy, Debug)]
pub struct EncryptOptions<'a> {
    /// The format of the layers.
    pub format: Format,
    /// Who can decrypt them: 1 to 100 recipients of each scheme.
    pub recipients: &'a [LayerRecipient],
    /// Which layers.
    pub choice: &'a LayerChoice,
    /// The secret salt of [`Format::Convergent`]: images with the same one share their equal chunks. Without one, a new
    /// one is made, and only the layers of this image share theirs. Other formats need none.
    pub salt: Option<&'a Salt>,
    /// How the layers are compressed before they are encrypted.
    pub compression: Compression,
}

/// Encrypts the chosen layers of `source` into the new layout `destination`, which appears whole or not at all. The
/// other layers are shared with the source (hard links, or copies on another filesystem).
pub fn encrypt(
    source: &ImageReference,
    destination: &ImageReference,
    options: &EncryptOptions<'_>,
    work: &Work<'_>,
) -> Result<Vec<LayerOutcome>, Error> {
    let mut outcomes = Vec::new();
    let salt = match options.salt {
        Some(salt) => salt.clone(),
        None => Salt::generate()?,
    };
    convert(
        source,
        destination,
        options.choice,
        &mut |layout, place, layer, writer| {
            let (sealed, outcome) = encrypt_layer(layout, place, layer, writer, options, &salt, work)?;
            outcomes.push(outcome);
            Ok(Some(sealed))
        },
    )?;
    let indexed = indexed(destination, options.choice)?;
    for outcome in &mut outcomes {
        outcome.file_index = indexed.contains(&outcome.written);
    }
    Ok(outcomes)
}

/// The layers that kept their file index: a manifest that would have become too long for them has dropped some.
fn indexed(image: &ImageReference, choice: &LayerChoice) -> Result<BTreeSet<Digest>, Error> {
    let layout = Layout::open(&image.directory)?;
    let mut indexed = BTreeSet::new();
    visit(&layout, &layout.image(None)?, choice, &mut |_, layer| {
        if annotations::has_file_index(&layer.annotations) {
            indexed.insert(layer.digest);
        }
        Ok(())
    })?;
    Ok(indexed)
}

pub(super) type Change<'a> =
    dyn FnMut(&Layout, &LayerPlace, &Descriptor, &mut BlobWriter) -> Result<Option<Descriptor>, Error> + 'a;

/// Writes `source` into the new layout `destination` with changed layers.
pub(super) fn convert(
    source: &ImageReference,
    destination: &ImageReference,
    choice: &LayerChoice,
    change: &mut Change<'_>,
) -> Result<(), Error> {
    let layout = Layout::open(&source.directory)?;
    let index = layout.index()?;
    let root = &index.manifests[layout.resolve(&index, source.tag.as_deref())?];
    let (new, writer) = NewLayout::begin(&destination.directory)?;
    let (mut written, writer) = rewrite(&layout, writer, root, choice, &mut |place, layer, writer| {
        change(&layout, place, layer, writer)
    })?;
    match &destination.tag {
        Some(tag) => written.annotations.insert(REF_NAME.to_owned(), tag.clone()),
        None => written.annotations.remove(REF_NAME),
    };
    let index = Index {
        schema_version: 2,
        manifests: vec![written],
        other: serde_json::Map::new(),
    };
    new.finish(writer, &index)
}

fn encrypt_layer(
    layout: &Layout,
    place: &LayerPlace,
    layer: &Descriptor,
    writer: &mut BlobWriter,
    options: &EncryptOptions<'_>,
    salt: &Salt,
    work: &Work<'_>,
) -> Result<(Descriptor, LayerOutcome), Error> {
    let name = place.to_string();
    let source = layer;
    // Looked at before anything is done for it.
    encrypted(&layer.media_type).map_err(|problem| Error::malformed(&name, problem))?;
    // Nothing of a layer that is one message can be read by an index.
    let has_chunks = options.format != Format::Ocicrypt;
    let mut scan = Scan::new(has_chunks);
    let recompressed = recompress(layout, place, layer, options.compression, &mut scan, writer, work)
        .map_err(within(&name))?;
    // Read twice, told once.
    let silent = Work {
        progress: &|_| {},
        ..*work
    };
    let (layer, work) = match &recompressed {
        Some(recompressed) => (&recompressed.layer, &silent),
        None => {
            scan = Scan::new(has_chunks && compressed(&layer.media_type) == Ok(Compressed::No));
            (layer, work)
        }
    };
    let media_type = encrypted(&layer.media_type).map_err(|problem| Error::malformed(&name, problem))?;
    let mut sealed = layer.clone();
    let mut layer_options = LayerOptions {
        key: LayerKey::generate()?,
        code: [0; CODE_BYTES],
        // Verified before anything is kept.
        digest: Some(layer.digest.to_string()),
    };
    let private = layer_options.private_json().map_err(Error::layer(&name))?;
    for (scheme, packet) in wrap(private.as_bytes(), options.recipients).map_err(Error::wrapping(&name))? {
        annotations::set_packets(&mut sealed.annotations, &scheme, &[packet]);
    }

    let layer_bytes = layer.size;
    let blob = writer.begin()?;
    let file = match &recompressed {
        Some(recompressed) => recompressed.open()?,
        None => layout.open_blob(layer)?,
    };
    // Shown the tar here unless it was shown before.
    let mut unscanned = recompressed.is_none().then_some(&mut scan);
    let sealing = Sealing {
        file,
        layer,
        key: &layer_options.key,
        blob: &blob,
        work,
    };
    let public = match options.format {
        Format::Ocicrypt | Format::OcicryptSeekable => {
            let seekable = options.format == Format::OcicryptSeekable;
            let mut tagger = seekable
                .then(|| Tagger::new(work.engine, &layer_options.key, layer.size))
                .transpose()?;
            let (digest, code) = sealing.ctr_hmac(&mut tagger, &mut unscanned)?;
            sealed.digest = digest;
            layer_options.code = code;
            if let Some(tagger) = tagger {
                annotations::set_chunk_table(&mut sealed.annotations, &tagger.finish());
            }
            layer_options.public_json()
        }
        Format::ChunkedAead(cipher) => {
            let (digest, commitment) = sealing.stream(cipher, &mut unscanned)?;
            sealed.digest = digest;
            sealed.size = stream_bytes(layer.size);
            layer_options.code = commitment;
            layer_options.public_json_as(cipher.name())
        }
        Format::Convergent => {
            let source = Source {
                layer,
                file: sealing.file,
                scan: unscanned,
            };
            let SealedLayer { index, commitment } =
                seal_layer(source, &layer_options.key, salt, writer, work).map_err(within(&name))?;
            write(&blob, &index)?;
            sealed.digest = Digest::of(&index);
            sealed.size = index.len() as u64;
            layer_options.code = commitment;
            layer_options.public_json_as(CONVERGENT)
        }
    };
    let (frames, tar_bytes) = recompressed.map_or((Vec::new(), layer_bytes), Recompressed::into_frames);
    if let Some(entries) = scan.finish(tar_bytes) {
        let index = FileIndex {
            tar_bytes,
            frames,
            entries,
        };
        if let Some(index) = files::seal(work.engine, &layer_options.key, layer_bytes, index)? {
            annotations::set_file_index(&mut sealed.annotations, &index);
        }
    }
    annotations::set_public_options(&mut sealed.annotations, &public.map_err(Error::layer(&name))?);
    writer.finish(blob, &sealed.digest)?;
    let outcome = LayerOutcome::new(
        place,
        source,
        &sealed,
        options.format,
        Some(SealedDigest::Holds),
        None,
    );
    sealed.media_type = media_type;
    Ok((sealed, outcome))
}

struct Sealing<'a> {
    file: File,
    layer: &'a Descriptor,
    key: &'a LayerKey,
    blob: &'a PartialBlob,
    work: &'a Work<'a>,
}

impl Sealing<'_> {
    /// AES-256-CTR and HMAC-SHA-256 over the ciphertext; gives the digest and code of it.
    fn ctr_hmac(
        &self,
        tagger: &mut Option<Tagger>,
        scan: &mut Option<&mut Scan>,
    ) -> Result<(Digest, [u8; CODE_BYTES]), Error> {
        let (mut hash, mut mac) = (self.work.engine.sha256()?, self.key.mac(self.work.engine)?);
        let mut ctr = self.key.ctr(self.work.engine)?;
        let chunk_bytes = tagger.as_ref().map_or(0, |tagger| tagger.chunk_bytes() as usize);
        let piece_bytes = PIECE_BYTES.max(chunk_bytes);
        let transform = |piece: u64, plain: &[u8], sealed: &mut Vec<u8>| {
            let counter = self.key.counter(piece * piece_bytes as u64);
            sealed.resize(plain.len(), 0);
            Ok(ctr.apply(&counter, joined(plain, sealed)?)?)
        };
        let mut pipeline =
            Pipeline::new(piece_bytes, transform).look(Side::Output, |_, sealed| Ok(mac.update(sealed)?));
        if let Some(tagger) = tagger {
            pipeline = pipeline.look(Side::Output, |_, sealed| tagger.update(sealed));
        }
        self.run(pipeline, &mut *hash, scan)?;
        Ok((Digest::new(hash.finish()?), mac.finish()?))
    }

    /// A STREAM; gives the digest of it and what commits to its key.
    fn stream(
        &self,
        cipher: StreamCipher,
        scan: &mut Option<&mut Scan>,
    ) -> Result<(Digest, [u8; CODE_BYTES]), Error> {
        let mut sealer = StreamSealer::new(self.work.engine, cipher, self.key, self.layer.size)?;
        let commitment = sealer.commitment();
        let mut hash = self.work.engine.sha256()?;
        const { assert!(PIECE_BYTES.is_multiple_of(CHUNK_BYTES as usize)) }
        let transform = |piece: u64, plain: &[u8], sealed: &mut Vec<u8>| {
            sealer.seal(piece * PIECE_BYTES as u64, plain, sealed)
        };
        self.run(Pipeline::new(PIECE_BYTES, transform), &mut *hash, scan)?;
        Ok((Digest::new(hash.finish()?), commitment))
    }

    /// Adds the stages that every format has: the source's digest, the new one, writing, and the look for files.
    fn run<'p>(
        &'p self,
        mut pipeline: Pipeline<'p>,
        hash: &'p mut dyn Sha256,
        scan: &'p mut Option<&mut Scan>,
    ) -> Result<(), Error> {
        let mut source_hash = self.work.engine.sha256()?;
        if let Some(scan) = scan {
            pipeline = pipeline.look(Side::Input, |_, plain| {
                scan.update(plain);
                Ok(())
            });
        }
        let pipeline = pipeline
            .look(Side::Output, |_, sealed| Ok(hash.update(sealed)?))
            .look(Side::Output, |_, sealed| write(self.blob, sealed))
            .look(Side::Input, |_, plain| Ok(source_hash.update(plain)?));
        pipeline.run(&self.file, self.layer.size, self.work)?;
        let found = Digest::new(source_hash.finish()?);
        if found != self.layer.digest {
            return Err(Error::Digest {
                expected: self.layer.digest,
                found,
            });
        }
        Ok(())
    }
}

pub(super) fn write(blob: &PartialBlob, bytes: &[u8]) -> Result<(), Error> {
    blob.file().write_all(bytes).map_err(Error::io(blob.path()))
}

pub(super) fn joined<'i, 'o>(input: &'i [u8], output: &'o mut [u8]) -> Result<InOutBuf<'i, 'o, u8>, Error> {
    InOutBuf::new(input, output)
        .map_err(|_| Error::malformed("a piece", "its input and output differ in length"))
}
