//! `sealab checkpoint` as a user calls it: both formats there and back, what is refused and how it is told, streams, and
//! what is left when work is ended.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod place;
mod refusals;
mod streams;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use place::{FORMATS, Place, copy, data, files, key, plain};
use serde_json::Value;

#[test]
fn both_formats_give_back_what_was_sealed() {
    let place = Place::new();
    let shown = place.done(&["show", &plain(), "--json"]);
    let table = place.done(&["show", &plain()]);
    for format in FORMATS {
        place.seal(format, format);
        let sealed = files(&place.path(format));
        let canary = b"CANARY-parent-private";
        assert!(
            sealed
                .values()
                .all(|bytes| !bytes.windows(canary.len()).any(|window| window == canary)),
            "{format}"
        );
        let key = data("key.der");
        assert_eq!(
            place.done(&["show", format, "--key", &key, "--json"]),
            shown,
            "{format}"
        );
        assert_eq!(place.done(&["show", format, "--key", &key]), table, "{format}");
        let verified = place.done(&["verify", format, "--key", &key]);
        assert!(
            verified.starts_with(&format!("format       {format}\n")),
            "{verified}"
        );
        assert!(verified.contains("RSA 3072 bits"), "{verified}");
        let opened = format!("{format}-opened");
        place.done(&["open", format, &opened, "--key", &key]);
        assert_eq!(
            files(&place.path(&opened)),
            files(Path::new(&plain())),
            "{format}"
        );
    }
}

#[test]
fn what_criu_itself_has_sealed_is_shown_and_opened() {
    let place = Place::new();
    let (sealed, key) = (data("criu-pr2297"), data("key.der"));
    place.done(&["open", &sealed, "opened", "--key", &key]);
    assert_eq!(
        place.done(&["show", &sealed, "--key", &key, "--json"]),
        place.done(&["show", "opened", "--json"])
    );
    assert!(
        place
            .done(&["verify", &sealed, "--key", &key])
            .contains("105: all have the digest")
    );
}

#[test]
fn show_prints_what_crit_prints() {
    let place = Place::new();
    for (form, arguments) in [("decode", &["--json"][..]), ("show", &[])] {
        let text = fs::read(data(&format!("crit/{form}.json"))).unwrap();
        let crit: BTreeMap<String, Value> = serde_json::from_slice(&text).unwrap();
        for file in [
            "core-4.img",
            "mm-6.img",
            "pagemap-4.img",
            "ghost-file-1.img",
            "stats-dump",
        ] {
            let plain = plain();
            let shown = place.done(&[&["show", &plain, file], arguments].concat());
            let shown: Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(shown, crit[&format!("criu-4.1.1-plain/{file}")], "{form} {file}");
        }
    }
}

#[test]
fn show_has_every_file_of_the_set() {
    let place = Place::new();
    let shown: Value = serde_json::from_str(&place.done(&["show", &plain(), "--json"])).unwrap();
    let names: Vec<&str> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, files(Path::new(&plain())).keys().collect::<Vec<_>>());
    let pages = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["name"] == "pages-3.img");
    assert_eq!(pages.unwrap()["extents"][0]["place"], "stored");
    let table = place.done(&["show", &plain()]);
    let line = table
        .lines()
        .find(|line| line.starts_with("fdinfo-2.img"))
        .unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["fdinfo-2.img", "FDINFO", "9", "116"]
    );
}

#[test]
fn show_tells_without_a_key_what_stands_in_clear() {
    let place = Place::new();
    place.done(&[
        "seal",
        &plain(),
        "sealed",
        "--recipient",
        &data("cert.pem"),
        "--recipient",
        &key("ec.pub.pem"),
        "--sign",
        &key("ed25519.der"),
    ]);
    let verified = place.done(&["verify", "sealed", "--key", &data("key.der")]);
    let commitment = verified
        .lines()
        .find_map(|line| line.strip_prefix("commitment"))
        .unwrap()
        .trim();
    let length = fs::metadata(place.path("sealed/checkpoint.sealed"))
        .unwrap()
        .len();
    let table = place.done(&["show", "sealed"]);
    for part in [
        "format       sealed-checkpoint 1\n".to_owned(),
        "cipher       aes-256-gcm\n".to_owned(),
        "options      signed\n".to_owned(),
        "recipients   RSA-OAEP, ECDH-ES+A256KW P-256\n".to_owned(),
        format!("commitment   {commitment}\n"),
        format!("sealed       {length} bytes\n"),
        "not authenticated; names, entries and memory need a recipient's private key: --key\n".to_owned(),
    ] {
        assert!(table.contains(&part), "{part}: {table}");
    }
    let shown: Value = serde_json::from_str(&place.done(&["show", "sealed", "--json"])).unwrap();
    assert_eq!(shown["recipients"][1]["curve"], "P-256");
    assert_eq!(shown["commitment"], commitment);
    let parts = ["header_bytes", "content_bytes", "index_bytes"].map(|name| shown[name].as_u64().unwrap());
    // Signature's slot and trailer are the rest.
    assert_eq!(parts.iter().sum::<u64>() + 1026 + 96, length);
    assert_eq!(shown["sealed_bytes"], length);
    // Names and lengths of the other format show.
    let sealed = data("criu-pr2297");
    let table = place.done(&["show", &sealed]);
    assert!(table.contains("cipher.img") && table.contains("--key"), "{table}");
    let shown: Value = serde_json::from_str(&place.done(&["show", &sealed, "--json"])).unwrap();
    let names: Vec<_> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, files(Path::new(&sealed)).keys().collect::<Vec<_>>());
}

