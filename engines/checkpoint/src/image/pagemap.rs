//! A pagemap: which pages of a process or of shared memory are where.
//!
//! Pages are 4096 bytes; images of machines with larger pages are not read. Entries are in the order of their addresses
//! and do not overlap. Only an entry with `PE_PRESENT` has bytes in the pages file, one entry behind the other.
//!
//! CRIU 4.3 may compress: an entry then lists the bytes of its blocks, of one page each or of `region_pages` pages, the
//! last block of an entry maybe shorter. 0 is a block of zeros without bytes; a block's full length is the block as it
//! is; all else is one LZ4 block. An entry with `PE_PAYLOAD_ALIGNED` starts at the next multiple of 4096 in its pages
//! file.

use std::io::Read;

use super::grammar::decode;
use super::{Entry, Fault, ImageError, ImageReader, Kind, Part, proto};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
const PAGE: u64 = PAGE_BYTES as u64;

/// The largest compressed block, in bytes: CRIU's own limit.
const BLOCK_MOST: u64 = 4 << 20;

const PE_PARENT: u32 = 1;
const PE_LAZY: u32 = 2;
const PE_PRESENT: u32 = 4;
const PE_PAYLOAD_ALIGNED: u32 = 8;

/// A run of pages with one fate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extent {
    /// The first page's address; in shared memory its distance from the start of the object. In bytes.
    pub address: u64,
    /// How many pages.
    pub pages: u64,
    /// Where they are.
    pub place: Place,
    /// Whether they may be loaded after the process goes on (`PE_LAZY`).
    pub lazy: bool,
    /// Where the extent's entry stands in the pagemap file, in bytes.
    pub offset: u64,
}

/// Where the pages of an extent are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// Nowhere: the pagemap names them and holds nothing.
    Nowhere,
    /// In the parent set, under the same address (`PE_PARENT`).
    Parent,
    /// In the pages file (`PE_PRESENT`).
    Stored(Stored),
}

/// Where in a pages file an extent is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// The first byte.
    pub offset: u64,
    /// How many bytes; 4096 a page if they are not compressed.
    pub bytes: u64,
    /// How they are compressed, if they are.
    pub blocks: Option<Blocks>,
}

/// The compressed blocks of an extent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Blocks {
    /// Pages of each block but the last.
    pub pages_each: u64,
    /// Bytes of each block in the pages file.
    pub sizes: Vec<u32>,
    /// Where every [`MARK`]th block starts, in bytes from the first.
    marks: Vec<u64>,
}

/// Blocks from one mark to the next.
const MARK: usize = 64;

impl Extent {
    /// The address behind the last page, in bytes.
    pub fn end(&self) -> u64 {
        self.address + self.pages * PAGE
    }
}

/// How far the entries of a pagemap have been laid out.
#[derive(Default)]
pub(crate) struct Layout {
    /// The address behind the last extent.
    end: u64,
    /// Bytes of the pages file up to here.
    payload: u64,
}

impl Layout {
    pub(crate) fn payload(&self) -> u64 {
        self.payload
    }

