//! An image whose files are read where they are, in a registry or a layout, only what is asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sealab_engine::{Engine, Primitive};
use sealab_layer::image::{Descriptor, Digest, Layout, MAX_MANIFEST_BYTES, Manifest};
use sealab_layer::{Blobs, Error, FilesOptions, ImageFiles, pick_manifest};
use sealab_registry::{Cache, Parts, RemoteBlobs, RemoteReference, Repository, Transfer};
use serde::Serialize;

use super::LayerFailure;
use super::arguments::ReadingArguments;
use super::image::Image;
use super::keys::Keys;
use super::staging::Source;
use crate::engine;
use crate::failure::Failure;

/// What any of the formats may need.
const NEEDED: [Primitive; 3] = [
    Primitive::Aes256Ctr,
    Primitive::Aes256Gcm,
    Primitive::ChaCha20Poly1305,
];
/// Verified plaintext that is kept in memory, in bytes.
const MEMORY: usize = 16 << 20;

/// An open image.
pub(super) struct Opened {
    pub(super) files: ImageFiles<'static>,
    /// The digest of the manifest or index that the image's name stands for.
    pub(super) digest: Digest,
    /// What pulling the image would transfer, in bytes.
    image_bytes: u64,
    place: Place,
}

enum Place {
    /// Here, its folder removed in the end if it was unpacked for this.
    Local {
        _source: Source,
    },
    Remote(Arc<RemoteBlobs>),
}

/// What was transferred.
#[derive(Serialize)]
pub(super) struct Fetched {
    /// From the registry, in bytes.
    bytes: u64,
    /// HTTP requests.
    requests: u64,
    /// Bytes that were in the cache.
    from_cache: u64,
    /// What pulling the whole image would transfer, in bytes.
    image_bytes: u64,
}

impl Opened {
    pub(super) fn open(arguments: &ReadingArguments, interrupt: &Arc<AtomicBool>) -> Result<Self, Failure> {
        let keys = Keys::read(&arguments.unlocking.key, &arguments.unlocking.cert)?;
        let engine = engine::open(arguments.engine.as_deref(), &NEEDED)?;
        // It has no secrets, and a mount's threads need it until the process ends.
        let engine: &'static dyn Engine = Box::leak(engine);
        let options = FilesOptions {
            platform: arguments.platform.clone(),
            memory: MEMORY,
        };
        let opened = match &arguments.image {
            Image::Registry(image) => {
                let transfer = Transfer {
                    progress: Arc::new(|_| {}),
                    interrupt: Arc::clone(interrupt),
                };
                let cache = arguments
                    .cache
                    .as_deref()
                    .map(|folder| Cache::open(folder, arguments.cache_size.bytes()))
                    .transpose()
                    .map_err(LayerFailure::from)?;
                let repository = Repository::new(image, transfer);
                let blobs = Arc::new(RemoteBlobs::new(repository, cache, fault()));
                Self::remote(blobs, &image.reference, &keys, engine, &options)
            }
            _ if arguments.cache.is_some() => {
                let message = "--cache is for images in a registry; this one is here".to_owned();
                Err(LayerFailure::Call(message))
            }
            image => {
                let source = Source::open(image, Parts::All, None, interrupt)?;
                Self::local(source, &keys, engine, &options)
            }
        };
        Ok(opened.map_err(|error| unless_ended(error, interrupt))?)
    }

