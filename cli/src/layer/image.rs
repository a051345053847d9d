//! Images as they are named on the command line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sealab_layer::image::ImageReference;
use sealab_registry::RemoteImage;

/// Where an image is.
#[derive(Clone, Debug)]
pub(crate) enum Image {
    /// In a layout.
    Layout(ImageReference),
    /// In a tar archive of a layout.
    Archive {
        /// The archive.
        file: PathBuf,
        /// The tag; none is the only image there.
        tag: Option<String>,
    },
    /// In a folder of skopeo's, which has one image.
    Directory(PathBuf),
    /// In a registry.
    Registry(RemoteImage),
}

impl FromStr for Image {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("docker://") {
            return text.parse().map(Self::Registry);
        }
        if let Some(folder) = text.strip_prefix("dir:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Directory(folder.into()));
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            // As a layout's folder and tag are.
            let place: ImageReference = format!("oci:{rest}")
                .parse()
                .map_err(|_| format!("{text:?} is no image; write oci-archive:FILE:TAG"))?;
            return Ok(Self::Archive {
                file: place.directory,
                tag: place.tag,
            });
        }
        text.parse().map(Self::Layout).map_err(|_| {
            format!(
                "{text:?} is no image; write oci:FOLDER:TAG, oci-archive:FILE:TAG, dir:FOLDER or docker://HOST/NAME:TAG"
            )
        })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(image) => image.fmt(f),
            Self::Archive { file, tag } => {
                write!(f, "oci-archive:{}", file.display())?;
                tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
            }
            Self::Directory(folder) => write!(f, "dir:{}", folder.display()),
            Self::Registry(image) => image.fmt(f),
        }
    }
}

/// The folder that a path is in.
pub(super) fn beside(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
