//! Sealab's own formats of layers, and the plain image, by Sealab's readers.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_attack_record::FormatUnderAttack;
use sealab_engine::{Engine, TAG_BYTES};
use sealab_layer::chunks::StreamCipher;
use sealab_layer::image::{Descriptor, LayerChoice, Layout};
use sealab_layer::ocicrypt::LayerOptions;
use sealab_layer::{
    Compression, EncryptOptions, Format, SALT_BYTES, Salt, Work, decrypt, encrypt, open_convergent_layer,
    open_layer,
};

use super::format::{LayerFormat, Parts, Problem};
use super::image::{Entry, Image, layer_name, reference};
use super::keyring::Key;
use super::unwrap::options;
use super::{PLANE, forged, handed_out, subject};
use crate::files::Files;

/// The media type of the subject's layers.
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// What the media type of an encrypted layer ends in.
pub(super) const ENCRYPTED: &str = "+encrypted";

/// How much a reader of ranges asks for at a time, in bytes: no multiple of any chunk.
const RANGE_BYTES: usize = 50_000;

/// A format with the way in which it is read.
pub(super) struct Variant {
    pub(super) format: FormatUnderAttack,
    /// How layers are sealed; not at all without.
    sealed_as: Option<Format>,
    /// Whether it is read by ranges, and not as a whole.
    by_ranges: bool,
}

const fn variant(
    id: &'static str,
    sealed_as: Option<Format>,
    by_ranges: bool,
    description: &'static str,
) -> Variant {
    Variant {
        format: FormatUnderAttack {
            plane: PLANE,
            id,
            description,
        },
        sealed_as,
        by_ranges,
    }
}

/// All of them, in the order of reports.
pub(super) const VARIANTS: &[Variant] = &[
    variant("plain", None, false, "An image that is not encrypted."),
    variant(
        "ocicrypt",
        Some(Format::Ocicrypt),
        false,
        "Layers as containers/ocicrypt has them, decrypted by sealab: nothing is there unless all of the layer is authentic.",
    ),
    variant(
        "ocicrypt-seekable",
        Some(Format::OcicryptSeekable),
        false,
        "The same with sealab's table of tags, decrypted as a whole.",
    ),
    variant(
        "ocicrypt-seekable-ranges",
        Some(Format::OcicryptSeekable),
        true,
        "The same, read range by range, each handed out at once.",
    ),
    variant(
        "chunked-aead",
        Some(Format::ChunkedAead(StreamCipher::Aes256Gcm)),
        false,
        "A STREAM of chunks under AES-256-GCM, decrypted as a whole.",
    ),
    variant(
        "convergent",
        Some(Format::Convergent),
        false,
        "Chunks that images of one secret salt share, decrypted as a whole.",
    ),
];

pub(super) struct Ours<'a> {
    engine: &'a dyn Engine,
    variant: &'static Variant,
    /// The secret that all images here share, where the format has one.
    salt: [u8; SALT_BYTES],
}

impl<'a> Ours<'a> {
    pub(super) fn new(engine: &'a dyn Engine, variant: &'static Variant) -> Self {
        Self {
            engine,
            variant,
            // Which one does not matter, only that no adversary here knows it.
            salt: [0x5a; SALT_BYTES],
        }
    }
}

/// Does something over an engine, as fast as it goes on one thread.
pub(super) fn work(engine: &dyn Engine) -> Work<'_> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    Work {
        engine,
        threads: 1,
        progress: &|_| {},
        interrupt: &NEVER,
    }
}

/// The plain image of these layers.
pub(super) fn plain(layers: &Files) -> Image {
    let entries = layers.values().map(|layer| Entry::new(LAYER, layer.clone()));
    Image::new(entries.collect())
}

/// Seals the layers in a format of sealab's.
pub(super) fn seal(
    engine: &dyn Engine,
    format: Format,
    salt: Option<&Salt>,
    layers: &Files,
    key: &Key,
    folder: &Path,
) -> Result<Image, Problem> {
    let (source, sealed) = (folder.join("plain"), folder.join("sealed"));
    plain(layers).write(&source)?;
    let options = EncryptOptions {
        format,
        recipients: std::slice::from_ref(key.recipient()),
        choice: &LayerChoice::default(),
        salt,
        compression: Compression::Keep,
    };
    encrypt(&reference(&source), &reference(&sealed), &options, &work(engine))?;
    Image::read(&sealed)
}

/// The parts of an image whose layers are sealed one by one.
pub(super) fn parts(sealed: &Image, unit: Option<usize>) -> Parts {
    let numbers = |wanted: &dyn Fn(&Entry) -> bool| {
        let entries = sealed.entries.iter().enumerate();
        let wanted = entries.filter(|(_, entry)| wanted(entry));
        wanted.map(|(number, _)| number).collect()
    };
    let has_chunks = sealed.entries.iter().any(Entry::is_chunk);
    Parts {
        layers: numbers(&|entry| !entry.is_chunk()),
        data: numbers(&|entry| entry.is_chunk() == has_chunks),
        wrapped: numbers(&|entry| entry.descriptor.media_type.ends_with(ENCRYPTED)),
        unit,
    }
}

