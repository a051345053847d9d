//! `sealab volume` as a user calls it, with real clients.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod formats;
mod place;
mod sealed_log;
