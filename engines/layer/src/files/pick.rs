//! Which of an image's manifests is read.

use serde::de::DeserializeOwned;

use super::FilesOptions;
use crate::Error;
use crate::image::{Descriptor, Digest, INDEX, Index, LayerChoice, MANIFEST, MAX_MANIFEST_BYTES, Manifest};

/// How deep indexes may lie within indexes.
const MAX_DEPTH: usize = 4;

/// The manifest of the image `root`: the only one, or the first for the platform of `options`. `fetch` gives the bytes of a
/// manifest or index; their digests are verified.
pub fn pick_manifest(
    root: &Descriptor,
    options: &FilesOptions,
    fetch: &mut dyn FnMut(&Descriptor) -> Result<Vec<u8>, Error>,
) -> Result<Manifest, Error> {
    let mut root = root.clone();
    for _ in 0..=MAX_DEPTH {
        match root.media_type.as_str() {
            MANIFEST => return read(&root, fetch),
            INDEX => root = pick(&root, read(&root, fetch)?, options)?,
            other => {
                return Err(Error::malformed(
                    root.digest.to_string(),
                    format!("its media type is {other:.200?}; {MANIFEST} and {INDEX} are read"),
                ));
            }
        }
    }
    Err(Error::malformed(
        root.digest.to_string(),
        format!("indexes lie more than {MAX_DEPTH} deep within each other"),
    ))
}

fn pick(root: &Descriptor, mut index: Index, options: &FilesOptions) -> Result<Descriptor, Error> {
    let platform = options.platform.clone().unwrap_or_else(host);
    let choice = LayerChoice {
        layers: Vec::new(),
        platforms: vec![platform.clone()],
    };
    let fits = |entry: &Descriptor| match &entry.platform {
        Some(platform) => choice.takes(Some(platform)),
        // An index may lie between.
        None => entry.media_type == INDEX,
    };
    match (index.manifests.iter().position(fits), index.manifests.len()) {
        (Some(place), _) => Ok(index.manifests.swap_remove(place)),
        // The only one, of a platform that nobody asked for.
        (None, 1) if options.platform.is_none() => Ok(index.manifests.swap_remove(0)),
        (None, _) => {
            let mut present: Vec<String> = index
                .manifests
                .iter()
                .take(20)
                .filter_map(|entry| entry.platform.as_ref())
                .map(|platform| format!("{}/{}", platform.os, platform.architecture))
                .collect();
            if present.is_empty() {
                present.push("none with a platform".to_owned());
            }
            Err(Error::NotFound {
                place: root.digest.to_string(),
                wanted: format!("manifest for {platform}"),
                present: present.join(", "),
            })
        }
    }
}

/// The host's platform, as Go calls it.
fn host() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    };
    format!("linux/{architecture}")
}

fn read<T: DeserializeOwned>(
    descriptor: &Descriptor,
    fetch: &mut dyn FnMut(&Descriptor) -> Result<Vec<u8>, Error>,
) -> Result<T, Error> {
    let place = descriptor.digest.to_string();
    if descriptor.size > MAX_MANIFEST_BYTES as u64 {
        return Err(Error::malformed(
            place,
            format!(
                "it has {} bytes; at most {MAX_MANIFEST_BYTES} are read",
                descriptor.size
            ),
        ));
    }
    let bytes = fetch(descriptor)?;
    let found = Digest::of(&bytes);
    if found != descriptor.digest {
        return Err(Error::Digest {
            expected: descriptor.digest,
            found,
        });
    }
    serde_json::from_slice(&bytes).map_err(|error| Error::malformed(place, error.to_string()))
}
