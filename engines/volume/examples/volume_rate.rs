//! How much of an engine's speed reaches the callers of a volume: rates of the bare engine and of volumes on a memory
//! store, one thread, requests of 128 KiB one after another.
//!
//! A volume is compared with the engine alone in two ways: on one buffer of a request's length that stays in the cache
//! ("hot"), which no volume can do, and from or to memory of the volume's size ("streaming"), which every volume must. The
//! plain volume shows what copying alone takes. Rounds of all rows take turns; rates are of the thread's CPU time, and
//! medians are printed, those of the ratios over the rounds' ratios.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sealab_engine::{AeadKey, DataUnits, Engine, InOutBuf, Messages, Nonce, Primitive, Tag, Tweak, XtsKey};
use sealab_volume::Volume;
use sealab_volume::luks::{Cipher, Device, OpenOptions, Options, Pbkdf, create, open};
use sealab_volume::plain::Plain;
use sealab_volume::store::MemoryStore;

const SECTOR: usize = 4096;
const REQUEST: usize = 128 << 10;
/// Larger than the caches that are a core's own.
const VOLUME: usize = 32 << 20;
const ROUNDS: usize = 21;

type Pass = Box<dyn FnMut() -> Result<(), Box<dyn Error>>>;

/// A name, the rows of the engine alone that its rate is compared with, and a pass over as many bytes as the volume has.
struct Row {
    name: String,
    of: Option<Alone>,
    pass: Pass,
}

/// Rows of the engine alone.
#[derive(Clone, Copy)]
struct Alone {
    hot: usize,
    streaming: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    for candidate in [
        sealab_engine_aws_lc::CANDIDATE,
        sealab_engine_rustcrypto::CANDIDATE,
    ] {
        let engine: Arc<dyn Engine> = (candidate.open)()?.into();
        println!(
            "{} {}: {}",
            engine.id(),
            engine.version(),
            engine.code_path().description
        );
        let mut rows = rows(&engine)?;
        let mut rates = vec![Vec::new(); rows.len()];
        for round in 0..=ROUNDS {
            for (row, rates) in rows.iter_mut().zip(&mut rates) {
                let start = cpu_time()?;
                (row.pass)()?;
                // The first round warms up.
                if round > 0 {
                    rates.push(VOLUME as f64 / (cpu_time()? - start).as_secs_f64() / 1e9);
                }
            }
        }
        for (row, own) in rows.iter().zip(&rates) {
            let ratio = row.of.map_or(String::new(), |of| {
                format!(
                    "  {:.2} of the engine hot, {:.2} of it streaming",
                    median_ratio(own, &rates[of.hot]),
                    median_ratio(own, &rates[of.streaming])
                )
            });
            println!("  {:34} {:6.2} GB/s{ratio}", row.name, median(own.clone()));
        }
    }
    Ok(())
}

/// What this thread has had of the CPU: what else the machine does does not count.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Of the ratios of each round.
fn median_ratio(own: &[f64], other: &[f64]) -> f64 {
    median(own.iter().zip(other).map(|(own, other)| own / other).collect())
}

fn rows(engine: &Arc<dyn Engine>) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    for encrypt in [false, true] {
        let what = if encrypt { "write" } else { "read" };
        let first = rows.len();
        for (how, bytes) in [("hot", REQUEST), ("streaming", VOLUME)] {
            rows.push(Row {
                name: format!("engine {how}, aes-256-xts, {what}"),
                of: None,
                pass: bare_xts(&**engine, encrypt, Memory::new(bytes))?,
            });
            rows.push(Row {
                name: format!("engine {how}, aes-256-gcm, {what}"),
                of: None,
                pass: bare_gcm(&**engine, encrypt, Memory::new(bytes))?,
            });
        }
        let [xts, gcm] = [0, 1].map(|cipher| Alone {
            hot: first + cipher,
            streaming: first + 2 + cipher,
        });
        let plain = Plain::new(Arc::new(MemoryStore::new(VOLUME as u64)), SECTOR as u32, false)?;
        rows.push(Row {
            name: format!("plain, {what}"),
            of: None,
            pass: through(Arc::new(plain), encrypt)?,
        });
        for (name, cipher, of) in [
            ("luks2-xts", Cipher::Aes256XtsPlain64, Some(xts)),
            ("luks2-gcm", Cipher::Aes256GcmRandom, Some(gcm)),
            ("luks2-hmac", Cipher::Aes256XtsHmacSha256, None),
        ] {
            let volume = luks(engine, cipher)?;
            rows.push(Row {
                name: format!("{name}, {what}"),
                of,
                pass: through(Arc::new(volume), encrypt)?,
            });
        }
    }
    Ok(rows)
}

