//! The trace that comes with the project.

use std::io::{BufReader, Read};

use super::{Trace, TraceError};

/// See `data/README.md` for its provenance.
const DATABASE: &[u8] = include_bytes!("../../data/postgresql-pgbench.trace.zst");

/// No more than this comes out of the compressed trace.
const MOST_TEXT_BYTES: u64 = 64 << 20;

/// What PostgreSQL asked of its disk while pgbench ran; `data/README.md` tells how it was recorded.
pub fn database() -> Result<Trace, TraceError> {
    let text = zstd::Decoder::with_buffer(DATABASE).map_err(|source| TraceError::Read { line: 0, source })?;
    Trace::read(BufReader::new(text.take(MOST_TEXT_BYTES)))
}
