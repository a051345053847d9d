//! What is refused: with its exit code, in one line that says how to mend it, and nothing left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::place::{FORMATS, Place, copy, data, key, plain};

/// Calls and words of what they are told. `$` stands for fixtures.
const WRONG_CALLS: &[(&str, &[&str])] = &[
    // The wrong key, one of a kind that cannot be, and none.
    (
        "open sealed-checkpoint x --key $other",
        &["does not open sealed-checkpoint", "recipient"],
    ),
    (
        "open criu-pr2297 x --key $other",
        &["does not open criu-pr2297", "recipient"],
    ),
    (
        "verify sealed-checkpoint --key $ec",
        &["does not open", "recipient"],
    ),
    ("verify criu-pr2297 --key $ec", &["does not open", "recipient"]),
    (
        "verify sealed-checkpoint --key $cert",
        &["CERTIFICATE", "private key"],
    ),
    (
        "verify sealed-checkpoint --key missing.pem",
        &["missing.pem", "private key"],
    ),
    (
        "show sealed-checkpoint core-4.img",
        &["sealed as sealed-checkpoint", "--key"],
    ),
    (
        "show sealed-checkpoint --sender $cert",
        &["sealed as sealed-checkpoint", "--key"],
    ),
    (
        "show criu-pr2297 core-4.img --json",
        &["sealed as criu-pr2297", "--key"],
    ),
    (
        "show sealed-checkpoint --key $other",
        &["does not open", "recipient"],
    ),
    ("show criu-pr2297 --key $other", &["does not open", "recipient"]),
    // A plain set where a sealed one was asked for.
    (
        "open $plain x --key $key",
        &["a plain set, where a sealed set was asked for"],
    ),
    (
        "verify $plain --key $key",
        &["a plain set, where a sealed set was asked for"],
    ),
    ("show $plain --key $key", &["needs no key"]),
    // Another format than was asked for.
    (
        "open sealed-checkpoint x --key $key --format criu-pr2297",
        &["sealed as sealed-checkpoint, where a set sealed as criu-pr2297 was asked for"],
    ),
    (
        "verify criu-pr2297 --key $key --format sealed-checkpoint",
        &["sealed as criu-pr2297, where"],
    ),
    (
        "verify $plain --key $key --format sealed-checkpoint",
        &["a plain set, where"],
    ),
    // No set.
    ("show junk", &["junk: a file", "criu dump"]),
    ("open empty x --key $key", &["a folder without images"]),
    ("verify nowhere --key $key", &["nowhere: No such file"]),
    ("seal empty x --recipient $cert", &["a folder without images"]),
    (
        "seal sealed-checkpoint x --recipient $cert",
        &["sealed as sealed-checkpoint already"],
    ),
    (
        "seal criu-pr2297 x --recipient $cert",
        &["sealed as criu-pr2297 already"],
    ),
    // What is there is not replaced.
    (
        "seal $plain taken --recipient $cert",
        &["taken: it exists already"],
    ),
    (
        "open sealed-checkpoint taken --key $key",
        &["taken: it exists already"],
    ),
    ("open criu-pr2297 taken --key $key", &["taken: it exists already"]),
    // Recipients.
    ("seal $plain x --recipient $ed25519", &["Ed25519", "RSA or EC"]),
    ("seal $plain x --recipient $key", &["certificate or public key"]),
    (
        "seal $plain x --format criu-pr2297 --recipient $ec.pub",
        &["EC P-256", "RSA"],
    ),
    (
        "seal $plain x --format criu-pr2297 --recipient $cert --recipient $cert",
        &["--recipient", "one recipient"],
    ),
    // Options that a format does not have.
    (
        "seal $plain x --format criu-pr2297 --recipient $cert --dedup",
        &["--dedup"],
    ),
    (
        "seal $plain x --format criu-pr2297 --recipient $cert --sign $key",
        &["--sign"],
    ),
    (
        "seal - x --format criu-pr2297 --recipient $cert",
        &["- as SRC or DST"],
    ),
    ("open criu-pr2297 - --key $key", &["- as DST"]),
    ("verify criu-pr2297 --key $key --sender $cert", &["--sender"]),
    // Engines and files.
    (
        "verify sealed-checkpoint --key $key --engine none",
        &["unknown engine", "rustcrypto"],
    ),
    (
        "verify criu-pr2297 --key $key --engine ring",
        &["ring", "aes-256-xts"],
    ),
    ("show $plain core-5.img", &["no file core-5.img", "lists them"]),
    ("seal $plain nowhere/x --recipient $cert", &["nowhere"]),
    // Streams.
    ("open - x --key $key", &["standard input is empty"]),
    ("seal - x --recipient $cert", &["standard input is empty"]),
];

