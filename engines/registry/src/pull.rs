//! An image from a registry, as a layout.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use sealab_layer::image::{Descriptor, Digest, Index, Manifest};
use serde::de::DeserializeOwned;

use crate::{FoundManifest, RegistryError, RemoteReference, Repository};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// How deep indexes may lie within indexes; as deep as they are read in layouts.
const MAX_DEPTH: usize = 4;

/// What of an image is pulled or pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parts {
    /// All of it, for every platform.
    All,
    /// Indexes, manifests and configurations, which is all that it takes to show or rewrap it.
    WithoutLayers,
}

/// Pulls the repository's image into the empty folder `into`, which becomes a layout of that image alone, without a
/// tag. Nothing is synced: the folder is one to work in. Gives the digest of the image.
pub fn pull(repository: &Repository, parts: Parts, into: &Path) -> Result<Digest, RegistryError> {
    let blobs = into.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(RegistryError::io(&blobs))?;
    let mut puller = Puller {
        repository,
        parts,
        blobs: &blobs,
        done: BTreeSet::new(),
    };
    let root = repository.manifest(&repository.image().reference)?;
    puller.keep(&root, 0)?;
    let digest = root.descriptor.digest;
    let index = Index {
        schema_version: 2,
        manifests: vec![root.descriptor],
        other: serde_json::Map::new(),
    };
    let index = serde_json::to_vec(&index)
        .map_err(|error| RegistryError::answer(&repository.image().to_string(), error.to_string()))?;
    write(&into.join("index.json"), &index)?;
    write(&into.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(digest)
}

struct Puller<'a> {
    repository: &'a Repository,
    parts: Parts,
    blobs: &'a Path,
    done: BTreeSet<Digest>,
}

impl Puller<'_> {
    /// Writes a manifest or index that came, and pulls what it names. One of another kind is left to who reads the
    /// layout, which refuses it.
    fn keep(&mut self, found: &FoundManifest, depth: usize) -> Result<(), RegistryError> {
        let place = self.repository.image().to_string();
        write(&self.blobs.join(found.descriptor.digest.hex()), &found.bytes)?;
        if found.descriptor.media_type == INDEX && depth < MAX_DEPTH {
            let index: Index = parse(&place, found)?;
            for entry in &index.manifests {
                if !self.done.insert(entry.digest) {
                    continue;
                }
                let child = self.repository.manifest(&RemoteReference::Digest(entry.digest))?;
                self.keep(&child, depth + 1)?;
            }
        } else if found.descriptor.media_type == crate::push::MANIFEST {
            let manifest: Manifest = parse(&place, found)?;
            self.blob(&manifest.config)?;
            if self.parts == Parts::All {
                for layer in &manifest.layers {
                    self.blob(layer)?;
                }
            }
        }
        Ok(())
    }

    fn blob(&mut self, blob: &Descriptor) -> Result<(), RegistryError> {
        if !self.done.insert(blob.digest) {
            return Ok(());
        }
        let path = self.blobs.join(blob.digest.hex());
        let file = File::create_new(&path).map_err(RegistryError::io(&path))?;
        self.repository.pull_blob(blob, &file, &path)
    }
}

fn parse<T: DeserializeOwned>(place: &str, found: &FoundManifest) -> Result<T, RegistryError> {
    serde_json::from_slice(&found.bytes)
        .map_err(|error| RegistryError::answer(place, format!("{}: {error}", found.descriptor.digest)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    fs::write(path, bytes).map_err(RegistryError::io(path))
}
