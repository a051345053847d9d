//! Numbers that only ever grow and that no adversary can set back: what a volume's freshness rests on.

mod file;
mod memory;

use std::io;

pub use file::FileCounter;
pub use memory::MemoryCounter;

/// A number that only grows, kept where whoever holds the disk cannot reach it: a TPM's NV counter, a service in another
/// trust domain. A volume counts its commits with it, so that an older state of the whole disk is noticed.
///
/// One volume has one counter; two volumes that share one spoil it for each other.
pub trait TrustedCounter: Send + Sync {
    /// The counter's name in messages, such as a path or a TPM's NV index.
    fn name(&self) -> String;

    /// The number now. It need not begin at zero.
    fn value(&self) -> io::Result<u64>;

    /// Adds one and gives the new number, durable when this returns. After an error the number may be either.
    fn advance(&self) -> io::Result<u64>;
}
