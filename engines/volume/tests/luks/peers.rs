//! Real programs: what they write we open, what we write they open. From Debian: cryptsetup-bin, qemu-utils, nbdkit,
//! libnbd-bin.

use std::path::Path;
use std::process::Command;

use sealab_volume::luks::{Argon2Cost, Cipher, Device, Hash, Header, KdfLimits, Options, Pbkdf, create};
use sealab_volume::store::FileStore;
use sealab_volume::{Volume, luks};

use super::{Folder, PASSPHRASE, engine, file, opened, options, plain, store};

/// Whether these programs are there; says so where a test cannot run, which is a failure with `CI=true`.
fn have(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| Command::new(program).arg("--version").output().is_err())
        .collect();
    assert!(
        missing.is_empty() || std::env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: {missing:?} missing"
    );
    if !missing.is_empty() {
        println!("NOT RUN: {test}: {missing:?} missing");
    }
    missing.is_empty()
}

/// Runs `program`; the folder stands for `@` in its arguments. What it printed.
fn run(folder: &Folder, program: &str, arguments: &str) -> String {
    let done = attempt(folder, program, arguments);
    done.unwrap_or_else(|said| panic!("{program} {arguments}: {said}"))
}

fn attempt(folder: &Folder, program: &str, arguments: &str) -> Result<String, String> {
    let root = folder.path("");
    let arguments: Vec<_> = arguments
        .split_whitespace()
        .map(|argument| argument.replace('@', root.to_str().unwrap()))
        .collect();
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stderr) + &said(&output.stdout))
    }
}

fn cryptsetup(folder: &Folder, arguments: &str) -> String {
    run(folder, "cryptsetup", &format!("--batch-mode {arguments}"))
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("pw", PASSPHRASE);
    folder.write("other", b"another passphrase");
    folder
}

fn read_all(device: &Device) -> Vec<u8> {
    let volume = opened(device, PASSPHRASE).unwrap();
    let mut data = vec![0; volume.size() as usize];
    volume.read(0, &mut data).unwrap();
    data
}

const CHEAP: &str = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000";
const MEBIBYTE: usize = 1 << 20;

#[test]
fn what_cryptsetup_formats_opens() {
    if !have("what_cryptsetup_formats_opens", &["cryptsetup"]) {
        return;
    }
    let folder = folder();
    for (number, arguments) in [
        "--type luks1 --pbkdf-force-iterations 1000",
        "--type luks1 --pbkdf-force-iterations 1000 --cipher aes-cbc-essiv:sha256 --key-size 256 --hash sha512",
        "--type luks1 --pbkdf-force-iterations 1000 --key-size 256 --hash sha1",
        &format!("--type luks2 --sector-size 512 {CHEAP}"),
        &format!("--type luks2 --sector-size 4096 {CHEAP} --hash sha512 --label name"),
        &format!("--type luks2 --key-size 256 {CHEAP} --luks2-metadata-size 64k --luks2-keyslots-size 4m"),
        &format!("--type luks2 --cipher aes-cbc-essiv:sha256 --key-size 256 {CHEAP}"),
        "--type luks2 --pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 64 --pbkdf-parallel 3",
        "--type luks2 --pbkdf argon2i --pbkdf-force-iterations 5 --pbkdf-memory 100 --pbkdf-parallel 1",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{number}.img");
        let path = folder.write(&name, &[]);
        std::fs::File::options().write(true).open(&path).unwrap().set_len(18 << 20).unwrap();
        cryptsetup(&folder, &format!("luksFormat {arguments} --key-file @pw @{name}"));
        cryptsetup(
            &folder,
            &format!("luksAddKey {CHEAP} --key-file @pw @{name} @other"),
        );
        let volume = opened(&file(&path), PASSPHRASE).unwrap_or_else(|error| panic!("{arguments}: {error}"));
        assert!(volume.size() > 0);
        drop(volume);
        // A header that we write is one that cryptsetup reads.
        opened(&file(&path), b"another passphrase").unwrap();
        let store = store(&path);
        let mut header = Header::read(&*store, &KdfLimits::default()).unwrap();
        header.remove_keyslot(&*store, 0).unwrap();
        drop(store);
        assert!(opened(&file(&path), PASSPHRASE).is_err());
        cryptsetup(&folder, &format!("open --test-passphrase --key-file @other @{name}"));
        assert!(attempt(&folder, "cryptsetup", &format!("open --test-passphrase --key-file @pw @{name}")).is_err());
        cryptsetup(&folder, &format!("luksDump @{name}"));
    }
}

