//! Layers in a worker: encrypted and decrypted, held to what they were, then timed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use memchr::memmem;
use sealab_engine::Engine;
use sealab_keys::RecipientKey;
use sealab_keys::jwe::JweKey;
use sealab_layer::image::{ImageReference, LayerChoice};
use sealab_layer::{
    Compression, EncryptOptions, Format, LayerRecipient, NamedKey, Salt, Work, decrypt, encrypt,
};

use crate::file::UnitOperation;
use crate::protocol::{PrepareLayer, Prepared, Sample};
use crate::usage::Usage;

/// Windows of the plain layer that are searched for in what was encrypted.
const WINDOWS: usize = 64;
const WINDOW_BYTES: usize = 48;
/// A window with fewer different bytes may stand anywhere by chance.
const TELLING: usize = 16;

/// Whether work is to end early: the worker that it is in is killed instead.
static NEVER: AtomicBool = AtomicBool::new(false);

/// The layers of a worker that can be timed.
#[derive(Default)]
pub(crate) struct LayerBench {
    keys: Option<Keys>,
    cells: HashMap<usize, LayerCell>,
    /// Formats that were verified, each with an image in it, which is there to be decrypted.
    sealed: HashMap<&'static str, Sealed>,
}

struct Keys {
    recipient: LayerRecipient,
    key: JweKey,
    salt: Salt,
}

struct Sealed {
    folder: PathBuf,
    stored_bytes: u64,
}

struct LayerCell {
    format: Format,
    operation: UnitOperation,
    plain: PathBuf,
    layer_bytes: u64,
    /// What each sample makes, and removes again.
    made: PathBuf,
    threads: usize,
}

impl LayerBench {
    /// Makes a cell ready; its format is verified the first time.
    pub(crate) fn prepare(
        &mut self,
        engine: &Arc<dyn Engine>,
        format: Format,
        prepare: &PrepareLayer,
    ) -> Result<Prepared, String> {
        let keys = match &mut self.keys {
            Some(keys) => keys,
            none => none.insert(Keys::new()?),
        };
        let blob = blob(&prepare.image)?;
        let layer_bytes = fs::metadata(&blob).map_err(|error| error.to_string())?.len();
        let own = format!("{}-{}", std::process::id(), format.name());
        if !self.sealed.contains_key(format.name()) {
            let (folder, opened) = (
                prepare.place.join(&own),
                prepare.place.join(format!("{own}-opened")),
            );
            keys.encrypt(engine, format, &prepare.image, &folder, 1)?;
            keys.decrypt(engine, &folder, &opened, 1)?;
            let checked = verify(&blob, &folder, &opened)
                .and_then(|()| remove(&opened))
                .and_then(|()| keys.refuses_changes(engine, &folder, &opened));
            checked?;
            let stored_bytes = bytes_of(&folder)?;
            self.sealed.insert(format.name(), Sealed { folder, stored_bytes });
        }
        let stored_bytes = self.sealed[format.name()].stored_bytes;
        let cell = LayerCell {
            format,
            operation: prepare.operation,
            plain: prepare.image.clone(),
            layer_bytes,
            made: prepare.place.join(format!("{own}-{}", prepare.cell)),
            threads: prepare.threads as usize,
        };
        self.cells.insert(prepare.cell, cell);
        Ok(Prepared {
            plain_bytes: bytes_of(&prepare.image)?,
            stored_bytes,
            resident_bytes: 0,
        })
    }

    /// Whether that cell is a layer.
    pub(crate) fn has(&self, cell: usize) -> bool {
        self.cells.contains_key(&cell)
    }

    /// Times one sample: the whole layer once.
    pub(crate) fn sample(&mut self, engine: &Arc<dyn Engine>, cell: usize) -> Result<Sample, String> {
        let (Some(cell), Some(keys)) = (self.cells.get(&cell), &self.keys) else {
            return Err("no such layer is prepared".to_owned());
        };
        let sealed = &self.sealed[cell.format.name()].folder;
        let (usage, begun) = (Usage::now(), Instant::now());
        match cell.operation {
            UnitOperation::Seal => keys.encrypt(engine, cell.format, &cell.plain, &cell.made, cell.threads),
            UnitOperation::Open => keys.decrypt(engine, sealed, &cell.made, cell.threads),
        }?;
        let seconds = begun.elapsed().as_secs_f64();
        let usage = Usage::now().since(usage);
        remove(&cell.made)?;
        Ok(Sample {
            bytes: cell.layer_bytes,
            seconds,
            cpu_seconds: usage.cpu_seconds,
            involuntary_switches: usage.involuntary_switches,
            traffic: None,
            peak_bytes: None,
        })
    }
}

