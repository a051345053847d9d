//! Making a tree.

use sealab_engine::Engine;

use super::hash::Hasher;
use super::superblock::{Parameters, SUPERBLOCK_BYTES};
use super::tree::{HashArea, Tree, check_data};
use super::{RootHash, VerityError};
use crate::store::Store;

/// How much is read at a time, in bytes; a multiple of every block size.
const READ_BYTES: usize = 1 << 20;

/// Makes the tree over the first blocks of `data`, puts it on `hashes` (or behind the data where that is `None`), and
/// syncs. The store must be large enough already. What it returns is to be kept where no one can change it.
pub fn create(
    engine: &dyn Engine,
    data: &dyn Store,
    hashes: Option<&dyn Store>,
    area: HashArea,
    parameters: &Parameters,
) -> Result<RootHash, VerityError> {
    let store = hashes.unwrap_or(data);
    parameters.check().map_err(|source| VerityError::Superblock {
        store: store.name(),
        offset: area.offset,
        source,
    })?;
    let tree = Tree::new(store, area, parameters)?;
    check_data(data, parameters, hashes.is_none().then_some((area, &tree)))?;
    let mut hasher = Hasher::new(engine, parameters)?;
    if area.superblock {
        // The rest of the first block, too: what stood there is gone.
        let bytes = usize::try_from(tree.start - area.offset).unwrap_or(SUPERBLOCK_BYTES);
        let mut first = vec![0; bytes];
        first[..SUPERBLOCK_BYTES].copy_from_slice(&parameters.to_bytes());
        write(store, area.offset, &first)?;
    }
    let mut below = Below {
        store: data,
        start: 0,
        blocks: parameters.data_blocks,
        block_bytes: parameters.data_block_bytes as usize,
    };
    for level in &tree.levels {
        below.hash(&mut hasher, &mut Writer::new(store, level.start, &tree))?;
        below = Below {
            store,
            start: level.start,
            blocks: level.blocks,
            block_bytes: tree.hash_block_bytes,
        };
    }
    let mut root = Vec::new();
    below.digests(&mut hasher, |digest| {
        root.extend_from_slice(digest);
        Ok(())
    })?;
    store.sync().map_err(|source| VerityError::Store {
        place: format!("{}: syncing", store.name()),
        source,
    })?;
    Ok(RootHash::new(&root))
}

/// The blocks whose digests make a level, or the root hash.
struct Below<'a> {
    store: &'a dyn Store,
    start: u64,
    blocks: u64,
    block_bytes: usize,
}

impl Below<'_> {
    fn hash(&self, hasher: &mut Hasher, writer: &mut Writer<'_>) -> Result<(), VerityError> {
        self.digests(hasher, |digest| writer.put(digest))?;
        writer.finish()
    }

    fn digests(
        &self,
        hasher: &mut Hasher,
        mut visit: impl FnMut(&[u8]) -> Result<(), VerityError>,
    ) -> Result<(), VerityError> {
        let end = self.start + self.blocks * self.block_bytes as u64;
        let length = READ_BYTES.min(usize::try_from(end - self.start).unwrap_or(READ_BYTES));
        let mut buffer = vec![0; length];
        let mut at = self.start;
        while at < end {
            let length = usize::try_from(end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            let part = &mut buffer[..length];
            self.store
                .read_at(at, part)
                .map_err(|source| VerityError::Store {
                    place: format!("{}: reading {length} bytes at {at}", self.store.name()),
                    source,
                })?;
            for block in part.chunks_exact(self.block_bytes) {
                visit(hasher.digest(block)?)?;
            }
            at += length as u64;
        }
        Ok(())
    }
}

/// Writes digests one after another, in whole blocks padded with zeroes.
struct Writer<'a> {
    store: &'a dyn Store,
    at: u64,
    block_bytes: usize,
    buffer: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(store: &'a dyn Store, at: u64, tree: &Tree) -> Self {
        Self {
            store,
            at,
            block_bytes: tree.hash_block_bytes,
            buffer: Vec::with_capacity(READ_BYTES),
        }
    }

    fn put(&mut self, digest: &[u8]) -> Result<(), VerityError> {
        self.buffer.extend_from_slice(digest);
        if self.buffer.len() >= READ_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), VerityError> {
        let padded = self.buffer.len().next_multiple_of(self.block_bytes);
        self.buffer.resize(padded, 0);
        self.write()
    }

    fn write(&mut self) -> Result<(), VerityError> {
        write(self.store, self.at, &self.buffer)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn write(store: &dyn Store, offset: u64, bytes: &[u8]) -> Result<(), VerityError> {
    store
        .write_at(offset, bytes)
        .map_err(|source| VerityError::Store {
            place: format!("{}: writing {} bytes at {offset}", store.name(), bytes.len()),
            source,
        })
}
