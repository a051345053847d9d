//! An image that acts change without copying it.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sealab_volume::store::{Store, check_range};

const PAGE_BYTES: usize = 4096;

/// What has been written, by the number of its page.
pub(crate) type Pages = HashMap<usize, Arc<[u8]>>;

/// A store of the bytes of an image, which stays as it is: what is written is kept apart.
pub(crate) struct Overlay {
    image: Arc<Vec<u8>>,
    size: usize,
    pages: RwLock<Pages>,
}

impl Overlay {
    /// The bytes of `image`.
    pub(crate) fn new(image: &Arc<Vec<u8>>) -> Self {
        Self::with(image, Pages::new())
    }

    /// The bytes of `image` with some pages of another overlay on it.
    pub(crate) fn with(image: &Arc<Vec<u8>>, pages: Pages) -> Self {
        Self {
            image: image.clone(),
            size: image.len(),
            pages: RwLock::new(pages),
        }
    }

    /// The first `size` bytes of `image`, or all.
    pub(crate) fn truncated(image: &Arc<Vec<u8>>, size: usize) -> Self {
        Self {
            size: size.min(image.len()),
            ..Self::new(image)
        }
    }

    /// What has been written.
    pub(crate) fn pages(&self) -> Pages {
        self.read().clone()
    }

    /// Puts `bytes` at `offset`, as far as the store goes.
    pub(crate) fn put(&self, offset: usize, bytes: &[u8]) {
        let mut pages = self.write();
        let end = (offset + bytes.len()).min(self.size);
        for piece in pieces(offset..end) {
            let number = piece.start / PAGE_BYTES;
            let start = number * PAGE_BYTES;
            let mut page = match pages.get(&number) {
                Some(page) => page.to_vec(),
                None => self.image[start..self.image.len().min(start + PAGE_BYTES)].to_vec(),
            };
            page[piece.start - start..piece.end - start]
                .copy_from_slice(&bytes[piece.start - offset..piece.end - offset]);
            pages.insert(number, page.into());
        }
    }

    /// The bytes of a range, as far as the store goes.
    pub(crate) fn bytes(&self, range: Range<usize>) -> Vec<u8> {
        let pages = self.read();
        let mut bytes = Vec::with_capacity(range.len());
        for piece in pieces(range.start..range.end.min(self.size)) {
            let number = piece.start / PAGE_BYTES;
            let start = number * PAGE_BYTES;
            match pages.get(&number) {
                Some(page) => bytes.extend_from_slice(&page[piece.start - start..piece.end - start]),
                None => bytes.extend_from_slice(&self.image[piece]),
            }
        }
        bytes
    }

    /// The whole image as it is now.
    pub(crate) fn image(&self) -> Arc<Vec<u8>> {
        Arc::new(self.bytes(0..self.size))
    }

    fn read(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Pages> {
        self.pages.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes at `offset`, which fit: stores here are in memory.
    fn range(&self, offset: u64, bytes: u64) -> io::Result<Range<usize>> {
        check_range(self, offset, bytes)?;
        Ok(offset as usize..(offset + bytes) as usize)
    }
}

/// A range cut at the borders of pages.
fn pieces(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let piece = start..range.end.min((start / PAGE_BYTES + 1) * PAGE_BYTES);
        start = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

impl Store for Overlay {
    fn name(&self) -> String {
        "the image".to_owned()
    }

    fn size(&self) -> u64 {
        self.size as u64
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let range = self.range(offset, data.len() as u64)?;
        data.copy_from_slice(&self.bytes(range));
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let range = self.range(offset, data.len() as u64)?;
        self.put(range.start, data);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.write_zeroes(offset, bytes, false)?;
        Ok(true)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, _keep_allocated: bool) -> io::Result<()> {
        let range = self.range(offset, bytes)?;
        self.put(range.start, &vec![0; range.len()]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_image_stays() {
        let image = Arc::new((0..10_000u32).map(|at| at as u8).collect::<Vec<u8>>());
        let overlay = Overlay::new(&image);
        overlay.write_at(4000, &[7; 5000]).unwrap();
        overlay.write_zeroes(9_990, 10, false).unwrap();
        let mut right = image.to_vec();
        right[4000..9000].fill(7);
        right[9_990..].fill(0);
        assert_eq!(*overlay.image(), right);
        assert_eq!(image[4000], 4000u32 as u8);
        let mut part = [0; 3];
        overlay.read_at(3999, &mut part).unwrap();
        assert_eq!(part, [3999u32 as u8, 7, 7]);
        assert!(overlay.write_at(9_999, &[1, 2]).is_err());
        assert!(overlay.read_at(u64::MAX, &mut part).is_err());
        let again = Overlay::with(&image, overlay.pages());
        assert_eq!(*again.image(), right);
    }

    #[test]
    fn a_truncated_image_ends() {
        let image = Arc::new(vec![1; 10_000]);
        let overlay = Overlay::truncated(&image, 5000);
        assert_eq!(overlay.size(), 5000);
        assert!(overlay.read_at(4999, &mut [0; 2]).is_err());
        overlay.put(4990, &[2; 100]);
        assert_eq!(overlay.image().len(), 5000);
    }
}
