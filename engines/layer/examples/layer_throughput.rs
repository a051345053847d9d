//! How fast a layer is encrypted and decrypted in each format, beside the engine's own HMAC-SHA-256, a plain copy and, where
//! it is there, skopeo; how long 4 KiB take at a random place; and the most memory that the process had (VmHWM). The
//! layer, random bytes, is made in the folder of the first argument, of as many MiB as the second says. The engine is
//! AWS-LC, on two threads.
//!
//! `cargo run --release --example layer_throughput -- /dev/shm/place 512 [skopeo]`

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_engine::{Engine, MacKey};
use sealab_keys::RecipientKey;
use sealab_keys::jwe::JweKey;
use sealab_layer::image::{ImageReference, Index, LayerChoice, Layout, Manifest};
use sealab_layer::{EncryptOptions, Format, LayerRecipient, NamedKey, Work, decrypt, encrypt, open_layer};

const ROUNDS: usize = 5;
const READS: usize = 5_000;
const MIB: usize = 1 << 20;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let place = Path::new(arguments.first().ok_or("the folder is missing")?);
    let mib: usize = arguments.get(1).ok_or("the size in MiB is missing")?.parse()?;
    let with_skopeo = arguments.iter().any(|argument| argument == "skopeo");
    let engine = (sealab_engine_aws_lc::CANDIDATE.open)()?;
    let key_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keys/tests/fixtures/rsa-pkcs8.der");
    let key = RecipientKey::read(&key_file, None)?;
    let recipient = LayerRecipient::from(key.recipient().clone());
    let key = JweKey::from(key);
    let key = NamedKey {
        name: "rsa",
        key: &key,
    };

    fs::create_dir_all(place)?;
    let image = |name: &str| ImageReference {
        directory: place.join(name),
        tag: Some("v1".to_owned()),
    };
    let (plain, closed, opened) = (image("plain"), image("closed"), image("opened"));
    for image in [&plain, &closed, &opened] {
        if image.directory.exists() {
            fs::remove_dir_all(&image.directory)?;
        }
    }
    let blob = make(&plain.directory, mib, &*engine)?;
    let interrupt = AtomicBool::new(false);
    let work = Work {
        engine: &*engine,
        threads: 2,
        progress: &|_| {},
        interrupt: &interrupt,
    };

    let mut hmac_times = Vec::new();
    let part = vec![0x5a; 64 * MIB];
    let mut mac = engine.hmac_sha256(&MacKey::new(&[1; 32]))?;
    let mut copies = Vec::new();
    let mut sealing = vec![Vec::new(); Format::ALL.len()];
    let mut opening = vec![Vec::new(); Format::ALL.len()];
    // A round has one of each, so that a drift of the machine hits all.
    for _ in 0..ROUNDS {
        hmac_times.push(timed(|| Ok(mac.compute(&[&part]).map(drop)?))?.0);
        copies.push(timed(|| Ok(fs::copy(&blob, place.join("copy")).map(drop)?))?.0);
        for (number, format) in Format::ALL.into_iter().enumerate() {
            let options = EncryptOptions {
                format,
                recipients: std::slice::from_ref(&recipient),
                choice: &LayerChoice::default(),
                salt: None,
                compression: sealab_layer::Compression::Keep,
            };
            sealing[number].push(timed(|| {
                encrypt(&plain, &closed, &options, &work)?;
                Ok(())
            })?);
            opening[number].push(timed(|| {
                decrypt(&closed, &opened, &[key], &LayerChoice::default(), &work)?;
                Ok(())
            })?);
            if fs::read(&blob)?
                != fs::read(
                    opened
                        .directory
                        .join("blobs/sha256")
                        .join(blob.file_name().ok_or("no name")?),
                )?
            {
                return Err("the opened layer differs".into());
            }
            fs::remove_dir_all(&closed.directory)?;
            fs::remove_dir_all(&opened.directory)?;
        }
    }
    let rate = |time: Duration, mib: usize| mib as f64 / time.as_secs_f64();
    let hmac = rate(median(&mut hmac_times), 64);
    println!(
        "HMAC-SHA-256 of the engine  {hmac:.0} MiB/s; a copy  {:.0} MiB/s",
        rate(median(&mut copies), mib)
    );
    let mut whole = 0.0;
    for (number, format) in Format::ALL.into_iter().enumerate() {
        for (what, measured) in [("encrypt", &sealing[number]), ("decrypt", &opening[number])] {
            let peak = measured.iter().map(|(_, peak)| *peak).max().unwrap_or(0);
            let mut times: Vec<Duration> = measured.iter().map(|(time, _)| *time).collect();
            let speed = rate(median(&mut times), mib);
            if format == Format::Ocicrypt && what == "decrypt" {
                whole = speed;
            }
            let beside = if what == "decrypt" && whole > 0.0 {
                format!(", {:.2} of ocicrypt's", speed / whole)
            } else {
                String::new()
            };
            println!(
                "{what} {:31} {speed:5.0} MiB/s, {:.2} of HMAC{beside}; at most {peak} KiB",
                format.name(),
                speed / hmac
            );
        }
    }
    for format in [Format::OcicryptSeekable, Format::ALL[2]] {
        let options = EncryptOptions {
            format,
            recipients: std::slice::from_ref(&recipient),
            choice: &LayerChoice::default(),
            salt: None,
            compression: sealab_layer::Compression::Keep,
        };
        encrypt(&plain, &closed, &options, &work)?;
        reads(&closed, key, &*engine, mib)?;
        fs::remove_dir_all(&closed.directory)?;
    }
    if with_skopeo {
        skopeo(&plain, &closed, &opened, place, mib)?;
    }
    fs::remove_dir_all(place)?;
    Ok(())
}

