//! An image's files as FUSE asks for them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyXattr, Request,
};
use sealab_layer::{FileNode, NodeId, NodeKind};
use zeroize::Zeroizing;

use crate::layer::copied::time;
use crate::layer::failure::is_untrue;
use crate::layer::opened::{Opened, printable};

/// How long the kernel may go by what it was told: an image does not change.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const BLOCK_BYTES: u32 = 4096;
/// The longest name that Linux has, in bytes.
const MAX_NAME: u32 = 255;
/// How many different errors are told before the same ones are told again.
const MAX_TOLD: usize = 1024;

/// The filesystem.
pub(super) struct ImageFilesystem {
    opened: Arc<Opened>,
    /// Counts what was read that was not what was sealed.
    refused: Arc<AtomicU64>,
    /// The errors that were told, so that a program that tries again and again does not fill a log.
    told: Mutex<HashSet<String>>,
    /// Files, and what all of them have, in bytes.
    totals: (u64, u64),
}

impl ImageFilesystem {
    pub(super) fn new(opened: Arc<Opened>, refused: Arc<AtomicU64>) -> Self {
        let mut seen = HashSet::new();
        let mut bytes = 0_u64;
        walk(&opened, &mut |_, id, node| {
            if seen.insert(id) && node.kind == NodeKind::Regular {
                bytes = bytes.saturating_add(node.size);
            }
            true
        });
        Self {
            opened,
            refused,
            told: Mutex::default(),
            totals: (seen.len() as u64, bytes),
        }
    }

    fn node(&self, inode: INodeNo) -> Option<(NodeId, &FileNode)> {
        let id = NodeId(inode.0.checked_sub(1)?);
        Some((id, self.opened.files.node(id)?))
    }

    fn attributes(id: NodeId, node: &FileNode) -> FileAttr {
        let modified = time(node.mtime);
        FileAttr {
            ino: number(id),
            size: node.size,
            blocks: node.size.div_ceil(512),
            atime: modified,
            mtime: modified,
            ctime: modified,
            crtime: modified,
            kind: file_type(&node.kind),
            perm: (node.mode & 0o7777) as u16,
            nlink: node.links,
            uid: node.uid,
            gid: node.gid,
            rdev: device(&node.kind),
            blksize: BLOCK_BYTES,
            flags: 0,
        }
    }

