//! The memory of one process, or of one shared object, through sealed sets.

use std::io::{self, BufReader, Read};

use super::{CHUNK_BYTES, Error, SealedSet};
use crate::image::{
    Extent, Fault, Found, ImageReader, PAGE_BYTES, Pagemap, Place, Stored, check_pages_length,
};

const PAGE: u64 = PAGE_BYTES as u64;

/// Pages by address. Each is read where it lies and authenticated before it is given out.
pub struct SealedMemory<'a> {
    set: &'a mut SealedSet,
    layers: Vec<Layer>,
}

struct Layer {
    pagemap: Pagemap,
    pages_name: String,
    /// What errors call the pagemap.
    label: String,
}

/// A file of a sealed set from its start. Errors of the set are kept for the caller.
struct FileReader<'a> {
    set: &'a mut SealedSet,
    name: &'a str,
    at: u64,
    size: u64,
    error: &'a mut Option<Error>,
}

impl Read for FileReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let bytes = left.min(into.len());
        match self.set.read_at(self.name, self.at, &mut into[..bytes]) {
            Ok(()) => {
                self.at += bytes as u64;
                Ok(bytes)
            }
            Err(error) => {
                *self.error = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
}

/// The `depth`th set of the chain, the youngest being 0.
fn set_at(set: &mut SealedSet, depth: usize) -> Option<&mut SealedSet> {
    (0..depth).try_fold(set, |set, _| set.parent())
}

fn read_layer(set: &mut SealedSet, name: &str) -> Result<Option<Layer>, Error> {
    let Some(size) = set.file(name).map(|file| file.size) else {
        return Ok(None);
    };
    let label = format!("{}: {name}", set.label());
    let mut error = None;
    let source = FileReader {
        set,
        name,
        at: 0,
        size,
        error: &mut error,
    };
    let read = ImageReader::new(name, size, BufReader::with_capacity(CHUNK_BYTES, source));
    let pagemap = read.and_then(Pagemap::read);
    if let Some(error) = error {
        return Err(error);
    }
    let pagemap = pagemap?;
    let pages_name = format!("pages-{}.img", pagemap.pages_id);
    if pagemap.payload_bytes > 0 {
        let file = set.file(&pages_name);
        let file = file.ok_or_else(|| {
            Fault::value("the pages file", "missing", "there").of(&format!("{}: {pages_name}", set.label()))
        })?;
        check_pages_length(&pages_name, file.size, name, pagemap.payload_bytes)?;
    }
    Ok(Some(Layer {
        pagemap,
        pages_name,
        label,
    }))
}

impl<'a> SealedMemory<'a> {
    /// The memory that the pagemap file `name` describes.
    pub(super) fn open(set: &'a mut SealedSet, name: &str) -> Result<Self, Error> {
        let mut layers = Vec::new();
        // An older set need not know the process; only a page that is looked for there must be there.
        while let Some(of) = set_at(set, layers.len()) {
            match read_layer(of, name)? {
                Some(layer) => layers.push(layer),
                None if layers.is_empty() => {
                    let label = format!("{}: {name}", set.label());
                    return Err(Fault::value("the file", "not in the set", "there")
                        .of(&label)
                        .into());
                }
                None => break,
            }
        }
        Ok(Self { set, layers })
    }

    /// The youngest set's extents.
    pub fn extents(&self) -> &[Extent] {
        self.layers.first().map_or(&[], |layer| &layer.pagemap.extents)
    }

    /// Reads the page at `address`, which must be a multiple of 4096, into `page`.
    ///
    /// # Errors
    /// The page is said to be in a parent that does not have it, or what is stored does not hold.
    pub fn page(&mut self, address: u64, page: &mut [u8; PAGE_BYTES]) -> Result<Found, Error> {
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
                return Err(fault.of(&layer.label).into());
            };
            match &extent.place {
                Place::Nowhere => return Ok(Found::Nowhere),
                Place::Stored(stored) => {
                    let Some(set) = set_at(self.set, depth) else {
                        break;
                    };
                    read_page(set, &layer.pages_name, extent, stored, address, page)?;
                    return Ok(Found::In(depth));
                }
                Place::Parent if depth + 1 == self.layers.len() => {
                    let fault = Fault::value(
                        "the place of a page",
                        format_args!("in a parent, which has no such pagemap ({address:#x})"),
                        "in a set of the chain",
                    );
                    return Err(fault.at(&layer.label, extent.offset).into());
                }
                Place::Parent => {}
            }
        }
        Ok(Found::Nowhere)
    }
}

fn read_page(
    set: &mut SealedSet,
    name: &str,
    extent: &Extent,
    stored: &Stored,
    address: u64,
    page: &mut [u8; PAGE_BYTES],
) -> Result<(), Error> {
    let index = (address - extent.address) / PAGE;
    let Some(blocks) = &stored.blocks else {
        return set.read_at(name, stored.offset + index * PAGE, page);
    };
    // CRIU's own compression, with a size for each block.
    let block = index / blocks.pages_each;
    let (before, rest) = blocks.sizes.split_at(block as usize);
    let offset = stored.offset + before.iter().map(|size| u64::from(*size)).sum::<u64>();
    let Some(size) = rest.first().map(|size| *size as usize).filter(|size| *size > 0) else {
        page.fill(0);
        return Ok(());
    };
    let pages = blocks.pages_each.min(extent.pages - block * blocks.pages_each);
    let full = (pages * PAGE) as usize;
    let mut bytes = vec![0; size];
    set.read_at(name, offset, &mut bytes)?;
    if size < full {
        let mut open = vec![0; full];
        if lz4_flex::block::decompress_into(&bytes, &mut open).ok() != Some(full) {
            let fault = Fault::value("an LZ4 block", "broken", format_args!("{full} bytes"));
            return Err(fault.at(&format!("{}: {name}", set.label()), offset).into());
        }
        bytes = open;
    }
    let within = ((index % blocks.pages_each) * PAGE) as usize;
    page.copy_from_slice(&bytes[within..within + PAGE_BYTES]);
    Ok(())
}