#[test]
fn a_set_has_several_recipients_a_sender_and_options() {
    let place = Place::new();
    place.done(&[
        "seal",
        &plain(),
        "sealed",
        "--recipient",
        &key("rsa.crt"),
        "--recipient",
        &key("ec.pub.pem"),
        "--cipher",
        "chacha20-poly1305",
        "--compress",
        "auto",
        "--dedup",
        "--sign",
        &key("ed25519.der"),
        "--engine",
        "rustcrypto",
    ]);
    for (number, private) in ["rsa-pkcs1.der", "ec-sec1.der"].into_iter().enumerate() {
        let opened = format!("opened-{number}");
        let (private, sender) = (key(private), key("ed25519.pub.pem"));
        place.done(&["open", "sealed", &opened, "--key", &private, "--sender", &sender]);
        assert_eq!(files(&place.path(&opened)), files(Path::new(&plain())));
        let verified = place.done(&["verify", "sealed", "--key", &private, "--sender", &sender]);
        assert!(verified.contains("signed by the key of"), "{verified}");
    }
    let private = key("ec-sec1.der");
    let other = place.refused(
        1,
        &[
            "open",
            "sealed",
            "x",
            "--key",
            &private,
            "--sender",
            &key("p384.pub.pem"),
        ],
    );
    assert!(other.contains("not signed by the given key"), "{other}");
    place.seal("sealed-checkpoint", "unsigned");
    let unsigned = place.refused(
        1,
        &[
            "verify",
            "unsigned",
            "--key",
            &data("key.der"),
            "--sender",
            &key("ed25519.pub.pem"),
        ],
    );
    assert!(unsigned.contains("not signed"), "{unsigned}");
}

#[test]
fn options_change_what_is_stored() {
    let place = Place::new();
    let (plain, cert, key) = (plain(), data("cert.pem"), data("key.der"));
    let seal = |name: &str, options: &[&str]| {
        place.done(&[&["seal", &plain, name, "--recipient", &cert], options].concat());
        place.done(&["verify", name, "--key", &key]);
        fs::read(place.path(name).join("checkpoint.sealed")).unwrap()
    };
    let usual = seal("usual", &[]);
    assert!(seal("dedup", &["--dedup"]).len() < usual.len());
    let lengths = ["none", "lz4", "zstd", "auto"].map(|method| seal(method, &["--compress", method]).len());
    assert_eq!(lengths[0], usual.len());
    assert!(
        lengths[1..].iter().all(|length| *length < usual.len()),
        "{lengths:?}"
    );
    assert!(lengths[2] < lengths[1], "{lengths:?}");
    // The header's eleventh byte says what seals.
    assert_eq!(usual[10], 1);
    assert_eq!(seal("chacha", &["--cipher", "chacha20-poly1305"])[10], 2);
}

#[test]
fn a_key_may_be_encrypted() {
    let place = Place::new();
    let (encrypted, recipient) = (key("rsa-encrypted-pbkdf2.der"), key("rsa.pub.pem"));
    fs::write(place.path("password"), "sealab\nnot this\n").unwrap();
    fs::write(place.path("wrong"), "sealed\n").unwrap();
    for format in FORMATS {
        place.done(&[
            "seal",
            &plain(),
            format,
            "--format",
            format,
            "--recipient",
            &recipient,
        ]);
        place.done(&["verify", format, "--key", &format!("{encrypted}:password")]);
        for (named, hint) in [
            (encrypted.clone(), "KEY:PASSFILE"),
            (format!("{encrypted}:wrong"), "first line"),
            (format!("{encrypted}:missing"), "missing"),
        ] {
            let told = place.refused(2, &["verify", format, "--key", &named]);
            assert!(told.contains(hint), "{told}");
        }
    }
}

#[test]
fn a_set_names_the_one_that_it_builds_on() {
    let place = Place::new();
    place.seal("sealed-checkpoint", "base");
    place.seal("sealed-checkpoint", "stranger");
    copy(Path::new(&plain()), &place.path("child"));
    symlink("../base-plain", place.path("child/parent")).unwrap();
    let (cert, key) = (data("cert.pem"), data("key.der"));
    let told = place.refused(2, &["seal", "child", "x", "--recipient", &cert]);
    assert!(told.contains("--parent"), "{told}");
    place.done(&[
        "seal",
        "child",
        "sealed",
        "--recipient",
        &cert,
        "--parent",
        "base",
    ]);
    place.done(&["verify", "sealed", "--key", &key]);
    let told = place.refused(1, &["verify", "sealed", "--key", &key, "--parent", "stranger"]);
    assert!(told.contains("--parent"), "{told}");
    place.done(&["open", "sealed", "opened", "--key", &key]);
    assert_eq!(
        fs::read_link(place.path("opened/parent")).unwrap(),
        Path::new("../base-plain")
    );
    let told = place.refused(
        2,
        &["seal", &plain(), "x", "--recipient", &cert, "--parent", "base"],
    );
    assert!(told.contains("leave --parent away"), "{told}");
}
