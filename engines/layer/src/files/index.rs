//! The index of a layer's files: its tar's entries, and the frames that the tar is compressed in.
//!
//! It is sealed, so what is read here was written by whoever had the layer's key; yet nothing in it is taken on trust.

use zeroize::Zeroizing;

use super::entry::{Budget, Entry, EntryKind, MAX_PATH_BYTES, MAX_XATTR_BYTES, MAX_XATTR_NAME_BYTES};
use crate::Error;

const PLACE: &str = "the file index";
const BLOCK: u64 = 512;

/// The longest index that is read or written, in bytes.
pub(super) const MAX_PLAIN_BYTES: usize = 10 << 20;
/// The longest frame of a compressed tar, in bytes of the tar.
const MAX_FRAME_BYTES: u32 = 1 << 20;

/// The shortest entry: its fixed parts, and a path of one byte.
const MIN_ENTRY_BYTES: u64 = 24;

/// One zstd frame of a layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// Its length, in bytes.
    pub(crate) stored_bytes: u32,
    /// That of the part of the tar in it, in bytes.
    pub(crate) plain_bytes: u32,
}

/// What files a layer has, and where.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct FileIndex {
    /// The length of the tar, uncompressed, in bytes.
    pub(crate) tar_bytes: u64,
    /// The frames of a compressed tar, in order; none if the layer is a tar.
    pub(crate) frames: Vec<Frame>,
    /// The tar's entries, in order.
    pub(crate) entries: Vec<Entry>,
}

impl FileIndex {
    /// The index as it is sealed, or `None` where it would be longer than is read.
    pub(super) fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.extend(self.tar_bytes.to_le_bytes());
        bytes.extend(u32::try_from(self.frames.len()).ok()?.to_le_bytes());
        bytes.extend(u32::try_from(self.entries.len()).ok()?.to_le_bytes());
        for frame in &self.frames {
            bytes.extend(frame.stored_bytes.to_le_bytes());
            bytes.extend(frame.plain_bytes.to_le_bytes());
        }
        let mut behind = 0;
        for entry in &self.entries {
            write_entry(&mut bytes, entry, &mut behind)?;
            if bytes.len() > MAX_PLAIN_BYTES {
                return None;
            }
        }
        Some(bytes)
    }

    /// Reads an index for a layer of `layer_bytes`.
    pub(super) fn parse(bytes: &[u8], layer_bytes: u64) -> Result<Self, Error> {
        let mut reader = Reader { bytes, place: 0 };
        if bytes.len() > MAX_PLAIN_BYTES {
            return Err(reader.wrong(format!(
                "it has {} bytes; at most {MAX_PLAIN_BYTES} are read",
                bytes.len()
            )));
        }
        let tar_bytes = reader.u64()?;
        let (frames, entries) = (reader.u32()?, reader.u32()?);
        // Each takes more than this, so what is reserved is bounded by what is there.
        if u64::from(frames) * 8 + u64::from(entries) * MIN_ENTRY_BYTES > bytes.len() as u64 {
            return Err(reader.wrong(format!(
                "it is for {frames} frames and {entries} entries, more than there is room for"
            )));
        }
        let frames = read_frames(&mut reader, frames, tar_bytes, layer_bytes)?;
        if frames.is_empty() && tar_bytes != layer_bytes {
            return Err(reader.wrong(format!(
                "it is for a tar of {tar_bytes} bytes; the layer has {layer_bytes}"
            )));
        }
        let (mut read, mut budget, mut behind) = (Vec::new(), Budget::INDEX, 0);
        for _ in 0..entries {
            let entry = read_entry(&mut reader, &mut behind, tar_bytes)?;
            if !budget.take(&entry) {
                return Err(reader.wrong("it has more entries, or longer ones, than are read"));
            }
            read.push(entry);
        }
        if reader.place != bytes.len() {
            return Err(reader.wrong("it goes on behind its last entry"));
        }
        Ok(Self {
            tar_bytes,
            frames,
            entries: read,
        })
    }
}

