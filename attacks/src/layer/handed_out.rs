//! What a program that writes an image has handed out: the image's layers, or whatever it left behind.

use std::fs;
use std::path::Path;

use super::format::Problem;
use super::image::{Image, digest};
use crate::files::Files;

/// What the name of a file begins with that is there although there is no image.
pub(super) const LEFT: &str = "left behind";

/// Looks for the image in `opened`, within `folder`. Where there is none, every file of `folder` that `sealed` has not
/// got too was left behind.
pub(super) fn collect(
    sealed: &Path,
    folder: &Path,
    opened: &Path,
    handed_out: &mut Files,
) -> Result<(), Problem> {
    if opened.join("index.json").exists() {
        handed_out.extend(Image::read(opened)?.layers());
        return Ok(());
    }
    let blobs = sealed.join("blobs/sha256");
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path)?;
            let name = digest(&bytes).hex();
            if !bytes.is_empty() && !blobs.join(&name).exists() && !path.ends_with("oci-layout") {
                handed_out.insert(format!("{LEFT}: {name:.12}"), bytes);
            }
        }
    }
    Ok(())
}

/// Gives what was left behind and is a layer of `truth` that layer's name.
pub(super) fn recognize(handed_out: &mut Files, truth: &Files) {
    for (name, layer) in truth {
        let left = handed_out
            .iter()
            .find(|(left, bytes)| left.starts_with(LEFT) && *bytes == layer);
        if let Some(left) = left.map(|(left, _)| left.clone())
            && let Some(bytes) = handed_out.remove(&left)
        {
            handed_out.insert(name.clone(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_is_found_and_known_by_its_content() {
        let place = tempfile::tempdir().unwrap();
        let (sealed, folder) = (place.path().join("sealed"), place.path().join("work"));
        let opened = folder.join("opened");
        let own = b"what the source has too";
        fs::create_dir_all(sealed.join("blobs/sha256")).unwrap();
        fs::write(sealed.join("blobs/sha256").join(digest(own).hex()), own).unwrap();
        fs::create_dir_all(opened.join("blobs")).unwrap();
        for (name, content) in [("oci-layout", "{}"), ("blobs/a", "true"), ("blobs/b", "half")] {
            fs::write(opened.join(name), content).unwrap();
        }
        fs::write(folder.join("c"), own).unwrap();
        let mut found = Files::new();
        collect(&sealed, &folder, &opened, &mut found).unwrap();
        let truth: Files = [("layer 0".to_owned(), b"true".to_vec())].into();
        recognize(&mut found, &truth);
        let mut contents: Vec<(&str, &[u8])> = found
            .iter()
            .map(|(name, bytes)| (name.split(':').next().unwrap_or_default(), bytes.as_slice()))
            .collect();
        contents.sort_unstable();
        assert_eq!(contents, [("layer 0", &b"true"[..]), (LEFT, b"half")]);
    }
}
