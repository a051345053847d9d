//! Images on their way: what is in a registry or an archive becomes a layout in a folder of its own that is removed in
//! the end, and what is to go there is written into one first.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_layer::image::{Digest, ImageReference};
use sealab_registry::{Parts, RemoteReference, Replacing, Repository, Transfer};
use tempfile::TempDir;

use super::LayerFailure;
use super::image::{Image, beside};
use super::{archive, directory};
use crate::progress::{Counter, Progress};

/// An image that can be read as a layout.
pub(super) struct Source {
    pub(super) layout: ImageReference,
    /// What a registry's tag named.
    pulled: Option<(Repository, Digest)>,
    /// Removed when dropped.
    _scratch: Option<TempDir>,
}

impl Source {
    /// Brings the image here where it is not. What is brought is put beside `destination`, so that it can be shared with
    /// it.
    pub(super) fn open(
        image: &Image,
        parts: Parts,
        destination: Option<&Image>,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Self, LayerFailure> {
        let scratch = match image {
            Image::Layout(layout) => {
                return Ok(Self {
                    layout: layout.clone(),
                    pulled: None,
                    _scratch: None,
                });
            }
            _ => scratch(destination)?,
        };
        let place = scratch.path().join("source");
        std::fs::create_dir(&place).map_err(LayerFailure::at(&place))?;
        let mut layout = ImageReference {
            directory: place,
            tag: None,
        };
        let mut pulled = None;
        match image {
            Image::Layout(_) => {}
            Image::Archive { file, tag } => {
                let progress = Progress::start("unpacking");
                archive::unpack(file, &layout.directory, &counted(&progress), interrupt)?;
                layout.tag.clone_from(tag);
            }
            Image::Directory(folder) => directory::read(folder, &layout.directory)?,
            Image::Registry(remote) => {
                let progress = Progress::start("pulling");
                let repository = Repository::new(remote, transfer(&progress, interrupt));
                let digest = sealab_registry::pull(&repository, parts, &layout.directory)?;
                pulled = Some((repository, digest));
            }
        }
        Ok(Self {
            layout,
            pulled,
            _scratch: Some(scratch),
        })
    }

    /// Brings what was changed in the place of an image to where the image is.
    pub(super) fn put_back(&self) -> Result<(), LayerFailure> {
        if let Some((repository, digest)) = &self.pulled {
            let replacing = Replacing::This(*digest);
            sealab_registry::push(&self.layout, repository, Parts::WithoutLayers, replacing)?;
        }
        Ok(())
    }
}

/// Where a new image is written.
pub(super) struct Destination {
    pub(super) layout: ImageReference,
    image: Image,
    scratch: Option<TempDir>,
}

impl Destination {
    /// Looks that nothing is there: before the work and not after it.
    pub(super) fn begin(image: &Image, interrupt: &Arc<AtomicBool>) -> Result<Self, LayerFailure> {
        let exists = |path: &Path| {
            if path.symlink_metadata().is_ok() {
                return Err(sealab_layer::Error::Exists(path.to_owned()).into());
            }
            Ok::<_, LayerFailure>(())
        };
        let layout = match image {
            Image::Layout(layout) => {
                exists(&layout.directory)?;
                return Ok(Self {
                    layout: layout.clone(),
                    image: image.clone(),
                    scratch: None,
                });
            }
            Image::Archive { file, tag } => {
                exists(file)?;
                tag.clone()
            }
            Image::Directory(folder) => {
                exists(folder)?;
                None
            }
            Image::Registry(remote) => {
                if let RemoteReference::Digest(_) = remote.reference {
                    let message = format!("{remote}: the new image's digest is not known yet; name a tag");
                    return Err(LayerFailure::Call(message));
                }
                let repository = Repository::new(remote, silent(interrupt));
                if repository.resolve(&remote.reference)?.is_some() {
                    let image = remote.to_string();
                    return Err(sealab_registry::RegistryError::Exists { image }.into());
                }
                None
            }
        };
        let scratch = scratch(Some(image))?;
        Ok(Self {
            layout: ImageReference {
                directory: scratch.path().join("image"),
                tag: layout,
            },
            image: image.clone(),
            scratch: Some(scratch),
        })
    }

    /// Brings what was written to its place.
    pub(super) fn finish(self, interrupt: &Arc<AtomicBool>) -> Result<(), LayerFailure> {
        match &self.image {
            Image::Layout(_) => {}
            Image::Archive { file, .. } => {
                let progress = Progress::start("packing");
                archive::pack(&self.layout.directory, file, &counted(&progress), interrupt)?;
            }
            Image::Directory(folder) => directory::write(&self.layout.directory, folder)?,
            Image::Registry(remote) => {
                let progress = Progress::start("pushing");
                let repository = Repository::new(remote, transfer(&progress, interrupt));
                sealab_registry::push(&self.layout, &repository, Parts::All, Replacing::Nothing)?;
            }
        }
        drop(self.scratch);
        Ok(())
    }
}

/// A folder to work in: beside a destination that is here, else where the system has its temporary files.
fn scratch(destination: Option<&Image>) -> Result<TempDir, LayerFailure> {
    let path = match destination {
        Some(Image::Layout(layout)) => Some(layout.directory.as_path()),
        Some(Image::Archive { file, .. }) => Some(file.as_path()),
        Some(Image::Directory(folder)) => Some(folder.as_path()),
        Some(Image::Registry(_)) | None => None,
    };
    let place = path.map_or_else(std::env::temp_dir, beside);
    tempfile::Builder::new()
        .prefix(".sealab-layer.")
        .suffix(".partial")
        .tempdir_in(&place)
        .map_err(LayerFailure::at(&place))
}

fn counted(progress: &Progress) -> impl Fn(u64) + Send + Sync + 'static {
    let counter: Arc<Counter> = Arc::clone(progress.counter());
    move |bytes| {
        counter.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn transfer(progress: &Progress, interrupt: &Arc<AtomicBool>) -> Transfer {
    Transfer {
        progress: Arc::new(counted(progress)),
        interrupt: Arc::clone(interrupt),
    }
}

fn silent(interrupt: &Arc<AtomicBool>) -> Transfer {
    Transfer {
        progress: Arc::new(|_| {}),
        interrupt: Arc::clone(interrupt),
    }
}