/// An image with one layer of `mib` MiB of random bytes; gives the layer's blob.
fn make(directory: &Path, mib: usize, engine: &dyn Engine) -> Result<std::path::PathBuf> {
    let blobs = directory.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let mut layer = vec![0; mib * MIB];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut layer);
    let add = |bytes: &[u8]| -> Result<String> {
        let digest = engine.sha256()?.digest(&[bytes])?;
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        File::create(blobs.join(&hex))?.write_all(bytes)?;
        Ok(hex)
    };
    let layer_hex = add(&layer)?;
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer_hex}")]},
    });
    let config = serde_json::to_vec(&config)?;
    // As gzip, so that skopeo does not compress it.
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": format!("sha256:{}", add(&config)?), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": format!("sha256:{layer_hex}"), "size": layer.len()}],
    });
    let manifest = serde_json::to_vec(&manifest)?;
    let index = serde_json::json!({
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{}", add(&manifest)?), "size": manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": "v1"}}],
    });
    fs::write(directory.join("index.json"), serde_json::to_vec(&index)?)?;
    fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(blobs.join(layer_hex))
}

/// How long it took, and the most memory the process had meanwhile, in KiB.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<(Duration, u64)> {
    // Sets VmHWM back to what is in use now.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = memory("VmRSS:")?;
    let start = Instant::now();
    work()?;
    let elapsed = start.elapsed();
    Ok((elapsed, memory("VmHWM:")?.saturating_sub(before)))
}

fn memory(line: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let found = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB"));
    Ok(found.ok_or("a line of the status is missing")?.parse()?)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Reads 4 KiB at random places of the first layer.
fn reads(image: &ImageReference, key: NamedKey<'_>, engine: &dyn Engine, mib: usize) -> Result<()> {
    let index: Index = Layout::open(&image.directory)?.index()?;
    let blob = |hex: String| image.directory.join("blobs/sha256").join(hex);
    let manifest: Manifest = serde_json::from_slice(&fs::read(blob(index.manifests[0].digest.hex()))?)?;
    let layer = &manifest.layers[0];
    let mut reader = open_layer(
        layer,
        &[key],
        Box::new(File::open(blob(layer.digest.hex()))?),
        engine,
    )?;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut part = [0; 4096];
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let offset = random.next_u64() % ((mib * MIB) as u64 - part.len() as u64);
        let start = Instant::now();
        reader.read_at(offset, &mut part)?;
        times.push(start.elapsed());
    }
    let half = median(&mut times);
    let beside: usize =
        layer.annotations.values().map(String::len).sum::<usize>() + layer.size as usize - mib * MIB;
    println!(
        "4 KiB of {}: {half:?}, 99 of 100 within {:?}; beside the layer {beside} bytes, {:.4} %",
        layer.media_type,
        times[READS / 100 * 99],
        beside as f64 / (mib * MIB) as f64 * 100.0
    );
    Ok(())
}

fn skopeo(
    plain: &ImageReference,
    closed: &ImageReference,
    opened: &ImageReference,
    place: &Path,
    mib: usize,
) -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keys/tests/fixtures");
    let pem = place.join("rsa.pem");
    let made = Command::new("openssl")
        .args(["pkey", "-inform", "DER", "-in"])
        .arg(fixtures.join("rsa-pkcs8.der"))
        .arg("-out")
        .arg(&pem)
        .status()?;
    if !made.success() {
        return Err("openssl failed".into());
    }
    let recipient = format!("jwe:{}", fixtures.join("rsa.pub.pem").display());
    let pem = pem.display().to_string();
    for (what, option, value, from, to) in [
        ("encrypt", "--encryption-key", &recipient, plain, closed),
        ("decrypt", "--decryption-key", &pem, closed, opened),
    ] {
        let start = Instant::now();
        let ran = Command::new("skopeo")
            .args(["--insecure-policy", "copy", option, value])
            .args([from.to_string(), to.to_string()])
            .stdout(Stdio::null())
            .status()?;
        if !ran.success() {
            return Err("skopeo failed".into());
        }
        println!(
            "skopeo {what}  {:.0} MiB/s",
            mib as f64 / start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