impl Keys {
    fn new() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|error| format!("making a key: {error}"))?;
        let key =
            RecipientKey::from_bytes("a new key", pair.as_ref(), None).map_err(|error| error.to_string())?;
        Ok(Self {
            recipient: key.recipient().clone().into(),
            key: key.into(),
            salt: Salt::generate().map_err(|error| error.to_string())?,
        })
    }

    fn encrypt(
        &self,
        engine: &Arc<dyn Engine>,
        format: Format,
        from: &Path,
        to: &Path,
        threads: usize,
    ) -> Result<(), String> {
        let choice = LayerChoice::default();
        let options = EncryptOptions {
            format,
            recipients: std::slice::from_ref(&self.recipient),
            choice: &choice,
            salt: (format == Format::Convergent).then_some(&self.salt),
            compression: Compression::Keep,
        };
        encrypt(&reference(from), &reference(to), &options, &work(engine, threads))
            .map(drop)
            .map_err(|error| format!("encrypting: {error}"))
    }

    fn decrypt(
        &self,
        engine: &Arc<dyn Engine>,
        from: &Path,
        to: &Path,
        threads: usize,
    ) -> Result<(), String> {
        let key = NamedKey {
            name: "a new key",
            key: &self.key,
        };
        let choice = LayerChoice::default();
        decrypt(
            &reference(from),
            &reference(to),
            &[key],
            &choice,
            &work(engine, threads),
        )
        .map(drop)
        .map_err(|error| format!("decrypting: {error}"))
    }

    /// That a byte of the largest blob in `sealed` cannot be changed unseen.
    fn refuses_changes(&self, engine: &Arc<dyn Engine>, sealed: &Path, to: &Path) -> Result<(), String> {
        let path = largest(&sealed.join("blobs/sha256"))?;
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let whole = fs::read(&path).map_err(failed)?;
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, changed).map_err(failed)?;
        let opened = self.decrypt(engine, sealed, to, 1);
        fs::write(&path, whole).map_err(failed)?;
        match opened {
            Err(_) => Ok(()),
            Ok(()) => Err("a changed byte of the encrypted layer was not noticed".to_owned()),
        }
    }
}

fn work<'a>(engine: &'a Arc<dyn Engine>, threads: usize) -> Work<'a> {
    Work {
        engine: &**engine,
        threads,
        progress: &|_| {},
        interrupt: &NEVER,
    }
}

/// The only image of a layout.
fn reference(folder: &Path) -> ImageReference {
    ImageReference {
        directory: folder.to_owned(),
        tag: None,
    }
}

/// The blob of the only layer of the plain image in `folder`: the largest.
fn blob(folder: &Path) -> Result<PathBuf, String> {
    largest(&folder.join("blobs/sha256"))
}

fn largest(folder: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = (0, None);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let length = entry.metadata().map_err(failed)?.len();
        if length > found.0 {
            found = (length, Some(entry.path()));
        }
    }
    found.1.ok_or_else(|| format!("{}: no blobs", folder.display()))
}

/// That the layer `blob` came back in `opened` as it was, and that nothing of it stands in `sealed`.
fn verify(blob: &Path, sealed: &Path, opened: &Path) -> Result<(), String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let plain = read(blob)?;
    let back = opened
        .join("blobs/sha256")
        .join(blob.file_name().unwrap_or_default());
    if read(&back)? != plain {
        return Err("what was decrypted differs from the layer".to_owned());
    }
    let step = (plain.len() / WINDOWS).max(WINDOW_BYTES);
    let windows: Vec<memmem::Finder<'_>> = plain
        .chunks(step)
        .filter_map(|part| part.get(part.len() / 2..part.len() / 2 + WINDOW_BYTES))
        .filter(|window| {
            let mut bytes = window.to_vec();
            bytes.sort_unstable();
            bytes.dedup();
            bytes.len() >= TELLING
        })
        .map(memmem::Finder::new)
        .collect();
    if windows.is_empty() {
        return Err("the layer has no window to look for".to_owned());
    }
    let folder = sealed.join("blobs/sha256");
    for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let bytes = read(&path)?;
        if windows.iter().any(|window| window.find(&bytes).is_some()) {
            return Err("a part of the layer stands in the encrypted image".to_owned());
        }
    }
    Ok(())
}

fn bytes_of(folder: &Path) -> Result<u64, String> {
    sealab_programs::bytes_of(folder).map_err(|error| error.to_string())
}

fn remove(folder: &Path) -> Result<(), String> {
    sealab_programs::remove(folder).map_err(|error| error.to_string())
}
