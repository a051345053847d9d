//! Images in layouts and archives on this machine.

use std::fs;

use serde_json::Value;

use crate::peer::{is_there, not_run};
use crate::place::{Place, digests, fixture, key};

const FORMATS: [&str; 5] = [
    "ocicrypt",
    "ocicrypt-seekable",
    "chunked-aead",
    "chunked-aead-chacha20-poly1305",
    "convergent",
];

fn recipient() -> String {
    format!("jwe:{}", key("rsa.pub.pem"))
}

#[test]
fn every_format_gives_back_what_was_encrypted() {
    let place = Place::new();
    let plain = place.json(&["show", &fixture("plain")]);
    for format in FORMATS {
        let (closed, opened) = (format!("oci:{format}:v1"), format!("oci:{format}-opened:v2"));
        let told = place.done(&[
            "encrypt",
            &fixture("plain"),
            &closed,
            "--recipient",
            &recipient(),
            "--format",
            format,
        ]);
        assert!(
            told.ends_with(&format!("2 layers encrypted: {closed}\n")),
            "{told}"
        );
        let shown = place.json(&["show", &closed]);
        assert_eq!(shown["image"], *closed);
        for layer in shown["layers"].as_array().unwrap() {
            assert_eq!(layer["format"], format);
            assert_eq!(layer["packets"]["jwe"], 1);
        }
        let text = place.done(&["show", &closed]);
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.contains(format) && text.contains("0.0 jwe RSA-OAEP"),
            "{text}"
        );
        for engine in ["rustcrypto", "aws-lc"] {
            let done = place.json(&[
                "decrypt",
                &closed,
                &opened,
                "--key",
                &key("rsa-pkcs8.der"),
                "--engine",
                engine,
                "--threads",
                "2",
            ]);
            let layers = done["layers"].as_array().unwrap();
            assert!(
                layers.iter().all(|layer| layer["sealed_digest"] == "holds"),
                "{done}"
            );
            let again = place.json(&["show", &opened]);
            assert_eq!(digests(&again), digests(&plain));
            assert_eq!(again["layers"][0]["media_type"], plain["layers"][0]["media_type"]);
            fs::remove_dir_all(place.path(&format!("{format}-opened"))).unwrap();
        }
    }
}

#[test]
fn layers_are_chosen_from_both_ends() {
    let place = Place::new();
    for (choice, encrypted) in [("0", [true, false]), ("-1", [false, true]), ("1", [false, true])] {
        let image = format!("oci:chosen{choice}:v1");
        place.done(&[
            "encrypt",
            &fixture("plain"),
            &image,
            "--recipient",
            &recipient(),
            "--layer",
            choice,
        ]);
        let shown = place.json(&["show", &image]);
        let found: Vec<Value> = encrypted
            .iter()
            .map(|encrypted| Value::from(*encrypted))
            .collect();
        let layers = shown["layers"].as_array().unwrap();
        assert_eq!(
            layers
                .iter()
                .map(|layer| layer["encrypted"].clone())
                .collect::<Vec<_>>(),
            found
        );
        let call = [
            "decrypt",
            &image,
            "oci:all:v1",
            "--key",
            &key("rsa-pkcs8.der"),
            "--all-encrypted",
        ];
        let told = place.refused(1, &call);
        let plain = usize::from(encrypted[0]);
        assert!(
            told.contains(&format!("layer {plain} is not encrypted")),
            "{told}"
        );
    }
    place.done(&[
        "encrypt",
        &fixture("plain"),
        "oci:every:v1",
        "--recipient",
        &recipient(),
    ]);
    let call = [
        "decrypt",
        "oci:every:v1",
        "oci:all:v1",
        "--key",
        &key("rsa-pkcs8.der"),
        "--all-encrypted",
    ];
    place.done(&call);
}

#[test]
fn keys_with_passwords_open_too() {
    let place = Place::new();
    fs::write(place.path("password"), "sealab\n").unwrap();
    place.done(&[
        "encrypt",
        &fixture("plain"),
        "oci:closed:v1",
        "--recipient",
        &recipient(),
    ]);
    let named = key("rsa-encrypted-scrypt.der");
    let told = place.refused(2, &["decrypt", "oci:closed:v1", "oci:x:v1", "--key", &named]);
    assert!(told.contains("KEY:PASSFILE"), "{told}");
    fs::write(place.path("password"), "sealab\n").unwrap();
    place.done(&[
        "decrypt",
        "oci:closed:v1",
        "oci:opened:v1",
        "--key",
        &format!("{named}:password"),
    ]);
}

