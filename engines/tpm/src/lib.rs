//! TPM 2.0 NV counters as [`TrustedCounter`](sealab_volume::counter::TrustedCounter): numbers that no adversary who holds
//! the disk can set back.
//!
//! The few commands that this takes are put together and read here, after the TPM 2.0 Library Specification (part 1 for
//! sessions and names, part 2 for structures, part 3 for commands), so that a build needs no C library: `tss-esapi` looks
//! for libtss2 when it is built. Every answer is untrusted input; those that carry a number hold an HMAC under the index's
//! authorization value and over a nonce of ours, so that nobody between here and the TPM can forge or repeat one.
//! [`TpmCounter`] says what that does not protect.

mod address;
mod auth;
mod command;
mod counter;
mod error;
mod index;
mod public_area;
mod response;
mod response_code;
mod session;
mod tpm;
mod transport;

pub use address::{AddressError, CounterAddress};
pub use auth::AuthValue;
pub use counter::TpmCounter;
pub use error::TpmError;
pub use index::NvIndex;
pub use transport::{DeviceTransport, MOST_RESPONSE_BYTES, SocketTransport, Transport};
