//! That nothing but ciphertext is ever in the output, of engines that say so. Included by a file with `engine()`.
//!
//! A child process encrypts into a mapping of a file whose end lies within the output, and dies there. What it had
//! written until then is in the file: an engine that copies its input first, or a part of it, has left plaintext.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use sealab_engine::{AeadKey, DataUnits, Engine, InOutBuf, Messages, Nonce, Primitive, Tag, Tweak, XtsKey};

/// What a mapped file ends at, on every machine that the engines run on.
const PAGE: usize = 4096;
const OUTPUT: usize = 2 * PAGE;
/// How much of the output lies in the file: whole and parts of every length that a library may work in.
const INSIDE: [usize; 12] = [1, 15, 16, 48, 80, 100, 112, 240, 496, 1008, 2000, PAGE];
const PLAIN: u8 = 0x5a;
const UNTOUCHED: u8 = 0xa5;
/// The signal that touching a mapping past the file's end raises.
const SIGBUS: i32 = 7;
/// Set in the child: the primitive, how much of the output lies in the file, and the file.
const CHILD: &str = "SEALAB_CIPHERTEXT_ONLY";

fn primitives(engine: &dyn Engine) -> impl Iterator<Item = Primitive> {
    let all = [
        Primitive::Aes128Gcm,
        Primitive::Aes128Xts,
        Primitive::Aes256Gcm,
        Primitive::Aes256Xts,
        Primitive::ChaCha20Poly1305,
    ];
    let there = engine.primitives();
    all.into_iter().filter(|primitive| there.contains(primitive))
}

fn encrypt(engine: &dyn Engine, primitive: Primitive, output: &mut [u8]) {
    let plain = [PLAIN; OUTPUT];
    let data = InOutBuf::new(&plain, output).unwrap();
    let key: [u8; 64] = std::array::from_fn(|index| index as u8);
    match primitive {
        Primitive::Aes128Xts | Primitive::Aes256Xts => {
            let bytes = if primitive == Primitive::Aes256Xts { 64 } else { 32 };
            let mut xts = engine
                .xts(&XtsKey::new(primitive, &key[..bytes]).unwrap())
                .unwrap();
            let tweaks = [Tweak::plain64(1)];
            xts.encrypt(DataUnits::new(OUTPUT, &tweaks).unwrap(), data)
                .unwrap();
        }
        _ => {
            let bytes = if primitive == Primitive::Aes128Gcm { 16 } else { 32 };
            let mut aead = engine
                .aead(&AeadKey::new(primitive, &key[..bytes]).unwrap())
                .unwrap();
            let nonces = [Nonce([7; 12])];
            let messages = Messages::equal(OUTPUT, &nonces, &[]).unwrap();
            aead.seal(messages, data, &mut [Tag([0; 16])]).unwrap();
        }
    }
}

/// Never returns: the output goes on after the file's end.
fn die_encrypting(engine: &dyn Engine, primitive: Primitive, inside: usize, path: &Path) {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut options = memmap2::MmapOptions::new();
    // SAFETY: nobody changes the file while this process has it mapped. What lies past its end kills this process when
    // it is touched, which is the point.
    let mut mapping = unsafe { options.len(4 * PAGE).map_mut(&file) }.unwrap();
    encrypt(engine, primitive, &mut mapping[PAGE - inside..][..OUTPUT]);
    panic!("the whole output was written, past the end of the file");
}

#[test]
fn nothing_but_ciphertext_is_ever_in_the_output() {
    let engine = crate::engine();
    assert!(engine.writes_ciphertext_only());
    if let Ok(job) = std::env::var(CHILD) {
        let mut job = job.splitn(3, ' ');
        let mut next = || job.next().unwrap();
        let (id, inside, path) = (next(), next().parse().unwrap(), next());
        let primitive = primitives(&*engine)
            .find(|primitive| primitive.id() == id)
            .unwrap();
        die_encrypting(&*engine, primitive, inside, Path::new(path));
    }
    for primitive in primitives(&*engine) {
        let mut ciphertext = [0; OUTPUT];
        encrypt(&*engine, primitive, &mut ciphertext);
        for inside in INSIDE {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&[UNTOUCHED; PAGE]).unwrap();
            let status = Command::new("sh")
                // A core file would be of no use to anyone.
                .args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""])
                .arg(std::env::current_exe().unwrap())
                .args(["nothing_but_ciphertext_is_ever_in_the_output", "--nocapture"])
                .env(
                    CHILD,
                    format!("{} {inside} {}", primitive.id(), file.path().display()),
                )
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(status.signal(), Some(SIGBUS), "{primitive:?}: {status}");
            let found = std::fs::read(file.path()).unwrap();
            let written = &found[PAGE - inside..];
            let stray = written
                .iter()
                .zip(&ciphertext)
                .position(|(byte, expected)| *byte != UNTOUCHED && byte != expected);
            assert_eq!(
                stray, None,
                "{primitive:?} with {inside} bytes of the output in the file"
            );
            // Long before the file's end, at least, something was written.
            assert!(
                inside < PAGE || written[..16] == ciphertext[..16],
                "{primitive:?}"
            );
        }
    }
}
