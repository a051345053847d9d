//! What an image's files are, for whoever serves them.

/// A file of an image. Hard links to one file have the same.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(pub u64);

impl NodeId {
    /// The image's root, a directory.
    pub const ROOT: Self = Self(0);
}

/// What is known of a file without reading it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileNode {
    /// What it is.
    pub kind: NodeKind,
    /// Permissions, with set-user-ID, set-group-ID and sticky bits: the low 12 bits of a mode.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When it was last modified, in seconds since 1970.
    pub mtime: i64,
    /// The length of a regular file or of a symbolic link's target, in bytes; else 0.
    pub size: u64,
    /// How many names it has; for a directory 2 and one for each directory in it.
    pub links: u32,
    /// Extended attributes, names and values.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Kinds of files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symbolic link, with its target as it is.
    Symlink(Vec<u8>),
    /// A character device.
    CharacterDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}
