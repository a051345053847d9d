//! The blobs of an image in a registry, of which only what is read is fetched, and that once where there is a cache.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use sealab_layer::image::{Descriptor, Digest, Manifest};
use sealab_layer::{Blobs, Error, ReadAt};

use crate::range::BlobRanges;
use crate::repository::{descriptor, digest_of, media_type_of};
use crate::{Cache, FoundManifest, RegistryError, RemoteReference, Repository};

/// The longest part that is kept in one file, in bytes: what is removed later need not be all that came together.
const KEPT_BYTES: usize = 128 << 10;

/// The blobs of a repository's image.
pub struct RemoteBlobs {
    repository: Repository,
    cache: Option<Arc<Kept>>,
}

/// A cache, and what is kept in it.
struct Kept {
    cache: Cache,
    /// The blobs that are encrypted. No other is kept: the cache has no plaintext.
    sealed: RwLock<BTreeSet<Digest>>,
    /// While this is not 0, all is fetched anew.
    doubts: AtomicU64,
    /// Bytes that were taken from the cache.
    taken: AtomicU64,
    /// Told that something cannot be kept.
    fault: Box<dyn Fn(io::Error) + Send + Sync>,
}

impl RemoteBlobs {
    /// The blobs of an image. What is fetched of manifests and encrypted blobs is kept in `cache`; that it cannot be is
    /// no error, but `fault` is told.
    pub fn new(
        repository: Repository,
        cache: Option<Cache>,
        fault: impl Fn(io::Error) + Send + Sync + 'static,
    ) -> Self {
        let keeping = |cache| {
            Arc::new(Kept {
                cache,
                sealed: RwLock::default(),
                doubts: AtomicU64::new(0),
                taken: AtomicU64::new(0),
                fault: Box::new(fault),
            })
        };
        Self {
            repository,
            cache: cache.map(keeping),
        }
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Bytes that were not fetched since the cache had them.
    pub fn from_cache(&self) -> u64 {
        self.cache
            .as_ref()
            .map_or(0, |kept| kept.taken.load(Ordering::Relaxed))
    }

    /// A manifest or index. One that is named by its digest is taken from the cache if it is there, without asking the
    /// registry; what a tag names is always asked.
    pub fn manifest(&self, reference: &RemoteReference) -> Result<FoundManifest, RegistryError> {
        let cached = match (&self.cache, reference) {
            (Some(kept), RemoteReference::Digest(digest)) => kept.manifest(digest),
            _ => None,
        };
        let found = match cached {
            Some(found) => found,
            None => {
                let found = self.repository.manifest(reference)?;
                if let Some(kept) = &self.cache {
                    kept.keep(&found.descriptor.digest, 0, &found.bytes, true);
                }
                found
            }
        };
        if let Some(kept) = &self.cache
            // An index has no layers, and what is neither is refused by its reader.
            && let Ok(manifest) = serde_json::from_slice::<Manifest>(&found.bytes)
            && let Ok(mut sealed) = kept.sealed.write()
        {
            let layers = manifest.layers.iter();
            sealed.extend(layers.filter(|layer| layer.is_sealed()).map(|layer| layer.digest));
        }
        Ok(found)
    }

    /// Does `work`, which reads from the blobs; where what it read does not hold and some of it came from the cache, once
    /// more with all of it fetched anew.
    pub fn verified<T>(&self, mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let Some(kept) = &self.cache else {
            return work();
        };
        let before = self.from_cache();
        let done = work();
        let untrue = matches!(
            done,
            Err(Error::Unauthentic { .. }
                | Error::Malformed { .. }
                | Error::Digest { .. }
                | Error::Size { .. }
                | Error::Layer { .. }
                | Error::Engine(_))
        );
        if !untrue || self.from_cache() == before {
            return done;
        }
        let _doubt = Doubt::of(kept);
        work()
    }
}

/// That the cache is not believed, until it is dropped.
struct Doubt<'k>(&'k Kept);

impl<'k> Doubt<'k> {
    fn of(kept: &'k Kept) -> Self {
        kept.doubts.fetch_add(1, Ordering::SeqCst);
        Self(kept)
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.0.doubts.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Kept {
    fn is_doubted(&self) -> bool {
        self.doubts.load(Ordering::SeqCst) > 0
    }

    fn keep(&self, digest: &Digest, offset: u64, bytes: &[u8], replace: bool) {
        if let Err(error) = self.cache.keep(digest, offset, bytes, replace) {
            (self.fault)(error);
        }
    }

    /// The manifest with the digest, verified.
    fn manifest(&self, digest: &Digest) -> Option<FoundManifest> {
        let bytes = self.cache.start_of(digest)?;
        if digest_of(&bytes) != *digest {
            return None;
        }
        // What an answer called it was compared when it came.
        let media_type = media_type_of(&bytes, String::new()).ok()?;
        self.taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some(FoundManifest {
            descriptor: descriptor(media_type, *digest, bytes.len() as u64),
            bytes,
        })
    }
}

impl Blobs for RemoteBlobs {
    fn blob(&self, blob: &Descriptor) -> io::Result<Box<dyn ReadAt>> {
        let ranges = self.repository.blob_ranges(blob);
        let sealed = |kept: &&Arc<Kept>| {
            let sealed = kept.sealed.read();
            sealed.is_ok_and(|sealed| sealed.contains(&blob.digest))
        };
        Ok(match self.cache.as_ref().filter(sealed) {
            None => Box::new(ranges),
            Some(kept) => Box::new(CachedRanges {
                kept: Arc::clone(kept),
                digest: blob.digest,
                ranges,
            }),
        })
    }
}

/// An encrypted blob, what is missing of it fetched.
struct CachedRanges {
    kept: Arc<Kept>,
    digest: Digest,
    ranges: BlobRanges,
}

impl ReadAt for CachedRanges {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let doubted = self.kept.is_doubted();
        let gaps = if doubted {
            std::iter::once(0..bytes.len()).collect()
        } else {
            self.kept.cache.fill(&self.digest, offset, bytes)
        };
        let missing: usize = gaps.iter().map(Range::len).sum();
        let taken = (bytes.len() - missing) as u64;
        self.kept.taken.fetch_add(taken, Ordering::Relaxed);
        for gap in gaps {
            let at = offset.saturating_add(gap.start as u64);
            let Some(part) = bytes.get_mut(gap) else { continue };
            self.ranges.read(part, at).map_err(io::Error::other)?;
            for (place, kept) in (0..).zip(part.chunks(KEPT_BYTES)) {
                let at = at.saturating_add(place * KEPT_BYTES as u64);
                self.kept.keep(&self.digest, at, kept, doubted);
            }
        }
        Ok(())
    }
}
