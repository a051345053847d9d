//! Layers that are verified chunk by chunk, so that any range can be read before the whole is there.
//!
//! `ocicrypt-seekable` is a layer as ocicrypt has it with a table of tags beside it; `chunked-aead` is a STREAM of sealed
//! chunks. Both are written down in `docs/formats/ocicrypt-seekable.md` and `docs/formats/chunked-aead.md`.

mod keys;
mod layer;
mod parallel;
mod reader;
mod seal;
mod stream_cipher;
mod table;

pub use reader::{LayerReader, ReadAt};
pub use stream_cipher::StreamCipher;
pub use table::{ChunkTable, MAX_TABLE_BYTES};

pub(crate) use keys::derive;
pub(crate) use layer::{ChunkedLayer, stream_bytes};
pub(crate) use parallel::{on_threads, open_all};
pub(crate) use seal::{StreamSealer, Tagger};

/// The length of a chunk, in bytes, where a layer is not so long that its chunks must be longer.
pub const CHUNK_BYTES: u32 = 64 << 10;
