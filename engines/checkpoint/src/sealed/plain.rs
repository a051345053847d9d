//! What must hold of a plain set before it is sealed: each image is read to its end while it is packed, and each pages
//! file has the pages that a pagemap says it has.

use std::io::{self, BufReader, Read};

use super::Error;
use super::pack::Packer;
use crate::image::{Fault, ImageError, ImageReader, Kind, PagemapReader, check_pages_length};

/// Bytes that are read at once from an image.
const BUFFER_BYTES: usize = 64 << 10;

/// What the files so far say of each other.
#[derive(Default)]
pub(super) struct PlainSet {
    files: u64,
    pagemaps: Vec<Described>,
    /// Pages files with their lengths in bytes.
    pages: Vec<(String, u64)>,
}

/// What a pagemap says of its pages file.
struct Described {
    pagemap: String,
    pages: String,
    payload: u64,
}

impl PlainSet {
    /// Notes a file of `size` bytes; whether it is an image, for [`PlainSet::pack`]. Of others nothing is known but their
    /// length.
    pub(super) fn note(&mut self, name: &str, kind: Kind, size: u64) -> bool {
        self.files += 1;
        if kind == Kind::Pages {
            self.pages.push((name.to_owned(), size));
        }
        !matches!(kind, Kind::Pages | Kind::Other)
    }

    /// Packs the image `name` of `size` bytes, which has begun, and refuses it where it is not as it must be.
    pub(super) fn pack(
        &mut self,
        name: &str,
        size: u64,
        source: impl Read,
        packer: &mut Packer<'_, '_, '_>,
    ) -> Result<(), Error> {
        let mut tee = Tee {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            packer,
            error: None,
        };
        let read = self.read(name, size, &mut tee);
        match tee.error.take() {
            Some(error) => Err(error),
            None => Ok(read?),
        }
    }

    fn read(
        &mut self,
        name: &str,
        size: u64,
        tee: &mut Tee<'_, '_, '_, '_, impl Read>,
    ) -> Result<(), ImageError> {
        let mut image = ImageReader::new(name, size, tee)?;
        if !matches!(image.header().kind, Kind::Pagemap | Kind::ShmemPagemap) {
            while image.next_part()?.is_some() {}
            return Ok(());
        }
        let mut pagemap = PagemapReader::new(image)?;
        while pagemap.next_extent()?.is_some() {}
        self.pagemaps.push(Described {
            pagemap: name.to_owned(),
            pages: format!("pages-{}.img", pagemap.pages_id()),
            payload: pagemap.payload_bytes(),
        });
        Ok(())
    }

    /// Whether no file has been noted.
    pub(super) fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// That each pagemap's pages are there.
    pub(super) fn check(mut self) -> Result<(), ImageError> {
        self.pages.sort();
        for described in self.pagemaps.iter().filter(|described| described.payload > 0) {
            let Described {
                pagemap,
                pages,
                payload,
            } = described;
            let found = self.pages.binary_search_by(|(name, _)| name.cmp(pages));
            let Ok(found) = found else {
                let expected = format_args!("there, with {payload} bytes, as {pagemap} says");
                return Err(Fault::value("the file", "missing", expected).of(pages));
            };
            check_pages_length(pages, self.pages[found].1, pagemap, *payload)?;
        }
        Ok(())
    }
}

/// Packs what is read through it.
struct Tee<'t, 'a, 'b, 'c, R> {
    source: BufReader<R>,
    packer: &'t mut Packer<'a, 'b, 'c>,
    /// Why packing failed.
    error: Option<Error>,
}

impl<R: Read> Tee<'_, '_, '_, '_, R> {
    fn pack(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = self.packer.room()?;
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.packer.filled(now.len())?;
            bytes = later;
        }
        Ok(())
    }
}

impl<R: Read> Read for Tee<'_, '_, '_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if let Err(error) = self.pack(&buffer[..count]) {
            self.error = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        Ok(count)
    }
}
