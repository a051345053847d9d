//! The workloads that a scenario may name.

use std::fmt;
use std::sync::atomic::AtomicBool;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FileWorkload, Memhog, Messages, Prepared, Process, Stream, StressNg, WorkloadError};

/// What is sealed: in a scenario a map with one key, the workload's name.
///
/// It is shown as one line that tells all its parameters: `memhog 64MiB mixed, 20 % duplicate pages, seed 1`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Pages of one kind of content with a share of duplicates, as `memhog` fills memory.
    Memhog(Memhog),
    /// Pages as a vm stressor of `stress-ng` leaves them.
    StressNg(StressNg),
    /// The pages of a real program.
    Process(Process),
    /// Protobuf messages with the sizes of a real checkpoint's entries.
    Messages(Messages),
    /// A raw stream.
    Stream(Stream),
    /// A real file.
    File(FileWorkload),
}

impl Workload {
    /// Checks what can be checked without doing anything: [`Workload::prepare`] refuses the same.
    pub fn validate(&self) -> Result<(), WorkloadError> {
        match self {
            Self::Memhog(memhog) => memhog.validate(),
            Self::StressNg(stress_ng) => stress_ng.validate(),
            Self::Messages(messages) => messages.validate(),
            Self::Process(_) | Self::Stream(_) | Self::File(_) => Ok(()),
        }
    }

    /// Makes the workload ready and learns its size: opens the file, or runs the program and takes its memory.
    ///
    /// Set `cancelled` from another thread or a signal handler to end a wait; the program is then killed and the
    /// result is [`WorkloadError::Cancelled`].
    pub fn prepare(&self, cancelled: &AtomicBool) -> Result<Prepared, WorkloadError> {
        self.validate()?;
        Prepared::new(self, cancelled)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memhog(memhog) => memhog.fmt(f),
            Self::StressNg(stress_ng) => stress_ng.fmt(f),
            Self::Process(process) => process.fmt(f),
            Self::Messages(messages) => messages.fmt(f),
            Self::Stream(stream) => stream.fmt(f),
            Self::File(file) => file.fmt(f),
        }
    }
}
