//! Volumes on stores that lend their memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sealab_engine::{CodePath, DataUnits, Engine, EngineError, InOutBuf, Primitive, Sha256, Xts, XtsKey};
use sealab_volume::luks::{Cipher, Device, LuksVolume, OpenOptions, Options, create, open};
use sealab_volume::store::{CountingStore, FaultyStore, MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::{PASSPHRASE, engine, memory, options, plain};

const BYTES: u64 = 3 << 20;

fn formats() -> Vec<Options> {
    let [luks1, luks2] = options();
    let mut formats = vec![luks1];
    for (cipher, sector_size) in [
        (Cipher::Aes256XtsPlain64, 512),
        (Cipher::Aes256XtsPlain64, 4096),
        (Cipher::Aes256GcmRandom, 4096),
        (Cipher::Aes256GcmRandom, 512),
        (Cipher::Aes256XtsHmacSha256, 4096),
    ] {
        formats.push(Options {
            cipher,
            sector_size,
            ..luks2.clone()
        });
    }
    formats
}

/// A store with a volume on it.
fn made(options: &Options) -> Arc<MemoryStore> {
    let store = memory(options.store_bytes(BYTES, false).unwrap());
    create(engine(), &Device::attached(store.clone()), options, PASSPHRASE).unwrap();
    store
}

fn opened(engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> LuksVolume {
    let direct = OpenOptions {
        integrity_no_journal: true,
        ..OpenOptions::default()
    };
    open(engine, &Device::attached(store), PASSPHRASE, &direct).unwrap()
}

fn has_plaintext(bytes: &[u8]) -> bool {
    bytes.windows(18).any(|window| window == b"sealab golden bloc")
}

/// Lends what it is told to, looks at what is left there, and reads and writes the rest by pieces, for others to come
/// between.
struct Watching {
    memory: Arc<MemoryStore>,
    lends_reads: bool,
    lends_writes: bool,
    lent: AtomicU64,
    lent_mut: AtomicU64,
    leaked: AtomicBool,
}

impl Watching {
    fn new(memory: Arc<MemoryStore>, lends_reads: bool, lends_writes: bool) -> Arc<Self> {
        Arc::new(Self {
            memory,
            lends_reads,
            lends_writes,
            lent: AtomicU64::new(0),
            lent_mut: AtomicU64::new(0),
            leaked: AtomicBool::new(false),
        })
    }

    fn lent(&self) -> (u64, u64) {
        (
            self.lent.load(Ordering::SeqCst),
            self.lent_mut.load(Ordering::SeqCst),
        )
    }
}

impl Store for Watching {
    fn name(&self) -> String {
        self.memory.name()
    }

    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let (first, rest) = data.split_at_mut(512.min(data.len()));
        self.memory.read_at(offset, first)?;
        std::thread::sleep(Duration::from_micros(20));
        self.memory.read_at(offset + first.len() as u64, rest)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (first, rest) = data.split_at(512.min(data.len()));
        self.memory.write_at(offset, first)?;
        std::thread::sleep(Duration::from_micros(20));
        self.memory.write_at(offset + first.len() as u64, rest)
    }

    fn lend(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<usize> {
        if !self.lends_reads {
            return Ok(0);
        }
        let lent = self.memory.lend(offset, length, unit, take)?;
        self.lent.fetch_add(lent as u64, Ordering::SeqCst);
        Ok(lent)
    }

    fn lend_mut(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&mut [u8]),
    ) -> io::Result<usize> {
        if !self.lends_writes {
            return Ok(0);
        }
        let lent = self.memory.lend_mut(offset, length, unit, &mut |bytes| {
            take(bytes);
            self.leaked.fetch_or(has_plaintext(bytes), Ordering::SeqCst);
        })?;
        self.lent_mut.fetch_add(lent as u64, Ordering::SeqCst);
        Ok(lent)
    }

    fn sync(&self) -> io::Result<()> {
        self.memory.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.memory.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.memory.write_zeroes(offset, bytes, keep_allocated)
    }
}

/// All requests in turn: within a stripe, over several, over a mebibyte, the last block.
fn write_all(volume: &LuksVolume, data: &[u8]) {
    let block = volume.block_size() as usize;
    for (offset, length) in [
        (0, data.len()),
        (block, block),
        (3 * block, 300 << 10),
        ((1 << 20) - 2 * block, 5 * block),
        (data.len() - block, block),
    ] {
        volume
            .write(offset as u64, &data[offset..offset + length])
            .unwrap();
    }
}

#[test]
fn volumes_are_the_same_whether_their_store_lends_or_not() {
    for options in formats() {
        let memory = made(&options);
        let data = plain(BYTES as usize);
        let mut read = vec![0; data.len()];
        for (reads, writes) in [(true, true), (true, false), (false, true), (false, false)] {
            let store = Watching::new(memory.clone(), reads, writes);
            let volume = opened(engine(), store.clone());
            volume.write_zeroes(0, BYTES, false).unwrap();
            write_all(&volume, &data);
            for (lends, done) in [(reads, store.lent().0), (writes, store.lent().1)] {
                assert!(lends || done == 0, "{options:?}");
            }
            read.fill(1);
            volume.read(0, &mut read).unwrap();
            assert!(read == data, "{options:?} {reads} {writes}");
            volume.read(4096, &mut read[..300 << 10]).unwrap();
            assert!(read[..300 << 10] == data[4096..][..300 << 10], "{options:?}");
            volume.flush().unwrap();
            drop(volume);
            // From the start as another store sees it.
            opened(engine(), memory.clone()).read(0, &mut read).unwrap();
            assert!(read == data, "{options:?} {reads} {writes}");
        }
    }
}

#[test]
fn nothing_but_ciphertext_stands_in_lent_memory() {
    for options in formats() {
        let memory = made(&options);
        let store = Watching::new(memory.clone(), true, true);
        let volume = opened(engine(), store.clone());
        let data = plain(BYTES as usize);
        write_all(&volume, &data);
        let (_, lent) = store.lent();
        // Nearly all: a block that lies in two of the store's parts is not lent, nor is the rest of its stripe.
        assert!(lent >= BYTES * 3 / 4, "{options:?}: {lent}");
        assert!(!store.leaked.load(Ordering::SeqCst), "{options:?}");
        assert!(!has_plaintext(&memory.contents().unwrap()), "{options:?}");
    }
}

/// An engine whose XTS works in place only, and fails from the first unit on when told to.
struct Copying {
    /// What it says of [`Engine::writes_ciphertext_only`].
    says: bool,
    engine: Arc<dyn Engine>,
    fails: Arc<AtomicBool>,
}

struct CopyingXts {
    xts: Box<dyn Xts>,
    fails: Arc<AtomicBool>,
}

impl Engine for Copying {
    fn id(&self) -> &'static str {
        "copying"
    }

    fn writes_ciphertext_only(&self) -> bool {
        self.says
    }

    fn version(&self) -> String {
        self.engine.version()
    }

    fn code_path(&self) -> CodePath {
        self.engine.code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.engine.primitives()
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(Box::new(CopyingXts {
            xts: self.engine.xts(key)?,
            fails: self.fails.clone(),
        }))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        self.engine.sha256()
    }
}

