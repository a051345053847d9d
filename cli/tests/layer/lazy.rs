//! Files of encrypted images that are read in a real registry, mounted or one by one.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::peer::{Registry, not_run};
use crate::place::{Place, digests, key};
use crate::served::{Served, fuse, is_mounted};
use crate::tree::{CANARY, Kind, Layer, MTIME, found, layers, layout, noise};

const FORMATS: [&str; 3] = ["ocicrypt-seekable", "chunked-aead", "convergent"];

/// Encrypts layers into the registry; gives the image.
fn pushed(place: &Place, registry: &Registry, format: &str, layers: &[Vec<u8>]) -> String {
    pushed_as(place, registry, (format, "keep"), layers)
}

/// The same with the compression behind the format.
fn pushed_as(
    place: &Place,
    registry: &Registry,
    (format, compression): (&str, &str),
    layers: &[Vec<u8>],
) -> String {
    let source = format!("plain-{format}");
    layout(&place.path(&source), layers);
    let image = registry.image(&format!("{format}/{compression}"), "v1");
    let (source, recipient) = (format!("oci:{source}:v1"), format!("jwe:{}", key("rsa.pub.pem")));
    let mut call = vec!["encrypt", &source, &image, "--format", format];
    call.extend(["--compression", compression, "--recipient", &recipient]);
    if format == "convergent" {
        // So that the chunks are the same ones each time.
        fs::write(place.path("salt"), [7; 32]).unwrap();
        call.extend(["--salt", "salt"]);
    }
    place.done(&call);
    image
}

/// The image by the digest of its manifest.
fn by_digest(place: &Place, image: &str) -> String {
    let shown = place.json(&["show", image]);
    let manifest = shown["layers"][0]["manifest"].as_str().unwrap();
    image.replace(":v1", &format!("@{manifest}"))
}

fn private() -> String {
    key("rsa-pkcs8.der")
}

fn number(told: &Value, name: &str) -> u64 {
    told["fetched"][name].as_u64().unwrap()
}

/// What is in the files of a folder.
fn contents(folder: &Path) -> Vec<Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

fn has_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY)
}

#[test]
fn a_mount_has_the_files_that_were_encrypted() {
    let test = "a_mount_has_the_files_that_were_encrypted";
    let Some(registry) = Registry::start(test).filter(|_| fuse(test)) else {
        return;
    };
    let (layers, files) = layers();
    let ways = FORMATS.map(|format| (format, "keep"));
    for (format, compression) in ways.into_iter().chain([("chunked-aead", "zstd-frames")]) {
        let place = Place::new();
        let image = pushed_as(&place, &registry, (format, compression), &layers);
        let served = Served::start(&place, &image, &["--key", &private()]);
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts
            .lines()
            .find(|line| line.contains(&*served.root.display().to_string()));
        let options = mount.unwrap().split(' ').nth(3).unwrap();
        for option in ["ro", "nosuid", "nodev"] {
            assert!(options.split(',').any(|found| found == option), "{options}");
        }
        let now = found(&served.root);
        for (path, entry) in &files {
            assert!(now.get(path) == Some(entry), "{format}: {path}");
        }
        let more: Vec<_> = now.keys().filter(|path| !files.contains_key(*path)).collect();
        assert!(more.is_empty(), "{format}: {more:?}");
        let metadata = fs::metadata(served.root.join("usr/program")).unwrap();
        use std::os::unix::fs::MetadataExt;
        assert_eq!((metadata.uid(), metadata.gid()), (1000, 1000));
        assert_eq!(metadata.mtime() as u64, MTIME);
        let again = fs::metadata(served.root.join("usr/again")).unwrap();
        assert_eq!(metadata.ino(), again.ino());
        let mut value = [0; 16];
        let program = served.root.join("usr/program");
        let length = rustix::fs::getxattr(&program, "user.origin", &mut value[..]).unwrap();
        assert_eq!(value[..length], *b"\x00lower\xff");
        assert!(rustix::fs::getxattr(&program, "user.other", &mut value[..]).is_err());
        let length = rustix::fs::listxattr(&program, &mut value[..]).unwrap();
        assert_eq!(value[..length], *b"user.origin\0");
        let status = rustix::fs::statvfs(&served.root).unwrap();
        // One of them has two names, and the root has none.
        assert_eq!(status.f_files, files.len() as u64);
        assert!(fs::write(served.root.join("etc/new"), "x").is_err());
        let (code, told, errors) = served.end();
        assert_eq!((code, told["refused"].as_u64()), (0, Some(0)), "{errors}");
        assert!(errors.contains("bytes fetched in"), "{errors}");
        assert!(number(&told, "bytes") > 1_900_000, "{told}");
    }
}

