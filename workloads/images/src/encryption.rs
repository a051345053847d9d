//! An image encrypted and decrypted by every method.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::{Scratch, bytes_of, remove, same};
use serde_json::Value;

use crate::image::metadata_bytes;
use crate::toolbox::{Place, Toolbox};
use crate::{Comparison, Image, ImagesError, Method, Row, Way};

/// Who encrypts and decrypts an image, and where.
#[derive(Clone, Copy, Debug)]
pub struct Encryption<'a> {
    /// The methods.
    pub methods: &'a [Method],
    /// How often each encrypts and decrypts.
    pub rounds: u32,
    /// Where they work: folders below it, on the file system that is to be measured. Nothing stays there.
    pub folder: &'a Path,
    /// The lab's own program.
    pub sealab: &'a Path,
}

/// How long one program may take for an image of so many bytes.
pub(crate) fn limit(bytes: u64) -> Duration {
    Duration::from_secs(60 + (bytes >> 22))
}

impl Encryption<'_> {
    /// Has every method encrypt `image`, decrypt it again, and holds its layer to what it was, byte for byte.
    ///
    /// Set `cancelled` to end it early.
    ///
    /// # Errors
    /// It was cancelled, or `folder` cannot be worked in. That a method's program is missing or fails is no error.
    pub fn compare(&self, image: &Image, cancelled: &AtomicBool) -> Result<Comparison, ImagesError> {
        let scratch = Scratch::new(self.folder)?;
        let toolbox = Toolbox::new(scratch.path(), self.sealab, limit(image.bytes()), cancelled)?;
        let mut comparison = Comparison::default();
        let mut contenders = contenders(&toolbox, self.methods, &mut comparison)?;
        comparison.turns(self.rounds, &mut contenders, |round, method| {
            let place = scratch.path().join(method.id());
            fs::create_dir(&place).map_err(ImagesError::at(&place))?;
            let done = turn(&toolbox, *method, image, &place, round);
            remove(&place)?;
            done
        })?;
        Ok(comparison)
    }
}

/// The methods whose programs are there.
pub(crate) fn contenders<R>(
    toolbox: &Toolbox<'_>,
    methods: &[Method],
    comparison: &mut Comparison<R>,
) -> Result<Vec<(&'static str, Method)>, ImagesError> {
    let mut contenders = Vec::new();
    for &method in methods {
        match toolbox.version(method) {
            Ok(version) => {
                comparison.versions.insert(method.id(), version);
                contenders.push((method.id(), method));
            }
            Err(error) => comparison.fail(method.id(), &error)?,
        }
    }
    Ok(contenders)
}

fn turn(
    toolbox: &Toolbox<'_>,
    method: Method,
    image: &Image,
    place: &Path,
    round: u32,
) -> Result<Vec<Row>, ImagesError> {
    let (sealed, opened) = (place.join("sealed"), place.join("opened"));
    let plain = Place::Layout(image.reference().directory);
    let (closed, open) = (put(method, &sealed), put(method, &opened));
    let sealing = toolbox.encrypt(method, &plain, &closed)?;
    let (stored, metadata) = (bytes_of(&sealed)?, metadata_bytes(&sealed)?);
    let opening = toolbox.decrypt(method, &closed, &open)?;
    holds(toolbox, image, &open, method.id())?;
    let row = |way, spent| Row {
        metadata_bytes: Some(metadata),
        ..Row::new(method.id(), way, round, (image.bytes(), stored), spent)
    };
    Ok(vec![row(Way::Seal, sealing), row(Way::Open, opening)])
}

/// How the method names an image in the folder `path`.
pub(crate) fn put(method: Method, path: &Path) -> Place {
    match method {
        Method::Skopeo | Method::SkopeoCopy => Place::Folder(path.to_owned()),
        Method::Copy | Method::Sealab(_) => Place::Layout(path.to_owned()),
    }
}

/// That what came back has the layer of `image`, byte for byte.
pub(crate) fn holds(
    toolbox: &Toolbox<'_>,
    image: &Image,
    back: &Place,
    who: &str,
) -> Result<(), ImagesError> {
    let mut blob = match back {
        Place::Layout(path) => path.join("blobs/sha256").join(image.layer()),
        Place::Folder(path) => path.join(image.layer()),
        Place::Remote(name) => Path::new(name).to_owned(),
    };
    if let Place::Folder(folder) = back
        && !blob.exists()
        && let Some(compressed) = compressed(folder)?
    {
        blob = toolbox.decompressed(&compressed)?;
    }
    Ok(same(
        &image.blob(),
        &blob,
        who,
        limit(image.bytes()),
        toolbox.cancelled(),
    )?)
}

/// The blob of the only layer in a folder of skopeo's, if it is compressed: skopeo compresses a layer that it encrypts on its
/// way to a registry, and does not decompress one that it decrypts.
fn compressed(folder: &Path) -> Result<Option<PathBuf>, ImagesError> {
    let path = folder.join("manifest.json");
    let text = fs::read(&path).map_err(ImagesError::at(&path))?;
    let manifest: Value = serde_json::from_slice(&text).unwrap_or_default();
    let layer = &manifest["layers"][0];
    let is_compressed = layer["mediaType"]
        .as_str()
        .is_some_and(|name| name.ends_with("+gzip"));
    let digest = layer["digest"]
        .as_str()
        .and_then(|digest| digest.strip_prefix("sha256:"));
    Ok(digest.filter(|_| is_compressed).map(|digest| folder.join(digest)))
}
