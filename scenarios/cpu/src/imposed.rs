//! What this process was started with: set once before `main`, read by the signal handler.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::mask::Mask;

/// The mask in force, if there is one.
pub(crate) static MASK: OnceLock<Mask> = OnceLock::new();

/// How many CPUID instructions the signal handler has answered.
pub(crate) static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Whether the C library ran our `.preinit_array` entry. What it did here, it does in a child of the same executable.
pub(crate) static PREINIT_RAN: AtomicBool = AtomicBool::new(false);