fn read_frames(
    reader: &mut Reader<'_>,
    count: u32,
    tar_bytes: u64,
    layer_bytes: u64,
) -> Result<Vec<Frame>, Error> {
    let mut frames = Vec::new();
    let (mut stored, mut plain) = (0, 0);
    for number in 0..count {
        let frame = Frame {
            stored_bytes: reader.u32()?,
            plain_bytes: reader.u32()?,
        };
        // No frame that is worth it is longer than what is in it by more than this.
        let most = frame.plain_bytes.saturating_add(MAX_FRAME_EXTRA_BYTES);
        if frame.plain_bytes > MAX_FRAME_BYTES
            || (frame.plain_bytes == 0 && count > 1)
            || !(1..=most).contains(&frame.stored_bytes)
        {
            return Err(reader.wrong(format!(
                "frame {number} has {} bytes for {}; no frame has",
                frame.stored_bytes, frame.plain_bytes
            )));
        }
        stored += u64::from(frame.stored_bytes);
        plain += u64::from(frame.plain_bytes);
        frames.push(frame);
    }
    if count > 0 && (stored != layer_bytes || plain != tar_bytes) {
        return Err(reader.wrong(format!(
            "its frames have {stored} bytes for {plain}; the layer has {layer_bytes} for {tar_bytes}"
        )));
    }
    Ok(frames)
}

/// What zstd adds to what it cannot compress, at most, in bytes.
const MAX_FRAME_EXTRA_BYTES: u32 = 4 << 10;

const DIRECTORY: u8 = 0;
const REGULAR: u8 = 1;
const SPARSE: u8 = 2;
const HARD_LINK: u8 = 3;
const SYMLINK: u8 = 4;
const CHARACTER_DEVICE: u8 = 5;
const BLOCK_DEVICE: u8 = 6;
const FIFO: u8 = 7;

/// `behind` is the end of the content before, where the next can begin.
fn write_entry(bytes: &mut Vec<u8>, entry: &Entry, behind: &mut u64) -> Option<()> {
    let short = |bytes: &mut Vec<u8>, text: &[u8]| {
        bytes.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
        bytes.extend(text);
        Some(())
    };
    bytes.push(match entry.kind {
        EntryKind::Directory => DIRECTORY,
        EntryKind::Regular { .. } => REGULAR,
        EntryKind::Sparse { .. } => SPARSE,
        EntryKind::HardLink(_) => HARD_LINK,
        EntryKind::Symlink(_) => SYMLINK,
        EntryKind::CharacterDevice { .. } => CHARACTER_DEVICE,
        EntryKind::BlockDevice { .. } => BLOCK_DEVICE,
        EntryKind::Fifo => FIFO,
    });
    bytes.extend((entry.mode as u16).to_le_bytes());
    bytes.extend(entry.uid.to_le_bytes());
    bytes.extend(entry.gid.to_le_bytes());
    bytes.extend(entry.mtime.to_le_bytes());
    short(bytes, &entry.path)?;
    match &entry.kind {
        EntryKind::Directory | EntryKind::Fifo => {}
        EntryKind::Regular { size, offset } => {
            bytes.extend(size.to_le_bytes());
            // A few equal numbers, where the offsets would all be different ones.
            bytes.extend(offset.checked_sub(*behind)?.to_le_bytes());
            *behind = offset.checked_add(*size)?.checked_next_multiple_of(BLOCK)?;
        }
        EntryKind::Sparse { size } => bytes.extend(size.to_le_bytes()),
        EntryKind::HardLink(target) | EntryKind::Symlink(target) => short(bytes, target)?,
        EntryKind::CharacterDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            bytes.extend(major.to_le_bytes());
            bytes.extend(minor.to_le_bytes());
        }
    }
    bytes.extend(u16::try_from(entry.xattrs.len()).ok()?.to_le_bytes());
    for (name, value) in &entry.xattrs {
        bytes.push(u8::try_from(name.len()).ok()?);
        bytes.extend(name);
        bytes.extend(u32::try_from(value.len()).ok()?.to_le_bytes());
        bytes.extend(value);
    }
    Some(())
}

