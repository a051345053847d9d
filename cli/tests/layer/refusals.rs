//! What is refused: with its exit code, in one line that says how to mend it, and nothing left behind.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Place, fixture, key};

/// Calls, their exit codes, and words of what they are told. `$` stands for a fixture or a key.
const CALLS: &[(i32, &str, &[&str])] = &[
    // Images that are none.
    (2, "show plain", &["is no image; write oci:FOLDER:TAG"]),
    (2, "show oci-archive:", &["write oci-archive:FILE:TAG"]),
    (2, "show docker://alpine:3", &["no image in a registry"]),
    (
        2,
        "show docker://127.0.0.1:1/a:v1",
        &["GET http://127.0.0.1:1/v2/a/manifests/v1: "],
    ),
    (2, "show oci:nowhere:v1", &["nowhere/oci-layout: No such file"]),
    (2, "show oci-archive:nowhere:v1", &["nowhere: No such file"]),
    (
        2,
        "show oci-archive:junk:v1",
        &["junk: it is no tar archive of a layout"],
    ),
    (
        2,
        "show oci:$plain:v2",
        &["has no image with the tag \"v2\"; it has v1"],
    ),
    // Recipients and keys that are none.
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient $rsa.pub.pem",
        &["write jwe:FILE"],
    ),
    (2, "encrypt $oci-plain oci:x:v1 --recipient jwe:junk", &["junk"]),
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient pgp:a@b",
        &["unsupported", "pgp"],
    ),
    (
        2,
        "decrypt oci:closed:v1 oci:x:v1 --key $rsa.pub.pem",
        &["private key"],
    ),
    (
        2,
        "decrypt oci:closed:v1 oci:x:v1 --key nowhere.pem",
        &["nowhere.pem", "private key"],
    ),
    (
        2,
        "decrypt oci:closed:v1 oci:x:v1 --key $p384.der --cert $rsa.crt",
        &["rsa.crt: it is not the certificate of any --key"],
    ),
    (
        2,
        "rewrap oci:closed:v1 --key $rsa-pkcs1.der --remove-recipient jwe:x",
        &["as 0.1", "key:KEY"],
    ),
    (
        2,
        "rewrap oci:closed:v1 --key $rsa-pkcs1.der --remove-recipient 7.0",
        &["recipient 0 in JWE packet 7"],
    ),
    (
        2,
        "rewrap oci:closed:v1 --key $rsa-pkcs1.der --remove-recipient 0.0",
        &["no recipient would be left"],
    ),
    (
        2,
        "rewrap oci-archive:a.tar:v1 --key $rsa-pkcs1.der --remove-recipient others",
        &["an archive is not changed in its place"],
    ),
    // Keys that do not fit, images that need none.
    (
        2,
        "decrypt oci:closed:v1 oci:x:v1 --key $p384.der --key $ec-sec1.der",
        &[
            "no key fits layer 0",
            "tried",
            "p384.der",
            "ec-sec1.der",
            "jwe (1 packets)",
        ],
    ),
    (
        2,
        "decrypt $oci-plain oci:x:v1 --key $rsa-pkcs1.der",
        &["none of its layers is encrypted"],
    ),
    (
        2,
        "encrypt oci:closed:v1 oci:x:v1 --recipient jwe:$rsa.pub.pem",
        &["encrypted already", "rewrap"],
    ),
    // Outputs that exist, choices that choose nothing.
    (
        2,
        "encrypt $oci-plain oci:closed:v1 --recipient jwe:$rsa.pub.pem",
        &["closed exists"],
    ),
    (
        2,
        "encrypt $oci-plain oci-archive:junk:v1 --recipient jwe:$rsa.pub.pem",
        &["junk exists"],
    ),
    (
        2,
        "encrypt $oci-plain oci:x/y:v1 --recipient jwe:$rsa.pub.pem",
        &["x", "No such file"],
    ),
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient jwe:$rsa.pub.pem --layer 2",
        &["has no layer 2; it has 2 layers"],
    ),
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient jwe:$rsa.pub.pem --platform linux/s390x",
        &["no manifest for linux/s390x"],
    ),
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient jwe:$rsa.pub.pem --format age",
        &["is no format of layers"],
    ),
    (
        2,
        "encrypt $oci-plain oci:x:v1 --recipient jwe:$rsa.pub.pem --engine none",
        &["unknown engine"],
    ),
    // What was changed.
    (
        1,
        "decrypt oci:flipped:v1 oci:x:v1 --key $rsa-pkcs1.der",
        &["the blob sha256:", "its digest is"],
    ),
    (
        1,
        "decrypt oci:cut:v1 oci:x:v1 --key $rsa-pkcs1.der",
        &["its descriptor says"],
    ),
];

