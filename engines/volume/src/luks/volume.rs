//! An open volume.

use std::sync::{Arc, Mutex, PoisonError};

use sealab_engine::{Engine, InOutBuf};

use super::keyslot::VolumeKey;
use super::sectors::{Sectors, number};
use super::{Cipher, Device, Header, LuksError, OpenOptions};
use crate::integrity::{IntegrityStore, Mode};
use crate::sector::{NUMBERED_BYTES, SectorCipher, SectorError, SectorSize};
use crate::store::AlignedBuffer;
use crate::stripes::{STRIPE_BYTES, Stripes};
use crate::{Volume, VolumeError, check_request};

/// Opens the volume on `device` with a passphrase: reads the header, checks it and that it fits the device, unlocks.
///
/// The engine computes the keyslots' ciphers as well as the sectors'; it needs XTS for both.
pub fn open(
    engine: Arc<dyn Engine>,
    device: &Device,
    passphrase: &[u8],
    options: &OpenOptions,
) -> Result<LuksVolume, LuksError> {
    let store = &**device.header();
    let header = Header::read(store, &options.limits)?;
    header.check(device)?;
    let (_, key) = header.unlock(&*engine, store, passphrase, options.keyslot)?;
    LuksVolume::new(engine, device, &header, key, options)
}

/// An open volume, LUKS1 or LUKS2.
///
/// Discards go to the store only if [`OpenOptions::allow_discards`] says so; zeroes are written encrypted.
///
/// Where the store lends its memory, sectors are decrypted from there, and encrypted to there if the engine never puts
/// plaintext into the output. An engine that fails at that leaves zeroes in place of the
/// old sectors, up to 128 KiB.
pub struct LuksVolume {
    engine: Arc<dyn Engine>,
    key: VolumeKey,
    cipher: Cipher,
    sector_size: SectorSize,
    sectors: Sectors,
    size: u64,
    read_only: bool,
    allow_discards: bool,
    /// Whether sectors may be encrypted where they are stored.
    writes_lent: bool,
    stripes: Stripes,
    /// Those that no call uses at the moment.
    workers: Mutex<Vec<Worker>>,
}

static ZEROES: [u8; STRIPE_BYTES] = [0; STRIPE_BYTES];

/// What a call needs to itself.
struct Worker {
    cipher: Box<dyn SectorCipher>,
    /// Holds ciphertext on its way to the store, a stripe at most.
    buffer: AlignedBuffer,
    /// As much as a stripe of sectors has.
    metadata: Vec<u8>,
}

