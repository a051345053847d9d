//! Process memory as a workload: what the lab seals, as data.
//!
//! A scenario names a [`Workload`]; [`Workload::prepare`] makes it ready and tells its size, and
//! [`Prepared::write_to`] writes its bytes into a buffer of the caller's. The built-in generators (`memhog`,
//! `stress-ng`, `messages`, `stream`) give the same bytes for the same parameters on every machine; `process` takes
//! the pages of a real program, `file` the bytes of a real file.

mod byte_size;
mod canary;
mod content;
mod error;
mod file;
mod memhog;
mod messages;
mod prepared;
mod process;
mod random;
mod settle;
mod share;
mod stream;
mod stress_ng;
mod workload;

pub use byte_size::{ByteSize, ParseByteSizeError};
pub use canary::{CANARY_BYTES, Canary};
pub use content::Content;
pub use error::WorkloadError;
pub use file::FileWorkload;
pub use memhog::Memhog;
pub use messages::{MessageSet, Messages, Weights};
pub use prepared::Prepared;
pub use process::{Capture, CommandLine, Process, capture};
pub use settle::{ParseSettleError, Settle};
pub use share::{ParseShareError, Share};
pub use stream::Stream;
pub use stress_ng::{Method, StressNg};
pub use workload::Workload;

/// The page of the generated workloads, in bytes: the page of x86-64 and the unit of CRIU's pages files.
pub const PAGE_BYTES: usize = 4096;

/// The seed of a workload that names none.
pub(crate) fn default_seed() -> u64 {
    1
}
