//! The entries of a layer's tar, as far as files are read by them.

/// One entry of a tar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    /// The path as it stands in the tar.
    pub(crate) path: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum EntryKind {
    Directory,
    /// A file of `size` bytes, whose content stands at `offset` of the tar.
    Regular {
        size: u64,
        offset: u64,
    },
    /// A file of `size` bytes that is stored without its holes, which is not read.
    Sparse {
        size: u64,
    },
    /// Another name for the file at a path of the image.
    HardLink(Vec<u8>),
    Symlink(Vec<u8>),
    CharacterDevice {
        major: u32,
        minor: u32,
    },
    BlockDevice {
        major: u32,
        minor: u32,
    },
    Fifo,
}

/// The longest path or target of a link, in bytes: as long as the system takes.
pub(super) const MAX_PATH_BYTES: usize = 4096;
/// The longest name of an extended attribute, in bytes.
pub(super) const MAX_XATTR_NAME_BYTES: usize = 255;
/// The longest value of an extended attribute, in bytes.
pub(super) const MAX_XATTR_BYTES: usize = 64 << 10;

/// How many entries and how much memory for them there may be, so that no tar takes more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl Budget {
    /// What the entries of a layer may take that is read.
    pub(super) const LAYER: Self = Self {
        entries: 1 << 18,
        bytes: 64 << 20,
    };

    /// What those may take that are in an index, which is made beside other work.
    pub(super) const INDEX: Self = Self {
        entries: 1 << 17,
        bytes: 24 << 20,
    };

    /// Takes an entry off; says whether there was so much.
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        let link = match &entry.kind {
            EntryKind::HardLink(target) | EntryKind::Symlink(target) => target.len(),
            _ => 0,
        };
        let xattrs =
            |(name, value): &(Vec<u8>, Vec<u8>)| name.len() + value.len() + size_of::<[Vec<u8>; 2]>();
        let bytes =
            size_of::<Entry>() + entry.path.len() + link + entry.xattrs.iter().map(xattrs).sum::<usize>();
        match (self.entries.checked_sub(1), self.bytes.checked_sub(bytes)) {
            (Some(entries), Some(bytes)) => {
                *self = Self { entries, bytes };
                true
            }
            _ => false,
        }
    }
}
