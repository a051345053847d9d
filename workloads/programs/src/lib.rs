//! Programs of the system that are started, waited for a bounded time, measured, and held to what they should give back.
//!
//! [`run`] has one program done, [`Running`] keeps one that goes on. [`Measured::pipe`] has several done, each reading what
//! the one before writes, and tells what they spent. [`same`] holds a folder to another, byte for byte. [`Scratch`] is the
//! folder for all of it, which goes away however its owner ends.

mod bounded;
mod error;
mod folder;
mod pipe;
mod scratch;

pub use bounded::{Output, Running, in_path, installed, is_program, last_lines, needs, run, until};
pub use error::ProgramError;
pub use folder::{bytes_of, remove, same};
pub use pipe::{End, Measured, Spent, Words, words};
pub use scratch::Scratch;
