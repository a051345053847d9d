//! The files of encrypted images, read without fetching more than they need.

mod hostile;
mod index;
mod lazy;
mod union;

use std::collections::BTreeMap;
use std::sync::Arc;

use sealab_layer::{Blobs, Compression, Error, FilesOptions, ImageFiles, NodeId, NodeKind, pick_manifest};
use tar::{Builder, EntryType, Header};

use super::recompress::{GZIP, TAR, ZSTD, gzip, seal, zstd};
use super::*;

const INDEX: &str = "org.opencontainers.image.enc.sealab.files";

/// A tar that is made entry by entry.
pub(super) struct Tar(Builder<Vec<u8>>);

impl Tar {
    pub(super) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// An entry with its name as it is, in a GNU header.
    fn entry(&mut self, kind: EntryType, path: &str, link: &str, content: &[u8]) -> &mut Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o750 } else { 0o4644 });
        header.set_uid(1000);
        header.set_gid(100);
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        header.set_device_major(8).unwrap();
        header.set_device_minor(1).unwrap();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(super) fn file(&mut self, path: &str, content: &[u8]) -> &mut Self {
        self.entry(EntryType::Regular, path, "", content)
    }

    fn directory(&mut self, path: &str) -> &mut Self {
        self.entry(EntryType::Directory, path, "", b"")
    }

    fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.entry(EntryType::Symlink, path, target, b"")
    }

    fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.entry(EntryType::Link, path, target, b"")
    }

    fn pax(&mut self, records: &[(&str, &[u8])]) -> &mut Self {
        self.0
            .append_pax_extensions(records.iter().map(|(key, value)| (*key, *value)))
            .unwrap();
        self
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.0, Builder::new(Vec::new()))
            .into_inner()
            .unwrap()
    }
}

/// An image of layers, each a media type, a blob, and the tar that it is uncompressed.
pub(super) fn image_of_layers(layers: &[(&str, &[u8], &[u8])], directory: &Path) -> ImageReference {
    let image = copied("plain", directory);
    let blob = |bytes: &[u8]| {
        let digest = sha256(bytes);
        std::fs::write(directory.join("blobs/sha256").join(&digest), bytes).unwrap();
        serde_json::json!({"digest": format!("sha256:{digest}"), "size": bytes.len()})
    };
    let mut manifest = serde_json::to_value(manifest(&image)).unwrap();
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|(_, _, tar)| format!("sha256:{}", sha256(tar)))
        .collect();
    let configuration = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let mut descriptor = blob(configuration.to_string().as_bytes());
    descriptor["mediaType"] = manifest["config"]["mediaType"].clone();
    manifest["config"] = descriptor;
    manifest["layers"] = layers
        .iter()
        .map(|(media_type, bytes, _)| {
            let mut descriptor = blob(bytes);
            descriptor["mediaType"] = (*media_type).into();
            descriptor
        })
        .collect();
    set_manifest(&image, &manifest);
    image
}

fn image_of_tars(tars: &[&[u8]], directory: &Path) -> ImageReference {
    let layers: Vec<_> = tars.iter().map(|tar| (TAR, *tar, *tar)).collect();
    image_of_layers(&layers, directory)
}

/// An engine for as long as the tests run: files are borrowed from it.
fn lasting() -> &'static dyn Engine {
    Box::leak(engine())
}

fn open_over(
    image: &ImageReference,
    blobs: Arc<dyn Blobs>,
    memory: usize,
) -> Result<ImageFiles<'static>, Error> {
    let (keys, options) = (
        Keys::new(),
        FilesOptions {
            platform: None,
            memory,
        },
    );
    ImageFiles::open(&manifest(image), blobs, &[keys.rsa()], lasting(), &options)
}

pub(super) fn open(image: &ImageReference, memory: usize) -> Result<ImageFiles<'static>, Error> {
    let layout = Layout::open(&image.directory).unwrap();
    open_over(image, Arc::new(layout), memory)
}

fn refusal(image: &ImageReference) -> String {
    let error = open(image, 1 << 20).err().expect("it must be refused");
    let error = error.to_string();
    assert!(error.len() < 1000 && !error.contains('\n'), "{error}");
    error
}