    /// The extent of the next entry.
    pub(crate) fn extent(&mut self, entry: &Entry) -> Result<Extent, Fault> {
        let message: proto::PagemapEntry = decode(entry.message, &entry.bytes)?;
        let address = message
            .vaddr
            .ok_or_else(|| Fault::value("the address of a pagemap entry", "missing", "there"))?;
        let pages = message.nr_pages.unwrap_or(message.compat_nr_pages().into());
        let end = pages
            .checked_mul(PAGE)
            .and_then(|bytes| address.checked_add(bytes));
        let end = match end {
            Some(end) if pages > 0 => end,
            _ => {
                return Err(Fault::value(
                    "the number of pages",
                    pages,
                    "at least 1, within the address space",
                ));
            }
        };
        if !address.is_multiple_of(PAGE) || address < self.end {
            return Err(Fault::value(
                "the address",
                format_args!("{address:#x}"),
                format_args!("a multiple of 4096, from {:#x} on", self.end),
            ));
        }
        self.end = end;
        // Entries from before the flags had either `in_parent` or bytes.
        let flags = match (message.in_parent(), message.flags) {
            (true, flags) => flags.unwrap_or(0) | PE_PARENT,
            (false, None) => PE_PRESENT,
            (false, Some(flags)) => flags,
        };
        let unknown = flags & !(PE_PARENT | PE_LAZY | PE_PRESENT | PE_PAYLOAD_ALIGNED);
        if unknown != 0 {
            return Err(Fault::value("the flags", flags, "a sum of 1, 2, 4 and 8"));
        }
        let place = match (flags & PE_PRESENT != 0, flags & PE_PARENT != 0) {
            (true, true) => {
                return Err(Fault::value("the flags", flags, "either PE_PARENT or PE_PRESENT"));
            }
            (true, false) => Place::Stored(self.stored(pages, flags, message)?),
            (false, parent) => {
                if is_compressed(&message) || flags & PE_PAYLOAD_ALIGNED != 0 {
                    return Err(Fault::value(
                        "an entry with a pages file's layout",
                        "without PE_PRESENT",
                        "with it",
                    ));
                }
                if parent { Place::Parent } else { Place::Nowhere }
            }
        };
        Ok(Extent {
            address,
            pages,
            place,
            lazy: flags & PE_LAZY != 0,
            offset: entry.offset,
        })
    }

    fn stored(&mut self, pages: u64, flags: u32, message: proto::PagemapEntry) -> Result<Stored, Fault> {
        let too_far = || Fault::value("the length of the pages file", "over 2^64", "less");
        let offset = if flags & PE_PAYLOAD_ALIGNED == 0 {
            self.payload
        } else {
            self.payload.checked_next_multiple_of(PAGE).ok_or_else(too_far)?
        };
        let blocks = is_compressed(&message)
            .then(|| Blocks::new(pages, message))
            .transpose()?;
        let bytes = match &blocks {
            // The sum of 32-bit sizes of one entry is far below 2^64.
            Some(blocks) => blocks.sizes.iter().map(|size| u64::from(*size)).sum(),
            None => pages * PAGE,
        };
        self.payload = offset.checked_add(bytes).ok_or_else(too_far)?;
        Ok(Stored {
            offset,
            bytes,
            blocks,
        })
    }
}

fn is_compressed(message: &proto::PagemapEntry) -> bool {
    !message.compressed_size.is_empty()
        || message.total_compressed_size.is_some()
        || message.region_pages.is_some()
}

impl Blocks {
    fn new(pages: u64, message: proto::PagemapEntry) -> Result<Self, Fault> {
        let pages_each = u64::from(message.region_pages()).max(1);
        if pages_each * PAGE > BLOCK_MOST {
            return Err(Fault::value("the pages of a region", pages_each, "at most 1024"));
        }
        let sizes = message.compressed_size;
        let mut sum = 0;
        let mut marks = Vec::with_capacity(sizes.len() / MARK + 1);
        for run in sizes.chunks(MARK) {
            marks.push(sum);
            sum += run.iter().map(|size| u64::from(*size)).sum::<u64>();
        }
        let blocks = Self {
            pages_each,
            sizes,
            marks,
        };
        let count = pages.div_ceil(pages_each);
        if blocks.sizes.len() as u64 != count {
            return Err(Fault::value("the number of blocks", blocks.sizes.len(), count));
        }
        for (index, size) in blocks.sizes.iter().enumerate() {
            let most = blocks.pages_of(index as u64, pages) * PAGE;
            if u64::from(*size) > most {
                return Err(Fault::value(
                    "the length of a block",
                    size,
                    format_args!("at most {most}"),
                ));
            }
        }
        match message.total_compressed_size {
            Some(total) if total != sum => Err(Fault::value("total_compressed_size", total, sum)),
            _ => Ok(blocks),
        }
    }

    /// Pages of block `index` in an extent of `pages` pages.
    pub(super) fn pages_of(&self, index: u64, pages: u64) -> u64 {
        self.pages_each.min(pages - index * self.pages_each)
    }