#[test]
fn a_wrong_call_is_told_with_what_mends_it() {
    let place = Place::new();
    for format in FORMATS {
        place.seal(format, format);
    }
    fs::create_dir(place.path("taken")).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    fs::write(place.path("junk"), "junk").unwrap();
    let argument = |word: &str| match word {
        "$plain" => plain(),
        "$key" => data("key.der"),
        "$cert" => data("cert.pem"),
        "$other" => key("rsa-pkcs1.der"),
        "$ec" => key("ec-sec1.der"),
        "$ec.pub" => key("ec.pub.pem"),
        "$ed25519" => key("ed25519.pub.pem"),
        word => word.to_owned(),
    };
    for (call, words) in WRONG_CALLS {
        let arguments: Vec<String> = call.split(' ').map(argument).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let told = place.refused(2, &arguments);
        for word in *words {
            assert!(told.contains(word), "{call}: {told}");
        }
    }
}

type Change<'a> = &'a dyn Fn(PathBuf);

#[test]
fn what_was_changed_is_refused_and_leaves_nothing() {
    let place = Place::new();
    for format in FORMATS {
        place.seal(format, format);
    }
    let cut = |path: PathBuf| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    };
    let flip = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let changes: &[(&str, &str, Change<'_>)] = &[
        ("sealed-checkpoint", "checkpoint.sealed", &cut),
        ("sealed-checkpoint", "checkpoint.sealed", &flip),
        ("criu-pr2297", "core-4.img", &cut),
        ("criu-pr2297", "mm-4.img", &flip),
        ("criu-pr2297", "pages-3.img", &cut),
        ("criu-pr2297", "pages-3.img", &flip),
        ("criu-pr2297", "pagemap-6.img", &|path| {
            fs::remove_file(path).unwrap()
        }),
    ];
    for (number, (format, file, change)) in changes.iter().enumerate() {
        let changed = format!("changed-{number}");
        copy(&place.path(format), &place.path(&changed));
        change(place.path(&changed).join(file));
        let private = data("key.der");
        for arguments in [
            &["open", &changed, "x", "--key", &private][..],
            &["verify", &changed, "--key", &private],
        ] {
            let told = place.refused(1, arguments);
            assert!(told.contains("do not use it"), "{told}");
            assert!(told.contains(&changed), "{told}");
        }
    }
}

#[test]
fn a_broken_plain_set_is_not_sealed() {
    let place = Place::new();
    copy(Path::new(&plain()), &place.path("broken"));
    let core = place.path("broken/core-4.img");
    fs::write(&core, &fs::read(&core).unwrap()[..100]).unwrap();
    let told = place.refused(
        2,
        &[
            "seal",
            "broken",
            "x",
            "--format",
            "criu-pr2297",
            "--recipient",
            &data("cert.pem"),
        ],
    );
    assert!(told.contains("broken: core-4.img, byte 12"), "{told}");
    let told = place.refused(2, &["seal", "broken", "x", "--recipient", &data("cert.pem")]);
    assert!(told.contains("broken: core-4.img, byte 12"), "{told}");
    let told = place.refused(2, &["show", "broken", "core-4.img"]);
    assert!(told.contains("broken: core-4.img, byte 12"), "{told}");
}

/// What is wrong with a plain set is told with file and place, by either format, and nothing is written.
#[test]
fn bad_input_is_refused_with_file_and_place() {
    let place = Place::new();
    let change = |name: &str, file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        copy(Path::new(&plain()), &place.path(name));
        let path = place.path(name).join(file);
        let mut bytes = fs::read(&path).unwrap_or_default();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    };
    change("size", "mm-4.img", &|bytes| bytes[8..12].fill(0xff));
    change("short", "pages-3.img", &|bytes| bytes.truncate(bytes.len() - 1));
    change("magic", "core-4.img", &|bytes| bytes[4] ^= 1);
    change("name", "a..img", &|bytes| bytes.extend(b"no image"));
    let length = fs::metadata(Path::new(&plain()).join("pages-3.img"))
        .unwrap()
        .len();
    let cert = data("cert.pem");
    for (set, told) in [
        (
            "size",
            "size: mm-4.img, byte 12: an entry takes 4294967295 bytes".to_owned(),
        ),
        (
            "short",
            format!(
                "short: pages-3.img, byte {}: the length of the file is",
                length - 1
            ),
        ),
        (
            "magic",
            "magic: core-4.img, byte 4: the magic number is".to_owned(),
        ),
        ("name", "name: a..img: the file's name is".to_owned()),
    ] {
        for format in FORMATS {
            let said = place.refused(2, &["seal", set, "x", "--format", format, "--recipient", &cert]);
            assert!(said.contains(&told), "{format}: {said}");
        }
    }
}
