//! Opening all chunks of a layer on several threads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use zeroize::Zeroizing;

use super::{ChunkedLayer, ReadAt};
use crate::{Error, Work};

/// How much a thread takes at a time, in bytes; at least a chunk.
const RUN_BYTES: u64 = 512 << 10;

/// Decrypts the whole layer into `output` (`path`), each chunk verified before it is written. Where one does not hold,
/// what was written must be removed.
pub(crate) fn open_all(
    layer: &ChunkedLayer,
    source: &dyn ReadAt,
    output: &File,
    path: &Path,
    work: &Work<'_>,
) -> Result<(), Error> {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let labour = || {
        let done = open_some(layer, source, output, path, work, &next, &failed);
        if done.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        done
    };
    on_threads(work.threads, labour)
}

/// Does the same work on so many threads, this one among them; the first error of any.
pub(crate) fn on_threads(
    threads: usize,
    labour: impl Fn() -> Result<(), Error> + Copy + Send,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(labour)).collect();
        let mut done = labour();
        for other in others {
            let joined = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and(joined);
        }
        done
    })
}

fn open_some(
    layer: &ChunkedLayer,
    source: &dyn ReadAt,
    output: &File,
    path: &Path,
    work: &Work<'_>,
    next: &AtomicU64,
    failed: &AtomicBool,
) -> Result<(), Error> {
    let mut opener = layer.opener(work.engine)?;
    let extra = layer.extra_bytes();
    let run = RUN_BYTES.div_ceil(layer.chunk_bytes());
    let mut buffer = Zeroizing::new(Vec::new());
    while !failed.load(Ordering::Relaxed) {
        work.check()?;
        let first = next.fetch_add(run, Ordering::Relaxed);
        let end = first.saturating_add(run).min(layer.chunks());
        if first >= end {
            break;
        }
        let stored: usize = (first..end).map(|chunk| layer.plain_bytes(chunk) + extra).sum();
        buffer.resize(stored, 0);
        source
            .read_exact_at(&mut buffer, layer.stored_at(first))
            .map_err(Error::io("the layer's blob".as_ref()))?;
        let mut plain = 0;
        let mut start = 0;
        for chunk in first..end {
            let bytes = layer.plain_bytes(chunk);
            opener.open(chunk, &mut buffer[start..start + bytes + extra])?;
            if extra > 0 {
                buffer.copy_within(start..start + bytes, plain);
            }
            start += bytes + extra;
            plain += bytes;
        }
        output
            .write_all_at(&buffer[..plain], first * layer.chunk_bytes())
            .map_err(Error::io(path))?;
        (work.progress)(stored as u64);
    }
    Ok(())
}