fn luks(engine: &Arc<dyn Engine>, cipher: Cipher) -> Result<impl Volume + use<>, Box<dyn Error>> {
    let options = Options {
        cipher,
        pbkdf: Pbkdf::cheapest(),
        ..Options::luks2()
    };
    let store = MemoryStore::new(options.header_bytes() + VOLUME as u64 * 2);
    let device = Device::attached(Arc::new(store));
    create(engine.clone(), &device, &options, b"")?;
    let direct = OpenOptions {
        integrity_no_journal: true,
        ..OpenOptions::default()
    };
    Ok(open(engine.clone(), &device, b"", &direct)?)
}

/// All requests of a pass over a volume.
fn through(volume: Arc<dyn Volume>, write: bool) -> Result<Pass, Box<dyn Error>> {
    let mut buffer = vec![0x5a; REQUEST];
    for offset in (0..VOLUME).step_by(REQUEST) {
        volume.write(offset as u64, &buffer)?;
    }
    Ok(Box::new(move || {
        for offset in (0..VOLUME).step_by(REQUEST) {
            if write {
                volume.write(offset as u64, &buffer)?;
            } else {
                volume.read(offset as u64, &mut buffer)?;
            }
        }
        Ok(())
    }))
}

fn key() -> [u8; 64] {
    std::array::from_fn(|byte| byte as u8)
}

/// What the engine alone works on: what stands for the store, and a caller's buffer.
struct Memory {
    stored: Vec<u8>,
    buffer: Vec<u8>,
}

impl Memory {
    /// With `bytes` bytes stored, a request or a volume.
    fn new(bytes: usize) -> Self {
        Self {
            stored: vec![0x5a; bytes],
            buffer: vec![0x5a; REQUEST],
        }
    }

    /// The request at `offset`: to the store if `encrypt`, otherwise from there; around and around where that is short.
    fn request(&mut self, offset: usize, encrypt: bool) -> Result<InOutBuf<'_, '_, u8>, &'static str> {
        let at = offset % self.stored.len();
        let stored = &mut self.stored[at..at + REQUEST];
        let request = if encrypt {
            InOutBuf::new(&self.buffer, stored)
        } else {
            InOutBuf::new(stored, &mut self.buffer)
        };
        request.map_err(|_| "lengths differ")
    }
}

fn bare_xts(engine: &dyn Engine, encrypt: bool, mut memory: Memory) -> Result<Pass, Box<dyn Error>> {
    let mut xts = engine.xts(&XtsKey::new(Primitive::Aes256Xts, &key())?)?;
    Ok(Box::new(move || {
        for offset in (0..VOLUME).step_by(REQUEST) {
            let tweaks: [Tweak; REQUEST / SECTOR] =
                std::array::from_fn(|sector| Tweak::plain64((offset / 512 + sector * 8) as u64));
            let units = DataUnits::new(SECTOR, &tweaks)?;
            let data = memory.request(offset, encrypt)?;
            if encrypt {
                xts.encrypt(units, data)?;
            } else {
                xts.decrypt(units, data)?;
            }
        }
        Ok(())
    }))
}

/// For reading, all requests are the same one, which was sealed before.
fn bare_gcm(engine: &dyn Engine, encrypt: bool, mut memory: Memory) -> Result<Pass, Box<dyn Error>> {
    const COUNT: usize = REQUEST / SECTOR;
    let mut aead = engine.aead(&AeadKey::new(Primitive::Aes256Gcm, &key()[..32])?)?;
    let nonces: [Nonce; COUNT] = std::array::from_fn(|sector| Nonce([sector as u8; 12]));
    let associated = vec![0; 20 * COUNT];
    let mut tags = [Tag([0; 16]); COUNT];
    for offset in (0..memory.stored.len()).step_by(REQUEST) {
        let messages = Messages::equal(SECTOR, &nonces, &associated)?;
        aead.seal(messages, memory.request(offset, true)?, &mut tags)?;
    }
    Ok(Box::new(move || {
        for offset in (0..VOLUME).step_by(REQUEST) {
            let messages = Messages::equal(SECTOR, &nonces, &associated)?;
            let data = memory.request(offset, encrypt)?;
            if encrypt {
                aead.seal(messages, data, &mut tags)?;
            } else {
                aead.open(messages, data, &tags)?;
            }
        }
        Ok(())
    }))
}
