//! CRIU's image sets: what a dump writes, read without trust.
//!
//! A [`Set`] is the folder of a dump. Each file is recognised ([`Header::recognise`]) and read in order by an
//! [`ImageReader`]: entries ([`Entry`]), which are protobuf messages, and bytes ([`Payload`]) whose length only the entry
//! before them tells. An entry keeps the bytes that it had, so a set that is written again is the same to the byte
//! ([`rewrite`]); the types in [`proto`] are views of it. [`PagemapReader`] and [`Memory`] tell where pages are, through
//! parents, holes and compression.
//!
//! Nothing here trusts a file: a size is held against what is left of the file and against a limit before memory is
//! taken, no read goes beyond what it asked for, names cannot leave the folder. An [`ImageError`] names the file and the
//! byte. [`ImageReader`] reads from anything, so a set may come from a stream as well.

mod cursor;
mod error;
mod grammar;
mod kind;
mod memory;
mod name;
mod pagemap;
mod pages;
pub mod proto;
mod reader;
mod set;
#[cfg(test)]
mod tests;

pub(crate) use cursor::Cursor;
pub use error::{Fault, ImageError};
pub use grammar::Role;
pub(crate) use grammar::{Grammar, Next};
pub use kind::{COMMON_MAGIC, Header, Kind, SERVICE_MAGIC};
pub(crate) use memory::check_pages_length;
pub use memory::{Found, Memory, pagemaps};
pub use name::check_name;
pub(crate) use name::quoted;
pub use pagemap::{Blocks, Extent, PAGE_BYTES, Pagemap, PagemapReader, Place, Stored};
pub(crate) use pagemap::{Layout, pages_id};
pub use pages::{PageSource, next_data};
pub use reader::{ENTRY_MOST, Entry, ImageReader, Part, Payload, rewrite};
pub(crate) use reader::{NETLINK_HEADER_BYTES, begin, netlink_length};
pub use set::{CHAIN_MOST, Member, PARENT, Set};
