//! Decrypting an image's layers.

use serde::Serialize;
use subtle::ConstantTimeEq;

use super::encrypt::{PIECE_BYTES, convert, joined, write};
use super::unlock::{LayerCipherName, Unlocked, unlock};
use super::{Format, annotations};
use crate::chunks::{ChunkedLayer, open_all};
use crate::convergent;
use crate::image::{
    BlobWriter, Descriptor, Digest, ImageReference, LayerChoice, LayerPlace, Layout, PartialBlob, decrypted,
    is_encrypted,
};
use crate::ocicrypt::LayerError;
use crate::stream::{Pipeline, Side};
use crate::wrapping::NamedKey;
use crate::{Error, Work};

/// What became of one layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerOutcome {
    /// The manifest that the layer was in.
    pub manifest: Digest,
    /// The platform of the manifest's image, where there are several.
    pub platform: Option<String>,
    /// The layer's number, from 0.
    pub layer: usize,
    /// The name of the encrypted layer's format.
    pub format: &'static str,
    /// The blob that was read.
    pub source: Digest,
    /// Its length, in bytes.
    pub source_bytes: u64,
    /// The blob that was written; for a rewrapped layer the same.
    pub written: Digest,
    /// Its length, in bytes.
    pub written_bytes: u64,
    /// What the sealed digest was found to be.
    pub sealed_digest: Option<SealedDigest>,
    /// The name of the key that opened the layer.
    pub key: Option<String>,
    /// Whether the layer that was encrypted has a sealed index of its files.
    pub file_index: bool,
}

impl LayerOutcome {
    pub(super) fn new(
        place: &LayerPlace,
        source: &Descriptor,
        written: &Descriptor,
        format: Format,
        sealed_digest: Option<SealedDigest>,
        key: Option<String>,
    ) -> Self {
        Self {
            manifest: place.manifest,
            platform: place.platform.clone(),
            layer: place.number,
            format: format.name(),
            source: source.digest,
            source_bytes: source.size,
            written: written.digest,
            written_bytes: written.size,
            sealed_digest,
            key,
            file_index: false,
        }
    }
}

/// What the digest in a layer's private options was found to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealedDigest {
    /// That of the decrypted blob.
    Holds,
    /// That of the layer before it was compressed: skopeo, where it compresses while it encrypts, seals that.
    OfUncompressed,
    /// None is sealed, or one of a compressed layer that cannot be told; the layer's code holds.
    Unknown,
}