fn read_entry(reader: &mut Reader<'_>, behind: &mut u64, tar_bytes: u64) -> Result<Entry, Error> {
    let kind = reader.array::<1>()?[0];
    let mode = u32::from(reader.u16()?);
    if mode > 0o7777 {
        return Err(reader.wrong(format!("a mode is {mode:#o}; it must be at most 0o7777")));
    }
    let (uid, gid) = (reader.u32()?, reader.u32()?);
    let mtime = reader.u64()? as i64;
    let path = reader.path()?;
    if path.is_empty() {
        return Err(reader.wrong("an entry has no path"));
    }
    let kind = match kind {
        DIRECTORY => EntryKind::Directory,
        REGULAR => {
            let (size, gap) = (reader.u64()?, reader.u64()?);
            let offset = behind.checked_add(gap);
            let end = offset.and_then(|offset| offset.checked_add(size));
            let (Some(offset), Some(end)) = (offset, end.filter(|end| *end <= tar_bytes)) else {
                return Err(reader.wrong(format!(
                    "a file has {size} bytes, {gap} behind the last; the tar has {tar_bytes} in all"
                )));
            };
            *behind = end.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
            EntryKind::Regular { size, offset }
        }
        SPARSE => EntryKind::Sparse { size: reader.u64()? },
        HARD_LINK => EntryKind::HardLink(reader.path()?),
        SYMLINK => EntryKind::Symlink(reader.path()?),
        CHARACTER_DEVICE => EntryKind::CharacterDevice {
            major: reader.u32()?,
            minor: reader.u32()?,
        },
        BLOCK_DEVICE => EntryKind::BlockDevice {
            major: reader.u32()?,
            minor: reader.u32()?,
        },
        FIFO => EntryKind::Fifo,
        other => return Err(reader.wrong(format!("an entry is of kind {other}; kinds are 0 to {FIFO}"))),
    };
    let mut xattrs = Vec::new();
    for _ in 0..reader.u16()? {
        let name_bytes = usize::from(reader.array::<1>()?[0]);
        let name = reader.take(name_bytes)?.to_vec();
        let value_bytes = reader.u32()? as usize;
        if !(1..=MAX_XATTR_NAME_BYTES).contains(&name_bytes) || value_bytes > MAX_XATTR_BYTES {
            return Err(reader.wrong(format!(
                "an extended attribute has a name of {name_bytes} bytes and a value of {value_bytes}; at most \
                 {MAX_XATTR_NAME_BYTES} and {MAX_XATTR_BYTES} are read"
            )));
        }
        xattrs.push((name, reader.take(value_bytes)?.to_vec()));
    }
    Ok(Entry {
        kind,
        path,
        mode,
        uid,
        gid,
        mtime,
        xattrs,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, problem: impl Into<String>) -> Error {
        Error::malformed(format!("{PLACE}, before offset {}", self.place), problem)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let part = self.bytes[self.place..].get(..length);
        let part = part.ok_or_else(|| {
            self.wrong(format!(
                "{length} bytes must follow; there are {}",
                self.bytes.len() - self.place
            ))
        })?;
        self.place += length;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    fn path(&mut self) -> Result<Vec<u8>, Error> {
        let length = usize::from(self.u16()?);
        let path = self.take(length)?;
        if length > MAX_PATH_BYTES || path.contains(&0) {
            return Err(self.wrong(format!(
                "a path has {length} bytes; at most {MAX_PATH_BYTES} are read, and no zero byte"
            )));
        }
        Ok(path.to_vec())
    }
}
