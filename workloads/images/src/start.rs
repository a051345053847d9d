//! What a container waits for that starts from an image in a registry and reads a few of its files: the whole image, or those
//! files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_layer::Format;
use sealab_layer::chunks::StreamCipher;
use sealab_memory::Share;
use sealab_programs::{Scratch, remove, same};

use crate::encryption::{holds, limit, put};
use crate::toolbox::{Place, Toolbox};
use crate::versions::counted;
use crate::{Comparison, Image, ImagesError, Method, Registry, Row, Tree, Way};

/// What the choice of files begins with.
const SEED: u64 = 1;

/// A way to come to files of an image in a registry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartWay {
    /// The whole image is pulled and decrypted.
    Pull(Method),
    /// Only the given files are read, each part verified.
    Read(Format),
}

impl StartWay {
    /// All of them: pulled without encryption, by skopeo, in every format of the lab's; and read from those that can be.
    pub const ALL: [Self; 11] = [
        Self::Pull(Method::SkopeoCopy),
        Self::Pull(Method::Skopeo),
        Self::Pull(Method::Sealab(Format::Ocicrypt)),
        Self::Pull(Method::Sealab(Format::OcicryptSeekable)),
        Self::Pull(Method::Sealab(Format::ChunkedAead(StreamCipher::Aes256Gcm))),
        Self::Pull(Method::Sealab(Format::ChunkedAead(
            StreamCipher::ChaCha20Poly1305,
        ))),
        Self::Pull(Method::Sealab(Format::Convergent)),
        Self::Read(Format::OcicryptSeekable),
        Self::Read(Format::ChunkedAead(StreamCipher::Aes256Gcm)),
        Self::Read(Format::ChunkedAead(StreamCipher::ChaCha20Poly1305)),
        Self::Read(Format::Convergent),
    ];

    /// The way that records call `id`.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.id() == id)
    }

    /// The name, as records have it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Pull(method) => method.id(),
            Self::Read(Format::Ocicrypt) => "ocicrypt-read",
            Self::Read(Format::OcicryptSeekable) => "ocicrypt-seekable-read",
            Self::Read(Format::ChunkedAead(StreamCipher::Aes256Gcm)) => "chunked-aead-read",
            Self::Read(Format::ChunkedAead(StreamCipher::ChaCha20Poly1305)) => {
                "chunked-aead-chacha20-poly1305-read"
            }
            Self::Read(Format::Convergent) => "convergent-read",
        }
    }

    /// What it does, in a line for people.
    pub fn description(self) -> String {
        match self {
            Self::Pull(Method::Sealab(format)) => {
                format!("sealab layer decrypt of the whole image, {format}")
            }
            Self::Pull(Method::Skopeo) => {
                "skopeo copy --decryption-key of the whole image, ocicrypt".to_owned()
            }
            Self::Pull(method) => method.description(),
            Self::Read(format) => format!("sealab layer read of the files, {format}"),
        }
    }

    /// Who does it.
    fn method(self) -> Method {
        match self {
            Self::Pull(method) => method,
            Self::Read(format) => Method::Sealab(format),
        }
    }

    /// Who has encrypted the image that is pulled or read. What skopeo decrypts is the lab's: encrypting on its way to a
    /// registry it would have compressed the layer, and decrypted less.
    fn maker(self) -> Method {
        match self {
            Self::Pull(Method::Skopeo) => Method::Sealab(Format::Ocicrypt),
            other => other.method(),
        }
    }
}

/// Who comes to files of an image, and where.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The ways.
    pub ways: &'a [StartWay],
    /// How often each is gone.
    pub rounds: u32,
    /// The part of the image's files that is wanted.
    pub files: Share,
    /// Where they work, the registry too: folders below it. Nothing stays there.
    pub folder: &'a Path,
    /// The lab's own program.
    pub sealab: &'a Path,
}