    /// Tells an error of a file, by one of its names and what the layer's reader says.
    fn tell(&self, id: NodeId, error: &sealab_layer::Error) {
        if is_untrue(error) {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        let mut path = Vec::new();
        walk(&self.opened, &mut |name, found, _| {
            if found == id {
                path = name.to_vec();
            }
            found != id
        });
        let line = format!("sealab: /{}: {error}", printable(&path));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD {
            told.clear();
        }
        if told.insert(line.clone()) {
            // Nobody is left to tell that standard error is gone.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Gives every file of the image with its path to `take`, until that says no.
fn walk(opened: &Opened, take: &mut dyn FnMut(&[u8], NodeId, &FileNode) -> bool) {
    let files = &opened.files;
    let mut waiting = vec![(Vec::new(), NodeId::ROOT)];
    while let Some((path, id)) = waiting.pop() {
        let Some(node) = files.node(id) else { continue };
        if !take(&path, id, node) {
            return;
        }
        waiting.extend(files.children(id).map(|(name, id)| {
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            (path, id)
        }));
    }
}

/// FUSE's root is 1.
fn number(id: NodeId) -> INodeNo {
    INodeNo(id.0.wrapping_add(1))
}

fn file_type(kind: &NodeKind) -> FileType {
    match kind {
        NodeKind::Directory => FileType::Directory,
        NodeKind::Regular => FileType::RegularFile,
        NodeKind::Symlink(_) => FileType::Symlink,
        NodeKind::CharacterDevice { .. } => FileType::CharDevice,
        NodeKind::BlockDevice { .. } => FileType::BlockDevice,
        NodeKind::Fifo => FileType::NamedPipe,
    }
}

/// A device's numbers as the kernel packs them into 32 bits.
fn device(kind: &NodeKind) -> u32 {
    match kind {
        NodeKind::CharacterDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xf_ff00) << 12)
        }
        _ => 0,
    }
}

/// Answers with an extended attribute's value, or with the names of all.
fn answer_xattr(value: &[u8], size: u32, reply: ReplyXattr) {
    match u32::try_from(value.len()) {
        Ok(length) if size == 0 => reply.size(length),
        Ok(length) if length <= size => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}

impl Filesystem for ImageFilesystem {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for wanted in [InitFlags::FUSE_PARALLEL_DIROPS, InitFlags::FUSE_CACHE_SYMLINKS] {
            // An older kernel asks more often.
            let _ = config.add_capabilities(wanted);
        }
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.node(parent).and_then(|(parent, _)| {
            let id = self.opened.files.child(parent, name.as_bytes())?;
            Some((id, self.opened.files.node(id)?))
        });
        match found {
            Some((id, node)) => reply.entry(&FOREVER, &Self::attributes(id, node), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _request: &Request, inode: INodeNo, _handle: Option<FileHandle>, reply: ReplyAttr) {
        match self.node(inode) {
            Some((id, node)) => reply.attr(&FOREVER, &Self::attributes(id, node)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn readlink(&self, _request: &Request, inode: INodeNo, reply: ReplyData) {
        match self.node(inode) {
            Some((_, node)) => match &node.kind {
                NodeKind::Symlink(target) => reply.data(target),
                _ => reply.error(Errno::EINVAL),
            },
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _request: &Request, _inode: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // The mount is read-only, so that nobody opens for writing. What was read once is as good the next time.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
    }

    fn read(
        &self,
        _request: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let Some((id, node)) = self.node(inode) else {
            return reply.error(Errno::ENOENT);
        };
        let length = node.size.saturating_sub(offset).min(u64::from(size)) as usize;
        let mut buffer = Zeroizing::new(vec![0; length]);
        match self
            .opened
            .verified(|| self.opened.files.read(id, offset, &mut buffer))
        {
            Ok(count) => reply.data(&buffer[..count.min(length)]),
            Err(error) => {
                self.tell(id, &error);
                reply.error(Errno::EIO);
            }
        }
    }

    fn opendir(&self, _request: &Request, _inode: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let flags = FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_CACHE_DIR;
        reply.opened(FileHandle(0), flags);
    }

    fn readdir(
        &self,
        _request: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let Some((folder, _)) = self.node(inode) else {
            return reply.error(Errno::ENOENT);
        };
        let files = &self.opened.files;
        let own = [(&b"."[..], folder), (b"..", folder)];
        let entries = own.into_iter().chain(files.children(folder));
        for (place, (name, id)) in (1..)
            .zip(entries)
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        {
            let Some(node) = files.node(id) else { continue };
            if reply.add(number(id), place, file_type(&node.kind), OsStr::from_bytes(name)) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _request: &Request, _inode: INodeNo, reply: ReplyStatfs) {
        let (files, bytes) = self.totals;
        let blocks = bytes.div_ceil(u64::from(BLOCK_BYTES));
        reply.statfs(blocks, 0, 0, files, 0, BLOCK_BYTES, MAX_NAME, BLOCK_BYTES);
    }

    fn getxattr(&self, _request: &Request, inode: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let Some((_, node)) = self.node(inode) else {
            return reply.error(Errno::ENOENT);
        };
        match node.xattrs.iter().find(|(own, _)| own == name.as_bytes()) {
            Some((_, value)) => answer_xattr(value, size, reply),
            None => reply.error(Errno::ENODATA),
        }
    }

    fn listxattr(&self, _request: &Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        let Some((_, node)) = self.node(inode) else {
            return reply.error(Errno::ENOENT);
        };
        let mut names = Vec::new();
        for (name, _) in &node.xattrs {
            names.extend_from_slice(name);
            names.push(0);
        }
        answer_xattr(&names, size, reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_packed_as_the_kernel_unpacks_them() {
        let pack = |major, minor| device(&NodeKind::BlockDevice { major, minor });
        // MAJOR and MINOR of new_decode_dev in include/linux/kdev_t.h.
        let unpack = |packed: u32| {
            (
                (packed & 0xf_ff00) >> 8,
                (packed & 0xff) | ((packed >> 12) & 0xf_ff00),
            )
        };
        for (major, minor) in [(1, 3), (8, 1), (259, 70_000), (0xfff, 0xf_ffff)] {
            assert_eq!(unpack(pack(major, minor)), (major, minor));
        }
    }
}