/// Decrypts the chosen layers of `source` that are encrypted into the new layout `destination`, which appears whole or
/// not at all: no byte of a layer stays on disk unless all of the layer is authentic. The other layers are shared with the
/// source. The annotations of the encryption go.
pub fn decrypt(
    source: &ImageReference,
    destination: &ImageReference,
    keys: &[NamedKey<'_>],
    choice: &LayerChoice,
    work: &Work<'_>,
) -> Result<Vec<LayerOutcome>, Error> {
    let mut outcomes = Vec::new();
    convert(
        source,
        destination,
        choice,
        &mut |layout, place, layer, writer| {
            if !is_encrypted(&layer.media_type) {
                return Ok(None);
            }
            let (opened, outcome) = decrypt_layer(layout, place, layer, writer, keys, work)?;
            outcomes.push(outcome);
            Ok(Some(opened))
        },
    )?;
    Ok(outcomes)
}

fn decrypt_layer(
    layout: &Layout,
    place: &LayerPlace,
    layer: &Descriptor,
    writer: &mut BlobWriter,
    keys: &[NamedKey<'_>],
    work: &Work<'_>,
) -> Result<(Descriptor, LayerOutcome), Error> {
    let name = place.to_string();
    let media_type = decrypted(&layer.media_type).map_err(|problem| Error::malformed(&name, problem))?;
    let unlocked = unlock(place, layer, keys)?;
    let mut opened = layer.clone();
    opened.media_type = media_type.to_owned();
    annotations::clear(&mut opened.annotations);
    let blob = writer.begin()?;
    let (format, sealed_digest) = if unlocked.cipher == LayerCipherName::Convergent {
        opened.size = open_convergent(layout, layer, &unlocked, &blob, work).map_err(within(&name))?;
        // Who sealed the layer sealed the digest of just these bytes, and each chunk of them holds.
        opened.digest = sealed_digest_of(&unlocked, &name)?;
        (Format::Convergent, SealedDigest::Holds)
    } else if let Some((format, chunks)) = chunked(layer, &unlocked).map_err(within(&name))? {
        let source = layout.open_blob(layer)?;
        open_all(&chunks, &source, blob.file(), blob.path(), work).map_err(within(&name))?;
        opened.size = chunks.layer_bytes();
        opened.digest = sealed_digest_of(&unlocked, &name)?;
        (format, SealedDigest::Holds)
    } else {
        opened.digest = open_whole(layout, layer, &unlocked, &blob, &name, work)?;
        let judged = judge(unlocked.options.digest.as_deref(), place, &opened);
        (
            Format::Ocicrypt,
            judged.map_err(|problem| Error::unauthentic(&name, problem))?,
        )
    };
    writer.finish(blob, &opened.digest)?;
    let outcome = LayerOutcome::new(
        place,
        layer,
        &opened,
        format,
        Some(sealed_digest),
        Some(unlocked.key),
    );
    Ok((opened, outcome))
}

/// Decrypts a layer whose chunks are blobs of their own; gives the length of the plaintext.
fn open_convergent(
    layout: &Layout,
    layer: &Descriptor,
    unlocked: &Unlocked,
    blob: &PartialBlob,
    work: &Work<'_>,
) -> Result<u64, Error> {
    let source = layout.open_blob(layer)?;
    let index = convergent::open_index(layer, &unlocked.options, &source, work.engine)?;
    convergent::open_all(&index, layout, blob.file(), blob.path(), work)?;
    Ok(index.layer_bytes())
}

/// The layer by its chunks, if its format has them.
pub(super) fn chunked(
    layer: &Descriptor,
    unlocked: &Unlocked,
) -> Result<Option<(Format, ChunkedLayer)>, Error> {
    let key = &unlocked.options.key;
    if let LayerCipherName::Stream(cipher) = unlocked.cipher {
        let chunks = ChunkedLayer::stream(cipher, key, &unlocked.options.code, layer.size)?;
        return Ok(Some((Format::ChunkedAead(cipher), chunks)));
    }
    let table = annotations::chunk_table(&layer.annotations)?;
    table
        .map(|table| {
            Ok((
                Format::OcicryptSeekable,
                ChunkedLayer::tagged(key, table, layer.size)?,
            ))
        })
        .transpose()
}

fn sealed_digest_of(unlocked: &Unlocked, name: &str) -> Result<Digest, Error> {
    let text = unlocked.options.digest.as_deref().unwrap_or_default();
    text.parse()
        .map_err(|problem| Error::malformed(format!("{name}: the private options' digest"), problem))
}

/// Decrypts a layer that has one code for all of it; gives the digest of the plaintext.
fn open_whole(
    layout: &Layout,
    layer: &Descriptor,
    unlocked: &Unlocked,
    blob: &PartialBlob,
    name: &str,
    work: &Work<'_>,
) -> Result<Digest, Error> {
    let key = &unlocked.options.key;
    let source = layout.open_blob(layer)?;
    let (mut source_hash, mut hash) = (work.engine.sha256()?, work.engine.sha256()?);
    let mut mac = key.mac(work.engine)?;
    let mut ctr = key.ctr(work.engine)?;
    let transform = |piece: u64, sealed: &[u8], plain: &mut Vec<u8>| {
        plain.resize(sealed.len(), 0);
        let counter = key.counter(piece * PIECE_BYTES as u64);
        Ok(ctr.apply(&counter, joined(sealed, plain)?)?)
    };
    Pipeline::new(PIECE_BYTES, transform)
        .look(Side::Output, |_, plain| Ok(hash.update(plain)?))
        .look(Side::Output, |_, plain| write(blob, plain))
        .look(Side::Input, |_, sealed| Ok(source_hash.update(sealed)?))
        .look(Side::Input, |_, sealed| Ok(mac.update(sealed)?))
        .run(&source, layer.size, work)?;
    let found = Digest::new(source_hash.finish()?);
    if found != layer.digest {
        return Err(Error::Digest {
            expected: layer.digest,
            found,
        });
    }
    if !bool::from(mac.finish()?.ct_eq(&unlocked.options.code)) {
        return Err(Error::layer(name)(LayerError::Unauthentic));
    }
    Ok(Digest::new(hash.finish()?))
}

/// What the sealed digest says of the opened layer. Where nothing was compressed, it must be the layer's.
fn judge(sealed: Option<&str>, place: &LayerPlace, opened: &Descriptor) -> Result<SealedDigest, String> {
    let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) else {
        return Ok(SealedDigest::Unknown);
    };
    if sealed == opened.digest.to_string() {
        return Ok(SealedDigest::Holds);
    }
    if opened.media_type.ends_with("+gzip") || opened.media_type.ends_with("+zstd") {
        return Ok(if place.diff_id.as_deref() == Some(sealed) {
            SealedDigest::OfUncompressed
        } else {
            SealedDigest::Unknown
        });
    }
    Err(format!(
        "the sealed digest is {sealed:.100}; the decrypted layer has {}",
        opened.digest
    ))
}

/// Names the layer before the part of it that an error is about.
pub(crate) fn within(name: &str) -> impl Fn(Error) -> Error {
    move |error| match error {
        Error::Malformed { place, problem } => Error::malformed(format!("{name}: {place}"), problem),
        Error::Unauthentic { place, problem } => Error::unauthentic(format!("{name}: {place}"), problem),
        other => other,
    }
}