impl Start<'_> {
    /// The files that are wanted, the same for the same tree.
    pub fn paths(&self, tree: &Tree) -> Vec<PathBuf> {
        tree.some(self.files, SEED)
    }

    /// Has every way come to the files of `image`, which is of `tree`, and holds what it has then to what it was, byte for
    /// byte: the whole layer, or those files.
    ///
    /// Set `cancelled` to end it early.
    ///
    /// # Errors
    /// It was cancelled, there is no registry, or `folder` cannot be worked in. That a way's program is missing or fails is
    /// no error.
    pub fn compare(
        &self,
        tree: &Tree,
        image: &Image,
        cancelled: &AtomicBool,
    ) -> Result<Comparison, ImagesError> {
        let scratch = Scratch::new(self.folder)?;
        let toolbox = Toolbox::new(scratch.path(), self.sealab, limit(image.bytes()), cancelled)?;
        let registry = Registry::start(&scratch.path().join("registry"), cancelled)?;
        let paths = self.paths(tree);
        let expected = scratch.path().join("expected");
        extract(tree, &paths, &expected)?;
        let mut comparison = Comparison::default();
        let mut contenders = Vec::new();
        let mut pushed: Vec<(Method, u64)> = Vec::new();
        for &way in self.ways {
            let known = pushed.iter().find(|(maker, _)| *maker == way.maker());
            let stored = match known {
                Some((_, stored)) => Ok(*stored),
                None => push(&toolbox, way.maker(), image, &registry),
            };
            let version = toolbox.version(way.method());
            match (version, stored) {
                (Ok(version), Ok(stored)) => {
                    comparison.versions.insert(way.id(), version);
                    pushed.push((way.maker(), stored));
                    contenders.push((way.id(), (way, stored)));
                }
                (Err(error), _) | (_, Err(error)) => comparison.fail(way.id(), &error)?,
            }
        }
        comparison.turns(self.rounds, &mut contenders, |round, (way, stored)| {
            let (way, stored) = (*way, *stored);
            let opened = scratch.path().join("opened");
            let from = remote(&registry, way.maker());
            let turn = || {
                let back = put(way.method(), &opened);
                let (spent, transferred) = counted(&registry, || match way {
                    StartWay::Pull(method) => toolbox.decrypt(method, &from, &back),
                    StartWay::Read(_) => toolbox.read(&from, &paths, &opened),
                })?;
                match way {
                    StartWay::Pull(_) => holds(&toolbox, image, &back, way.id())?,
                    StartWay::Read(_) => same(&expected, &opened, way.id(), limit(image.bytes()), cancelled)?,
                }
                Ok(vec![Row {
                    transferred_bytes: Some(transferred),
                    ..Row::new(way.id(), Way::Open, round, (image.bytes(), stored), spent)
                }])
            };
            let done = turn();
            if opened.exists() {
                remove(&opened)?;
            }
            done
        })?;
        Ok(comparison)
    }

    /// The bytes of the files that are wanted.
    pub fn wanted_bytes(&self, tree: &Tree) -> u64 {
        let paths = self.paths(tree);
        let wanted = tree.entries.iter().filter(|entry| paths.contains(&entry.path));
        wanted.map(|entry| entry.length()).sum()
    }
}

/// Puts the image into the registry; gives the bytes that are kept there for it.
fn push(
    toolbox: &Toolbox<'_>,
    maker: Method,
    image: &Image,
    registry: &Registry,
) -> Result<u64, ImagesError> {
    toolbox.version(maker)?;
    let before = registry.stored_bytes()?;
    let plain = Place::Layout(image.reference().directory);
    toolbox.encrypt(maker, &plain, &remote(registry, maker))?;
    Ok(registry.stored_bytes()? - before)
}

fn remote(registry: &Registry, maker: Method) -> Place {
    Place::Remote(registry.image(&format!("lab/{}", maker.id()), "v1"))
}

/// Writes what `paths` of the tree hold below the new folder `to`.
fn extract(tree: &Tree, paths: &[PathBuf], to: &Path) -> Result<(), ImagesError> {
    fs::create_dir(to).map_err(ImagesError::at(to))?;
    for entry in tree.entries.iter().filter(|entry| paths.contains(&entry.path)) {
        let path = to.join(&entry.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(ImagesError::at(parent))?;
        }
        let mut file = File::create_new(&path).map_err(ImagesError::at(&path))?;
        std::io::copy(&mut entry.open()?, &mut file).map_err(ImagesError::at(&path))?;
    }
    Ok(())
}