#[test]
fn a_twentieth_of_the_files_is_had_for_a_tenth_of_the_bytes() {
    let Some(registry) = Registry::start("a_twentieth_of_the_files_is_had_for_a_tenth_of_the_bytes") else {
        return;
    };
    let mut layer = Layer::new();
    let file = |number: u64| noise(number, 50_000 + 4001 * (number as usize * 37 % 100));
    for number in 0..100 {
        layer.file(&format!("files/{number}"), 0o644, &file(number));
    }
    let layers = [layer.bytes()];
    let frames = ["ocicrypt-seekable", "chunked-aead"].map(|format| (format, "zstd-frames"));
    let ways = FORMATS.map(|format| (format, "keep")).into_iter().chain(frames);
    for (format, compression) in ways {
        let place = Place::new();
        let image = pushed_as(&place, &registry, (format, compression), &layers);
        let shown = place.json(&["show", &image]);
        assert_eq!(shown["layers"][0]["file_index"], true, "{shown}");
        assert!(place.done(&["show", &image]).contains(", with a file index; "));
        let listed = place.json(&["list", &image, "--key", &private(), "files"]);
        assert_eq!(listed["files"].as_array().unwrap().len(), 101);
        let wanted: Vec<u64> = (0..5).map(|number| 11 + 17 * number).collect();
        let paths: Vec<String> = wanted.iter().map(|number| format!("/files/{number}")).collect();
        let mut call = vec!["read", &image, "--key"];
        let key = private();
        call.extend([&*key, "--output", "out"]);
        call.extend(paths.iter().map(String::as_str));
        let told = place.json(&call);
        for number in wanted {
            let read = fs::read(place.path(&format!("out/files/{number}"))).unwrap();
            assert!(read == file(number), "{number}");
        }
        assert_eq!(told["paths"].as_array().unwrap().len(), 5);
        let (bytes, whole) = (number(&told, "bytes"), number(&told, "image_bytes"));
        println!(
            "{format} {compression}: {bytes} of {whole} bytes in {} requests",
            number(&told, "requests")
        );
        assert!(whole > 24_000_000, "{whole}");
        assert!(bytes * 10 <= whole, "{format}: {bytes} of {whole}");
        // Chunks that lie beside each other come together.
        assert!(number(&told, "requests") <= 40, "{format}: {told}");
    }
}

#[test]
fn a_cache_has_no_plaintext_is_bounded_and_works_without_the_registry() {
    let test = "a_cache_has_no_plaintext_is_bounded_and_works_without_the_registry";
    let Some(mut registry) = Registry::start(test) else {
        return;
    };
    let (layers, files) = layers();
    for format in FORMATS {
        let place = Place::new();
        let image = pushed(&place, &registry, format, &layers);
        let image = by_digest(&place, &image);
        let key = private();
        let read = |output: &str, path: &str, cache: &str, size: &str| {
            let cache = ["--cache", cache, "--cache-size", size];
            let call = [
                &["read", &image, "--key", &key, "--output", output, path],
                &cache[..],
            ]
            .concat();
            place.json(&call)
        };
        let told = read("cold", "/usr/program", "cache", "1GiB");
        assert!(number(&told, "bytes") > 1_500_000);
        let kept = contents(&place.path("cache"));
        assert!(kept.iter().map(Vec::len).sum::<usize>() > 1_500_000);
        assert!(!kept.iter().any(|bytes| has_canary(bytes)), "{format}");
        assert!(has_canary(&fs::read(place.path("cold/usr/program")).unwrap()));
        // A second one is bounded: of what is read, only the last is there.
        read("bounded", "/usr/program", "small", "256KiB");
        let small = contents(&place.path("small"));
        let bytes: usize = small.iter().map(Vec::len).sum();
        assert!((100_000..=256 << 10).contains(&bytes), "{format}: {bytes}");

        drop(registry);
        let told = read("warm", "/usr/program", "cache", "1GiB");
        assert_eq!((number(&told, "bytes"), number(&told, "requests")), (0, 0));
        assert!(number(&told, "from_cache") > 1_500_000);
        let Kind::File(program) = &files["usr/program"].kind else {
            panic!();
        };
        assert!(&fs::read(place.path("warm/usr/program")).unwrap() == program);
        // What it has not, it has not.
        let call = ["read", &image, "--key", &key, "/etc/shadow", "--cache", "cache"];
        let told = place.refused(2, &call);
        assert!(
            told.starts_with("sealab: /etc/shadow: ") && told.contains("GET http://"),
            "{told}"
        );
        let Some(another) = Registry::start(test) else {
            return;
        };
        registry = another;
    }
}