impl LayerFormat for Ours<'_> {
    fn format(&self) -> FormatUnderAttack {
        self.variant.format
    }

    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem> {
        match self.variant.sealed_as {
            None => Ok(plain(layers)),
            Some(format) => seal(
                self.engine,
                format,
                Some(&Salt::new(&self.salt)),
                layers,
                key,
                folder,
            ),
        }
    }

    fn open(&self, sealed: &Path, key: &Key, folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
        if self.variant.by_ranges {
            return self.by_ranges(sealed, key, usize::MAX, handed_out);
        }
        let opened = folder.join("opened");
        let decrypted = decrypt(
            &reference(sealed),
            &reference(&opened),
            &[key.named()],
            &LayerChoice::default(),
            &work(self.engine),
        );
        handed_out::collect(sealed, folder, &opened, handed_out)?;
        decrypted?;
        Ok(())
    }

    fn open_start(
        &self,
        sealed: &Path,
        key: &Key,
        bytes: usize,
        handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        Some(self.by_ranges(sealed, key, bytes, handed_out))
    }

    fn parts(&self, sealed: &Image) -> Parts {
        let unit = match self.variant.sealed_as {
            Some(Format::Convergent) => None,
            Some(Format::ChunkedAead(_)) => Some(subject::UNIT + TAG_BYTES),
            _ => Some(subject::UNIT),
        };
        parts(sealed, unit)
    }

    fn forged_chunk(&self, sealed: &Image, layers: &Files) -> Result<Vec<(&'static str, Image)>, Problem> {
        if self.variant.sealed_as != Some(Format::Convergent) {
            return Ok(Vec::new());
        }
        forged::chunk(self.engine, &self.salt, sealed, layers)
    }
}

impl Ours<'_> {
    /// Hands out the first `bytes` of each layer as a reader of ranges gets them.
    fn by_ranges(
        &self,
        sealed: &Path,
        key: &Key,
        bytes: usize,
        handed_out: &mut Files,
    ) -> Result<(), Problem> {
        let layout = Layout::open(sealed)?;
        let entries = Image::read(sealed)?.entries.into_iter();
        for (number, mut entry) in entries.filter(|entry| !entry.is_chunk()).enumerate() {
            let name = layer_name(number);
            if !entry.descriptor.media_type.ends_with(ENCRYPTED) {
                entry.blob.truncate(bytes);
                handed_out.insert(name, entry.blob);
                continue;
            }
            let file = layout.open_blob(&entry.descriptor)?;
            self.ranges_of(
                &layout,
                entry,
                file,
                key,
                bytes,
                handed_out.entry(name).or_default(),
            )?;
        }
        Ok(())
    }

    fn ranges_of(
        &self,
        layout: &Layout,
        entry: Entry,
        file: File,
        key: &Key,
        bytes: usize,
        output: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let Entry { descriptor, blob } = entry;
        let keys = [key.named()];
        match self.variant.sealed_as {
            Some(Format::Ocicrypt) => self.of_verified(&descriptor, &blob, key, bytes, output),
            Some(Format::Convergent) => {
                let chunks = Box::new(layout.clone());
                let mut reader = open_convergent_layer(&descriptor, &keys, &file, chunks, self.engine)?;
                read(bytes, output, |offset, part| Ok(reader.read_at(offset, part)?))
            }
            _ => {
                let mut reader = open_layer(&descriptor, &keys, Box::new(file), self.engine)?;
                read(bytes, output, |offset, part| Ok(reader.read_at(offset, part)?))
            }
        }
    }

    /// A layer that is authentic as a whole or not at all.
    fn of_verified(
        &self,
        descriptor: &Descriptor,
        blob: &[u8],
        key: &Key,
        bytes: usize,
        output: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let (private, public) = options(descriptor, key)?;
        let options = LayerOptions::parse(&private, &public)?;
        let mut cipher = options.cipher(self.engine)?;
        let mut layer = cipher.verify(&options.code, blob)?;
        read(bytes, output, |offset, part| {
            Ok(layer.read_at(offset as usize, part)?)
        })
    }
}

/// Reads the first `bytes` of a layer range by range; what a range gives is handed out before the next one is read.
fn read(
    bytes: usize,
    output: &mut Vec<u8>,
    mut read_at: impl FnMut(u64, &mut [u8]) -> Result<usize, Problem>,
) -> Result<(), Problem> {
    while output.len() < bytes {
        let mut part = vec![0; RANGE_BYTES.min(bytes - output.len())];
        let found = read_at(output.len() as u64, &mut part)?;
        if found == 0 {
            break;
        }
        output.extend(&part[..found]);
    }
    Ok(())
}