    fn remote(
        blobs: Arc<RemoteBlobs>,
        reference: &RemoteReference,
        keys: &Keys,
        engine: &'static dyn Engine,
        options: &FilesOptions,
    ) -> Result<Self, LayerFailure> {
        let root = blobs.manifest(reference)?;
        let mut failed = None;
        let picked = pick_manifest(&root.descriptor, options, &mut |descriptor| {
            if descriptor.digest == root.descriptor.digest {
                return Ok(root.bytes.clone());
            }
            let found = blobs.manifest(&RemoteReference::Digest(descriptor.digest));
            found.map(|found| found.bytes).map_err(|error| {
                // Told in its own words, below.
                failed = Some(error);
                Error::Interrupted
            })
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        let manifest = picked?;
        tell_unsealed(&manifest);
        let files = blobs.verified(|| {
            let blobs = Arc::clone(&blobs) as Arc<dyn Blobs>;
            ImageFiles::open(&manifest, blobs, &keys.named(), engine, options)
        })?;
        Ok(Self {
            files,
            digest: root.descriptor.digest,
            image_bytes: image_bytes(&root.descriptor, &manifest),
            place: Place::Remote(blobs),
        })
    }

    fn local(
        source: Source,
        keys: &Keys,
        engine: &'static dyn Engine,
        options: &FilesOptions,
    ) -> Result<Self, LayerFailure> {
        let layout = Layout::open(&source.layout.directory)?;
        let root = layout.image(source.layout.tag.as_deref())?;
        let manifest = pick_manifest(&root, options, &mut |descriptor| fetched(&layout, descriptor))?;
        tell_unsealed(&manifest);
        let files = ImageFiles::open(&manifest, Arc::new(layout), &keys.named(), engine, options)?;
        Ok(Self {
            files,
            digest: root.digest,
            image_bytes: image_bytes(&root, &manifest),
            place: Place::Local { _source: source },
        })
    }

    /// Does `work`, which reads from the image; where a cache gave it what does not hold, once more without the cache.
    pub(super) fn verified<T>(&self, mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        match &self.place {
            Place::Remote(blobs) => blobs.verified(work),
            Place::Local { .. } => work(),
        }
    }

    pub(super) fn fetched(&self) -> Fetched {
        let (traffic, from_cache) = match &self.place {
            Place::Remote(blobs) => (blobs.repository().traffic(), blobs.from_cache()),
            Place::Local { .. } => Default::default(),
        };
        Fetched {
            bytes: traffic.bytes,
            requests: traffic.requests,
            from_cache,
            image_bytes: self.image_bytes,
        }
    }
}

impl std::fmt::Display for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of {} bytes fetched in {} requests, {} from the cache",
            self.bytes, self.image_bytes, self.requests, self.from_cache
        )
    }
}

/// Tells once that a cache cannot be written.
fn fault() -> impl Fn(io::Error) + Send + Sync + 'static {
    let once = std::sync::Once::new();
    move |error| {
        once.call_once(|| {
            // Nobody is left to tell that standard error is gone.
            let _ = writeln!(io::stderr(), "sealab: the cache cannot be written: {error}");
        });
    }
}

fn fetched(layout: &Layout, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
    let path = layout.blob_path(&descriptor.digest);
    let file: File = layout.open_blob(descriptor)?;
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Io { path, source })?;
    Ok(bytes)
}

/// Tells which layers are not encrypted, of which what is read cannot be verified.
fn tell_unsealed(manifest: &Manifest) {
    // Chunks are listed behind the layers.
    let layers = manifest.layers.iter().enumerate();
    for (number, _) in layers.filter(|(_, layer)| !layer.is_sealed()) {
        // Nobody is left to tell that standard error is gone.
        let _ = writeln!(
            io::stderr(),
            "sealab: layer {number} is not encrypted: nothing verifies what is read of it"
        );
    }
}

/// The manifest, the configuration, the layers and their chunks, each blob once.
fn image_bytes(root: &Descriptor, manifest: &Manifest) -> u64 {
    let blobs: BTreeMap<Digest, u64> = [root, &manifest.config]
        .into_iter()
        .chain(&manifest.layers)
        .map(|blob| (blob.digest, blob.size))
        .collect();
    blobs.values().fold(0, |sum, bytes| sum.saturating_add(*bytes))
}

/// A name from an image for a message: it is anybody's, and may be any bytes.
pub(super) fn printable(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}

/// Ends the work if the user wants it ended: what a registry's connection tells of it is lost on its way through a layer.
pub(super) fn unless_ended(error: LayerFailure, interrupt: &AtomicBool) -> LayerFailure {
    if interrupt.load(std::sync::atomic::Ordering::Relaxed) {
        return LayerFailure::Interrupted;
    }
    error
}
