//! Layouts in tar archives, as skopeo's `oci-archive:` has them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tar::{Archive, Builder, EntryType, Header};

use super::LayerFailure;
use super::image::beside;

const BLOBS: &str = "blobs/sha256";
/// What is moved at a time, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Unpacks the layout in the archive `file` into the folder `into`. Nothing but a layout's own files is written; that
/// they are what their names say is for who reads the layout.
pub(super) fn unpack(
    file: &Path,
    into: &Path,
    progress: &dyn Fn(u64),
    interrupt: &AtomicBool,
) -> Result<(), LayerFailure> {
    let blobs = into.join(BLOBS);
    fs::create_dir_all(&blobs).map_err(LayerFailure::at(&blobs))?;
    let mut archive = Archive::new(File::open(file).map_err(LayerFailure::at(file))?);
    let broken =
        |error: io::Error| LayerFailure::broken(file, format!("it is no tar archive of a layout: {error}"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let Some(name) = name_in_layout(&path) else {
            continue;
        };
        let kind = entry.header().entry_type();
        if kind != EntryType::Regular {
            let problem = format!(
                "{} is no regular file in it, but {kind:?}",
                path.display().to_string().escape_debug()
            );
            return Err(LayerFailure::broken(file, problem));
        }
        let target = into.join(&name);
        let mut written = File::create_new(&target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                LayerFailure::broken(file, format!("{} is in it twice", name.display()))
            }
            _ => LayerFailure::at(&target)(error),
        })?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            if interrupt.load(Ordering::Relaxed) {
                return Err(LayerFailure::Interrupted);
            }
            let count = entry.read(&mut piece).map_err(broken)?;
            if count == 0 {
                break;
            }
            written
                .write_all(&piece[..count])
                .map_err(LayerFailure::at(&target))?;
            progress(count as u64);
        }
    }
    if !into.join("oci-layout").exists() || !into.join("index.json").exists() {
        let problem = "it has no oci-layout and index.json; an archive of a layout has both";
        return Err(LayerFailure::broken(file, problem));
    }
    Ok(())
}

/// The name of a layout's own file; `None` for all else.
fn name_in_layout(path: &Path) -> Option<PathBuf> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            _ => return None,
        }
    }
    let is_digest =
        |name: &str| name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match parts[..] {
        ["oci-layout" | "index.json"] => Some(parts[0].into()),
        ["blobs", "sha256", name] if is_digest(name) => Some(Path::new(BLOBS).join(name)),
        _ => None,
    }
}

/// Packs the layout in the folder `layout` into the new archive `file`, which appears whole or not at all. The same
/// layout gives the same bytes.
pub(super) fn pack(
    layout: &Path,
    file: &Path,
    progress: &dyn Fn(u64),
    interrupt: &AtomicBool,
) -> Result<(), LayerFailure> {
    let parent = beside(file);
    let partial = tempfile::Builder::new()
        .prefix(".sealab-layer.")
        .suffix(".partial")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(&parent)
        .map_err(LayerFailure::at(&parent))?;
    let packed = (|| {
        let mut builder = Builder::new(partial.as_file());
        for name in ["oci-layout", "index.json"] {
            append(&mut builder, layout, Path::new(name), progress, interrupt)?;
        }
        for folder in ["blobs/", "blobs/sha256/"] {
            let mut header = header(EntryType::Directory, 0o755, 0);
            builder.append_data(&mut header, folder, io::empty())?;
        }
        let mut blobs = fs::read_dir(layout.join(BLOBS))?
            .map(|entry| Ok(Path::new(BLOBS).join(entry?.file_name())))
            .collect::<io::Result<Vec<_>>>()?;
        blobs.sort();
        for name in blobs {
            append(&mut builder, layout, &name, progress, interrupt)?;
        }
        builder.finish()?;
        drop(builder);
        partial.as_file().sync_all()
    })();
    if interrupt.load(Ordering::Relaxed) {
        return Err(LayerFailure::Interrupted);
    }
    packed.map_err(LayerFailure::at(file))?;
    partial
        .persist_noclobber(file)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => sealab_layer::Error::Exists(file.to_owned()).into(),
            _ => LayerFailure::at(file)(error.error),
        })?;
    File::open(&parent)
        .and_then(|parent| parent.sync_all())
        .map_err(LayerFailure::at(&parent))
}

fn append(
    builder: &mut Builder<&File>,
    layout: &Path,
    name: &Path,
    progress: &dyn Fn(u64),
    interrupt: &AtomicBool,
) -> io::Result<()> {
    let file = File::open(layout.join(name))?;
    let mut header = header(EntryType::Regular, 0o644, file.metadata()?.len());
    let watched = Watched {
        file,
        progress,
        interrupt,
    };
    builder.append_data(&mut header, name, watched)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// A file that is read with its progress told, until the user ends it.
struct Watched<'a> {
    file: File,
    progress: &'a dyn Fn(u64),
    interrupt: &'a AtomicBool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        let count = self.file.read(buffer)?;
        (self.progress)(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_a_layout_are_unpacked() {
        let digest = "0f".repeat(32);
        let name = |path: &str| name_in_layout(Path::new(path)).map(|name| name.display().to_string());
        assert_eq!(name("./index.json").as_deref(), Some("index.json"));
        assert_eq!(name("oci-layout").as_deref(), Some("oci-layout"));
        let blob = format!("blobs/sha256/{digest}");
        assert_eq!(name(&blob).as_ref(), Some(&blob));
        for other in [
            "../index.json".to_owned(),
            "/index.json".to_owned(),
            "a/index.json".to_owned(),
            "blobs/sha256".to_owned(),
            "blobs/sha256/../../index.json".to_owned(),
            format!("blobs/sha256/{}", &digest[1..]),
            format!("blobs/sha256/{}", digest.to_uppercase()),
        ] {
            assert_eq!(name(&other), None, "{other}");
        }
    }
}
