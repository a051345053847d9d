//! Images in folders as skopeo's `dir:` has them: `manifest.json`, and beside it each blob in a file named by its digest.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sealab_layer::image::{Digest, Index, Layout, MAX_MANIFEST_BYTES, Manifest};

use super::LayerFailure;
use super::aside::Aside;
use super::image::beside;

const MANIFEST: &str = "manifest.json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const BLOBS: &str = "blobs/sha256";

/// Makes a layout of the image in `folder` in the empty folder `into`. Blobs are shared with it where they can be; that
/// they are what their names say is for who reads the layout.
pub(super) fn read(folder: &Path, into: &Path) -> Result<(), LayerFailure> {
    let place = folder.join(MANIFEST);
    let mut bytes = Vec::new();
    File::open(&place)
        .and_then(|file| file.take(MAX_MANIFEST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(LayerFailure::at(&place))?;
    if bytes.len() > MAX_MANIFEST_BYTES {
        let problem = format!("it has more than {MAX_MANIFEST_BYTES} bytes; no manifest has");
        return Err(LayerFailure::broken(&place, problem));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|error| LayerFailure::broken(&place, format!("it is no manifest of one image: {error}")))?;
    let media_type = manifest
        .other
        .get("mediaType")
        .map(|found| found.as_str().unwrap_or_default());
    let blobs = into.join(BLOBS);
    fs::create_dir_all(&blobs).map_err(LayerFailure::at(&blobs))?;
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        let (from, to) = (folder.join(blob.digest.hex()), blobs.join(blob.digest.hex()));
        if !to.exists() {
            share(&from, &to).map_err(LayerFailure::at(&from))?;
        }
    }
    let digest = Digest::of(&bytes);
    let index = serde_json::json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": media_type.unwrap_or(MANIFEST_TYPE), "digest": digest, "size": bytes.len(),
        }],
    });
    let files = [
        (blobs.join(digest.hex()), bytes),
        (into.join("index.json"), index.to_string().into_bytes()),
        (
            into.join("oci-layout"),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
    ];
    for (path, bytes) in files {
        fs::write(&path, bytes).map_err(LayerFailure::at(&path))?;
    }
    Ok(())
}

/// Writes the only image of the layout in `layout` as the new folder `folder`, which appears whole or not at all.
pub(super) fn write(layout: &Path, folder: &Path) -> Result<(), LayerFailure> {
    let layout = Layout::open(layout)?;
    let image = layout.image(None)?;
    let place = layout.blob_path(&image.digest);
    let bytes = fs::read(&place).map_err(LayerFailure::at(&place))?;
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
        let several = serde_json::from_slice::<Index>(&bytes).is_ok();
        let problem = if several {
            "dir: holds an image for one platform, and this is one for several; write oci:FOLDER:TAG"
        } else {
            "it is no manifest of one image"
        };
        return Err(LayerFailure::broken(folder, problem));
    };
    let aside = Aside::begin(folder)?;
    let new = aside.root();
    let written = (|| {
        fs::create_dir(&new)?;
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            let to = new.join(blob.digest.hex());
            if !to.exists() {
                share(&layout.blob_path(&blob.digest), &to)?;
            }
        }
        fs::write(new.join("version"), "Directory Transport Version: 1.1\n")?;
        fs::write(new.join(MANIFEST), &bytes)?;
        rustix::fs::syncfs(File::open(&new)?)?;
        Ok(())
    })();
    written.map_err(LayerFailure::at(folder))?;
    aside.finish()?;
    let parent = beside(folder);
    File::open(&parent)
        .and_then(|parent| parent.sync_all())
        .map_err(LayerFailure::at(&parent))
}

/// The same file under another name, or a copy where that cannot be.
fn share(from: &Path, to: &Path) -> io::Result<()> {
    // A symbolic link would lead elsewhere from there.
    if fs::hard_link(from, to).is_ok() && to.symlink_metadata()?.is_file() {
        return Ok(());
    }
    if to.symlink_metadata().is_ok() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to).map(drop)
}
