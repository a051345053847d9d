//! An open volume.

use std::sync::{Arc, Mutex, PoisonError};

use sealab_engine::Engine;
use subtle::ConstantTimeEq;

use super::cache::Cache;
use super::hash::Hasher;
use super::superblock::{Parameters, SUPERBLOCK_BYTES, parse_superblock};
use super::tree::{HashArea, Tree, check_data};
use super::{RootHash, VerityError};
use crate::sector::SectorError;
use crate::store::Store;
use crate::{Volume, VolumeError, check_request};

/// How much memory verified blocks of hashes may take, in bytes.
const CACHE_BYTES: usize = 32 << 20;

/// A volume for reading only, every block of which is verified up to the root hash each time it is read. Blocks of hashes
/// are verified when they are read into memory, where some of them stay.
pub struct Verity {
    engine: Arc<dyn Engine>,
    data: Arc<dyn Store>,
    hashes: Arc<dyn Store>,
    parameters: Parameters,
    tree: Tree,
    root: RootHash,
    cache: Cache,
    /// Those that no call uses at the moment.
    hashers: Mutex<Vec<Hasher>>,
}

/// Reads the superblock at byte `offset` of `hashes`.
pub fn open_parameters(hashes: &dyn Store, offset: u64) -> Result<Parameters, VerityError> {
    let size = hashes.size();
    if offset
        .checked_add(SUPERBLOCK_BYTES as u64)
        .is_none_or(|end| end > size)
    {
        return Err(VerityError::Area {
            store: hashes.name(),
            what: "the superblock",
            start: offset,
            end: u128::from(offset) + SUPERBLOCK_BYTES as u128,
            limit: format!("the store ends at {size}"),
        });
    }
    let mut bytes = [0; SUPERBLOCK_BYTES];
    hashes
        .read_at(offset, &mut bytes)
        .map_err(|source| VerityError::Store {
            place: format!("{}: reading the dm-verity superblock at {offset}", hashes.name()),
            source,
        })?;
    parse_superblock(&bytes).map_err(|source| VerityError::Superblock {
        store: hashes.name(),
        offset,
        source,
    })
}

impl Verity {
    /// Opens the volume whose data are the first blocks of `data`, and whose tree is at `area` of `hashes` (of `data` where
    /// that is `None`). What the superblock would say is read from there, or is `parameters` where `area` has none; with
    /// both, they must agree. The topmost block is verified at once, the others when they are needed.
    ///
    /// The root hash does not cover the superblock: whoever can change the disk can say that there are fewer blocks, so
    /// that a level of hashes passes for data. Only with `parameters` from where the root hash is from is that refused.
    pub fn open(
        engine: Arc<dyn Engine>,
        data: Arc<dyn Store>,
        hashes: Option<Arc<dyn Store>>,
        area: HashArea,
        parameters: Option<&Parameters>,
        root: &RootHash,
    ) -> Result<Self, VerityError> {
        let apart = hashes.is_some();
        let hashes = hashes.unwrap_or_else(|| data.clone());
        let refused = |source| VerityError::Superblock {
            store: hashes.name(),
            offset: area.offset,
            source,
        };
        let parameters = match (area.superblock, parameters) {
            (true, given) => {
                let found = open_parameters(&*hashes, area.offset)?;
                if let Some(given) = given.filter(|given| **given != found) {
                    return Err(refused(super::SuperblockError {
                        field: "the superblock",
                        offset: 0,
                        found: format!("{found:?}"),
                        expected: format!("{given:?}"),
                    }));
                }
                found
            }
            (false, Some(given)) => {
                given.check().map_err(refused)?;
                given.clone()
            }
            (false, None) => {
                return Err(refused(super::SuperblockError {
                    field: "the parameters",
                    offset: 0,
                    found: "nothing".to_owned(),
                    expected: "given where there is no superblock".to_owned(),
                }));
            }
        };
        let digest_bytes = parameters.algorithm.digest_bytes();
        if root.as_bytes().len() != digest_bytes {
            return Err(VerityError::RootHash {
                found: format!("{} bytes", root.as_bytes().len()),
                expected: format!("{digest_bytes} for {}", parameters.algorithm.name()),
            });
        }
        let tree = Tree::new(&*hashes, area, &parameters)?;
        check_data(&*data, &parameters, (!apart).then_some((area, &tree)))?;
        let volume = Self {
            hashers: Mutex::new(vec![Hasher::new(&*engine, &parameters)?]),
            cache: Cache::new(CACHE_BYTES / tree.hash_block_bytes),
            engine,
            data,
            hashes,
            parameters,
            tree,
            root: root.clone(),
        };
        volume.check_top()?;
        Ok(volume)
    }

    /// What is known of the tree.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How many bytes blocks of hashes take, without a superblock.
    pub fn tree_bytes(&self) -> u64 {
        self.tree.end - self.tree.start
    }

