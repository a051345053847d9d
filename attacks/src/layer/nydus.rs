//! Nydus's chunk cipher in an image: blobs of chunks, and a bootstrap with keys and digests, which ocicrypt encrypts.
//!
//! A model of the whole: in place of RAFS's metadata, a table of what of them a reader needs for its chunks. The cipher is
//! Nydus's, and where the keys are, too. A blob is found by its place in the manifest. Whether a chunk's digest is
//! compared is for who mounts an image to say, so there are both readers.

use std::path::Path;

use sealab_attack_record::FormatUnderAttack;
use sealab_engine::Engine;
use sealab_layer::image::LayerChoice;
use sealab_layer::nydus::{BlobKey, ChunkCipher, KEY_BYTES, TWEAK_BYTES};
use sealab_layer::{Compression, EncryptOptions, Format, decrypt, encrypt};
use sha2::{Digest, Sha256};

use super::PLANE;
use super::format::{LayerFormat, Parts, Problem};
use super::image::{Entry, Image, layer_name, reference};
use super::keyring::Key;
use super::ours::{LAYER, work};
use super::subject::UNIT;
use crate::files::Files;

const BLOB: &str = "application/vnd.oci.image.layer.nydus.blob.v1";

pub(super) const VALIDATED: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "nydus",
    description: "Chunks under Nydus's cipher, AES-128-XTS with one key and tweak a blob; keys and digests in a bootstrap \
                  that ocicrypt encrypts. The reader compares the digest of each chunk.",
};
pub(super) const UNVALIDATED: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "nydus-unvalidated",
    description: "The same, by a reader that does not compare digests.",
};

pub(super) struct Nydus<'a> {
    pub(super) engine: &'a dyn Engine,
    /// Whether digests of chunks are compared.
    pub(super) validates: bool,
}

/// What the bootstrap has of one chunk.
struct Chunk {
    stored_bytes: usize,
    digest: [u8; 32],
}

/// What the bootstrap has of one blob.
struct Blob {
    key: BlobKey,
    chunks: Vec<Chunk>,
}

const CHUNK_BYTES: usize = 4 + 32;

impl Blob {
    fn write(&self, bootstrap: &mut Vec<u8>) {
        bootstrap.extend(self.key.expose());
        bootstrap.extend(self.key.tweak());
        bootstrap.extend((self.chunks.len() as u32).to_le_bytes());
        for chunk in &self.chunks {
            bootstrap.extend((chunk.stored_bytes as u32).to_le_bytes());
            bootstrap.extend(chunk.digest);
        }
    }

    /// The blob that `bootstrap` begins with, which goes from there.
    fn read(bootstrap: &mut &[u8]) -> Result<Self, Problem> {
        let ends = || "the bootstrap is no table of chunks";
        let (key, rest) = bootstrap.split_first_chunk::<KEY_BYTES>().ok_or_else(ends)?;
        let (tweak, rest) = rest.split_first_chunk::<TWEAK_BYTES>().ok_or_else(ends)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or_else(ends)?;
        let bytes = (u32::from_le_bytes(*count) as usize).checked_mul(CHUNK_BYTES);
        let (chunks, rest) = rest.split_at_checked(bytes.ok_or_else(ends)?).ok_or_else(ends)?;
        *bootstrap = rest;
        let chunks = chunks.as_chunks::<CHUNK_BYTES>().0.iter().map(|chunk| {
            let (stored_bytes, digest) = chunk.split_first_chunk::<4>().ok_or_else(ends)?;
            Ok::<_, Problem>(Chunk {
                stored_bytes: u32::from_le_bytes(*stored_bytes) as usize,
                digest: *digest.first_chunk().ok_or_else(ends)?,
            })
        });
        Ok(Self {
            key: BlobKey::new(key, tweak)?,
            chunks: chunks.collect::<Result<_, _>>()?,
        })
    }
}

