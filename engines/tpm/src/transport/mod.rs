//! The ways to a TPM.

mod device;
mod socket;

use std::io;

pub use device::DeviceTransport;
pub use socket::SocketTransport;

/// No answer is longer: what the kernel's driver (TPM_BUFSIZE) and the TCG's reference implementation hold.
pub const MOST_RESPONSE_BYTES: usize = 4096;

/// Takes commands to a TPM and brings its answers. Nothing of it is trusted.
pub trait Transport: Send {
    /// The TPM's name in messages, such as the path of its device.
    fn name(&self) -> String;

    /// Sends one whole command and gives the whole answer, of at most [`MOST_RESPONSE_BYTES`].
    fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>>;
}
