//! A workload that is ready to be written into memory.

use std::sync::atomic::AtomicBool;

use crate::messages::Layout;
use crate::{
    ByteSize, Canary, Capture, Memhog, Messages, Stream, StressNg, Workload, WorkloadError, capture,
};

/// A workload whose size is known and whose bytes can be had, any number of times.
pub struct Prepared {
    label: String,
    length: usize,
    canaries: Vec<Canary>,
    notes: Vec<String>,
    source: Source,
}

enum Source {
    Memhog(Memhog),
    StressNg(StressNg),
    Stream(Stream),
    Messages(Messages, Layout),
    Process(Capture),
    File(crate::file::Opened),
}

impl Prepared {
    pub(crate) fn new(workload: &Workload, cancelled: &AtomicBool) -> Result<Self, WorkloadError> {
        let mut canaries = Vec::new();
        let mut notes = Vec::new();
        let (length, source) = match workload {
            Workload::Memhog(memhog) => {
                let length = in_memory(memhog.size)?;
                canaries = memhog.canaries(length);
                (length, Source::Memhog(memhog.clone()))
            }
            Workload::StressNg(stress_ng) => {
                (in_memory(stress_ng.size)?, Source::StressNg(stress_ng.clone()))
            }
            Workload::Stream(stream) => {
                let length = in_memory(stream.size)?;
                canaries = stream.canaries(length);
                (length, Source::Stream(stream.clone()))
            }
            Workload::Messages(messages) => {
                let length = in_memory(messages.size)?;
                let layout = messages.layout(length);
                canaries.clone_from(&layout.canaries);
                notes.push(format!("{} messages", layout.lengths.len()));
                (length, Source::Messages(messages.clone(), layout))
            }
            Workload::Process(process) => {
                let capture = capture(process, cancelled)?;
                notes = capture.notes();
                (capture.bytes.len(), Source::Process(capture))
            }
            Workload::File(file) => {
                let opened = file.open()?;
                let (length, all) = (opened.length, opened.file_bytes);
                if all > length as u64 {
                    notes.push(format!("the first {length} of the file's {all} bytes"));
                }
                (length, Source::File(opened))
            }
        };
        Ok(Self {
            label: workload.to_string(),
            length,
            canaries,
            notes,
            source,
        })
    }

    /// The workload in one line that tells all its parameters.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many bytes it has, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "a workload is never empty")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Writes the workload's bytes to `out`, whose length must be [`Prepared::len`]. A file may turn out to be
    /// unreadable or shorter than it was; all else cannot fail.
    pub fn write_to(&self, out: &mut [u8]) -> Result<(), WorkloadError> {
        if out.len() != self.length {
            return Err(WorkloadError::BufferLength {
                found: out.len(),
                expected: self.length,
            });
        }
        match &self.source {
            Source::Memhog(memhog) => memhog.fill(out, &self.canaries),
            Source::StressNg(stress_ng) => stress_ng.fill(out),
            Source::Stream(stream) => stream.fill(out, &self.canaries),
            Source::Messages(messages, layout) => messages.fill(out, layout),
            Source::Process(capture) => out.copy_from_slice(&capture.bytes),
            Source::File(opened) => opened.fill(out)?,
        }
        Ok(())
    }

    /// The lengths of the messages that follow each other, each at least 2, their sum [`Prepared::len`]; none for
    /// workloads that have no units of their own.
    pub fn messages(&self) -> Option<&[u32]> {
        match &self.source {
            Source::Messages(_, layout) => Some(&layout.lengths),
            _ => None,
        }
    }

    /// The canaries in the bytes, at most 16; none in zero and constant content, stress-ng's patterns, and what real
    /// processes and files hold.
    pub fn canaries(&self) -> &[Canary] {
        &self.canaries
    }

    /// What a reader of the record should know about how these bytes were had, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was captured, where the workload is a process.
    pub fn capture(&self) -> Option<&Capture> {
        match &self.source {
            Source::Process(capture) => Some(capture),
            _ => None,
        }
    }
}

fn in_memory(size: ByteSize) -> Result<usize, WorkloadError> {
    size.to_usize()
        .ok_or(WorkloadError::OutOfMemory { bytes: size.bytes() })
}