#[test]
fn wrong_calls_are_told_how_to_mend_them() {
    let place = Place::new();
    let recipient = format!("jwe:{}", key("rsa.pub.pem"));
    for image in ["oci:closed:v1", "oci:flipped:v1", "oci:cut:v1"] {
        place.done(&["encrypt", &fixture("plain"), image, "--recipient", &recipient]);
    }
    fs::write(place.path("junk"), "no key, no archive").unwrap();
    for (folder, cut) in [("flipped", false), ("cut", true)] {
        let shown = place.json(&["show", &format!("oci:{folder}:v1")]);
        let digest = shown["layers"][0]["digest"].as_str().unwrap();
        let path = place.path(folder).join("blobs/sha256").join(&digest[7..]);
        let mut bytes = fs::read(&path).unwrap();
        if cut {
            bytes.pop();
        } else {
            bytes[0] ^= 1;
        }
        fs::write(&path, bytes).unwrap();
    }
    for (code, call, words) in CALLS {
        let plain = fixture("plain");
        let folder = plain.trim_start_matches("oci:").trim_end_matches(":v1");
        let call = call
            .replace("$oci-plain", &plain)
            .replace("$plain", folder)
            .replace('$', &key(""));
        let arguments: Vec<&str> = call.split(' ').collect();
        let told = place.refused(*code, &arguments);
        for word in *words {
            assert!(told.contains(word), "{call}: {told}");
        }
    }
}

#[test]
fn a_layer_that_is_not_authentic_is_refused_with_1() {
    let place = Place::new();
    let recipient = format!("jwe:{}", key("rsa.pub.pem"));
    for (format, words) in [
        ("ocicrypt", "HMAC does not hold"),
        ("ocicrypt-seekable", "tag does not hold"),
        ("chunked-aead", "tag does not hold"),
    ] {
        let image = format!("oci:{format}:v1");
        place.done(&[
            "encrypt",
            &fixture("plain"),
            &image,
            "--recipient",
            &recipient,
            "--format",
            format,
        ]);
        change_first_layer(&place, format);
        let told = place.refused(
            1,
            &["decrypt", &image, "oci:x:v1", "--key", &key("rsa-pkcs1.der")],
        );
        assert!(told.contains(words), "{told}");
    }
}

/// Flips a bit of the first layer and renames all that names it, as whoever holds the image can.
fn change_first_layer(place: &Place, folder: &str) {
    use aws_lc_rs::digest;
    let blobs = place.path(folder).join("blobs/sha256");
    let write = |bytes: &[u8]| {
        let digest = digest::digest(&digest::SHA256, bytes);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&hex), bytes).unwrap();
        (format!("sha256:{hex}"), bytes.len())
    };
    let index_path = place.path(folder).join("index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&index_path).unwrap()).unwrap();
    let named = |value: &serde_json::Value| blobs.join(&value["digest"].as_str().unwrap()[7..]);
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(named(&index["manifests"][0])).unwrap()).unwrap();
    let mut layer = fs::read(named(&manifest["layers"][0])).unwrap();
    layer[10] ^= 1;
    let (digest, _) = write(&layer);
    manifest["layers"][0]["digest"] = digest.into();
    let (digest, size) = write(manifest.to_string().as_bytes());
    index["manifests"][0]["digest"] = digest.into();
    index["manifests"][0]["size"] = size.into();
    fs::write(&index_path, index.to_string()).unwrap();
}

#[test]
fn work_that_is_ended_leaves_nothing() {
    let place = Place::new();
    // A registry that takes the request and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = format!("docker://{}/a:v1", listener.local_addr().unwrap());
    let arguments = ["decrypt", &remote, "oci:x:v1", "--key", &key("rsa-pkcs1.der")];
    let child = place
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    assert_eq!(place.names().len(), 1, "the folder that it works in");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = place.held(130, &[], &arguments, &output);
    assert!(told.contains("interrupted; nothing was written"), "{told}");
}
