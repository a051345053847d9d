//! The memory of one process, or of one shared object, through a chain of sets.

use std::fs::File;

use super::pagemap::{Extent, PAGE_BYTES, Pagemap, Place, Stored};
use super::{Fault, ImageError, Kind, PageSource, Set};

const PAGE: u64 = PAGE_BYTES as u64;

/// Pages by address.
pub struct Memory {
    layers: Vec<Layer>,
    /// The compressed block that was read last: its layer, its place there, its content.
    block: Option<(usize, u64, Vec<u8>)>,
}

struct Layer {
    pagemap: Pagemap,
    /// None if no page of the pagemap is stored.
    pages: Option<File>,
    pages_name: String,
    pagemap_name: String,
}

/// Where a page was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// In that set of the chain, 0 the youngest. The buffer holds it.
    In(usize),
    /// The pagemap does not name the page, or names it without bytes.
    Nowhere,
}

impl Memory {
    /// The memory that the pagemap file `name` describes in `chain`, the youngest set first.
    ///
    /// # Errors
    /// The pagemap is not in the youngest set, or one of them is wrong, or a pages file is missing or shorter than its
    /// pagemap says.
    pub fn open(chain: &[Set], name: &str) -> Result<Self, ImageError> {
        let mut layers = Vec::new();
        for (depth, set) in chain.iter().enumerate() {
            // An older set need not know the process; only a page that is looked for there must be there.
            if depth > 0 && set.member(name).is_none() {
                break;
            }
            layers.push(Layer::open(set, name)?);
        }
        Ok(Self { layers, block: None })
    }

    /// The youngest set's extents.
    pub fn extents(&self) -> &[Extent] {
        self.layers.first().map_or(&[], |layer| &layer.pagemap.extents)
    }

    /// Reads the page at `address`, which must be a multiple of 4096, into `page`.
    ///
    /// # Errors
    /// The page is said to be in a parent that does not have it, a block does not decompress, or reading fails.
    pub fn page(&mut self, address: u64, page: &mut [u8; PAGE_BYTES]) -> Result<Found, ImageError> {
        for (depth, layer) in self.layers.iter().enumerate() {
            let Some(extent) = layer.pagemap.find(address) else {
                if depth == 0 {
                    return Ok(Found::Nowhere);
                }
                let fault = Fault::value(
                    "a page that a younger set takes from here",
                    format_args!("{address:#x}, which is not there"),
                    "in the pagemap",
                );
                return Err(fault.of(&layer.pagemap_name));
            };
            match &extent.place {
                Place::Nowhere => return Ok(Found::Nowhere),
                Place::Stored(stored) => {
                    let index = (address - extent.address) / PAGE;
                    layer.read(depth, extent, stored, index, &mut self.block, page)?;
                    return Ok(Found::In(depth));
                }
                Place::Parent if depth + 1 == self.layers.len() => {
                    let fault = Fault::value(
                        "the place of a page",
                        format_args!("in a parent, which has no such pagemap ({address:#x})"),
                        "in a set of the chain",
                    );
                    return Err(fault.at(&layer.pagemap_name, extent.offset));
                }
                Place::Parent => {}
            }
        }
        Ok(Found::Nowhere)
    }
}

impl Layer {
    fn open(set: &Set, name: &str) -> Result<Self, ImageError> {
        let pagemap = Pagemap::read(set.read(name)?)?;
        let pages_name = format!("pages-{}.img", pagemap.pages_id);
        let pages = if pagemap.payload_bytes == 0 {
            None
        } else {
            let (file, bytes) = set.open_file(&pages_name)?;
            check_pages_length(&set.label(&pages_name), bytes, name, pagemap.payload_bytes)?;
            Some(file)
        };
        Ok(Self {
            pagemap,
            pages,
            pages_name: set.label(&pages_name),
            pagemap_name: set.label(name),
        })
    }

    fn read(
        &self,
        depth: usize,
        extent: &Extent,
        stored: &Stored,
        index: u64,
        cache: &mut Option<(usize, u64, Vec<u8>)>,
        page: &mut [u8; PAGE_BYTES],
    ) -> Result<(), ImageError> {
        let Some(blocks) = &stored.blocks else {
            return self.bytes(stored.offset + index * PAGE, page);
        };
        // The extent has a block for each of its pages.
        let block = index / blocks.pages_each;
        let offset = stored.offset + blocks.start_of(block as usize);
        let size = blocks.sizes[block as usize] as usize;
        if size == 0 {
            page.fill(0);
            return Ok(());
        }
        let within = ((index % blocks.pages_each) * PAGE) as usize;
        let full = (blocks.pages_of(block, extent.pages) * PAGE) as usize;
        let cached = cache
            .as_ref()
            .filter(|(layer, at, _)| (*layer, *at) == (depth, offset));
        if cached.is_none() {
            let mut bytes = vec![0; size];
            self.bytes(offset, &mut bytes)?;
            if size < full {
                bytes = self.decompress(offset, &bytes, full)?;
            }
            *cache = Some((depth, offset, bytes));
        }
        if let Some((_, _, bytes)) = cache {
            page.copy_from_slice(&bytes[within..within + PAGE_BYTES]);
        }
        Ok(())
    }

    fn decompress(&self, offset: u64, block: &[u8], full: usize) -> Result<Vec<u8>, ImageError> {
        let wrong = |found: String| {
            Fault::value("an LZ4 block", found, format_args!("{full} bytes")).at(&self.pages_name, offset)
        };
        let mut bytes = vec![0; full];
        match lz4_flex::block::decompress_into(block, &mut bytes) {
            Ok(count) if count == full => Ok(bytes),
            Ok(count) => Err(wrong(format!("{count} bytes"))),
            Err(error) => Err(wrong(format!("broken ({error})"))),
        }
    }

    fn bytes(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ImageError> {
        let Some(pages) = &self.pages else {
            return Err(Fault::value("the pages file", "missing", "there").of(&self.pages_name));
        };
        pages
            .read_at(offset, buffer)
            .map_err(|error| Fault::Io(error).at(&self.pages_name, offset))
    }
}

/// That the pages file `file` of `bytes` bytes has the `payload` bytes that `pagemap` describes.
pub(crate) fn check_pages_length(
    file: &str,
    bytes: u64,
    pagemap: &str,
    payload: u64,
) -> Result<(), ImageError> {
    if bytes >= payload {
        return Ok(());
    }
    let fault = Fault::value(
        "the length of the file",
        bytes,
        format_args!("at least {payload}, as {pagemap} says"),
    );
    Err(fault.at(file, bytes))
}

/// Names of the files in `set` that describe memory.
pub fn pagemaps(set: &Set) -> impl Iterator<Item = &str> {
    let members = set.members().iter();
    members
        .filter(|member| matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap))
        .map(|member| &*member.name)
}
