//! An image in an OCI layout: one layer of a tree, uncompressed, so that no program compresses what another does not.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_layer::image::ImageReference;
use sealab_programs::bytes_of;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{ImagesError, Tree};

/// The tag of every image.
pub(crate) const TAG: &str = "v1";
const WRITE_BYTES: usize = 1 << 20;

/// An image in a layout.
#[derive(Clone, Debug)]
pub struct Image {
    folder: PathBuf,
    layer: String,
    layer_bytes: u64,
    bytes: u64,
}

impl Image {
    /// Writes the image of `tree` into the new layout `folder`.
    ///
    /// # Errors
    /// The folder is there already or cannot be written, a file of the tree has changed, or it was cancelled.
    pub fn write(tree: &Tree, folder: &Path, cancelled: &AtomicBool) -> Result<Self, ImagesError> {
        fs::create_dir(folder).map_err(ImagesError::at(folder))?;
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(ImagesError::at(&blobs))?;
        let path = blobs.join("layer");
        let file = File::create_new(&path).map_err(ImagesError::at(&path))?;
        let mut output = Hashed {
            file: BufWriter::with_capacity(WRITE_BYTES, file),
            hash: Sha256::new(),
            bytes: 0,
        };
        tree.archive(&mut output, &path, cancelled)?;
        let (layer, layer_bytes) = (hex(output.hash), output.bytes);
        fs::rename(&path, blobs.join(&layer)).map_err(ImagesError::at(&path))?;

        let add = |value: &Value| -> Result<(String, usize), ImagesError> {
            let bytes = value.to_string();
            let name = hex(Sha256::new_with_prefix(&bytes));
            let path = blobs.join(&name);
            fs::write(&path, &bytes).map_err(ImagesError::at(&path))?;
            Ok((format!("sha256:{name}"), bytes.len()))
        };
        let (config, config_bytes) = add(&json!({
            "architecture": architecture(), "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer}")]},
        }))?;
        let (manifest, manifest_bytes) = add(&json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_bytes},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": format!("sha256:{layer}"),
                "size": layer_bytes}],
        }))?;
        let index = json!({
            "schemaVersion": 2,
            "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest,
                "size": manifest_bytes, "annotations": {"org.opencontainers.image.ref.name": TAG}}],
        });
        for (name, value) in [
            ("index.json", index),
            ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
        ] {
            let path = folder.join(name);
            fs::write(&path, value.to_string()).map_err(ImagesError::at(&path))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            layer,
            layer_bytes,
            bytes: bytes_of(folder)?,
        })
    }

    /// How the command line names it.
    pub fn reference(&self) -> ImageReference {
        ImageReference {
            directory: self.folder.clone(),
            tag: Some(TAG.to_owned()),
        }
    }

    /// The layer's blob.
    pub fn blob(&self) -> PathBuf {
        self.folder.join("blobs/sha256").join(&self.layer)
    }

    /// The layer's digest, in hexadecimal digits.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Bytes of the layer.
    pub fn layer_bytes(&self) -> u64 {
        self.layer_bytes
    }

    /// Bytes of the layer, the manifest and all that belongs to the image.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The bytes in the folder of an image that are in manifests, configurations and indexes, and not in layers.
pub(crate) fn metadata_bytes(folder: &Path) -> Result<u64, ImagesError> {
    /// No manifest is longer (`MAX_MANIFEST_BYTES` of the crate for layers).
    const MOST: u64 = 4 << 20;
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(ImagesError::at(folder))? {
        let path = entry.map_err(ImagesError::at(folder))?.path();
        let metadata = fs::symlink_metadata(&path).map_err(ImagesError::at(&path))?;
        if metadata.is_dir() {
            bytes += metadata_bytes(&path)?;
        } else if metadata.len() <= MOST {
            let text = fs::read(&path).map_err(ImagesError::at(&path))?;
            let is_json = text.starts_with(b"{") && serde_json::from_slice::<Value>(&text).is_ok();
            bytes += if is_json { metadata.len() } else { 0 };
        }
    }
    Ok(bytes)
}

/// The CPU architecture in Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for &mut Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use sealab_layer::image::Layout;

    use super::*;
    use crate::ImageContent;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn an_image_is_a_layout_with_a_layer_of_the_tree() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::new(ImageContent::Host, 2 << 20, &NEVER).expect("/usr");
        let place = folder.path().join("image");
        let image = Image::write(&tree, &place, &NEVER).expect("an image");
        let layers = sealab_layer::show(&image.reference()).expect("a layout");
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0].digest.hex(), image.layer());
        let layout = Layout::open(&place).expect("a layout");
        assert_eq!(layout.blob_path(&layers[0].digest), image.blob());
        assert_eq!(
            fs::metadata(image.blob()).expect("a blob").len(),
            image.layer_bytes()
        );
        assert!(image.bytes() > image.layer_bytes());
        assert_eq!(
            metadata_bytes(&place).expect("a folder"),
            image.bytes() - image.layer_bytes()
        );
        // Every file once, with what it holds.
        let mut archive = tar::Archive::new(File::open(image.blob()).expect("a blob"));
        let mut found = Vec::new();
        for entry in archive.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            if entry.header().entry_type() == tar::EntryType::Directory {
                continue;
            }
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut entry, &mut bytes).expect("contents");
            found.push((entry.path().expect("a path").into_owned(), bytes));
        }
        assert_eq!(found.len(), tree.files());
        for ((path, bytes), entry) in found.iter().zip(&tree.entries) {
            assert_eq!(*path, entry.path);
            let mut wanted = Vec::new();
            io::Read::read_to_end(&mut entry.open().expect("a file"), &mut wanted).expect("contents");
            assert!(*bytes == wanted, "{}", path.display());
        }
        Image::write(&tree, &place, &NEVER).expect_err("a folder that is there");
    }
}
