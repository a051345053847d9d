//! `sealab layer list`.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use sealab_layer::{FileNode, NodeId, NodeKind};
use serde::Serialize;

use super::arguments::ListArguments;
use super::opened::{Fetched, Opened, printable, unless_ended};
use crate::{Done, interrupt};

#[derive(Serialize)]
struct Told {
    image: String,
    files: Vec<Listed>,
    fetched: Fetched,
}

/// A file, as it is listed.
#[derive(Serialize)]
struct Listed {
    /// Its place in the image; what is not UTF-8 in it is replaced.
    path: String,
    /// Its place in hexadecimal digits, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    kind: &'static str,
    /// Permissions, in octal digits.
    mode: String,
    uid: u32,
    gid: u32,
    /// When it was modified, in seconds since 1970.
    mtime: i64,
    bytes: u64,
    links: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

pub(super) fn list(arguments: &ListArguments) -> Done {
    let interrupted = interrupt::flag()?;
    let opened = Opened::open(&arguments.reading, &interrupted)?;
    let files = &opened.files;
    let path = arguments.path.as_deref().unwrap_or("/");
    let root = opened
        .verified(|| files.resolve(path.as_bytes()))
        .map_err(|error| unless_ended(error.into(), &interrupted))?;
    let mut out = std::io::stdout().lock();
    let mut listed = Vec::new();
    let mut waiting = vec![(path.trim_matches('/').as_bytes().to_vec(), root)];
    while let Some((path, id)) = waiting.pop() {
        let Some(node) = files.node(id) else { continue };
        if !path.is_empty() {
            let file = Listed::new(&path, node);
            if arguments.reading.json {
                listed.push(file);
            } else {
                writeln!(out, "{file}")?;
            }
        }
        let below = |(name, id): (&[u8], NodeId)| {
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            (path, id)
        };
        let first = waiting.len();
        waiting.extend(files.children(id).map(below));
        waiting[first..].reverse();
    }
    if arguments.reading.json {
        let told = Told {
            image: arguments.reading.image.to_string(),
            files: listed,
            fetched: opened.fetched(),
        };
        let text = serde_json::to_string_pretty(&told).map_err(std::io::Error::from)?;
        writeln!(out, "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Listed {
    fn new(path: &[u8], node: &FileNode) -> Self {
        let hex = |path: &[u8]| path.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: String::from_utf8_lossy(path).into_owned(),
            path_hex: std::str::from_utf8(path).is_err().then(|| hex(path)),
            kind: kind(&node.kind),
            mode: format!("{:04o}", node.mode),
            uid: node.uid,
            gid: node.gid,
            mtime: node.mtime,
            bytes: node.size,
            links: node.links,
            target: match &node.kind {
                NodeKind::Symlink(target) => Some(String::from_utf8_lossy(target).into_owned()),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(self.path.as_bytes());
        write!(
            f,
            "{} {} {}:{} {} {path}",
            self.kind, self.mode, self.uid, self.gid, self.bytes
        )?;
        let mut target = self.target.iter();
        target.try_for_each(|target| write!(f, " -> {}", printable(target.as_bytes())))
    }
}

/// What a file is called that is of this kind.
pub(super) fn kind(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Directory => "directory",
        NodeKind::Regular => "file",
        NodeKind::Symlink(_) => "symlink",
        NodeKind::CharacterDevice { .. } => "character-device",
        NodeKind::BlockDevice { .. } => "block-device",
        NodeKind::Fifo => "fifo",
    }
}
