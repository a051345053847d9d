//! Bytes of a pages file, at a place and not from the start.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Something that yields bytes from a place.
pub trait PageSource {
    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// The end comes first ([`io::ErrorKind::UnexpectedEof`]), or the system refuses.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl PageSource for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}

impl PageSource for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let found = start.and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The next run of bytes in `file`, from `from` on, that is no hole; nothing if only a hole follows.
///
/// CRIU's deduplication punches holes where a child set has newer pages: such pages read as zeros and are never used.
/// A hole may as well be a page of zeros that a copying tool has made sparse, so zeros are what it must stay.
/// A file system that cannot tell holes says that all is data.
///
/// # Errors
/// The system refuses to seek.
pub fn next_data(file: &File, from: u64) -> io::Result<Option<Range<u64>>> {
    let start = match seek(file, SeekFrom::Data(from)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let end = seek(file, SeekFrom::Hole(start))?;
    Ok(Some(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_passed_over() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(b"data", 2 << 20).unwrap();
        let run = next_data(&file, 0).unwrap().unwrap();
        assert!(run.contains(&(2 << 20)));
        assert_eq!(next_data(&file, run.end).unwrap(), None);
    }

    #[test]
    fn bytes_are_read_at_their_place() {
        let bytes: &[u8] = b"0123456789";
        let mut buffer = [0; 3];
        bytes.read_at(7, &mut buffer).unwrap();
        assert_eq!(&buffer, b"789");
        for offset in [8, u64::MAX] {
            let error = bytes.read_at(offset, &mut buffer).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