#[test]
fn archives_are_as_skopeo_has_them() {
    if !is_there("skopeo") {
        return not_run("archives_are_as_skopeo_has_them", "skopeo").unwrap_or_default();
    }
    let place = Place::new();
    let rsa = place.pem("rsa-pkcs1", "RSA PRIVATE KEY");
    let plain = digests(&place.json(&["show", &fixture("plain")]));
    place.done(&[
        "encrypt",
        &fixture("plain"),
        "oci-archive:ours.tar:v1",
        "--recipient",
        &recipient(),
    ]);
    place.skopeo(&[
        "--decryption-key",
        &rsa,
        "oci-archive:ours.tar:v1",
        "oci:by-skopeo:v1",
    ]);
    // The second layer is compressed by skopeo.
    assert_eq!(digests(&place.json(&["show", "oci:by-skopeo:v1"]))[0], plain[0]);
    place.skopeo(&[
        "--encryption-key",
        &recipient(),
        &fixture("plain"),
        "oci-archive:theirs.tar:v1",
    ]);
    place.done(&[
        "decrypt",
        "oci-archive:theirs.tar:v1",
        "oci-archive:opened.tar:v3",
        "--key",
        &rsa,
    ]);
    assert_eq!(
        digests(&place.json(&["show", "oci-archive:opened.tar:v3"]))[0],
        plain[0]
    );
    place.skopeo(&["oci-archive:opened.tar:v3", "oci:opened:v1"]);
    // The same image gives the same bytes.
    place.done(&[
        "decrypt",
        "oci-archive:theirs.tar:v1",
        "oci-archive:again.tar:v3",
        "--key",
        &rsa,
    ]);
    assert!(fs::read(place.path("again.tar")).unwrap() == fs::read(place.path("opened.tar")).unwrap());
}

#[test]
fn recipients_are_added_and_removed_by_their_places() {
    let place = Place::new();
    place.done(&[
        "encrypt",
        &fixture("plain"),
        "oci:image:v1",
        "--recipient",
        &recipient(),
    ]);
    let ec = format!("jwe:{}", key("ec.pub.pem"));
    let (rsa_key, ec_key) = (key("rsa-pkcs1.der"), key("ec-sec1.der"));
    place.done(&[
        "rewrap",
        "oci:image:v1",
        "--key",
        &rsa_key,
        "--add-recipient",
        &ec,
    ]);
    let text = place.done(&["show", "oci:image:v1"]);
    assert!(
        text.contains("0.0 jwe RSA-OAEP") && text.contains("1.0 jwe ECDH-ES+A256KW"),
        "{text}"
    );
    place.done(&[
        "rewrap",
        "oci:image:v1",
        "--key",
        &ec_key,
        "--remove-recipient",
        "0.0",
    ]);
    let told = place.refused(2, &["decrypt", "oci:image:v1", "oci:x:v1", "--key", &rsa_key]);
    assert!(told.contains("no key fits") && told.contains("tried"), "{told}");
    place.done(&["decrypt", "oci:image:v1", "oci:opened:v1", "--key", &ec_key]);
    place.done(&[
        "rewrap",
        "oci:image:v1",
        "--key",
        &ec_key,
        "--add-recipient",
        &recipient(),
        "--remove-recipient",
        "others",
    ]);
    place.refused(2, &["decrypt", "oci:image:v1", "oci:x:v1", "--key", &ec_key]);
    place.done(&["decrypt", "oci:image:v1", "oci:again:v1", "--key", &rsa_key]);
}

#[test]
fn folders_are_as_skopeo_has_them() {
    if !is_there("skopeo") {
        return not_run("folders_are_as_skopeo_has_them", "skopeo").unwrap_or_default();
    }
    let place = Place::new();
    let plain = digests(&place.json(&["show", &fixture("plain")]));
    place.skopeo(&[&fixture("plain"), "dir:plain"]);
    let call = ["encrypt", "dir:plain", "dir:closed", "--recipient", &recipient()];
    place.done(&call);
    assert_eq!(place.names(), ["closed", "plain"]);
    let pem = place.pem("rsa-pkcs1", "RSA PRIVATE KEY");
    place.skopeo(&["--decryption-key", &pem, "dir:closed", "dir:by-skopeo"]);
    assert_eq!(digests(&place.json(&["show", "dir:by-skopeo"])), plain);
    place.done(&["decrypt", "dir:closed", "dir:opened", "--key", &pem]);
    assert_eq!(digests(&place.json(&["show", "dir:opened"])), plain);
    place.skopeo(&["dir:opened", "oci:again:v1"]);
    // What is there is not replaced; a blob that is missing is named.
    let told = place.refused(2, &call);
    assert!(told.contains("closed"), "{told}");
    let layer = plain[0].strip_prefix("sha256:").unwrap();
    fs::remove_file(place.path("plain").join(layer)).unwrap();
    let told = place.refused(2, &["encrypt", "dir:plain", "dir:x", "--recipient", &recipient()]);
    assert!(told.contains(layer), "{told}");
    let told = place.refused(2, &["show", "dir:nowhere"]);
    assert!(told.contains("nowhere/manifest.json"), "{told}");
    fs::write(place.path("plain/manifest.json"), "[]").unwrap();
    let told = place.refused(2, &["show", "dir:plain"]);
    assert!(told.contains("no manifest of one image"), "{told}");
}
