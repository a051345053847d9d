//! Reading an OCI layout: its index, and its blobs with their length and digest verified.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Descriptor, Digest, Index, REF_NAME};
use crate::Error;

/// The longest manifest, index or configuration that is read or written, in bytes; registries have the same bound.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// An OCI layout in a folder.
#[derive(Clone, Debug)]
pub struct Layout {
    directory: PathBuf,
}

#[derive(Deserialize)]
struct Marker {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl Layout {
    /// The layout in `directory`, whose marker file is looked at.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("oci-layout");
        let marker: Marker = parse(&path.display().to_string(), &bounded(&path, 1024)?)?;
        if marker.version != "1.0.0" {
            return Err(Error::malformed(
                path.display().to_string(),
                format!("the layout's version is {:?}; 1.0.0 is read", marker.version),
            ));
        }
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// The layout's folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layout's entry.
    pub fn index(&self) -> Result<Index, Error> {
        let path = self.index_path();
        parse(&path.display().to_string(), &bounded(&path, MAX_MANIFEST_BYTES)?)
    }

    /// The place in the index of the image with the tag, or of the only one if no tag is asked for.
    pub(crate) fn resolve(&self, index: &Index, tag: Option<&str>) -> Result<usize, Error> {
        let name = |descriptor: &Descriptor| descriptor.annotations.get(REF_NAME).cloned();
        let mut found = index
            .manifests
            .iter()
            .enumerate()
            .filter(|(_, descriptor)| match tag {
                Some(tag) => name(descriptor).as_deref() == Some(tag),
                None => true,
            });
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (first, _) => {
                let mut present: Vec<String> = index.manifests.iter().take(20).filter_map(name).collect();
                if present.is_empty() {
                    present.push("no tags".to_owned());
                }
                Err(Error::NotFound {
                    place: self.index_path().display().to_string(),
                    wanted: match (first, tag) {
                        (None, Some(tag)) => format!("image with the tag {tag:?}"),
                        (None, None) => "image".to_owned(),
                        (Some(_), Some(tag)) => format!("single image with the tag {tag:?}"),
                        (Some(_), None) => "single image; a tag must be named".to_owned(),
                    },
                    present: present.join(", "),
                })
            }
        }
    }

    /// The descriptor of the image with the tag, or of the only one if no tag is asked for.
    pub fn image(&self, tag: Option<&str>) -> Result<Descriptor, Error> {
        let mut index = self.index()?;
        let place = self.resolve(&index, tag)?;
        Ok(index.manifests.swap_remove(place))
    }

    pub(crate) fn index_path(&self) -> PathBuf {
        self.directory.join("index.json")
    }

    /// Where a blob's file is.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs/sha256").join(digest.hex())
    }

    /// A blob's file, of the length that its descriptor says. Its digest is the reader's to verify.
    pub fn open_blob(&self, descriptor: &Descriptor) -> Result<File, Error> {
        let path = self.blob_path(&descriptor.digest);
        // Looked at before it is opened: opening a pipe would wait.
        let metadata = fs::metadata(&path).map_err(Error::io(&path))?;
        if !metadata.is_file() {
            return Err(Error::malformed(
                path.display().to_string(),
                "it is no regular file; a blob must be one",
            ));
        }
        if metadata.len() != descriptor.size {
            return Err(Error::Size {
                digest: descriptor.digest,
                expected: descriptor.size,
                found: metadata.len(),
            });
        }
        File::open(&path).map_err(Error::io(&path))
    }

    /// A manifest, index or configuration, verified.
    pub(crate) fn json<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, Error> {
        let place = self.blob_path(&descriptor.digest);
        let bytes = self.read_blob(descriptor)?;
        parse(&place.display().to_string(), &bytes)
    }

    fn read_blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let place = self.blob_path(&descriptor.digest);
        if descriptor.size > MAX_MANIFEST_BYTES as u64 {
            return Err(too_long(&place, descriptor.size, MAX_MANIFEST_BYTES));
        }
        let mut file = self.open_blob(descriptor)?.take(descriptor.size);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io(&place))?;
        let found = Digest::of(&bytes);
        if found != descriptor.digest {
            return Err(Error::Digest {
                expected: descriptor.digest,
                found,
            });
        }
        Ok(bytes)
    }
}

fn too_long(path: &Path, found: u64, limit: usize) -> Error {
    Error::malformed(
        path.display().to_string(),
        format!("it has {found} bytes; at most {limit} are read"),
    )
}

fn bounded(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path))?;
    if !metadata.is_file() {
        return Err(Error::io(path)(io::ErrorKind::InvalidInput.into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::io(path))?;
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io(path))?;
    if bytes.len() > limit {
        return Err(too_long(path, metadata.len(), limit));
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(place: &str, bytes: &[u8]) -> Result<T, Error> {
    // The parser would take an array for the members in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Error::malformed(place, "it is no JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| Error::malformed(place, error.to_string()))
}