    /// Where block `index` starts, in bytes from the extent's first.
    pub(super) fn start_of(&self, index: usize) -> u64 {
        let mark = index / MARK;
        let rest = self.sizes[mark * MARK..index].iter();
        self.marks[mark] + rest.map(|size| u64::from(*size)).sum::<u64>()
    }
}

/// Reads a pagemap extent by extent. Memory: one entry.
pub struct PagemapReader<R> {
    image: ImageReader<R>,
    pages_id: u32,
    layout: Layout,
}

impl<R: Read> PagemapReader<R> {
    /// Starts with a pagemap whose parts have not been read.
    ///
    /// # Errors
    /// The image is no pagemap, or as [`ImageReader::next_part`].
    pub fn new(mut image: ImageReader<R>) -> Result<Self, ImageError> {
        let kind = image.header().kind;
        if !matches!(kind, Kind::Pagemap | Kind::ShmemPagemap) {
            return Err(Fault::value("the image", kind, "PAGEMAP or SHMEM_PAGEMAP").of(image.file()));
        }
        let Some(Part::Entry(entry)) = image.next_part()? else {
            // The reader of images has refused a pagemap that does not start with an entry.
            return Err(Fault::value("the pagemap", "empty", "an entry at least").of(image.file()));
        };
        let pages_id = pages_id(&entry).map_err(|fault| fault.at(image.file(), entry.offset))?;
        Ok(Self {
            image,
            pages_id,
            layout: Layout::default(),
        })
    }

    /// The number of its pages file.
    pub fn pages_id(&self) -> u32 {
        self.pages_id
    }

    /// Bytes that the extents so far take in the pages file.
    pub fn payload_bytes(&self) -> u64 {
        self.layout.payload()
    }

    /// What the file is called in errors.
    pub fn file(&self) -> &str {
        self.image.file()
    }

    /// The next extent, or nothing at the end.
    ///
    /// # Errors
    /// As [`ImageReader::next_part`]; an extent that overlaps the one before, that has no pages or more than fit, flags
    /// that exclude each other, sizes of blocks that do not fit the pages.
    pub fn next_extent(&mut self) -> Result<Option<Extent>, ImageError> {
        let Some(Part::Entry(entry)) = self.image.next_part()? else {
            return Ok(None);
        };
        let extent = self.layout.extent(&entry);
        Ok(Some(
            extent.map_err(|fault| fault.at(self.image.file(), entry.offset))?,
        ))
    }
}

/// The number of the pages file, from a pagemap's first entry.
pub(crate) fn pages_id(entry: &Entry) -> Result<u32, Fault> {
    let head: proto::PagemapHead = decode(entry.message, &entry.bytes)?;
    head.pages_id
        .ok_or_else(|| Fault::value("the number of the pages file", "missing", "there"))
}

/// A whole pagemap in memory, some 64 bytes an extent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pagemap {
    /// The number of its pages file.
    pub pages_id: u32,
    /// The extents by address.
    pub extents: Vec<Extent>,
    /// Bytes that they take in the pages file.
    pub payload_bytes: u64,
}

impl Pagemap {
    /// Reads all of a pagemap.
    ///
    /// # Errors
    /// As [`PagemapReader::new`] and [`PagemapReader::next_extent`].
    pub fn read<R: Read>(image: ImageReader<R>) -> Result<Self, ImageError> {
        let mut reader = PagemapReader::new(image)?;
        let mut extents = Vec::new();
        while let Some(extent) = reader.next_extent()? {
            extents.push(extent);
        }
        Ok(Self {
            pages_id: reader.pages_id(),
            payload_bytes: reader.payload_bytes(),
            extents,
        })
    }

    /// The extent that has the page at `address`.
    pub fn find(&self, address: u64) -> Option<&Extent> {
        let after = self.extents.partition_point(|extent| extent.address <= address);
        let extent = &self.extents[after.checked_sub(1)?];
        (address < extent.end()).then_some(extent)
    }
}
