//! An NBD server that gives any volume to real clients: `qemu-img`, `nbdcopy`, `fio`, and by nbdfuse a kernel's file systems.

mod alignment;
mod buffers;
mod connection;
mod decoder;
mod error;
mod execute;
mod handshake;
mod limits;
mod listener;
mod pace;
mod protocol;
mod ranges;
mod reply;
mod server;
mod workers;

pub use alignment::AnyAlignment;
pub use error::{ConnectionError, ListenError, ServeError};
pub use limits::Limits;
pub use listener::Listener;
pub use server::{Options, Server};