/// The files of uncompressed layers that are not encrypted.
fn union(tars: &[&[u8]]) -> Result<ImageFiles<'static>, Error> {
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(tars, &place.path().join("image"));
    open(&image, 1 << 20)
}

fn content(files: &ImageFiles<'_>, id: NodeId) -> Result<Vec<u8>, Error> {
    let size = files.node(id).unwrap().size as usize;
    // In pieces, past the end too.
    let mut found = Vec::new();
    let mut piece = vec![0; 10_007];
    loop {
        let read = files.read(id, found.len() as u64, &mut piece)?;
        if read == 0 {
            assert_eq!(found.len(), size);
            return Ok(found);
        }
        found.extend_from_slice(&piece[..read]);
    }
}

/// All paths, with what is there.
fn listing(files: &ImageFiles<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![(String::new(), NodeId::ROOT)];
    while let Some((path, id)) = left.pop() {
        let node = files.node(id).unwrap();
        for (name, child) in files.children(id) {
            assert_eq!(files.child(id, name), Some(child));
            left.push((format!("{path}/{}", String::from_utf8_lossy(name)), child));
        }
        let what = match &node.kind {
            NodeKind::Regular => format!("{:x?}", sha256(&content(files, id).unwrap())),
            other => format!("{other:?}"),
        };
        let rest = (
            node.mode,
            node.uid,
            node.gid,
            node.mtime,
            node.size,
            node.links,
            &node.xattrs,
        );
        found.insert(path, format!("{what} {rest:?}"));
    }
    found
}

fn names(files: &ImageFiles<'_>, path: &str) -> Vec<String> {
    let id = files.resolve(path.as_bytes()).unwrap();
    files
        .children(id)
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        .collect()
}

fn text(files: &ImageFiles<'_>, path: &str) -> String {
    let id = files.resolve(path.as_bytes()).unwrap();
    String::from_utf8(content(files, id).unwrap()).unwrap()
}

fn bytes(seed: u32, length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(97)) >> 24) as u8)
        .collect()
}

/// A tar of all kinds, and of files of many lengths.
fn various() -> Vec<u8> {
    let mut tar = Tar::new();
    tar.directory("./").directory("usr/").directory("usr/lib/");
    for (number, length) in [0, 1, 511, 512, 513, 65_536, 200_000, 700_001]
        .into_iter()
        .enumerate()
    {
        tar.file(&format!("usr/lib/file{number}"), &bytes(number as u32, length));
    }
    tar.symlink("lib", "usr/lib")
        .link("usr/second", "./usr/lib/file4");
    tar.entry(EntryType::Char, "dev/null", "", b"")
        .entry(EntryType::Fifo, "run/pipe", "", b"");
    let long = "n".repeat(200);
    tar.pax(&[
        ("path", format!("usr/{long}").as_bytes()),
        ("SCHILY.xattr.security.capability", b"\x01\n\0=\n2"),
        ("SCHILY.xattr.user.empty", b""),
        ("mtime", b"-3.25"),
        ("uid", b"70000"),
    ]);
    tar.file("usr/short", b"long");
    tar.finish()
}

#[test]
fn every_format_has_the_same_files_with_an_index_or_without() {
    let tar = various();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar], &place.path().join("image"));
    let plain = listing(&open(&image, 1 << 20).unwrap());
    assert_eq!(plain.len(), 18);
    assert!(plain["/lib"].contains("Symlink"));
    let long = &plain[&format!("/usr/{}", "n".repeat(200))];
    assert!(
        long.contains("70000") && long.contains("-4") && long.contains("[1, 10, 0, 61, 10, 50]"),
        "{long}"
    );
    assert!(plain["/dev/null"].contains("CharacterDevice { major: 8, minor: 1 }"));
    assert!(plain["/usr/second"].contains(", 2, ") && plain["/usr/second"] == plain["/usr/lib/file4"]);
    for format in FORMATS.into_iter().filter(|format| *format != Format::Ocicrypt) {
        for compression in [Compression::None, Compression::ZstdFrames] {
            let name = format!("{format}-{compression}");
            let (closed, outcomes) = seal(&image, format, compression, &place.path().join(&name)).unwrap();
            assert!(outcomes[0].file_index);
            // With room for all, for one part, and for none.
            for memory in [16 << 20, 70_000, 0] {
                assert_eq!(listing(&open(&closed, memory).unwrap()), plain, "{name} {memory}");
            }
            let mut stripped = serde_json::to_value(manifest(&closed)).unwrap();
            let annotations = stripped["layers"][0]["annotations"].as_object_mut().unwrap();
            annotations.remove(INDEX).unwrap();
            set_manifest(&closed, &stripped);
            if compression == Compression::None {
                assert_eq!(listing(&open(&closed, 16 << 20).unwrap()), plain, "{name}");
            } else {
                assert!(refusal(&closed).contains("only be read whole"));
            }
        }
    }
}