    fn check_top(&self) -> Result<(), VerityError> {
        let unauthentic = |store: &dyn Store, offset| VerityError::Unauthentic {
            store: store.name(),
            offset,
        };
        let (store, offset, done) = match self.tree.levels.len().checked_sub(1) {
            Some(top) => {
                let done = self.with_hasher(|hasher| self.hash_block(hasher, top, 0, 0).map(drop));
                (&self.hashes, self.tree.offset(top, 0), done)
            }
            None => {
                let mut block = vec![0; self.parameters.data_block_bytes as usize];
                (&self.data, 0, self.read(0, &mut block))
            }
        };
        done.map_err(|error| match error {
            VolumeError::Unauthentic { .. } => unauthentic(&**store, offset),
            VolumeError::Store { place, source } => VerityError::Store { place, source },
            VolumeError::Sector(SectorError::Engine(error)) => error.into(),
            other => VerityError::Store {
                place: format!("{}: reading the topmost block at {offset}", store.name()),
                source: std::io::Error::other(other),
            },
        })
    }

    fn with_hasher<T>(
        &self,
        work: impl FnOnce(&mut Hasher) -> Result<T, VolumeError>,
    ) -> Result<T, VolumeError> {
        let hashers = || self.hashers.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = hashers().pop();
        let mut hasher = match idle {
            Some(hasher) => hasher,
            None => Hasher::new(&*self.engine, &self.parameters).map_err(SectorError::from)?,
        };
        let done = work(&mut hasher);
        hashers().push(hasher);
        done
    }

    /// A verified block of hashes; `at` is the offset of the data that it is wanted for.
    fn hash_block(
        &self,
        hasher: &mut Hasher,
        level: usize,
        block: u64,
        at: u64,
    ) -> Result<Arc<[u8]>, VolumeError> {
        let offset = self.tree.offset(level, block);
        if let Some(found) = self.cache.get(offset) {
            return Ok(found);
        }
        let mut bytes = vec![0; self.tree.hash_block_bytes];
        self.hashes.read_at(offset, &mut bytes).map_err(|error| {
            let place = format!("{}: reading a block of hashes at {offset}", self.hashes.name());
            VolumeError::store(place, at, bytes.len() as u64, error)
        })?;
        let above = self.above(hasher, level + 1, block, at)?;
        let digest = hasher.digest(&bytes).map_err(SectorError::from)?;
        if !bool::from(digest.ct_eq(above.digest())) {
            return Err(VolumeError::Unauthentic {
                offset: at,
                reason: format!(
                    "the block of hashes at {offset} of {}, level {level}, was changed",
                    self.hashes.name()
                ),
            });
        }
        let bytes: Arc<[u8]> = bytes.into();
        self.cache.put(offset, bytes.clone());
        Ok(bytes)
    }

    /// The digest that level `level` has for block `block` of the level below, or of the data.
    fn above(&self, hasher: &mut Hasher, level: usize, block: u64, at: u64) -> Result<Above, VolumeError> {
        let bytes = self.tree.digest_bytes;
        if level == self.tree.levels.len() {
            return Ok(Above {
                block: self.root.as_bytes().into(),
                start: 0,
                bytes,
            });
        }
        let fanout = self.tree.fanout();
        Ok(Above {
            block: self.hash_block(hasher, level, block / fanout, at)?,
            start: (block % fanout) as usize * bytes,
            bytes,
        })
    }

    fn verify(&self, hasher: &mut Hasher, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        let size = u64::from(self.parameters.data_block_bytes);
        let fanout = self.tree.fanout();
        let mut leaf: Option<(u64, Above)> = None;
        for (index, block) in data.chunks_exact(size as usize).enumerate() {
            let number = offset / size + index as u64;
            let at = number * size;
            let digests = match &leaf {
                Some((of, digests)) if *of == number / fanout => digests,
                _ => {
                    let digests = self.above(hasher, 0, number, at)?;
                    &leaf.insert((number / fanout, digests)).1
                }
            };
            let start = match self.tree.levels.len() {
                0 => 0,
                _ => (number % fanout) as usize * self.tree.digest_bytes,
            };
            let expected = &digests.block[start..start + digests.bytes];
            let digest = hasher.digest(block).map_err(SectorError::from)?;
            if !bool::from(digest.ct_eq(expected)) {
                return Err(VolumeError::Unauthentic {
                    offset: at,
                    reason: "its hash does not hold: it was changed".to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// A digest in a block that was verified.
struct Above {
    block: Arc<[u8]>,
    start: usize,
    bytes: usize,
}

impl Above {
    fn digest(&self) -> &[u8] {
        &self.block[self.start..self.start + self.bytes]
    }
}

impl Volume for Verity {
    fn size(&self) -> u64 {
        self.parameters.data_bytes()
    }

    fn block_size(&self) -> u32 {
        self.parameters.data_block_bytes
    }

    fn read_only(&self) -> bool {
        true
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        let done = self.data.read_at(offset, data);
        let bytes = data.len() as u64;
        let done = done
            .map_err(|error| {
                let place = format!("{}: reading {bytes} bytes at {offset}", self.data.name());
                VolumeError::store(place, offset, bytes, error)
            })
            .and_then(|()| self.with_hasher(|hasher| self.verify(hasher, offset, data)));
        if done.is_err() {
            // Not verified, or not all of it.
            data.fill(0);
        }
        done
    }

    fn write(&self, _offset: u64, _data: &[u8]) -> Result<(), VolumeError> {
        Err(VolumeError::ReadOnly)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        Ok(())
    }

    fn discard(&self, _offset: u64, _bytes: u64) -> Result<(), VolumeError> {
        Err(VolumeError::ReadOnly)
    }

    fn write_zeroes(&self, _offset: u64, _bytes: u64, _keep_allocated: bool) -> Result<(), VolumeError> {
        Err(VolumeError::ReadOnly)
    }
}
