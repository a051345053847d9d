//! One repository of a registry: its manifests and blobs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use sealab_layer::ChunkSource;
use sealab_layer::image::{Descriptor, Digest, MAX_MANIFEST_BYTES};
use serde_json::Value;

use crate::body::{bounded, receive};
use crate::client::{Call, Client};
use crate::pull::INDEX;
use crate::range::BlobRanges;
use crate::{RegistryError, RemoteImage, RemoteReference, Traffic, Transfer};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What is asked for. Docker's own types are among them, so that an image of them is refused by its name and not taken
/// for one that is missing.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                        application/vnd.docker.distribution.manifest.v2+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json";

/// The longest chunk as it is stored, in bytes, with room for what sealing adds.
const MAX_STORED_CHUNK: usize = sealab_layer::MAX_CHUNK_BYTES + 4096;

/// A repository, with the connection to its registry.
#[derive(Clone)]
pub struct Repository {
    pub(crate) client: Arc<Client>,
    image: RemoteImage,
}

/// A manifest or index as it came, its digest verified.
#[derive(Debug)]
pub struct FoundManifest {
    /// Its media type, digest and length.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Repository {
    /// The repository of an image. Nothing is asked yet.
    pub fn new(image: &RemoteImage, transfer: Transfer) -> Self {
        Self {
            client: Arc::new(Client::new(image, transfer)),
            image: image.clone(),
        }
    }

    /// The image that the repository was named with.
    pub fn image(&self) -> &RemoteImage {
        &self.image
    }

    /// What was asked of the registry until now, by this repository and all that was cloned from it.
    pub fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    fn url(&self, kind: &str, what: &str) -> String {
        format!("{}/v2/{}/{kind}/{what}", self.client.origin(), self.image.name)
    }

    /// A manifest or index, of at most 4 MiB.
    pub fn manifest(&self, reference: &RemoteReference) -> Result<FoundManifest, RegistryError> {
        let url = self.url("manifests", &reference.to_string());
        let answer = self.client.call(&Call {
            method: "GET",
            url: url.clone(),
            headers: &[("accept", ACCEPTED)],
        })?;
        if answer.status() == 404 {
            let mut image = self.image.clone();
            image.reference = reference.clone();
            return Err(RegistryError::NoImage {
                image: image.to_string(),
                reply: answer.reply(),
            });
        }
        let mut answer = answer.wanting(&[200], "200")?;
        let media_type = answer.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let told = answer.header("docker-content-digest").map(str::to_owned);
        let bytes = bounded(&mut answer.response.body_mut().as_reader(), MAX_MANIFEST_BYTES)
            .map_err(|error| self.client.broken("GET", &url, &error))?;
        self.client.count(bytes.len());
        let found = digest_of(&bytes);
        let expected = match (reference, told) {
            (RemoteReference::Digest(digest), _) => Some(*digest),
            // It may be of another algorithm, which nothing here is named by.
            (RemoteReference::Tag(_), Some(told)) if told.starts_with("sha256:") => {
                let digest = told
                    .parse()
                    .map_err(|problem: String| RegistryError::answer(&url, problem))?;
                Some(digest)
            }
            (RemoteReference::Tag(_), _) => None,
        };
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(RegistryError::Digest { url, expected, found });
        }
        let media_type =
            media_type_of(&bytes, media_type).map_err(|problem| RegistryError::answer(&url, problem))?;
        let descriptor = descriptor(media_type, found, bytes.len() as u64);
        Ok(FoundManifest { descriptor, bytes })
    }

    /// The digest of what a tag names now, if it is there.
    pub fn resolve(&self, reference: &RemoteReference) -> Result<Option<Digest>, RegistryError> {
        match self.manifest(reference) {
            Ok(found) => Ok(Some(found.descriptor.digest)),
            Err(RegistryError::NoImage { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a blob into `file`, as long as its descriptor says; its digest is verified when all has come. On an error
    /// `file` may hold a part.
    pub fn pull_blob(&self, blob: &Descriptor, file: &File, path: &Path) -> Result<(), RegistryError> {
        let url = self.url("blobs", &blob.digest.to_string());
        let answer = self
            .client
            .call(&Call {
                method: "GET",
                url: url.clone(),
                headers: &[],
            })?
            .wanting(&[200], "200")?;
        let mut hash = digest::Context::new(&digest::SHA256);
        receive(&self.client, answer, blob.size, &mut |piece| {
            let mut file = file;
            file.write_all(piece).map_err(RegistryError::io(path))?;
            hash.update(piece);
            (self.client.transfer.progress)(piece.len() as u64);
            Ok(())
        })?;
        let found = finished(hash);
        if found != blob.digest {
            let expected = blob.digest;
            return Err(RegistryError::Digest { url, expected, found });
        }
        Ok(())
    }

    /// A blob, for reading of any range. Nothing is asked yet.
    pub fn blob_ranges(&self, blob: &Descriptor) -> BlobRanges {
        let url = self.url("blobs", &blob.digest.to_string());
        BlobRanges::new(Arc::clone(&self.client), url, blob.size)
    }

    /// Whether the repository has a blob.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let answer = self.client.call(&Call {
            method: "HEAD",
            url: self.url("blobs", &digest.to_string()),
            headers: &[],
        })?;
        let answer = answer.wanting(&[200, 404], "200 or 404")?;
        Ok(answer.status() == 200)
    }

    /// Sends the blob in `file`, which is read from its start, unless it is there. The registry verifies the digest;
    /// that it did is not believed but left to who pulls.
    pub fn push_blob(&self, blob: &Descriptor, file: &File, path: &Path) -> Result<(), RegistryError> {
        if self.has_blob(&blob.digest)? {
            (self.client.transfer.progress)(blob.size);
            return Ok(());
        }
        let answer = self.client.call(&Call {
            method: "POST",
            url: self.url("blobs", "uploads/"),
            headers: &[("content-length", "0")],
        })?;
        let answer = answer.wanting(&[202], "202")?;
        let mut url = self.client.location(&answer)?;
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&format!("digest={}", blob.digest));
        let mut sent = Sent {
            file: file.take(blob.size),
            client: &self.client,
            failed: None,
        };
        let call = Call {
            method: "PUT",
            url,
            headers: &[("content-type", "application/octet-stream")],
        };
        let answer = self.client.send(&call, &mut sent, blob.size);
        if let Some(error) = sent.failed {
            return Err(RegistryError::io(path)(error));
        }
        answer?.wanting(&[201, 204], "201")?;
        Ok(())
    }

    /// Sends a manifest or index, by a tag or by its digest.
    pub fn push_manifest(
        &self,
        reference: &RemoteReference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let url = self.url("manifests", &reference.to_string());
        let call = Call {
            method: "PUT",
            url: url.clone(),
            headers: &[("content-type", media_type)],
        };
        let answer = self.client.send(&call, &mut &*bytes, bytes.len() as u64)?;
        let answer = answer.wanting(&[201, 202, 204], "201")?;
        let found = answer
            .header("docker-content-digest")
            .and_then(|told| told.parse().ok());
        let expected = digest_of(bytes);
        match found {
            Some(found) if found != expected => Err(RegistryError::Digest { url, expected, found }),
            _ => Ok(()),
        }
    }
}

