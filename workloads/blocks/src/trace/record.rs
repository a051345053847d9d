//! A volume that writes down what is asked of it.

use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sealab_volume::{Volume, VolumeError};

use super::{Operation, Request, head};

/// Passes everything on to a volume and writes a trace of it.
///
/// A request is written down when it begins. An error of the recording fails no request; [`Recording::finish`] tells it.
pub struct Recording<V, W: Write> {
    volume: V,
    began: Instant,
    output: Mutex<io::Result<BufWriter<W>>>,
}

impl<V: Volume, W: Write> Recording<V, W> {
    /// Writes a trace of what is asked of `volume` to `output`.
    pub fn new(volume: V, output: W) -> Self {
        let mut output = BufWriter::new(output);
        let begun = output.write_all(head(volume.size()).as_bytes());
        Self {
            volume,
            began: Instant::now(),
            output: Mutex::new(begun.map(|()| output)),
        }
    }

    /// Writes out what was recorded so far. Fails with the first error there was, of which it tells once.
    pub fn finish(&self) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *output {
            Ok(output) => output.flush(),
            Err(error) => {
                let told = io::Error::from(error.kind());
                Err(std::mem::replace(error, told))
            }
        }
    }

    fn record(&self, operation: Operation, offset: u64, bytes: u64) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(lines) = &mut *output {
            // Taken under the lock, so that times never decrease.
            let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let request = Request {
                micros,
                operation,
                offset,
                bytes,
            };
            if let Err(error) = writeln!(lines, "{request}") {
                *output = Err(error);
            }
        }
    }
}

impl<V: Volume, W: Write + Send> Volume for Recording<V, W> {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read_only(&self) -> bool {
        self.volume.read_only()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        self.record_valid(Operation::Read, offset, data.len() as u64);
        self.volume.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.record_valid(Operation::Write, offset, data.len() as u64);
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.record(Operation::Flush, 0, 0);
        self.volume.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.record_valid(Operation::Discard, offset, bytes);
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.record_valid(Operation::WriteZeroes { keep_allocated }, offset, bytes);
        self.volume.write_zeroes(offset, bytes, keep_allocated)
    }
}

impl<V: Volume, W: Write> Recording<V, W> {
    /// Writes down what a trace may hold: not what is past the end, or nothing at all.
    fn record_valid(&self, operation: Operation, offset: u64, bytes: u64) {
        let end = offset.checked_add(bytes);
        if bytes > 0 && end.is_some_and(|end| end <= self.volume.size()) {
            self.record(operation, offset, bytes);
        }
    }
}
