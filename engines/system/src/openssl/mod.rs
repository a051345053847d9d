//! The distribution's OpenSSL 3, through its EVP interface.

mod api;
mod ciphers;
mod engine;
mod hashes;
mod keyed;

pub(crate) use engine::CANDIDATE;
