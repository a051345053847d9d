//! What reading files of images refuses, and registries that break while files are read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::peer::{is_there, not_run};
use crate::place::{Place, fixture, key};
use crate::served::{Served, fuse};
use crate::server::{Answer, Server};
use crate::tree::{Kind, Layer, found, layers, layout, noise};

fn private() -> String {
    key("rsa-pkcs8.der")
}

/// An encrypted image at `oci:sealed:v1`.
fn sealed(place: &Place, format: &str, layers: &[Vec<u8>]) {
    layout(&place.path("plain"), layers);
    let recipient = format!("jwe:{}", key("rsa.pub.pem"));
    let call = ["encrypt", "oci:plain:v1", "oci:sealed:v1", "--format", format];
    place.done(&[&call[..], &["--recipient", &recipient]].concat());
}

#[test]
fn files_of_a_layout_are_read_into_a_new_folder() {
    let place = Place::new();
    let (layers, files) = layers();
    sealed(&place, "chunked-aead", &layers);
    let key = private();
    let image = "oci:sealed:v1";
    // One file.
    let output = place
        .command(&["read", image, "--key", &key, "/usr/by-name"])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(Kind::File(output.stdout) == files["etc/hosts"].kind);
    // A folder, whose link leads out of it and is a link still, and a file behind a link.
    symlink("/", place.path("elsewhere")).unwrap();
    let call = [
        "read", image, "--key", &key, "usr", "/opaque/", "--output", "out", "--json",
    ];
    let output = place.command(&call).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["paths"][1]["files"], 5, "{told}");
    assert_eq!(told["fetched"]["requests"], 0);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, "sealab: usr/pipe: left out, it is a fifo\n");
    let out = found(&place.path("out"));
    for (path, entry) in &files {
        match out.get(path) {
            Some(written) => {
                assert!(written.kind == entry.kind, "{path}");
                if !matches!(entry.kind, Kind::Link(_)) {
                    assert_eq!(written.mode, entry.mode & 0o777, "{path}");
                }
            }
            None => assert!(path.starts_with("etc") || path == "usr/pipe", "{path}"),
        }
    }
    let modified = fs::metadata(place.path("out/usr/program")).unwrap().modified();
    let since = modified.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_secs(), crate::tree::MTIME);
    place.done(&[
        "read",
        image,
        "--key",
        &key,
        "usr/out/hosts",
        "--output",
        "behind",
    ]);
    let read = Kind::File(fs::read(place.path("behind/usr/out/hosts")).unwrap());
    assert!(read == files["etc/hosts"].kind);
    let listed = place.done(&["list", image, "--key", &key, "/usr"]);
    assert!(
        listed.contains("symlink 0777 1000:1000 12 usr/by-name -> ../etc/hosts\n"),
        "{listed}"
    );
    assert!(
        listed.contains("file 4755 1000:1000 1500033 usr/again\n"),
        "{listed}"
    );
    assert_eq!(listed.lines().count(), 7, "{listed}");
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_is_left() {
    let place = Place::new();
    let (layers, _) = layers();
    sealed(&place, "chunked-aead", &layers);
    fs::create_dir(place.path("full")).unwrap();
    fs::write(place.path("full/file"), "x").unwrap();
    fs::create_dir(place.path("open")).unwrap();
    fs::set_permissions(place.path("open"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    let (right, wrong) = (private(), key("p384.der"));
    let image = "oci:sealed:v1";
    let calls: &[(&[&str], &[&str])] = &[
        (&["read", image, "etc/hosts", "etc/shadow"], &["--output"]),
        (&["read", image, "etc"], &["etc: it is a directory", "--output"]),
        (&["read", image, "etc/nothing"], &["etc/nothing"]),
        (&["read", image, "etc/../x"], &["has no .."]),
        (
            &["read", image, "etc", "etc/hosts", "--output", "new"],
            &["lies in another path"],
        ),
        (&["read", image, "etc", "--output", "full"], &["full exists"]),
        (
            &["read", image, "etc", "--output", "full/file"],
            &["full/file exists"],
        ),
        (&["read", image, "etc", "--output", "a/b"], &["No such file"]),
        (
            &["read", image, "etc/hosts", "--cache", "c"],
            &["--cache is for images in a registry"],
        ),
        (
            &[
                "read",
                "docker://127.0.0.1:1/a:v1",
                "etc/hosts",
                "--cache",
                "open",
            ],
            &["its mode is 755", "chmod 700"],
        ),
        (&["list", image, "nothing"], &["nothing"]),
        (&["serve", image, "full"], &["full: it is not empty"]),
        (
            &["serve", image, "full/file"],
            &["a mountpoint is an empty folder"],
        ),
        (&["serve", image, "nowhere"], &["a mountpoint is an empty folder"]),
        (
            &["serve", "docker://127.0.0.1:1/a:v1", "empty"],
            &["GET http://127.0.0.1:1/"],
        ),
    ];
    for (call, words) in calls {
        if call[0] == "serve" && !fuse("what_cannot_be_read_is_refused_and_nothing_is_left") {
            continue;
        }
        let told = place.refused(2, &[call, &["--key", &right][..]].concat());
        for word in *words {
            assert!(told.contains(word), "{call:?}: {word}: {told}");
        }
    }
    for (option, wanted) in [
        ("--json", "--output <FOLDER>"),
        ("--cache-size=1MiB", "--cache <FOLDER>"),
    ] {
        let call = ["read", image, "etc/hosts", "--key", &right, option];
        let output = place.command(&call).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(wanted), "{told}");
    }
    let told = place.refused(2, &["read", image, "etc/hosts", "--key", &wrong]);
    assert!(told.contains("no key fits layer 0"), "{told}");
    // Whose layers have no chunks.
    fs::remove_dir_all(place.path("plain")).unwrap();
    fs::remove_dir_all(place.path("sealed")).unwrap();
    sealed(&place, "ocicrypt", &layers);
    let told = place.refused(2, &["read", image, "etc/hosts", "--key", &right]);
    assert!(told.contains("ocicrypt-seekable"), "{told}");
}

#[test]
fn a_compressed_layer_is_read_once_it_was_encrypted_so_that_it_can_be() {
    let place = Place::new();
    let (private, recipient) = (private(), format!("jwe:{}", key("rsa.pub.pem")));
    // Its first layer is in gzip.
    for (compression, readable) in [("keep", false), ("none", true), ("zstd-frames", true)] {
        let image = format!("oci:{compression}:v1");
        let call = ["encrypt", &fixture("plain"), &image, "--format", "chunked-aead"];
        place.done(
            &[
                &call[..],
                &["--compression", compression, "--recipient", &recipient],
            ]
            .concat(),
        );
        let call = ["read", &image, "--key", &private, "etc/hello.txt"];
        if readable {
            assert_eq!(place.done(&call), "hello layer 0\n");
        } else {
            let told = place.refused(2, &call);
            assert!(told.contains("--compression none"), "{told}");
        }
    }
}

#[test]
fn a_layer_that_nothing_verifies_is_told() {
    let place = Place::new();
    let (layers, files) = layers();
    layout(&place.path("plain"), &layers);
    let recipient = format!("jwe:{}", key("rsa.pub.pem"));
    let call = [
        "encrypt",
        "oci:plain:v1",
        "oci:half:v1",
        "--format",
        "chunked-aead",
    ];
    place.done(&[&call[..], &["--layer", "0", "--recipient", &recipient]].concat());
    let call = ["read", "oci:half:v1", "--key", &private(), "etc/hosts"];
    let output = place.command(&call).output().unwrap();
    assert!(Kind::File(output.stdout) == files["etc/hosts"].kind);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        "sealab: layer 1 is not encrypted: nothing verifies what is read of it\n"
    );
}