impl LayerFormat for Nydus<'_> {
    fn format(&self) -> FormatUnderAttack {
        if self.validates { VALIDATED } else { UNVALIDATED }
    }

    /// The blobs are under Nydus's cipher, but everybody can read their keys.
    fn plain(&self, layers: &Files) -> Result<Image, Problem> {
        let (mut entries, mut bootstrap) = (Vec::new(), Vec::new());
        for layer in layers.values() {
            let mut blob = Blob {
                key: BlobKey::generate()?,
                chunks: Vec::new(),
            };
            let mut cipher = ChunkCipher::new(self.engine, &blob.key)?;
            let (mut stored, mut sealed) = (Vec::new(), Vec::new());
            for chunk in layer.chunks(UNIT) {
                cipher.seal(chunk, &mut stored)?;
                blob.chunks.push(Chunk {
                    stored_bytes: stored.len(),
                    digest: Sha256::digest(chunk).into(),
                });
                sealed.extend(&stored);
            }
            blob.write(&mut bootstrap);
            entries.push(Entry::new(BLOB, sealed));
        }
        entries.push(Entry::new(LAYER, bootstrap));
        Ok(Image::new(entries))
    }

    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem> {
        let (source, sealed) = (folder.join("plain"), folder.join("sealed"));
        self.plain(layers)?.write(&source)?;
        let options = EncryptOptions {
            format: Format::Ocicrypt,
            recipients: std::slice::from_ref(key.recipient()),
            choice: &LayerChoice {
                layers: vec![-1],
                platforms: Vec::new(),
            },
            salt: None,
            compression: Compression::Keep,
        };
        encrypt(
            &reference(&source),
            &reference(&sealed),
            &options,
            &work(self.engine),
        )?;
        Image::read(&sealed)
    }

    fn open(&self, sealed: &Path, key: &Key, folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
        self.mount(sealed, key, folder, usize::MAX, handed_out)
    }

    fn open_start(
        &self,
        sealed: &Path,
        key: &Key,
        bytes: usize,
        handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        let folder = sealed.join("mounted");
        Some(self.mount(sealed, key, &folder, bytes, handed_out))
    }

    fn parts(&self, sealed: &Image) -> Parts {
        let bootstrap = sealed.entries.len().saturating_sub(1);
        Parts {
            layers: (0..bootstrap).collect(),
            data: (0..bootstrap).collect(),
            wrapped: vec![bootstrap],
            unit: Some(UNIT),
        }
    }
}

impl Nydus<'_> {
    /// Opens the bootstrap, and then the chunks of the first `bytes` of each layer.
    fn mount(
        &self,
        sealed: &Path,
        key: &Key,
        folder: &Path,
        bytes: usize,
        handed_out: &mut Files,
    ) -> Result<(), Problem> {
        std::fs::create_dir_all(folder)?;
        let opened = folder.join("opened");
        decrypt(
            &reference(sealed),
            &reference(&opened),
            &[key.named()],
            &LayerChoice::default(),
            &work(self.engine),
        )?;
        let mut entries = Image::read(&opened)?.entries;
        let bootstrap = entries.pop().ok_or("the image has no layers")?.blob;
        let mut rest = bootstrap.as_slice();
        for (number, entry) in entries.iter().enumerate() {
            let blob = Blob::read(&mut rest)?;
            let output = handed_out.entry(layer_name(number)).or_default();
            self.blob(&blob, &entry.blob, bytes, output)?;
        }
        Ok(())
    }

    fn blob(
        &self,
        blob: &Blob,
        mut stored: &[u8],
        bytes: usize,
        output: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let mut cipher = ChunkCipher::new(self.engine, &blob.key)?;
        let mut plain = Vec::new();
        for (number, chunk) in blob.chunks.iter().enumerate() {
            if output.len() >= bytes {
                break;
            }
            let (sealed, behind) = stored
                .split_at_checked(chunk.stored_bytes)
                .ok_or_else(|| format!("the blob ends within chunk {number}"))?;
            stored = behind;
            cipher.open(sealed, &mut plain)?;
            if self.validates && Sha256::digest(&plain)[..] != chunk.digest {
                return Err(format!("chunk {number} has another digest than the bootstrap says").into());
            }
            output.extend(&plain);
        }
        output.truncate(bytes);
        Ok(())
    }
}
