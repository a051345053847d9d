//! The files of all layers together, as the image specification puts them over each other (image-spec, layer.md).
//!
//! All of it is names in memory: a path or a link leads nowhere but to another file of the image.

use std::collections::BTreeMap;

use super::entry::{Budget, Entry, EntryKind};
use super::path::{Step, Walk, components, shown};
use super::{FileNode, NodeId, NodeKind};
use crate::Error;

const WHITEOUT: &[u8] = b".wh.";
/// Hides all that lower layers have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What AUFS keeps beside the files; no file of the image.
const AUFS: &[u8] = b".wh..wh.";

/// What the entries of all layers may take.
const IMAGE_BUDGET: Budget = Budget {
    entries: 1 << 20,
    bytes: 128 << 20,
};

/// The most bytes of targets that are followed to put all entries in their places, so that links over links take no
/// endless time.
const MAX_FOLLOWED_BYTES: usize = 64 << 20;

/// Where a regular file's content stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// At an offset of a layer's tar.
    At { layer: usize, offset: u64 },
    /// In a form that is not read.
    Sparse,
}

/// A file.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) file: FileNode,
    pub(super) children: BTreeMap<Vec<u8>, Child>,
    pub(super) place: Option<Place>,
    /// The last layer that has this directory, or something in it.
    layer: usize,
    /// The layer that last hid what those below it have in this directory.
    hidden: Option<usize>,
}

/// A name in a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) id: NodeId,
    /// The layer that has the name; for a directory its own says it.
    layer: usize,
}

/// The files of the layers that were added.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    budget: Budget,
    /// How much of symbolic links may still be followed for entries, in bytes of their targets.
    follow: usize,
}

/// What is done about what is missing on the way of a path.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Missing {
    Refuse,
    /// Make directories, which the layer has.
    Make(usize),
}