#[test]
fn what_cryptsetup_encrypts_reads_right() {
    if !have("what_cryptsetup_encrypts_reads_right", &["cryptsetup"]) {
        return;
    }
    for arguments in [
        "--sector-size 512",
        "--sector-size 4096",
        "--sector-size 512 --cipher aes-cbc-essiv:sha256 --key-size 256",
        "--sector-size 4096 --cipher aes-cbc-essiv:sha256 --key-size 256",
        "--sector-size 2048 --key-size 256",
    ] {
        let folder = folder();
        let data = folder.write("data", &plain(MEBIBYTE));
        let encrypt = format!(
            "reencrypt --encrypt --type luks2 {arguments} {CHEAP} --key-file @pw --header @head @data"
        );
        cryptsetup(&folder, &encrypt);
        assert!(std::fs::read(&data).unwrap() != plain(MEBIBYTE));
        let device = Device::detached(store(&folder.path("head")), store(&data));
        assert!(read_all(&device) == plain(MEBIBYTE), "{arguments}");
    }
}

#[test]
fn what_we_encrypt_cryptsetup_decrypts() {
    if !have("what_we_encrypt_cryptsetup_decrypts", &["cryptsetup"]) {
        return;
    }
    let [_, cheap] = options();
    let argon2 = Pbkdf::Argon2id(Argon2Cost {
        time: 4,
        memory: 64,
        cpus: 3,
    });
    for (cipher, sector_size, pbkdf) in [
        (Cipher::Aes256XtsPlain64, 512, argon2),
        (Cipher::Aes256XtsPlain64, 4096, cheap.pbkdf),
        (Cipher::Aes128XtsPlain64, 1024, cheap.pbkdf),
        (Cipher::Aes256CbcEssivSha256, 4096, cheap.pbkdf),
    ] {
        let folder = folder();
        let options = Options {
            cipher,
            sector_size,
            pbkdf,
            hash: Hash::Sha512,
            ..cheap.clone()
        };
        FileStore::create(folder.path("head"), options.header_bytes()).unwrap();
        FileStore::create(folder.path("data"), MEBIBYTE as u64).unwrap();
        let device = Device::detached(store(&folder.path("head")), store(&folder.path("data")));
        create(engine(), &device, &options, PASSPHRASE).unwrap();
        opened(&device, PASSPHRASE)
            .unwrap()
            .write(0, &plain(MEBIBYTE))
            .unwrap();
        drop(device);
        assert!(std::fs::read(folder.path("data")).unwrap() != plain(MEBIBYTE));
        cryptsetup(
            &folder,
            "open --test-passphrase --key-file @pw --header @head @data",
        );
        cryptsetup(
            &folder,
            "reencrypt --decrypt --force-offline-reencrypt --key-file @pw --header @head @data",
        );
        assert!(
            std::fs::read(folder.path("data")).unwrap() == plain(MEBIBYTE),
            "{options:?}"
        );
    }
}

#[test]
fn what_we_make_cryptsetup_uses() {
    if !have("what_we_make_cryptsetup_uses", &["cryptsetup"]) {
        return;
    }
    let [luks1, luks2] = options();
    let gcm = Options {
        cipher: Cipher::Aes256GcmRandom,
        integrity: luks::IntegrityOptions { no_wipe: true },
        ..luks2.clone()
    };
    let hmac = Options {
        cipher: Cipher::Aes256XtsHmacSha256,
        ..gcm.clone()
    };
    let labelled = Options {
        label: "Données".to_owned(),
        subsystem: "lab".to_owned(),
        ..luks2.clone()
    };
    for (options, words) in [
        (luks1, ["xts-plain64", "Payload offset:\t4096"]),
        (luks2, ["aes-xts-plain64", "sector: 4096"]),
        (labelled, ["Données", "Subsystem:     \tlab"]),
        (gcm, ["aes-gcm-random", "integrity: aead"]),
        (hmac, ["integrity: hmac(sha256)", "Key:        768 bits"]),
    ] {
        let folder = folder();
        let path = folder.path("image");
        FileStore::create(&path, options.header_bytes() + (4 << 20)).unwrap();
        let device = file(&path);
        let mut header = create(engine(), &device, &options, PASSPHRASE).unwrap();
        header
            .add_keyslot(
                &*engine(),
                &**device.header(),
                PASSPHRASE,
                b"another passphrase",
                options.pbkdf,
                Some(5),
            )
            .unwrap();
        drop(device);
        let dump = cryptsetup(&folder, "luksDump @image");
        for word in words {
            assert!(dump.contains(word), "{word} is not in {dump}");
        }
        for (key, keyslot) in [("pw", 0), ("other", 5)] {
            let test = format!("open --verbose --test-passphrase --key-file @{key} @image");
            assert!(cryptsetup(&folder, &test).contains(&format!("Key slot {keyslot} unlocked")));
        }
        folder.write("third", b"a third");
        cryptsetup(
            &folder,
            "luksAddKey --pbkdf-force-iterations 1000 --pbkdf pbkdf2 --key-file @other @image @third",
        );
        cryptsetup(&folder, "luksRemoveKey @image @pw");
        let device = file(&path);
        let header = Header::read(&**device.header(), &KdfLimits::default()).unwrap();
        let test = |passphrase| header.test_passphrase(&*engine(), &**device.header(), passphrase, None);
        assert_eq!(test(b"a third").unwrap(), 1);
        assert!(test(PASSPHRASE).is_err());
    }
}