/// The chunks of the format `convergent` are blobs of their own, of which no more than a chunk may have is read.
impl ChunkSource for Repository {
    fn chunk(&self, digest: &Digest, bytes: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= MAX_STORED_CHUNK);
        let Some(length) = length else {
            return Err(io::Error::other(format!(
                "a chunk of {bytes} bytes is asked for; they have at most {MAX_STORED_CHUNK}"
            )));
        };
        let mut chunk = vec![0; length];
        let ranges = self.blob_ranges(&descriptor(String::new(), *digest, bytes));
        ranges.read(&mut chunk, 0).map_err(io::Error::other)?;
        Ok(chunk)
    }
}

/// A file on its way, so that a fault of it is told from one of the connection.
struct Sent<'a> {
    file: io::Take<&'a File>,
    client: &'a Client,
    failed: Option<io::Error>,
}

impl Read for Sent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.client.transfer.check().is_err() {
            return Err(io::Error::other("interrupted"));
        }
        match self.file.read(buffer) {
            Ok(0) if self.file.limit() > 0 && !buffer.is_empty() => {
                self.failed = Some(io::ErrorKind::UnexpectedEof.into());
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(count) => {
                (self.client.transfer.progress)(count as u64);
                Ok(count)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// The media type, on which the answer and what is in it must agree: a manifest that could be read as two things would
/// be judged as one and used as the other.
pub(crate) fn media_type_of(bytes: &[u8], told: String) -> Result<String, String> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("what came is no manifest: {error}"))?;
    if value.get("manifests").is_some() && value.get("layers").is_some() {
        return Err("what came has both manifests and layers; it may have only one of them".to_owned());
    }
    match value.get("mediaType").and_then(Value::as_str) {
        Some(own) if !told.is_empty() && own != told => Err(format!(
            "what came calls itself {own:.200?}, and the answer calls it {told:.200?}; they must agree"
        )),
        Some(own) => Ok(own.to_owned()),
        None if told.is_empty() && value.get("manifests").is_some() => Ok(INDEX.to_owned()),
        None if told.is_empty() => Ok(MANIFEST.to_owned()),
        None => Ok(told),
    }
}

pub(crate) fn descriptor(media_type: String, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest,
        size,
        annotations: std::collections::BTreeMap::new(),
        platform: None,
        other: serde_json::Map::new(),
    }
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(bytes);
    finished(hash)
}

fn finished(hash: digest::Context) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    Digest::new(bytes)
}