impl Tree {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::directory(0)],
            budget: IMAGE_BUDGET,
            follow: MAX_FOLLOWED_BYTES,
        }
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).ok()?)
    }

    /// The file at a path.
    pub(super) fn resolve(&self, path: &[u8]) -> Result<NodeId, Error> {
        match Walk::new(path).next(self, true)? {
            Step::Arrived(id) => Ok(id),
            Step::Missing { name, .. } => Err(Error::NotFound {
                place: "the image".to_owned(),
                wanted: format!("file {}", shown(path)),
                present: format!("no {}", shown(&name)),
            }),
        }
    }

    /// Puts the entries of the next layer over those before it.
    pub(super) fn add_layer(&mut self, layer: usize, entries: &[Entry]) -> Result<(), Error> {
        for entry in entries {
            if !self.budget.take(entry) {
                return Err(Error::malformed(
                    "the image",
                    format!(
                        "it has more files than are read, which is {}",
                        IMAGE_BUDGET.entries
                    ),
                ));
            }
            self.add(layer, entry)
                .map_err(|problem| problem.of(&entry.path))?;
        }
        Ok(())
    }

    /// Counts what only all layers together tell.
    pub(super) fn finish(&mut self) {
        let mut counted = vec![0; self.nodes.len()];
        let mut left = vec![NodeId::ROOT];
        while let Some(id) = left.pop() {
            let children = &self.nodes[id.index()].children;
            let directories = children
                .values()
                .map(|child| child.id)
                .filter(|child| self.nodes[child.index()].is_directory());
            counted[id.index()] += 2 + directories.clone().count() as u32;
            left.extend(directories);
            for child in children.values() {
                if !self.nodes[child.id.index()].is_directory() {
                    counted[child.id.index()] += 1;
                }
            }
        }
        for (node, links) in self.nodes.iter_mut().zip(counted) {
            node.file.links = links;
        }
    }

    fn add(&mut self, layer: usize, entry: &Entry) -> Result<(), Problem> {
        let components = components(&entry.path).map_err(Problem::Wrong)?;
        let Some((name, parents)) = components.split_last() else {
            // The root itself.
            let EntryKind::Directory = entry.kind else {
                return Err(Problem::Wrong(
                    "it is the image's root, which must be a directory",
                ));
            };
            let root = &mut self.nodes[0];
            root.file = file(entry, NodeKind::Directory, 0);
            root.layer = layer;
            return Ok(());
        };
        if components
            .iter()
            .any(|name| name.starts_with(AUFS) && *name != OPAQUE)
        {
            return Ok(());
        }
        if parents.iter().any(|name| name.starts_with(WHITEOUT)) {
            return Err(Problem::Wrong("it lies in a whiteout, which is no directory"));
        }
        let whiteout = name.strip_prefix(WHITEOUT);
        let missing = match whiteout {
            Some(_) => Missing::Refuse,
            None => Missing::Make(layer),
        };
        let Some(parent) = self.directory(parents, missing)? else {
            return Ok(());
        };
        match whiteout {
            Some(_) if *name == OPAQUE => self.hide_lower(parent, layer),
            Some(b"" | b"." | b"..") => return Err(Problem::Wrong("it is a whiteout of no name")),
            Some(hidden) => self.hide(parent, hidden, layer),
            None => self.put(layer, entry, parent, name)?,
        }
        Ok(())
    }

    /// Puts an entry under its name, in the place of what was there.
    fn put(&mut self, layer: usize, entry: &Entry, parent: NodeId, name: &[u8]) -> Result<(), Problem> {
        let before = self.nodes[parent.index()]
            .children
            .get(name)
            .map(|child| child.id);
        let kind = match &entry.kind {
            EntryKind::Directory => {
                if let Some(before) = before.filter(|before| self.nodes[before.index()].is_directory()) {
                    let node = &mut self.nodes[before.index()];
                    node.file = file(entry, NodeKind::Directory, 0);
                    node.layer = layer;
                    return Ok(());
                }
                NodeKind::Directory
            }
            EntryKind::HardLink(target) => {
                let target = self.link_target(target)?;
                let child = Child { id: target, layer };
                self.nodes[parent.index()].children.insert(name.to_vec(), child);
                return Ok(());
            }
            EntryKind::Regular { .. } | EntryKind::Sparse { .. } => NodeKind::Regular,
            EntryKind::Symlink(target) => NodeKind::Symlink(target.clone()),
            &EntryKind::CharacterDevice { major, minor } => NodeKind::CharacterDevice { major, minor },
            &EntryKind::BlockDevice { major, minor } => NodeKind::BlockDevice { major, minor },
            EntryKind::Fifo => NodeKind::Fifo,
        };
        let (size, place) = match &entry.kind {
            &EntryKind::Regular { size, offset } => (size, Some(Place::At { layer, offset })),
            &EntryKind::Sparse { size } => (size, Some(Place::Sparse)),
            EntryKind::Symlink(target) => (target.len() as u64, None),
            _ => (0, None),
        };
        let node = Node {
            file: file(entry, kind, size),
            children: BTreeMap::new(),
            place,
            layer,
            hidden: None,
        };
        self.insert(parent, name, node);
        Ok(())
    }

    /// The file that a hard link names: no directory, and no symbolic link is followed to it but on the way.
    fn link_target(&mut self, target: &[u8]) -> Result<NodeId, Problem> {
        let components = components(target).map_err(Problem::Wrong)?;
        let mut walk = Walk::over(&components);
        let step = walk.next(self, false).map_err(Problem::Other)?;
        self.followed(&walk)?;
        let id = match step {
            Step::Arrived(id) => id,
            Step::Missing { .. } => return Err(Problem::NoTarget(target.to_vec())),
        };
        if self.nodes[id.index()].is_directory() {
            return Err(Problem::Wrong("it is a hard link to a directory"));
        }
        Ok(id)
    }

    /// The directory at a path, symbolic links followed within the image as runtimes do that unpack layers. `None` where
    /// it is missing and none is made.
    fn directory(&mut self, components: &[&[u8]], missing: Missing) -> Result<Option<NodeId>, Problem> {
        let mut walk = Walk::over(components);
        loop {
            let step = walk.next(self, true).map_err(Problem::Other)?;
            let id = match step {
                Step::Arrived(id) => id,
                Step::Missing { parent, name } => match missing {
                    Missing::Refuse => {
                        self.followed(&walk)?;
                        return Ok(None);
                    }
                    Missing::Make(layer) => {
                        let made = self.insert(parent, &name, Node::directory(layer));
                        walk.enter(made);
                        continue;
                    }
                },
            };
            self.followed(&walk)?;
            if !self.nodes[id.index()].is_directory() {
                return match missing {
                    Missing::Refuse => Ok(None),
                    Missing::Make(_) => Err(Problem::Wrong("it lies in what is no directory")),
                };
            }
            if let Missing::Make(layer) = missing {
                for above in &walk.stack {
                    self.nodes[above.index()].layer = layer;
                }
            }
            return Ok(Some(id));
        }
    }

    /// Takes off what a walk followed.
    fn followed(&mut self, walk: &Walk) -> Result<(), Problem> {
        self.follow = self
            .follow
            .checked_sub(walk.followed_bytes)
            .ok_or(Problem::Wrong(
                "it and those before it lead over more symbolic links than are followed",
            ))?;
        Ok(())
    }

    fn insert(&mut self, parent: NodeId, name: &[u8], node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u64);
        let child = Child {
            id,
            layer: node.layer,
        };
        self.nodes.push(node);
        self.nodes[parent.index()].children.insert(name.to_vec(), child);
        id
    }

    /// Hides what lower layers have under a name; what the layer itself put there stays.
    fn hide(&mut self, parent: NodeId, name: &[u8], layer: usize) {
        let Some(&child) = self.nodes[parent.index()].children.get(name) else {
            return;
        };
        if self.layer_of(&child) != layer {
            self.nodes[parent.index()].children.remove(name);
        } else if self.nodes[child.id.index()].is_directory() {
            self.hide_lower(child.id, layer);
        }
    }

    /// The last layer that has what a name stands for, or something in it.
    fn layer_of(&self, child: &Child) -> usize {
        let node = &self.nodes[child.id.index()];
        if node.is_directory() {
            node.layer
        } else {
            child.layer
        }
    }

    /// Hides all that lower layers have in a directory, wherever in the tar that is said.
    fn hide_lower(&mut self, directory: NodeId, layer: usize) {
        let mut left = vec![directory];
        while let Some(id) = left.pop() {
            // Once is enough: all that came since is the layer's own.
            if self.nodes[id.index()].hidden.replace(layer) == Some(layer) {
                continue;
            }
            let mut children = std::mem::take(&mut self.nodes[id.index()].children);
            children.retain(|_, child| self.layer_of(child) == layer);
            left.extend(
                children
                    .values()
                    .map(|child| child.id)
                    .filter(|child| self.nodes[child.index()].is_directory()),
            );
            self.nodes[id.index()].children = children;
        }
    }
}

