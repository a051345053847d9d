//! What a long piece of work is done with.

use std::sync::atomic::{AtomicBool, Ordering};

use sealab_engine::Engine;

use crate::Error;

/// How layers are worked on.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// What encrypts and verifies.
    pub engine: &'a dyn Engine,
    /// How many threads there may be; 0 is as 1.
    pub threads: usize,
    /// Told of each part of a layer that was read, in bytes.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Ends the work with [`Error::Interrupted`] soon after it is set.
    pub interrupt: &'a AtomicBool,
}

impl Work<'_> {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }
}
