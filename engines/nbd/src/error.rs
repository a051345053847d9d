//! What can go wrong with a server and with one of its connections.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sealab_volume::VolumeError;

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Other machines could reach the address.
    #[error("{address} is not a loopback address: only 127.0.0.0/8 and ::1 are served")]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The path of a unix socket has a limited length.
    #[error("{}: the path has {found} bytes, and a unix socket's path at most {most}", path.display())]
    PathLength {
        /// The path asked for.
        path: PathBuf,
        /// Its bytes.
        found: usize,
        /// The bytes it may have.
        most: usize,
    },
    /// A server answers on the socket.
    #[error("{}: another server listens here", path.display())]
    InUse {
        /// The path asked for.
        path: PathBuf,
    },
    /// Something lies at the path that is not a socket, and stays.
    #[error("{}: there is something here that is not a socket", path.display())]
    NotASocket {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{place}: {source}")]
    System {
        /// What was done, with its path or address.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why a server ended otherwise than well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No more connections can be taken.
    #[error("the listener failed: {0}")]
    Accept(#[source] io::Error),
    /// What clients wrote may not be durable.
    #[error("the last flush failed: {0}")]
    Flush(#[source] VolumeError),
}

/// Why a connection was closed before the client said goodbye. The server serves on.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The client hung up, or the operating system gave up on it.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The handshake took too long.
    #[error("the handshake was not done in time")]
    Late,
    /// The client wants something unknown of the handshake.
    #[error("the client's flags are {found:#x}: only bits 0 and 1 are known")]
    Flags {
        /// The flags.
        found: u32,
    },
    /// Something else stands where an option begins.
    #[error("an option begins with {found:#018x} instead of IHAVEOPT")]
    OptionMagic {
        /// The first eight bytes.
        found: u64,
    },
    /// An option is longer than any real one.
    #[error("option {option} has {found} bytes: at most {most} are read")]
    OptionLength {
        /// The option's number.
        option: u32,
        /// Its bytes.
        found: u32,
        /// The bytes it may have.
        most: u32,
    },
    /// The handshake does not end.
    #[error("the client sent more than {most} options")]
    Options {
        /// How many it may send.
        most: usize,
    },
    /// The client wants another export, by the option that cannot be refused.
    #[error("the client asked for an export that is not here")]
    ExportName,
    /// Something else stands where a request begins.
    #[error("a request begins with {found:#010x} instead of 0x25609513")]
    RequestMagic {
        /// The first four bytes.
        found: u32,
    },
    /// A write's payload is too long to be read.
    #[error("a write has {found} bytes: at most {most} are read")]
    WriteLength {
        /// The bytes announced.
        found: u32,
        /// The bytes a write may have.
        most: u32,
    },
    /// The client sends no more, or takes no replies, and the server ends.
    #[error("the client did not take its replies while the server ended")]
    Stalled,
}