impl Node {
    /// A directory that no entry describes.
    fn directory(layer: usize) -> Self {
        Self {
            file: FileNode {
                kind: NodeKind::Directory,
                mode: 0o755,
                uid: 0,
                gid: 0,
                mtime: 0,
                size: 0,
                links: 0,
                xattrs: Vec::new(),
            },
            children: BTreeMap::new(),
            place: None,
            layer,
            hidden: None,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.file.kind == NodeKind::Directory
    }
}

impl NodeId {
    /// Where the file is among the nodes. Only of those that the tree made.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

fn file(entry: &Entry, kind: NodeKind, size: u64) -> FileNode {
    FileNode {
        kind,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        size,
        links: 0,
        xattrs: entry.xattrs.clone(),
    }
}

/// Why an entry is refused.
enum Problem {
    Wrong(&'static str),
    NoTarget(Vec<u8>),
    Other(Error),
}

impl Problem {
    fn of(self, path: &[u8]) -> Error {
        let place = format!("the entry {}", shown(path));
        match self {
            Self::Wrong(problem) => Error::malformed(place, problem),
            Self::NoTarget(target) => Error::malformed(
                place,
                format!(
                    "it is a hard link to {}, which is not in the image",
                    shown(&target)
                ),
            ),
            Self::Other(error) => Error::malformed(place, error.to_string()),
        }
    }
}
