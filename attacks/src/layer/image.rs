//! An image in memory, so that acts are plain changes of bytes.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use sealab_layer::image::{Descriptor, Digest, ImageReference, Index, Layout, Manifest};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::format::Problem;
use crate::files::Files;

/// The tag of every image here.
const TAG: &str = "v1";
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// What the chunks of convergent layers are listed as, behind the layers.
const CHUNK: &str = "application/vnd.sealab.image.layer.chunk.v1";

/// What all that belongs to a layer's encryption is annotated under.
pub(super) const ENCRYPTION: &str = "org.opencontainers.image.enc.";
/// The public options.
pub(super) const PUBLIC_OPTIONS: &str = "org.opencontainers.image.enc.pubopts";
/// The packets of JSON Web Encryption.
pub(super) const PACKETS: &str = "org.opencontainers.image.enc.keys.jwe";
/// The tag table of `ocicrypt-seekable`.
pub(super) const TABLE: &str = "org.opencontainers.image.enc.sealab.tags";

/// The image's place in a folder.
pub(super) fn reference(folder: &Path) -> ImageReference {
    ImageReference {
        directory: folder.to_owned(),
        tag: Some(TAG.to_owned()),
    }
}

/// What a manifest lists, with the blob.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Its digest and length are those of the blob whenever the image is written.
    pub(super) descriptor: Descriptor,
    pub(super) blob: Vec<u8>,
}

impl Entry {
    /// A blob of that media type.
    pub(super) fn new(media_type: &str, blob: Vec<u8>) -> Self {
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest: digest(&blob),
            size: blob.len() as u64,
            annotations: Default::default(),
            platform: None,
            other: Map::new(),
        };
        Self { descriptor, blob }
    }

    /// Whether it is the chunk of a layer and no layer.
    pub(super) fn is_chunk(&self) -> bool {
        self.descriptor.media_type == CHUNK
    }

    /// An annotation, decoded.
    pub(super) fn annotation(&self, name: &str) -> Option<Vec<u8>> {
        BASE64
            .decode(self.descriptor.annotations.get(name)?.as_bytes())
            .ok()
    }

    /// Replaces an annotation.
    pub(super) fn annotate(&mut self, name: &str, bytes: &[u8]) {
        let annotations = &mut self.descriptor.annotations;
        annotations.insert(name.to_owned(), BASE64.encode(bytes));
    }
}

/// An image with one manifest. Whoever keeps it decides on all digests and lengths, so they are made to fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Image {
    pub(super) config: Vec<u8>,
    /// The layers, and the chunks behind them.
    pub(super) entries: Vec<Entry>,
    /// Blobs that are kept under digests that are not theirs.
    pub(super) misnamed: Vec<(Digest, Vec<u8>)>,
}

impl Image {
    /// An image that is not encrypted. Its configuration names the layers by their digests, as every image's does.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let digests = entries.iter().map(|entry| digest(&entry.blob).to_string());
        let diff_ids: Vec<String> = digests.collect();
        let config = serde_json::json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        Self {
            config: config.to_string().into_bytes(),
            entries,
            misnamed: Vec::new(),
        }
    }

    /// The image in a layout.
    pub(super) fn read(folder: &Path) -> Result<Self, Problem> {
        let layout = Layout::open(folder)?;
        let manifest: Manifest = serde_json::from_slice(&blob(&layout, &layout.image(Some(TAG))?)?)?;
        let entry = |descriptor: Descriptor| {
            let blob = blob(&layout, &descriptor)?;
            Ok::<_, Problem>(Entry { descriptor, blob })
        };
        Ok(Self {
            config: blob(&layout, &manifest.config)?,
            entries: manifest.layers.into_iter().map(entry).collect::<Result<_, _>>()?,
            misnamed: Vec::new(),
        })
    }

    /// Writes the image as a new layout.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Problem> {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let keep = |descriptor: &mut Descriptor, blob: &[u8]| {
            descriptor.digest = digest(blob);
            descriptor.size = blob.len() as u64;
            fs::write(blobs.join(descriptor.digest.hex()), blob)
        };
        let mut config = Entry::new(CONFIG, Vec::new()).descriptor;
        keep(&mut config, &self.config)?;
        let mut layers = Vec::new();
        for entry in &self.entries {
            let mut descriptor = entry.descriptor.clone();
            keep(&mut descriptor, &entry.blob)?;
            layers.push(descriptor);
        }
        let manifest = Manifest {
            schema_version: 2,
            config,
            layers,
            other: Map::from_iter([("mediaType".to_owned(), Value::from(MANIFEST))]),
        };
        let mut root = Entry::new(MANIFEST, Vec::new()).descriptor;
        keep(&mut root, &serde_json::to_vec(&manifest)?)?;
        root.annotations.insert(REF_NAME.to_owned(), TAG.to_owned());
        let index = Index {
            schema_version: 2,
            manifests: vec![root],
            other: Map::new(),
        };
        for (digest, bytes) in &self.misnamed {
            fs::write(blobs.join(digest.hex()), bytes)?;
        }
        fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(())
    }

    /// The layers' blobs, each by its number.
    pub(super) fn layers(&self) -> Files {
        let layers = self.entries.iter().filter(|entry| !entry.is_chunk());
        let named = layers.enumerate();
        named
            .map(|(number, entry)| (layer_name(number), entry.blob.clone()))
            .collect()
    }

    /// All blobs of the entries, by their digests.
    pub(super) fn blobs(&self) -> Files {
        let entries = self.entries.iter();
        entries
            .map(|entry| (digest(&entry.blob).hex(), entry.blob.clone()))
            .collect()
    }

    /// All that anybody can read: configuration, descriptors, blobs.
    pub(super) fn public(&self) -> Result<Files, Problem> {
        let mut files = self.blobs();
        files.insert("the configuration".to_owned(), self.config.clone());
        for (number, entry) in self.entries.iter().enumerate() {
            let descriptor = &entry.descriptor;
            files.insert(format!("descriptor {number}"), serde_json::to_vec(descriptor)?);
            for name in descriptor.annotations.keys() {
                if let Some(bytes) = entry.annotation(name) {
                    files.insert(format!("{name} of descriptor {number}"), bytes);
                }
            }
        }
        Ok(files)
    }
}

/// What a layer is called in what is handed out.
pub(super) fn layer_name(number: usize) -> String {
    format!("layer {number}")
}

/// The digest of a blob.
pub(super) fn digest(blob: &[u8]) -> Digest {
    Digest::new(Sha256::digest(blob).into())
}

fn blob(layout: &Layout, descriptor: &Descriptor) -> Result<Vec<u8>, Problem> {
    Ok(fs::read(layout.blob_path(&descriptor.digest))?)
}