/// What a layout's registry answers, changed by `change`.
fn answering(layout: &Path, change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Server {
    let layout = layout.to_owned();
    Server::start(move |asked| {
        let name = asked.line.rsplit('/').next()?;
        let blob =
            |digest: &str| fs::read(layout.join("blobs/sha256").join(digest.strip_prefix("sha256:")?)).ok();
        if name == "v1" {
            let index: serde_json::Value =
                serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
            let manifest = &index["manifests"][0];
            let media_type = manifest["mediaType"].as_str()?;
            let bytes = blob(manifest["digest"].as_str()?)?;
            return Some(Answer::new(200, &bytes).with("content-type", media_type));
        }
        let bytes = blob(name)?;
        let (first, last) = asked
            .headers
            .get("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        let range = format!("bytes {first}-{last}/{}", bytes.len());
        let mut answer = Answer::new(206, &bytes[first..=last]).with("content-range", range);
        change(&mut answer);
        Some(answer)
    })
}

/// Ways in which a registry breaks, with words of what is told.
type Break = (fn(&mut Answer), &'static str);
const BREAKS: [Break; 5] = [
    (|answer| *answer = Answer::new(404, b""), "answers 404"),
    (
        |answer| *answer = Answer::new(500, br#"{"errors":[{"code":"UNKNOWN","message":"full"}]}"#),
        "answers 500 (UNKNOWN: full)",
    ),
    (
        |answer| {
            answer.told = Some(answer.body.len());
            answer.body.truncate(answer.body.len() / 2);
        },
        " bytes: ",
    ),
    (
        |answer| answer.headers[0].1 = "bytes 0-9/10".to_owned(),
        "the range that came is \"bytes 0-9/10\"",
    ),
    (|answer| answer.body.fill(7), "chunk "),
];

#[test]
fn a_registry_that_breaks_is_told_and_the_mount_goes_on() {
    if !fuse("a_registry_that_breaks_is_told_and_the_mount_goes_on") {
        return;
    }
    let place = Place::new();
    let mut layer = Layer::new();
    for number in 0..BREAKS.len() as u64 {
        layer.file(&format!("{number}"), 0o644, &noise(number, 200_000));
    }
    sealed(&place, "ocicrypt-seekable", &[layer.bytes()]);
    // 0 is right, and any other number the way before it.
    let way = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&way);
    let server = answering(&place.path("sealed"), move |answer| {
        if let Some(way) = now.load(Ordering::Relaxed).checked_sub(1) {
            BREAKS[way].0(answer);
        }
    });
    let image = format!("docker://{}/a/b:v1", server.host);
    let served = Served::start(&place, &image, &["--key", &private(), "--cache", "cache"]);
    for (number, (_, words)) in BREAKS.iter().enumerate() {
        way.store(number + 1, Ordering::Relaxed);
        let path = served.root.join(number.to_string());
        let error = fs::read(&path).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5), "{words}: {error}");
        way.store(0, Ordering::Relaxed);
        assert!(
            fs::read(&path).unwrap() == noise(number as u64, 200_000),
            "{words}"
        );
    }
    let (code, _, errors) = served.end();
    for (number, (_, words)) in BREAKS.iter().enumerate() {
        let start = format!("sealab: /{number}: ");
        let told = errors
            .lines()
            .any(|line| line.starts_with(&start) && line.contains(words));
        assert!(told, "{number}: {words}: {errors}");
    }
    // What was not what was sealed.
    assert_eq!(code, 1);
}

#[test]
fn a_cache_is_of_one_process() {
    let place = Place::new();
    sealed(&place, "chunked-aead", &layers().0);
    let server = answering(&place.path("sealed"), |_| {});
    let image = format!("docker://{}/a/b:v1", server.host);
    let mut first = place
        .command(&[
            "read",
            &image,
            "--key",
            &private(),
            "usr/program",
            "--cache",
            "cache",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for its reader in the midst of the file.
    while !place.path("cache").is_dir() || fs::read_dir(place.path("cache")).unwrap().count() < 4 {
        std::thread::yield_now();
    }
    let call = [
        "read",
        &image,
        "--key",
        &private(),
        "etc/hosts",
        "--cache",
        "cache",
    ];
    let output = place.command(&call).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cache: another process uses this cache"), "{told}");
    // A reader who goes early is no failure.
    drop(first.stdout.take());
    assert!(first.wait().unwrap().success());
}

#[test]
fn without_privileges_and_fusermount_it_says_what_is_missing() {
    let test = "without_privileges_and_fusermount_it_says_what_is_missing";
    if !fuse(test) {
        return;
    }
    if !is_there("setpriv") {
        not_run::<()>(test, "setpriv");
        return;
    }
    let place = Place::new();
    sealed(&place, "chunked-aead", &layers().0);
    fs::create_dir(place.path("mnt")).unwrap();
    fs::create_dir(place.path("bin")).unwrap();
    let mut program = Command::new("setpriv");
    program.args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
    if !rustix::process::geteuid().is_root() {
        program = Command::new("env");
    }
    let output = program
        .arg(env!("CARGO_BIN_EXE_sealab"))
        .args(["layer", "serve", "oci:sealed:v1", "mnt", "--key", &private()])
        .current_dir(place.path(""))
        .env("FUSERMOUNT_PATH", place.path("bin/fusermount3"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    std::io::stdout().write_all(told.as_bytes()).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told.contains("fusermount3 is missing") && told.contains("Debian: fuse3"),
        "{told}"
    );
}