#[test]
fn what_is_read_whole_or_not_at_all_says_how_it_could_be() {
    let tar = various();
    let place = tempfile::tempdir().unwrap();
    let tars = image_of_tars(&[&tar], &place.path().join("tars"));
    let gzipped = image_of_layers(&[(GZIP, &gzip(&tar), &tar)], &place.path().join("gzipped"));
    let zstd = image_of_layers(&[(ZSTD, &zstd(&tar), &tar)], &place.path().join("zstd"));
    let keep = |image, format, name: &str| {
        seal(image, format, Compression::Keep, &place.path().join(name))
            .unwrap()
            .0
    };
    for image in [
        keep(&tars, Format::Ocicrypt, "1"),
        keep(&gzipped, Format::OcicryptSeekable, "2"),
        keep(&zstd, Format::Convergent, "3"),
        gzipped,
        zstd,
    ] {
        let error = refusal(&image);
        assert!(error.contains("layer 0 (sha256:"), "{error}");
        assert!(error.contains("--format ocicrypt-seekable"), "{error}");
        assert!(error.contains("--compression none"), "{error}");
    }
}

#[test]
fn the_manifest_of_a_platform_is_picked() {
    let blobs: BTreeMap<String, Vec<u8>> = {
        let manifest = std::fs::read(blob_path(
            &fixture("plain"),
            &Layout::open(&fixture("plain").directory)
                .unwrap()
                .image(None)
                .unwrap(),
        ))
        .unwrap();
        BTreeMap::from([(sha256(&manifest), manifest)])
    };
    let (digest, bytes) = blobs.iter().next().unwrap();
    let entry = |architecture: &str, digest: &str| {
        serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{digest}"), "size": bytes.len(),
            "platform": {"os": "linux", "architecture": architecture},
        })
    };
    let index = |entries: Vec<serde_json::Value>| {
        let bytes = serde_json::json!({"schemaVersion": 2, "manifests": entries})
            .to_string()
            .into_bytes();
        let root: Descriptor = serde_json::from_value(serde_json::json!({
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": format!("sha256:{}", sha256(&bytes)), "size": bytes.len(),
        }))
        .unwrap();
        (root, bytes)
    };
    let pick = |entries: Vec<serde_json::Value>, platform: Option<&str>| {
        let (root, index) = index(entries);
        let options = FilesOptions {
            platform: platform.map(str::to_owned),
            ..FilesOptions::default()
        };
        pick_manifest(&root, &options, &mut |wanted| {
            Ok(match blobs.get(&wanted.digest.hex()) {
                Some(bytes) => bytes.clone(),
                None => index.clone(),
            })
        })
    };
    let none = "0".repeat(64);
    let two = || vec![entry("never", &none), entry("riscv64", digest)];
    assert_eq!(pick(two(), Some("linux/riscv64")).unwrap().layers.len(), 2);
    // The bytes that came are not those of the digest.
    assert!(matches!(
        pick(two(), Some("linux/never")),
        Err(Error::Digest { .. })
    ));
    let error = pick(two(), Some("linux/s390x")).unwrap_err().to_string();
    assert!(error.contains("linux/never, linux/riscv64"), "{error}");
    // The only one is taken where none is asked for.
    assert!(pick(vec![entry("other", digest)], None).is_ok());
    assert!(pick(vec![entry("other", digest)], Some("linux/amd64")).is_err());
    let plain: Descriptor = serde_json::from_value(entry("x", digest)).unwrap();
    let options = FilesOptions::default();
    assert!(pick_manifest(&plain, &options, &mut |_| Ok(bytes.clone())).is_ok());
}
