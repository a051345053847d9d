//! An image from a layout, into a registry.

use std::fs::File;
use std::io::Read;

use sealab_layer::image::{Descriptor, Digest, ImageReference, Index, Layout, MAX_MANIFEST_BYTES, Manifest};
use serde::de::DeserializeOwned;

use crate::pull::INDEX;
use crate::{Parts, RegistryError, RemoteReference, Repository};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const MAX_DEPTH: usize = 4;

/// What a pushed image may take the place of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replacing {
    /// Nothing: the tag must not be there.
    Nothing,
    /// The image of this digest, which the tag must still name.
    This(Digest),
}

/// Pushes the image of a layout into the repository by its tag: blobs first, the tag last, so that it never names an
/// image that is not whole. The protocol has no way to do that unless somebody else has set the tag meanwhile, so it is
/// looked at before the work and once more directly before it is set. With [`Parts::WithoutLayers`] the repository has
/// the layers already.
pub fn push(
    source: &ImageReference,
    repository: &Repository,
    parts: Parts,
    replacing: Replacing,
) -> Result<Digest, RegistryError> {
    free(repository, replacing)?;
    let layout = Layout::open(&source.directory)?;
    let root = layout.image(source.tag.as_deref())?;
    let mut pusher = Pusher {
        repository,
        layout: &layout,
        parts,
    };
    let bytes = pusher.parts_of(&root, 0)?;
    free(repository, replacing)?;
    repository.push_manifest(&repository.image().reference, &root.media_type, &bytes)?;
    Ok(root.digest)
}

/// That the tag is as it must be.
fn free(repository: &Repository, replacing: Replacing) -> Result<(), RegistryError> {
    let image = repository.image();
    let found = repository.resolve(&image.reference)?;
    match replacing {
        Replacing::Nothing if found.is_some() => Err(RegistryError::Exists {
            image: image.to_string(),
        }),
        Replacing::This(pulled) if found != Some(pulled) => Err(RegistryError::Overtaken {
            image: image.to_string(),
            pulled,
            found: found.map_or_else(|| "nothing".to_owned(), |found| found.to_string()),
        }),
        _ => Ok(()),
    }
}

struct Pusher<'a> {
    repository: &'a Repository,
    layout: &'a Layout,
    parts: Parts,
}

impl Pusher<'_> {
    /// Pushes what a manifest or index names; gives its own bytes.
    fn parts_of(&mut self, root: &Descriptor, depth: usize) -> Result<Vec<u8>, RegistryError> {
        let path = self.layout.blob_path(&root.digest);
        let wrong = |problem: String| RegistryError::answer(&path.display().to_string(), problem);
        let mut bytes = Vec::new();
        if root.size > MAX_MANIFEST_BYTES as u64 {
            return Err(wrong(format!(
                "it has {} bytes; at most {MAX_MANIFEST_BYTES} are read",
                root.size
            )));
        }
        let file = self.layout.open_blob(root)?;
        file.take(root.size)
            .read_to_end(&mut bytes)
            .map_err(RegistryError::io(&path))?;
        match root.media_type.as_str() {
            INDEX if depth < MAX_DEPTH => {
                let index: Index = parse(&bytes).map_err(wrong)?;
                for entry in &index.manifests {
                    let child = self.parts_of(entry, depth + 1)?;
                    let reference = RemoteReference::Digest(entry.digest);
                    self.repository
                        .push_manifest(&reference, &entry.media_type, &child)?;
                }
            }
            MANIFEST => {
                let manifest: Manifest = parse(&bytes).map_err(wrong)?;
                self.blob(&manifest.config)?;
                if self.parts == Parts::All {
                    for layer in &manifest.layers {
                        self.blob(layer)?;
                    }
                }
            }
            other => {
                return Err(wrong(format!(
                    "its media type is {other:.200?}; {MANIFEST} is pushed"
                )));
            }
        }
        Ok(bytes)
    }

    fn blob(&mut self, blob: &Descriptor) -> Result<(), RegistryError> {
        let file: File = self.layout.open_blob(blob)?;
        self.repository
            .push_blob(blob, &file, &self.layout.blob_path(&blob.digest))
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
