//! Sealab engine over the RustCrypto crates, with batched XTS.
