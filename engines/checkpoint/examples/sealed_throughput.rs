//! How fast `sealed-checkpoint` seals, opens and reads single pages, beside a plain copy of the same folder, and the most
//! memory that the process had (VmHWM). The set is made in the folder of the first argument, of as many MiB as the second
//! says: an eighth zeros in holes, the rest random, so that nothing compresses. The engine is AWS-LC.
//!
//! `cargo run --release --example sealed_throughput -- /dev/shm/place 1024 [none|zstd|lz4|auto] [dedup] [sign] [chacha]
//! [text] [sparse] [given] [once]`; with `text` it is random words of a text, with `sparse` all but a 64th is holes, with `given`
//! the set is the one that is in `place/plain` already, with `once` one round is measured and not five.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use prost::Message;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_checkpoint::image::{Found, Header, Kind, PAGE_BYTES, proto};
use sealab_checkpoint::sealed::{
    Cipher, Compression, Destination, OpenOptions, Output, PlainSource, SealOptions, SealedSet, SealedSource,
    Unlock, Work, open, seal, verify,
};
use sealab_engine::Engine;
use sealab_keys::jwe::JweKey;
use sealab_keys::{RecipientKey, SigningKey};

const ROUNDS: usize = 5;
const READS: usize = 20_000;
const ADDRESS: u64 = 0x7f00_0000_0000;
const MIB: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let place = Path::new(arguments.first().ok_or("the folder is missing")?);
    let mib: usize = arguments.get(1).ok_or("the size in MiB is missing")?.parse()?;
    let has = |word: &str| arguments[2..].iter().any(|argument| argument == word);
    let compression = match () {
        () if has("zstd") => Compression::Zstd,
        () if has("lz4") => Compression::Lz4,
        () if has("auto") => Compression::Auto,
        () => Compression::None,
    };
    let key = include_bytes!("../tests/data/key.der");
    let sender = SigningKey::from_bytes("key.der", key, None)?;
    let key = RecipientKey::from_bytes("key.der", key, None)?;
    let engine = (sealab_engine_aws_lc::CANDIDATE.open)()?;

    fs::create_dir_all(place)?;
    let (plain, copied) = (place.join("plain"), place.join("copied"));
    let (sealed, opened) = (place.join("sealed"), place.join("opened"));
    let given = has("given");
    let hole_rule: fn(usize) -> bool = if has("sparse") {
        |number| number % 64 != 0
    } else {
        |number| number % 8 == 7
    };
    for folder in [&copied, &sealed, &opened] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    if !given {
        make(&plain, mib, has("text"), hole_rule)?;
    }

    let options = SealOptions {
        cipher: if has("chacha") {
            Cipher::ChaCha20Poly1305
        } else {
            Cipher::Aes256Gcm
        },
        compression,
        deduplicate: has("dedup"),
        parent: None,
        sender: has("sign").then_some(&sender),
    };
    let recipients = [key.recipient().clone()];
    let recipients: Vec<_> = recipients.iter().collect();
    let key = JweKey::from(key);
    let unlock = OpenOptions {
        unlock: Unlock::Recipient(&key),
        parent: None,
        sender: has("sign").then(|| sender.verifying_key()),
    };
    let engine = &*engine;
    let plain_bytes = stored_bytes(&plain)?;
    let (mut copying, mut sealing, mut opening, mut verifying) = (vec![], vec![], vec![], vec![]);
    for _ in 0..if has("once") { 1 } else { ROUNDS } {
        copying.push(timed(|| copy(&plain, &copied))?);
        sealing.push(timed(|| {
            let source = PlainSource::Directory(&plain);
            seal(
                source,
                Destination::Directory(&sealed),
                &recipients,
                &options,
                &mut work(engine),
            )?;
            Ok(())
        })?);
        opening.push(timed(|| {
            open(
                SealedSource::Directory(&sealed),
                Output::Directory(&opened),
                &unlock,
                &mut work(engine),
            )?;
            Ok(())
        })?);
        verifying.push(timed(|| {
            verify(SealedSource::Directory(&sealed), &unlock, &mut work(engine))?;
            Ok(())
        })?);
        if !Command::new("diff")
            .arg("-rq")
            .arg(&plain)
            .arg(&opened)
            .status()?
            .success()
        {
            return Err("the opened set differs".into());
        }
        if !given {
            report_pages(&sealed, engine, &unlock, mib, hole_rule)?;
        }
        let stored = fs::metadata(sealed.join("checkpoint.sealed"))?.len();
        let share = stored as f64 / plain_bytes as f64;
        println!("  sealed file: {stored} bytes, {share:.4} of what is not in holes");
        for folder in [&copied, &sealed, &opened] {
            fs::remove_dir_all(folder)?;
        }
    }
    let (copy, _) = middle(&mut copying);
    println!("cp -r   {copy:?}");
    for (what, mut measured) in [("seal  ", sealing), ("open  ", opening), ("verify", verifying)] {
        let (time, peak) = middle(&mut measured);
        println!(
            "{what}  {time:?}  {:.2} times the copy, at most {peak} KiB",
            time.as_secs_f64() / copy.as_secs_f64()
        );
    }
    if !given {
        fs::remove_dir_all(&plain)?;
    }
    Ok(())
}

