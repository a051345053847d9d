//! Which pages have been stored before.

use std::collections::HashMap;

use sealab_engine::{Engine, Sha256};
use zeroize::Zeroizing;

use super::Error;
use crate::image::PAGE_BYTES;

/// Pages that are remembered: with them the table takes 13 MiB. Later ones are stored without being remembered.
const PAGES_MOST: usize = (1 << 19) / 8 * 7;

/// Locations of pages by their content.
///
/// A page is told by 128 bits of SHA-256 over a random secret and itself. What the secret keeps from whoever chooses the
/// content of pages is to look for two pages that agree; 128 bits keep all others apart.
pub(super) struct Dedup {
    sha256: Box<dyn Sha256>,
    secret: Zeroizing<[u8; 32]>,
    locations: HashMap<[u8; 16], u64>,
}

impl Dedup {
    pub(super) fn new(engine: &dyn Engine) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret)?;
        Ok(Self {
            sha256: engine.sha256()?,
            secret,
            locations: HashMap::new(),
        })
    }

    /// Where the page is stored already; if it is not, it is now at `location`.
    pub(super) fn find(&mut self, page: &[u8], location: u64) -> Result<Option<u64>, Error> {
        debug_assert_eq!(page.len(), PAGE_BYTES);
        let digest = self.sha256.digest(&[&*self.secret, page])?;
        let mut name = [0; 16];
        name.copy_from_slice(&digest[..16]);
        if let Some(stored) = self.locations.get(&name) {
            return Ok(Some(*stored));
        }
        if self.locations.len() < PAGES_MOST {
            self.locations.insert(name, location);
        }
        Ok(None)
    }
}