impl LuksVolume {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        device: &Device,
        header: &Header,
        key: VolumeKey,
        options: &OpenOptions,
    ) -> Result<Self, LuksError> {
        let description = header.description();
        let (store, start) = (device.data().clone(), description.data_offset);
        let sector = description.sector_size.bytes() as u64;
        let (sectors, bytes) = if description.cipher.integrity().is_some() {
            let mode = match options {
                OpenOptions { read_only: true, .. } => Mode::ReadOnly,
                OpenOptions {
                    integrity_no_journal: true,
                    ..
                } => Mode::Direct,
                OpenOptions { .. } => Mode::Journal,
            };
            let tagged = IntegrityStore::open(
                store,
                start,
                description.cipher.metadata_bytes(),
                description.sector_size.bytes(),
                &crate::integrity::OpenOptions::new(mode),
            )?;
            let bytes = tagged.sectors() * NUMBERED_BYTES as u64;
            (Sectors::Tagged(Box::new(tagged)), bytes)
        } else {
            let bytes = description.data_bytes.unwrap_or(store.size() - start);
            (Sectors::Bare { store, start }, bytes)
        };
        let volume = Self {
            writes_lent: engine.writes_ciphertext_only(),
            engine,
            key,
            cipher: description.cipher,
            sector_size: description.sector_size,
            sectors,
            size: bytes / sector * sector,
            read_only: options.read_only,
            allow_discards: options.allow_discards,
            stripes: Stripes::new(),
            workers: Mutex::new(Vec::new()),
        };
        // Fails here rather than at the first request where the engine cannot do it.
        let worker = volume.worker()?;
        volume.give_back(worker);
        Ok(volume)
    }

    /// How its sectors are encrypted.
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    fn worker(&self) -> Result<Worker, SectorError> {
        let idle = self.workers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(worker) = idle {
            return Ok(worker);
        }
        let cipher = self.cipher.keyed(&*self.engine, &self.key, self.sector_size)?;
        let sectors = STRIPE_BYTES / self.sector_size.bytes();
        let metadata = vec![0; sectors * cipher.metadata_bytes()];
        Ok(Worker {
            cipher,
            buffer: AlignedBuffer::new(STRIPE_BYTES),
            metadata,
        })
    }

    fn give_back(&self, worker: Worker) {
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(worker);
    }

    fn with_worker(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<(), VolumeError>,
    ) -> Result<(), VolumeError> {
        let mut worker = self.worker()?;
        let done = work(&mut worker);
        self.give_back(worker);
        done
    }

    fn check_write(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        if self.read_only {
            return Err(VolumeError::ReadOnly);
        }
        check_request(self, offset, bytes)
    }

    /// The metadata of as many sectors as `bytes` bytes are.
    fn metadata_bytes(&self, bytes: usize) -> usize {
        bytes / self.sector_size.bytes() * self.cipher.metadata_bytes()
    }

    /// Reads and decrypts a part of a request, no more than a stripe.
    fn read_part(
        &self,
        worker: &mut Worker,
        mut offset: u64,
        mut part: &mut [u8],
    ) -> Result<(), VolumeError> {
        let cipher = &mut worker.cipher;
        while !part.is_empty() {
            let metadata = &mut worker.metadata[..self.metadata_bytes(part.len())];
            let mut decrypted = Ok(());
            let shared = self.stripes.read(offset);
            let length = part.len();
            let take = |ciphertext: &[u8], metadata: &[u8]| {
                let data = pair(ciphertext, &mut part[..ciphertext.len()]);
                decrypted = data.and_then(|data| cipher.decrypt_inout(number(offset), data, metadata));
            };
            let lent = self
                .sectors
                .lend(offset, length, self.sector_size, metadata, take)?;
            decrypted.map_err(unauthentic)?;
            if lent == 0 {
                self.sectors.read(offset, part, metadata)?;
                drop(shared);
                return cipher
                    .decrypt(number(offset), part, metadata)
                    .map_err(unauthentic);
            }
            offset += lent as u64;
            part = &mut part[lent..];
        }
        Ok(())
    }

    /// Encrypts and writes a part of a request, no more than a stripe.
    fn write_part(&self, worker: &mut Worker, mut offset: u64, mut part: &[u8]) -> Result<(), VolumeError> {
        let cipher = &mut worker.cipher;
        while !part.is_empty() {
            let metadata = &mut worker.metadata[..self.metadata_bytes(part.len())];
            let mut encrypted = Ok(());
            let mut take = |output: &mut [u8], metadata: &mut [u8]| {
                let data = pair(&part[..output.len()], output);
                encrypted = data.and_then(|data| cipher.encrypt_inout(number(offset), data, metadata));
                if encrypted.is_err() {
                    // Whatever the engine has put there.
                    output.fill(0);
                }
                encrypted.is_ok()
            };
            let mut lent = 0;
            if self.writes_lent {
                let _alone = self.stripes.write(offset);
                let (length, sector) = (part.len(), self.sector_size);
                lent = self
                    .sectors
                    .lend_mut(offset, length, sector, metadata, &mut take)?;
            }
            if lent == 0 {
                let buffer = &mut worker.buffer.as_mut()[..part.len()];
                take(buffer, metadata);
                encrypted?;
                let _alone = self.stripes.write(offset);
                return self.sectors.write(offset, buffer, metadata);
            }
            encrypted?;
            offset += lent as u64;
            part = &part[lent..];
        }
        Ok(())
    }
}

/// Input and output of a cipher, of which one may be what a store lent.
fn pair<'i, 'o>(input: &'i [u8], output: &'o mut [u8]) -> Result<InOutBuf<'i, 'o, u8>, SectorError> {
    let (found, expected) = (output.len(), input.len());
    InOutBuf::new(input, output).map_err(|_| SectorError::Length {
        what: "the output of sectors",
        found,
        expected: format!("{expected} as the input"),
    })
}

fn unauthentic(error: SectorError) -> VolumeError {
    match error {
        SectorError::Unauthentic { number } => VolumeError::Unauthentic {
            offset: number * NUMBERED_BYTES as u64,
            reason: "its code does not hold: it was changed, moved, or never written".to_owned(),
        },
        other => other.into(),
    }
}

impl Volume for LuksVolume {
    fn size(&self) -> u64 {
        self.size
    }

    fn block_size(&self) -> u32 {
        self.sector_size.bytes() as u32
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        let done = self.with_worker(|worker| {
            for (at, part) in Stripes::parts(offset, data.len()) {
                self.read_part(worker, at, &mut data[part])?;
            }
            Ok(())
        });
        if done.is_err() {
            data.fill(0);
        }
        done
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.check_write(offset, data.len() as u64)?;
        self.with_worker(|worker| {
            for (at, part) in Stripes::parts(offset, data.len()) {
                self.write_part(worker, at, &data[part])?;
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.sectors.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.check_write(offset, bytes)?;
        if !self.allow_discards || bytes == 0 {
            return Ok(());
        }
        self.sectors.discard(offset, bytes)
    }

    fn write_zeroes(
        &self,
        mut offset: u64,
        mut bytes: u64,
        _keep_allocated: bool,
    ) -> Result<(), VolumeError> {
        self.check_write(offset, bytes)?;
        self.with_worker(|worker| {
            while bytes > 0 {
                let up_to = STRIPE_BYTES as u64 - offset % STRIPE_BYTES as u64;
                let part = bytes.min(up_to);
                // No more than a stripe.
                self.write_part(worker, offset, &ZEROES[..part as usize])?;
                offset += part;
                bytes -= part;
            }
            Ok(())
        })
    }
}
