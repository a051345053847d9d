//! Paths within an image, and the way along them.

use super::tree::Tree;
use super::{NodeId, NodeKind};
use crate::Error;

/// The most symbolic links that are followed for one path, as Linux has it.
const MAX_LINKS_FOLLOWED: usize = 40;
/// The longest name, in bytes, as Linux has it.
const MAX_NAME_BYTES: usize = 255;

/// The names in an entry's path. Leading and doubled slashes say nothing; `..` is refused.
pub(super) fn components(path: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let names: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .collect();
    if names.contains(&b"..".as_slice()) {
        return Err("its path has .., which would lead out of the image");
    }
    if names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        return Err("a name in its path has more than 255 bytes");
    }
    Ok(names)
}

/// A path for a message, in printable ASCII and of bounded length.
pub(super) fn shown(path: &[u8]) -> String {
    let (start, cut) = path.split_at(path.len().min(200));
    let more = if cut.is_empty() { "" } else { "…" };
    format!("{}{more}", start.escape_ascii())
}

/// What stands where a walk came to.
pub(super) enum Step {
    Arrived(NodeId),
    /// The directory `parent` has no `name`.
    Missing {
        parent: NodeId,
        name: Vec<u8>,
    },
}

/// The way along a path, from the root.
pub(super) struct Walk {
    /// The names that are left, the next one last.
    left: Vec<Vec<u8>>,
    /// The directories above, the root first; last what was come to.
    pub(super) stack: Vec<NodeId>,
    followed: usize,
    /// The targets of those links together, in bytes.
    pub(super) followed_bytes: usize,
}

impl Walk {
    pub(super) fn new(path: &[u8]) -> Self {
        let mut walk = Self {
            left: Vec::new(),
            stack: vec![NodeId::ROOT],
            followed: 0,
            followed_bytes: 0,
        };
        walk.push(path);
        walk
    }

    pub(super) fn over(components: &[&[u8]]) -> Self {
        Self {
            left: components.iter().rev().map(|name| name.to_vec()).collect(),
            stack: vec![NodeId::ROOT],
            followed: 0,
            followed_bytes: 0,
        }
    }

    fn push(&mut self, path: &[u8]) {
        let names = path.rsplit(|byte| *byte == b'/');
        let meant = names.filter(|name| !name.is_empty() && *name != b".");
        self.left.extend(meant.map(<[u8]>::to_vec));
    }

    pub(super) fn enter(&mut self, id: NodeId) {
        self.stack.push(id);
    }

    /// Goes on to the path's end, or to what is missing on the way. `follow` says whether a symbolic link at the end is
    /// followed; on the way all are.
    pub(super) fn next(&mut self, tree: &Tree, follow: bool) -> Result<Step, Error> {
        loop {
            // The root is never taken off.
            let at = self.stack.last().copied().unwrap_or(NodeId::ROOT);
            let Some(name) = self.left.pop() else {
                return Ok(Step::Arrived(at));
            };
            if name == b".." {
                if self.stack.len() > 1 {
                    self.stack.pop();
                }
                continue;
            }
            let node = &tree.nodes[at.index()];
            if !node.is_directory() {
                return Err(Error::malformed(
                    format!("the path to {}", shown(&name)),
                    "it leads through what is no directory",
                ));
            }
            let Some(&child) = node.children.get(&name) else {
                return Ok(Step::Missing { parent: at, name });
            };
            match &tree.nodes[child.id.index()].file.kind {
                NodeKind::Symlink(target) if follow || !self.left.is_empty() => {
                    self.followed += 1;
                    self.followed_bytes += target.len();
                    if self.followed > MAX_LINKS_FOLLOWED {
                        return Err(Error::malformed(
                            format!("the path to {}", shown(&name)),
                            format!("it leads over more than {MAX_LINKS_FOLLOWED} symbolic links"),
                        ));
                    }
                    if target.starts_with(b"/") {
                        self.stack.truncate(1);
                    }
                    self.push(target);
                }
                _ => self.stack.push(child.id),
            }
        }
    }
}