fn work(engine: &dyn Engine) -> Work<'_> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    Work {
        engine,
        progress: Box::leak(Box::new(|_| {})),
        interrupt: &NEVER,
    }
}

/// Bytes of the folder's files that are not in holes.
fn stored_bytes(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let metadata = entry?.metadata()?;
        bytes += metadata.len().min(metadata.blocks() * 512);
    }
    Ok(bytes)
}

/// Makes words out of random bytes: as many as there is room for, each chosen by two of the bytes.
fn fill_with_words(part: &mut [u8]) {
    let words: Vec<&str> = include_str!("../../../docs/formats/sealed-checkpoint.md")
        .split_inclusive(' ')
        .collect();
    let chosen: Vec<usize> = part
        .chunks_exact(2)
        .map(|pair| usize::from(u16::from_le_bytes([pair[0], pair[1]])) % words.len())
        .collect();
    let text = chosen.iter().flat_map(|word| words[*word].bytes());
    part.iter_mut()
        .zip(text)
        .for_each(|(byte, letter)| *byte = letter);
}

/// A process of `mib` MiB, in one pages file; those for which `is_hole` holds are holes.
fn make(folder: &Path, mib: usize, text: bool, is_hole: fn(usize) -> bool) -> Result<(), Box<dyn Error>> {
    fs::create_dir(folder)?;
    let entry = |message: Vec<u8>| [(message.len() as u32).to_le_bytes().to_vec(), message].concat();
    let mut pagemap = Header::of_kind(Kind::Pagemap).magic().to_vec();
    pagemap.extend(entry(proto::PagemapHead { pages_id: Some(1) }.encode_to_vec()));
    pagemap.extend(entry(
        proto::PagemapEntry {
            vaddr: Some(ADDRESS),
            compat_nr_pages: Some((mib * MIB / PAGE_BYTES) as u32),
            flags: Some(4),
            ..Default::default()
        }
        .encode_to_vec(),
    ));
    fs::write(folder.join("pagemap-1.img"), pagemap)?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut part = vec![0; MIB];
    let pages = File::create(folder.join("pages-1.img"))?;
    for number in (0..mib).filter(|number| !is_hole(*number)) {
        random.fill_bytes(&mut part);
        if text {
            fill_with_words(&mut part);
        }
        pages.write_all_at(&part, (number * MIB) as u64)?;
    }
    pages.set_len((mib * MIB) as u64)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status()?;
    copied.success().then_some(()).ok_or_else(|| "cp failed".into())
}

/// How long it took, and the most memory the process had meanwhile, in KiB.
type Measured = (Duration, u64);

fn timed(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Measured, Box<dyn Error>> {
    // Sets VmHWM back to what is in use now.
    fs::write("/proc/self/clear_refs", "5")?;
    let start = Instant::now();
    work()?;
    let elapsed = start.elapsed();
    Ok((elapsed, peak()?))
}

/// The most memory of the process since VmHWM was set back, in KiB.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(peak.ok_or("VmHWM is missing")?.parse()?)
}

/// The median time, and the greatest memory.
fn middle(measured: &mut [Measured]) -> Measured {
    measured.sort();
    let peak = measured.iter().map(|(_, peak)| *peak).max();
    (measured[measured.len() / 2].0, peak.unwrap_or(0))
}

/// Reads pages at random through the library's reader.
fn report_pages(
    sealed: &Path,
    engine: &dyn Engine,
    options: &OpenOptions<'_>,
    mib: usize,
    is_hole: fn(usize) -> bool,
) -> Result<(), Box<dyn Error>> {
    // Sets VmHWM back to what is in use now.
    fs::write("/proc/self/clear_refs", "5")?;
    let start = Instant::now();
    let mut set = SealedSet::open(sealed, engine, options)?;
    let opening = start.elapsed();
    let mut memory = set.memory(1)?;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut page = [0; PAGE_BYTES];
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        // Not in a hole.
        let number = loop {
            let number = random.next_u64() % (mib * MIB / PAGE_BYTES) as u64;
            if !is_hole(number as usize * PAGE_BYTES / MIB) {
                break number;
            }
        };
        let start = Instant::now();
        let found = memory.page(ADDRESS + number * PAGE_BYTES as u64, &mut page)?;
        times.push(start.elapsed());
        if found != Found::In(0) {
            return Err("a page is missing".into());
        }
    }
    times.sort();
    let middle = times[READS / 2];
    println!(
        "  set opened in {opening:?}; a page in {middle:?}, 99 of 100 within {:?}; at most {} KiB",
        times[READS / 100 * 99],
        peak()?
    );
    Ok(())
}
