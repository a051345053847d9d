//! Images in registries, over the OCI distribution protocol (distribution-spec 1.1): pulled into layouts, pushed from
//! them, and their blobs read by ranges.
//!
//! A registry is believed nothing: manifests and blobs must have the digests that they are named by, the lengths that
//! their descriptors say, and a range must be the one that was asked for. HTTP without TLS is for this machine alone.
//! Nothing is sent that would prove who asks, so images that are not public cannot be had, except from registries that
//! give a token to anybody.

mod blobs;
mod body;
mod cache;
mod client;
mod error;
mod pull;
mod push;
mod range;
mod reference;
mod repository;
mod token;

pub use blobs::RemoteBlobs;
pub use cache::Cache;
pub use client::{Traffic, Transfer};
pub use error::{RegistryError, Reply};
pub use pull::{Parts, pull};
pub use push::{Replacing, push};
pub use range::BlobRanges;
pub use reference::{RemoteImage, RemoteReference};
pub use repository::{FoundManifest, Repository};
