//! An image of two layers that is made here, and the files that it has.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::digest;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

/// In every regular file of the tree that is not empty.
pub(crate) const CANARY: &[u8] = b"a canary that no cache may have: ";
pub(crate) const MTIME: u64 = 1_234_567_890;
const OWNER: u32 = 1000;

/// What a file is, as far as it is compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Folder,
    File(Vec<u8>),
    Link(String),
    Fifo,
}

/// A file by its path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    pub(crate) links: u64,
    pub(crate) kind: Kind,
}

/// Bytes that nothing compresses, the same for the same seed, with the canary before them.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = CANARY.to_vec();
    bytes.extend((0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }));
    bytes
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(MTIME);
    header.set_uid(OWNER.into());
    header.set_gid(OWNER.into());
    header
}

/// A layer's tar.
pub(crate) struct Layer(Builder<Vec<u8>>);

impl Layer {
    pub(crate) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) {
        let mut header = header(EntryType::Regular, mode, bytes.len());
        self.0.append_data(&mut header, path, bytes).unwrap();
    }

    pub(crate) fn xattr(&mut self, name: &str, value: &[u8]) {
        let name = format!("SCHILY.xattr.{name}");
        self.0.append_pax_extensions([(&*name, value)]).unwrap();
    }

    pub(crate) fn folder(&mut self, path: &str, mode: u32) {
        let mut header = header(EntryType::Directory, mode, 0);
        self.0.append_data(&mut header, path, &[][..]).unwrap();
    }

    pub(crate) fn link(&mut self, kind: EntryType, path: &str, target: &str) {
        let mut header = header(kind, 0o777, 0);
        self.0.append_link(&mut header, path, target).unwrap();
    }

    pub(crate) fn fifo(&mut self, path: &str) {
        let mut header = header(EntryType::Fifo, 0o600, 0);
        self.0.append_data(&mut header, path, &[][..]).unwrap();
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// Two layers of which the upper one changes, adds and removes, and what they are together.
pub(crate) fn layers() -> (Vec<Vec<u8>>, BTreeMap<String, Entry>) {
    let mut lower = Layer::new();
    lower.folder("etc", 0o755);
    lower.file("etc/hosts", 0o644, &noise(1, 900));
    lower.file("etc/shadow", 0o600, &noise(2, 300_000));
    lower.folder("usr", 0o755);
    lower.xattr("user.origin", b"\x00lower\xff");
    lower.file("usr/program", 0o4755, &noise(3, 1_500_000));
    lower.link(EntryType::Link, "usr/again", "usr/program");
    lower.link(EntryType::Symlink, "usr/by-name", "../etc/hosts");
    lower.link(EntryType::Symlink, "usr/out", "/etc");
    lower.file("usr/empty", 0o444, b"");
    lower.folder("gone", 0o755);
    lower.file("gone/file", 0o644, &noise(4, 10));
    lower.folder("opaque", 0o755);
    lower.file("opaque/below", 0o644, &noise(5, 10));
    lower.fifo("usr/pipe");
    let mut upper = Layer::new();
    upper.file("etc/hosts", 0o640, &noise(6, 70_000));
    upper.file(".wh.gone", 0o644, b"");
    upper.folder("opaque", 0o700);
    upper.file("opaque/.wh..wh..opq", 0o644, b"");
    let long = format!("opaque/{}/file with a blank", "long".repeat(50));
    upper.file(&long, 0o644, &noise(7, 66_000));
    upper.file("etc/zwölf", 0o644, &noise(8, 5));

    let file = |mode, seed, length, links| Entry {
        mode,
        links,
        kind: Kind::File(noise(seed, length)),
    };
    let folder = |mode, below: u64| Entry {
        mode,
        links: 2 + below,
        kind: Kind::Folder,
    };
    let link = |target: &str| Entry {
        mode: 0o777,
        links: 1,
        kind: Kind::Link(target.to_owned()),
    };
    let deep = long.trim_end_matches("/file with a blank").to_owned();
    let files = BTreeMap::from([
        ("etc".to_owned(), folder(0o755, 0)),
        ("etc/hosts".to_owned(), file(0o640, 6, 70_000, 1)),
        ("etc/shadow".to_owned(), file(0o600, 2, 300_000, 1)),
        ("etc/zwölf".to_owned(), file(0o644, 8, 5, 1)),
        ("usr".to_owned(), folder(0o755, 0)),
        ("usr/program".to_owned(), file(0o4755, 3, 1_500_000, 2)),
        ("usr/again".to_owned(), file(0o4755, 3, 1_500_000, 2)),
        ("usr/by-name".to_owned(), link("../etc/hosts")),
        ("usr/out".to_owned(), link("/etc")),
        (
            "usr/empty".to_owned(),
            Entry {
                mode: 0o444,
                links: 1,
                kind: Kind::File(Vec::new()),
            },
        ),
        (
            "usr/pipe".to_owned(),
            Entry {
                mode: 0o600,
                links: 1,
                kind: Kind::Fifo,
            },
        ),
        ("opaque".to_owned(), folder(0o700, 1)),
        (deep, folder(0o755, 0)),
        (long, file(0o644, 7, 66_000, 1)),
    ]);
    (vec![lower.bytes(), upper.bytes()], files)
}

/// Writes a layout with an image of the layers, tagged `v1`.
pub(crate) fn layout(place: &Path, layers: &[Vec<u8>]) {
    let blobs = place.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let write = |bytes: &[u8], media_type: &str| -> Value {
        let digest = digest::digest(&digest::SHA256, bytes);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&hex), bytes).unwrap();
        json!({"mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len()})
    };
    let listed: Vec<Value> = layers
        .iter()
        .map(|layer| write(layer, "application/vnd.oci.image.layer.v1.tar"))
        .collect();
    let digests: Vec<&Value> = listed.iter().map(|layer| &layer["digest"]).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
                        "rootfs": {"type": "layers", "diff_ids": digests}});
    let config = write(
        config.to_string().as_bytes(),
        "application/vnd.oci.image.config.v1+json",
    );
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let mut entry = write(
        json!({"schemaVersion": 2, "mediaType": manifest, "config": config, "layers": listed})
            .to_string()
            .as_bytes(),
        manifest,
    );
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    fs::write(place.join("index.json"), index.to_string()).unwrap();
    fs::write(place.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// The files that are in a folder, all read.
pub(crate) fn found(root: &Path) -> BTreeMap<String, Entry> {
    let mut files = BTreeMap::new();
    collect(root, root, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Entry>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let kind = if metadata.is_dir() {
            collect(root, &path, files);
            Kind::Folder
        } else if metadata.is_symlink() {
            Kind::Link(fs::read_link(&path).unwrap().display().to_string())
        } else if metadata.is_file() {
            Kind::File(fs::read(&path).unwrap())
        } else {
            Kind::Fifo
        };
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let entry = Entry {
            mode: metadata.permissions().mode() & 0o7777,
            links: metadata.nlink(),
            kind,
        };
        files.insert(name, entry);
    }
}