#[test]
fn what_was_changed_in_the_cache_is_fetched_anew() {
    let Some(registry) = Registry::start("what_was_changed_in_the_cache_is_fetched_anew") else {
        return;
    };
    let (layers, _) = layers();
    for format in FORMATS {
        let place = Place::new();
        let image = by_digest(&place, &pushed(&place, &registry, format, &layers));
        let key = private();
        let read = |output: &str| {
            let call = [
                "read", &image, "--key", &key, "/", "--cache", "cache", "--output", output,
            ];
            let output = place.command(&call).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        read("cold");
        for entry in fs::read_dir(place.path("cache")).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            bytes.iter_mut().step_by(7).for_each(|byte| *byte ^= 1);
            fs::write(&path, bytes).unwrap();
        }
        read("again");
        let (cold, again) = (found(&place.path("cold")), found(&place.path("again")));
        assert!(cold == again && cold.len() == 13, "{format}: {}", cold.len());
    }
}

#[test]
fn a_changed_layer_fails_for_the_files_that_it_changes() {
    let test = "a_changed_layer_fails_for_the_files_that_it_changes";
    let Some(registry) = Registry::start(test).filter(|_| fuse(test)) else {
        return;
    };
    let (layers, files) = layers();
    for format in ["ocicrypt-seekable", "chunked-aead"] {
        let place = Place::new();
        let image = pushed(&place, &registry, format, &layers);
        let layer = &digests(&place.json(&["show", &image]))[0];
        let blob = registry.blob(layer.strip_prefix("sha256:").unwrap());
        let mut bytes = fs::read(&blob).unwrap();
        // In the midst of the program.
        bytes[1_200_000] ^= 1;
        fs::write(&blob, bytes).unwrap();
        let key = private();
        let served = Served::start(&place, &image, &["--key", &key]);
        let error = fs::read(served.root.join("usr/program")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5), "{error}");
        // Its beginning holds.
        let mut start = vec![0; 4096];
        let mut program = fs::File::open(served.root.join("usr/program")).unwrap();
        program.read_exact(&mut start).unwrap();
        assert!(start == noise(3, 1_500_000)[..4096]);
        drop(program);
        for path in ["etc/hosts", "etc/shadow", "etc/zwölf"] {
            let read = Kind::File(fs::read(served.root.join(path)).unwrap());
            assert!(read == files[path].kind, "{path}");
        }
        let (code, told, errors) = served.end();
        assert_eq!(code, 1, "{errors}");
        assert!(told["refused"].as_u64() > Some(0), "{told}");
        let line = errors.lines().next().unwrap();
        assert!(
            (line.contains("/usr/program: ") || line.contains("/usr/again: ")) && line.contains("chunk 18"),
            "{line}"
        );
        // The same by its path: nothing is left of what could not be read whole.
        let told = place.refused(
            1,
            &["read", &image, "--key", &key, "usr/program", "--output", "out"],
        );
        assert!(
            told.contains("usr/program: ") && told.contains("chunk 18"),
            "{told}"
        );
    }
}

#[test]
fn a_mount_ends_with_the_signal_and_with_umount() {
    let test = "a_mount_ends_with_the_signal_and_with_umount";
    let Some(registry) = Registry::start(test).filter(|_| fuse(test)) else {
        return;
    };
    let place = Place::new();
    let image = pushed(&place, &registry, FORMATS[0], &layers().0);
    let key = private();
    for signal in [Signal::INT, Signal::TERM] {
        let served = Served::start(&place, &image, &["--key", &key]);
        served.signal(signal);
        assert_eq!(served.ended().0, 0);
    }
    // While a file is open.
    let served = Served::start(&place, &image, &["--key", &key]);
    let mut open = fs::File::open(served.root.join("etc/hosts")).unwrap();
    open.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(served.end().0, 0);
    drop(open);
    let served = Served::start(&place, &image, &["--key", &key]);
    assert!(is_mounted(&served.root));
    let status = Command::new("umount").arg(&served.root).status();
    match status {
        Ok(status) if status.success() => assert_eq!(served.ended().0, 0),
        _ => {
            not_run::<()>(test, "the right to umount");
        }
    }
}
