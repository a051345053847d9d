//! A blob that is read by ranges, of which each is verified to be the one that was asked for. Its bytes are not: only
//! who knows their tags, as a layer's reader does, can tell that they are the blob's.

use std::io;
use std::sync::Arc;

use sealab_layer::ReadAt;

use crate::RegistryError;
use crate::body::receive;
use crate::client::{Call, Client};

/// A blob in a registry, read over HTTP range requests (RFC 9110, 14).
#[derive(Clone)]
pub struct BlobRanges {
    client: Arc<Client>,
    url: String,
    size: u64,
}

impl BlobRanges {
    pub(crate) fn new(client: Arc<Client>, url: String, size: u64) -> Self {
        Self { client, url, size }
    }

    /// Fills `bytes` from what stands at `offset`. Where the connection breaks, it is asked once more.
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), RegistryError> {
        match self.once(bytes, offset) {
            // One that was kept open is closed by many registries after a while.
            Err(RegistryError::Connection { .. }) => self.once(bytes, offset),
            done => done,
        }
    }

    fn once(&self, bytes: &mut [u8], offset: u64) -> Result<(), RegistryError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let length = bytes.len() as u64;
        let last = offset
            .checked_add(length - 1)
            .filter(|last| *last < self.size)
            .ok_or_else(|| {
                let problem = format!("{length} bytes at {offset} are not in a blob of {}", self.size);
                RegistryError::answer(&self.url, problem)
            })?;
        let range = format!("bytes={offset}-{last}");
        let answer = self.client.call(&Call {
            method: "GET",
            url: self.url.clone(),
            headers: &[("range", &range)],
        })?;
        // All of a blob, however long, is not what was asked for, and one that is wanted whole is pulled.
        if answer.status() == 200 && (offset, length) != (0, self.size) {
            let problem =
                format!("the registry does not serve ranges: it answers 200 where {range} was asked for");
            return Err(RegistryError::answer(&answer.url, problem));
        }
        let whole = answer.status() == 200;
        let answer = answer.wanting(&[200, 206], "206")?;
        let wanted = format!("bytes {offset}-{last}/{}", self.size);
        let found = answer.header("content-range").unwrap_or_default();
        if !whole && found != wanted {
            let found = crate::body::printable(found);
            let problem = format!("the range that came is {found:?}; {wanted:?} was asked for");
            return Err(RegistryError::answer(&answer.url, problem));
        }
        let mut filled = 0;
        receive(&self.client, answer, length, &mut |piece| {
            // No more than `length` ever come.
            if let Some(place) = bytes.get_mut(filled..filled + piece.len()) {
                place.copy_from_slice(piece);
            }
            filled += piece.len();
            (self.client.transfer.progress)(piece.len() as u64);
            Ok(())
        })
    }
}

impl ReadAt for BlobRanges {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read(bytes, offset).map_err(io::Error::other)
    }
}
