//! How requests are cut into calls of the engine.

use sealab_engine::InOutBuf;

use super::SectorSize;

/// What is asked of the memory ahead of the cipher.
const STEP_BYTES: usize = 4096;
#[cfg(target_arch = "x86_64")]
const LINE_BYTES: usize = 64;

/// The buffer that is likely not in a cache, where input and output are apart: what is stored.
#[derive(Clone, Copy)]
pub(super) enum Stored {
    Input,
    Output,
}

/// Cuts whole sectors into batches of at most `most`: the place of the first one among them, and the data.
///
/// Where a buffer is known to be `stored` and input and output are apart, batches are short, and while one is computed the
/// memory of the next is on its way: without that, a cipher that is as fast as the memory waits as long as it computes.
pub(super) fn batches<'i, 'o>(
    mut data: InOutBuf<'i, 'o, u8>,
    size: SectorSize,
    most: usize,
    stored: Option<Stored>,
) -> impl Iterator<Item = (usize, InOutBuf<'i, 'o, u8>)> {
    let in_place = std::ptr::eq(data.get_in().as_ptr(), data.get_out().as_ptr());
    let stored = stored.filter(|_| !in_place);
    let each = match stored {
        Some(_) => (STEP_BYTES / size.bytes()).clamp(1, most),
        None => most,
    };
    let (mut first, mut rest) = (0, Some(data));
    std::iter::from_fn(move || {
        let data = rest.take().filter(|data| !data.is_empty())?;
        let length = data.len().min(each * size.bytes());
        let (batch, mut later) = data.split_at(length);
        let next = later.len().min(length);
        match stored {
            Some(Stored::Input) => fetch::<false>(&later.get_in()[..next]),
            Some(Stored::Output) => fetch::<true>(&later.get_out()[..next]),
            None => {}
        }
        rest = Some(later);
        let place = first;
        first += each;
        Some((place, batch))
    })
}

/// Asks for memory that is about to be read or, with `WRITE`, written.
#[cfg(target_arch = "x86_64")]
fn fetch<const WRITE: bool>(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
    for line in bytes.chunks(LINE_BYTES) {
        let line = line.as_ptr().cast();
        if WRITE {
            // SAFETY: neither reads nor writes, and is right for every address; a CPU that does not know it ignores it.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(line) };
        } else {
            // SAFETY: as above.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line) };
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch<const WRITE: bool>(_bytes: &[u8]) {}
