//! A TPM behind the kernel's driver.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::{MOST_RESPONSE_BYTES, Transport};

/// A TPM's character device.
///
/// `/dev/tpmrm0` is the one to take: the kernel's resource manager gives each opener sessions of its own and removes them
/// when it closes. `/dev/tpm0` has one opener at a time, and what a crash leaves loaded stays.
pub struct DeviceTransport {
    file: File,
    path: PathBuf,
}

impl DeviceTransport {
    /// Opens `path`, a character device.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        // Asked before it is opened: a FIFO would wait for its other end.
        let is_device = |found: std::fs::Metadata| found.file_type().is_char_device();
        if !std::fs::metadata(path).map(is_device).map_err(at)? {
            let message = format!(
                "{} is no character device; a TPM is one, such as /dev/tpmrm0",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(at)?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }
}

impl Transport for DeviceTransport {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        // The driver takes a command in one write, and most have the answer ready for one read.
        let written = self.file.write(command)?;
        if written != command.len() {
            let message = format!("the driver took {written} of {} bytes", command.len());
            return Err(io::Error::new(io::ErrorKind::WriteZero, message));
        }
        let mut answer = vec![0; MOST_RESPONSE_BYTES];
        let mut length = 0;
        while !is_whole(&answer[..length]) {
            match self.file.read(&mut answer[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        answer.truncate(length);
        Ok(answer)
    }
}

/// Whether `answer` has as many bytes as it says, behind its tag.
fn is_whole(answer: &[u8]) -> bool {
    let length = answer.get(2..6).and_then(|length| length.try_into().ok());
    length.is_some_and(|length| answer.len() as u64 >= u64::from(u32::from_be_bytes(length)))
}
