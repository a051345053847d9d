//! AWS-LC's return values and its error queue, which belongs to the thread.

use std::ffi::{CStr, c_int};

use sealab_engine::EngineError;

/// The outcome of `call` by its return value. The error queue is emptied where it failed.
#[inline]
pub(crate) fn succeeded(returned: c_int, call: &'static str) -> Result<(), EngineError> {
    if returned == 1 { Ok(()) } else { Err(failed(call)) }
}

/// The failure of `call`, with the newest entry of the error queue, which is emptied.
#[cold]
pub(crate) fn failed(call: &'static str) -> EngineError {
    let mut text = [0; 256];
    // SAFETY: `text` is writable at its length, which leaves room for the end mark that is always written.
    unsafe { aws_lc_sys::ERR_error_string_n(take(), text.as_mut_ptr(), text.len()) };
    // SAFETY: `text` is a C string since the call above.
    let detail = unsafe { CStr::from_ptr(text.as_ptr()) };
    EngineError::Library {
        call,
        detail: detail.to_string_lossy().into_owned(),
    }
}

/// The failure to open message `index`: a tag that does not match is told apart from every other failure.
#[cold]
pub(crate) fn not_opened(index: usize) -> EngineError {
    // SAFETY: reads the queue of this thread.
    let error = unsafe { aws_lc_sys::ERR_peek_last_error() };
    if aws_lc_sys::ERR_GET_REASON(error) == aws_lc_sys::CIPHER_R_BAD_DECRYPT {
        take();
        EngineError::Unauthentic { index }
    } else {
        failed("EVP_AEAD_CTX_open_gather")
    }
}

/// The newest entry of the error queue, 0 where it is empty; the queue is emptied.
fn take() -> u32 {
    // SAFETY: reads the queue of this thread.
    let error = unsafe { aws_lc_sys::ERR_peek_last_error() };
    // SAFETY: empties the queue of this thread.
    unsafe { aws_lc_sys::ERR_clear_error() };
    error
}