/// Reads the LUKS1 volume `image` with qemu and with nbdkit's filter.
fn read_with_peers(folder: &Folder, image: &str) -> [Vec<u8>; 2] {
    let secret = "--object secret,id=s0,file=@pw";
    let source = format!("driver=luks,key-secret=s0,file.driver=file,file.filename=@{image}");
    run(
        folder,
        "qemu-img",
        &format!("convert {secret} --image-opts {source} -O raw @qemu.out"),
    );
    let run_nbdcopy = format!("nbdcopy $uri {}", folder.path("nbdkit.out").display());
    let output = Command::new("nbdkit")
        .args(["-U", "-", "--filter=luks", "file"])
        .arg(folder.path(image))
        .arg(format!("passphrase=+{}", folder.path("pw").display()))
        .args(["--run", &run_nbdcopy])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    ["qemu.out", "nbdkit.out"].map(|name| {
        let path = folder.path(name);
        let data = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        data
    })
}

#[test]
fn qemu_and_nbdkit_read_our_luks1() {
    if !have(
        "qemu_and_nbdkit_read_our_luks1",
        &["qemu-img", "qemu-io", "nbdkit", "nbdcopy"],
    ) {
        return;
    }
    let [cheap, _] = options();
    for (cipher, hash) in [
        (Cipher::Aes256XtsPlain64, Hash::Sha256),
        (Cipher::Aes128XtsPlain64, Hash::Sha512),
    ] {
        let folder = folder();
        let options = Options {
            cipher,
            hash,
            pbkdf: Pbkdf::Pbkdf2 {
                hash,
                iterations: 1000,
            },
            ..cheap.clone()
        };
        let path = folder.path("image");
        FileStore::create(&path, options.header_bytes() + MEBIBYTE as u64).unwrap();
        create(engine(), &file(&path), &options, PASSPHRASE).unwrap();
        opened(&file(&path), PASSPHRASE)
            .unwrap()
            .write(0, &plain(MEBIBYTE))
            .unwrap();
        for data in read_with_peers(&folder, "image") {
            assert!(data == plain(MEBIBYTE), "{options:?}");
        }
        // What qemu writes into it reads right, too.
        let output = Command::new("qemu-io")
            .args([
                "--object",
                &format!("secret,id=s0,file={}", folder.path("pw").display()),
            ])
            .args([
                "--image-opts",
                &format!(
                    "driver=luks,key-secret=s0,file.driver=file,file.filename={}",
                    path.display()
                ),
            ])
            .args(["-c", "write -P 0x5a 512 8192"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut expected = plain(MEBIBYTE);
        expected[512..512 + 8192].fill(0x5a);
        assert!(read_all(&file(&path)) == expected);
    }
}

#[test]
fn what_qemu_makes_opens() {
    if !have("what_qemu_makes_opens", &["qemu-img"]) {
        return;
    }
    for cipher in [
        "",
        ",cipher-alg=aes-128",
        ",cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256",
    ] {
        let folder = folder();
        folder.write("raw", &plain(MEBIBYTE));
        let arguments = "convert --object secret,id=s0,file=@pw -O luks -o key-secret=s0,iter-time=10";
        run(&folder, "qemu-img", &format!("{arguments}{cipher} @raw @image"));
        let data = read_all(&file(&folder.path("image")));
        assert!(data == plain(MEBIBYTE), "{cipher}");
    }
}

#[test]
fn a_detached_luks1_header_is_one_for_cryptsetup() {
    if !have("a_detached_luks1_header_is_one_for_cryptsetup", &["cryptsetup"]) {
        return;
    }
    let [options, _] = options();
    let folder = folder();
    let (head, data) = (folder.path("head"), folder.path("data"));
    FileStore::create(&head, options.header_bytes()).unwrap();
    FileStore::create(&data, MEBIBYTE as u64).unwrap();
    let device = Device::detached(store(&head), store(&data));
    create(engine(), &device, &options, PASSPHRASE).unwrap();
    assert_eq!(opened(&device, PASSPHRASE).unwrap().size(), MEBIBYTE as u64);
    drop(device);
    assert!(cryptsetup(&folder, "luksDump @head").contains("Payload offset:\t0"));
    cryptsetup(
        &folder,
        "open --test-passphrase --key-file @pw --header @head @data",
    );
    // Without its data it is none for us: they would lie over the header.
    assert!(opened(&file(Path::new(&head)), PASSPHRASE).is_err());
}