impl Xts for CopyingXts {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let output = data.into_out_with_copied_in();
        if self.fails.load(Ordering::SeqCst) {
            return Err(EngineError::Library {
                call: "encrypt",
                detail: "told to".to_owned(),
            });
        }
        self.xts.encrypt(units, InOutBuf::from(output))
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.xts.decrypt(units, data)
    }
}

fn copying(says: bool) -> (Arc<dyn Engine>, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(false));
    let engine = Copying {
        says,
        engine: engine(),
        fails: fails.clone(),
    };
    (Arc::new(engine), fails)
}

#[test]
fn an_engine_that_copies_plaintext_first_is_lent_nothing() {
    let [_, options] = options();
    let memory = made(&options);
    let (engine, fails) = copying(false);
    let store = Watching::new(memory, true, true);
    let volume = opened(engine, store.clone());
    let data = plain(256 << 10);
    volume.write(0, &data).unwrap();
    let mut read = vec![0; data.len()];
    volume.read(0, &mut read).unwrap();
    assert!(read == data);
    assert_eq!(store.lent(), (256 << 10, 0));
    // And a write that fails changes nothing.
    fails.store(true, Ordering::SeqCst);
    assert!(volume.write(0, &plain(512 << 10)[256 << 10..]).is_err());
    volume.read(0, &mut read).unwrap();
    assert!(read == data);
}

