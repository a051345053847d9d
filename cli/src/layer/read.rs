//! `sealab layer read`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_layer::{NodeId, NodeKind};
use serde::Serialize;
use zeroize::Zeroizing;

use super::LayerFailure;
use super::arguments::ReadArguments;
use super::copied::Copied;
use super::list::kind;
use super::opened::{Fetched, Opened, printable, unless_ended};
use crate::failure::Failure;
use crate::{Done, interrupt};

/// What is read at a time, in bytes: neighbouring chunks are fetched together.
const PIECE_BYTES: usize = 1 << 20;

#[derive(Serialize)]
struct Told<'a> {
    image: String,
    paths: Vec<Part<'a>>,
    fetched: Fetched,
}

/// What was read of a path that was asked for.
#[derive(Serialize)]
struct Part<'a> {
    path: &'a str,
    kind: &'static str,
    /// Files, with those in a folder.
    files: u64,
    /// The bytes of all files.
    bytes: u64,
}

pub(super) fn read(arguments: &ReadArguments) -> Done {
    let wanted = wanted(&arguments.paths)?;
    let output = arguments.output.as_deref().map(Copied::begin).transpose()?;
    if output.is_none() && wanted.len() > 1 {
        let message = "several paths are read into a folder; name one that does not exist with --output";
        return Err(LayerFailure::Call(message.to_owned()).into());
    }
    let interrupted = interrupt::flag()?;
    let opened = Opened::open(&arguments.reading, &interrupted)?;
    let reading = Reading {
        opened: &opened,
        interrupt: &interrupted,
    };
    let mut paths = Vec::new();
    for (name, path) in wanted {
        let id = opened
            .verified(|| opened.files.resolve(path.as_bytes()))
            .map_err(|error| unless_ended(LayerFailure::of_file(path.as_bytes(), error), &interrupted))?;
        let Some(node) = opened.files.node(id) else {
            continue;
        };
        let mut part = Part {
            path,
            kind: kind(&node.kind),
            files: 0,
            bytes: 0,
        };
        match (&output, &node.kind) {
            (Some(output), _) => {
                (part.files, part.bytes) = output.copy(&reading, &name, id)?;
            }
            (None, NodeKind::Regular) => {
                let mut out = io::stdout().lock();
                reading.pieces(&name, id, &mut |piece| Ok(out.write_all(piece)?))?;
                out.flush()?;
            }
            (None, other) => {
                let message = format!(
                    "{}: it is a {}; only a file goes to standard output: name a new folder with --output",
                    printable(path.as_bytes()),
                    kind(other)
                );
                return Err(LayerFailure::Call(message).into());
            }
        }
        paths.push(part);
    }
    if let Some(output) = output {
        output.finish()?;
    }
    if arguments.reading.json {
        let told = Told {
            image: arguments.reading.image.to_string(),
            paths,
            fetched: opened.fetched(),
        };
        let text = serde_json::to_string_pretty(&told).map_err(io::Error::from)?;
        writeln!(io::stdout().lock(), "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The paths by their names in the image's root, without empty parts. None may be within another: what one wrote could
/// lead the other elsewhere.
fn wanted(paths: &[String]) -> Result<BTreeMap<Vec<u8>, &str>, LayerFailure> {
    let mut wanted = BTreeMap::new();
    for path in paths {
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    let message = format!("{path:?}: a path in an image has no ..");
                    return Err(LayerFailure::Call(message));
                }
                part => parts.push(part),
            }
        }
        wanted.insert(parts.join("/").into_bytes(), path.as_str());
    }
    let mut others = wanted.keys();
    let within = |inner: &Vec<u8>, outer: &Vec<u8>| {
        inner != outer && (outer.is_empty() || inner.starts_with(&[outer, &b"/"[..]].concat()))
    };
    match others.find(|inner| wanted.keys().any(|outer| within(inner, outer))) {
        None => Ok(wanted),
        Some(inner) => {
            let message = format!("{:?} lies in another path that is read too", printable(inner));
            Err(LayerFailure::Call(message))
        }
    }
}

/// Files that are read piece by piece, until the user ends it.
pub(super) struct Reading<'a> {
    pub(super) opened: &'a Opened,
    interrupt: &'a AtomicBool,
}

impl Reading<'_> {
    /// Gives a file to `take`, piece by piece, each verified; gives its length. `name` is for errors.
    pub(super) fn pieces(
        &self,
        name: &[u8],
        id: NodeId,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let files = &self.opened.files;
        let mut buffer = Zeroizing::new(vec![0; PIECE_BYTES]);
        let mut offset = 0;
        loop {
            if self.interrupt.load(Ordering::Relaxed) {
                return Err(LayerFailure::Interrupted.into());
            }
            let count = self
                .opened
                .verified(|| files.read(id, offset, &mut buffer))
                .map_err(|error| unless_ended(LayerFailure::of_file(name, error), self.interrupt))?;
            if count == 0 {
                return Ok(offset);
            }
            take(&buffer[..count])?;
            offset += count as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_in_the_root_and_not_one_in_another() {
        let paths = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            wanted(&paths).map(|wanted| {
                let names = wanted.into_keys().map(|name| String::from_utf8(name).unwrap());
                names.collect::<Vec<_>>()
            })
        };
        assert_eq!(paths(&["/b//c/", "./a"]).unwrap(), ["a", "b/c"]);
        assert_eq!(paths(&["/a", "a"]).unwrap(), ["a"]);
        assert_eq!(paths(&["a/b", "a.b", "a/bc"]).unwrap(), ["a.b", "a/b", "a/bc"]);
        assert_eq!(paths(&["/"]).unwrap(), [""]);
        for wrong in [
            &["a/../b"][..],
            &["a", "a/b"],
            &["a/b/c", "x", "a/b"],
            &["/", "a"],
        ] {
            assert!(paths(wrong).is_err(), "{wrong:?}");
        }
    }
}
