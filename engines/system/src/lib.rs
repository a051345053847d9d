//! Sealab engines over the distribution's OpenSSL, GnuTLS and libgcrypt, opened at run time.
//!
//! No build needs these libraries: each is opened by its soname when its candidate is, with the few declarations that
//! are needed written down here. A machine without one says `unavailable`. Each library has a folder: `api.rs` holds
//! the declarations, `engine.rs` the engine, the others one kind of keyed object each.

#![cfg(unix)]

mod batches;
mod code_path;
mod gcrypt;
mod gnutls;
mod openssl;
mod shared;

use sealab_engine::Candidate;

/// The system's libraries.
pub const CANDIDATES: [Candidate; 3] = [gnutls::CANDIDATE, gcrypt::CANDIDATE, openssl::CANDIDATE];
