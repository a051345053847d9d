//! What a server takes from its clients, and how long it waits for them.

use std::time::Duration;

/// The limits of a server. The defaults suit every client known.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; more are closed at once.
    pub connections: usize,
    /// Requests of a connection that are taken and not yet answered; more wait in the socket.
    pub requests: usize,
    /// The bytes that those requests may take in memory. One request of any length is always taken.
    pub bytes: usize,
    /// The longest read or write, in bytes, which clients are told. At most 32 MiB.
    pub request_bytes: u32,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long clients have to take their replies once the server ends.
    pub grace: Duration,
    /// Threads that do what takes long, for all connections together.
    pub threads: usize,
}

/// The longest request that NBD clients send without asking.
pub(crate) const MOST_REQUEST_BYTES: u32 = 32 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32,
            requests: 64,
            bytes: 32 << 20,
            request_bytes: MOST_REQUEST_BYTES,
            handshake: Duration::from_secs(10),
            grace: Duration::from_secs(5),
            threads: 16,
        }
    }
}