#[test]
fn an_engine_that_fails_leaves_no_plaintext_in_lent_memory() {
    let [_, options] = options();
    let memory = made(&options);
    let (engine, fails) = copying(true);
    let store = Watching::new(memory.clone(), true, true);
    let volume = opened(engine, store.clone());
    volume.write(0, &plain(64 << 10)).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(volume.write(0, &plain(64 << 10)).is_err());
    assert_eq!(store.lent().1, 128 << 10);
    assert!(!store.leaked.load(Ordering::SeqCst));
    assert!(!has_plaintext(&memory.contents().unwrap()));
}

#[test]
fn lent_bytes_are_counted_as_the_same_bytes_read_and_written() {
    for options in formats() {
        let [lending, copying] = [true, false].map(|lends| {
            let counting = Arc::new(CountingStore::new(Watching::new(made(&options), lends, lends)));
            let volume = opened(engine(), counting.clone());
            let before = counting.counts();
            volume.write(4096, &plain(1 << 20)).unwrap();
            volume.read(8192, &mut vec![0; 200 << 10]).unwrap();
            volume.flush().unwrap();
            let done = counting.counts() - before;
            (done.written.bytes, done.read.bytes, done.syncs)
        });
        assert_eq!(lending, copying, "{options:?}");
        if options.cipher == Cipher::Aes256XtsPlain64 {
            assert_eq!(lending, (1 << 20, 200 << 10, 1));
        }
    }
}

#[test]
fn a_read_that_fails_leaves_zeroes() {
    for options in formats() {
        if options.cipher.integrity().is_none() {
            continue;
        }
        let memory = made(&options);
        let block = options.sector_size;
        let data = plain(300 << 10);
        let volume = opened(engine(), memory.clone());
        let before = memory.contents().unwrap();
        // In the second stripe.
        let at = (200 << 10) as u64;
        volume.write(at, &data[..block]).unwrap();
        volume.flush().unwrap();
        let after = memory.contents().unwrap();
        let place = (0..after.len())
            .step_by(512)
            .find(|place| {
                let same = before[*place..][..512].iter().zip(&after[*place..][..512]);
                same.filter(|(a, b)| a != b).count() > 400
            })
            .unwrap() as u64;
        volume.write(0, &data).unwrap();
        volume.flush().unwrap();
        drop(volume);
        let mut byte = [0];
        memory.read_at(place, &mut byte).unwrap();
        memory.write_at(place, &[byte[0] ^ 1]).unwrap();
        let lending = Watching::new(memory.clone(), true, true);
        let stores: [Arc<dyn Store>; 2] = [lending.clone(), Arc::new(FaultyStore::new(memory.clone()))];
        for store in stores {
            let volume = opened(engine(), store);
            let mut read = vec![7; data.len()];
            let done = volume.read(0, &mut read);
            assert!(matches!(done, Err(VolumeError::Unauthentic { offset, .. }) if offset == at));
            assert!(read.iter().all(|byte| *byte == 0), "{options:?}");
        }
        assert!(lending.lent().0 > 0, "{options:?}");
    }
}

#[test]
fn readers_see_what_one_writer_wrote() {
    for options in formats() {
        // What lies on a block that is lent to one side and copied by the other.
        for (reads, writes) in [(true, true), (true, false), (false, true)] {
            let store = Watching::new(made(&options), reads, writes);
            let volume = opened(engine(), store);
            volume.write(0, &[0; 16 << 10]).unwrap();
            let done = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let writers = [1, 2].map(|writer: u8| {
                    let volume = &volume;
                    scope.spawn(move || {
                        for round in 0..60_u8 {
                            volume.write(4096, &[2 * round + writer; 8192]).unwrap();
                        }
                    })
                });
                for _ in 0..2 {
                    scope.spawn(|| {
                        let block = volume.block_size() as usize;
                        let mut data = vec![0; 8192];
                        while !done.load(Ordering::SeqCst) {
                            volume.read(4096, &mut data).unwrap();
                            for block in data.chunks(block) {
                                assert!(block.iter().all(|byte| *byte == block[0]), "a mixture");
                            }
                        }
                    });
                }
                let written = writers.map(std::thread::ScopedJoinHandle::join);
                done.store(true, Ordering::SeqCst);
                assert!(written.iter().all(Result::is_ok));
            });
        }
    }
}
