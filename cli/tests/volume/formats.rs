//! LUKS, verity and plain volumes: made, served, checked, and refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::place::{CHEAP, Place, content, done, has, nbdcopy, refused, sealab, text};

/// Writes and reads back through a server, with the real nbdcopy.
fn round_trip(place: &Place, name: &str, open: &[&str]) {
    fs::write(place.path("content"), content()).unwrap();
    let served = place.serve(name, open);
    let mode = fs::metadata(&served.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    nbdcopy(&place.text("content"), &served.uri);
    served.end();
    let mut read_only = open.to_vec();
    read_only.push("--read-only");
    let served = place.serve(name, &read_only);
    nbdcopy(&served.uri, &place.text("back"));
    let back = fs::read(place.path("back")).unwrap();
    assert!(back.starts_with(&content()), "{name}");
    let output = Command::new("nbdcopy")
        .args([&place.text("content"), &served.uri])
        .output()
        .unwrap();
    assert!(
        !output.status.success(),
        "{name}: a volume for reading was written"
    );
    served.end();
    fs::remove_file(place.path("back")).unwrap();
}

#[test]
fn every_format_holds_what_a_real_client_writes() {
    if !has("nbdcopy", "libnbd-bin") {
        return;
    }
    let place = Place::new();
    let pass = place.text("pass");
    let open = ["--passphrase-file", pass.as_str()];
    place.create("luks1", "4MiB", &["--format", "luks1"]);
    round_trip(&place, "luks1", &open);
    place.create("luks2", "18MiB", &["--format", "luks2"]);
    round_trip(&place, "luks2", &open);
    place.create(
        "gcm",
        "20MiB",
        &[
            "--format",
            "luks2",
            "--integrity",
            "aead",
            "--sector-size",
            "4096",
        ],
    );
    round_trip(&place, "gcm", &open);
    place.create(
        "hmac",
        "20MiB",
        &["--format", "luks2", "--integrity", "hmac-sha256"],
    );
    let mut direct = open.to_vec();
    direct.push("--integrity-no-journal");
    round_trip(&place, "hmac", &direct);
    let (file, header) = (place.text("data"), place.text("header"));
    place.create("data", "1MiB", &["--format", "luks2", "--header", &header]);
    let mut detached = open.to_vec();
    detached.extend(["--header", &header]);
    round_trip(&place, "data", &detached);
    assert_eq!(fs::metadata(&file).unwrap().len(), 1 << 20);

    done(&[
        "create",
        &place.text("plain"),
        "--format",
        "plain",
        "--size",
        "1MiB",
    ]);
    round_trip(&place, "plain", &["--format", "plain"]);
}

#[test]
fn a_verity_volume_is_served_for_reading_and_only_with_its_root_hash() {
    if !has("nbdcopy", "libnbd-bin") || !has("veritysetup", "cryptsetup-bin") {
        return;
    }
    let place = Place::new();
    fs::write(place.path("data"), content()).unwrap();
    let (data, tree) = (place.text("data"), place.text("tree"));
    let said = done(&["create", &data, "--format", "verity", "--header", &tree]);
    let root = said.lines().next().unwrap().strip_prefix("root hash: ").unwrap();
    let real = Command::new("veritysetup")
        .args(["verify", &data, &tree, root])
        .output()
        .unwrap();
    assert!(real.status.success(), "{}", text(&real.stderr));
    let open = [
        "--header",
        tree.as_str(),
        "--root-hash",
        root,
        "--data-blocks",
        "256",
        "--read-only",
    ];
    let served = place.serve("data", &open);
    nbdcopy(&served.uri, &place.text("back"));
    assert!(fs::read(place.path("back")).unwrap() == content());
    served.end();
    let shown = done(&["show", &tree, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["format"], "verity");
    assert_eq!(shown["data_blocks"], 256);
    let other = root.replace(&root[..1], if root.starts_with('0') { "1" } else { "0" });
    refused(&["check", &data, "--header", &tree, "--root-hash", &other], 2);
    let blocks = [
        "check",
        &data,
        "--header",
        &tree,
        "--root-hash",
        root,
        "--data-blocks",
        "255",
    ];
    assert!(refused(&blocks, 2).contains("256 blocks"));
    let mut bytes = content();
    bytes[300_000] ^= 1;
    fs::write(place.path("data"), bytes).unwrap();
    let output = sealab(&["check", &data, "--header", &tree, "--root-hash", root, "--all"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("299008"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn keys_are_added_and_removed_and_cryptsetup_agrees() {
    if !has("cryptsetup", "cryptsetup-bin") {
        return;
    }
    let place = Place::new();
    place.create("volume", "18MiB", &["--format", "luks2", "--label", "mine"]);
    fs::write(place.path("other"), "another").unwrap();
    fs::write(place.path("wrong"), "wrong").unwrap();
    let [file, pass, other, wrong] = ["volume", "pass", "other", "wrong"].map(|name| place.text(name));
    let accepts = |key: &str| {
        Command::new("cryptsetup")
            .args(["open", "--test-passphrase", "--key-file", key, &file])
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(accepts(&pass) && !accepts(&other));
    let mut add = vec![
        "add-key",
        &file,
        "--passphrase-file",
        &pass,
        "--new-passphrase-file",
        &other,
    ];
    add.extend(CHEAP);
    assert!(done(&add).contains("keyslot 1"));
    assert!(accepts(&pass) && accepts(&other));

    let constant = "sealab: no key is available with this passphrase\n";
    let remove = |key: &str| {
        [
            "remove-key".to_owned(),
            file.clone(),
            "--passphrase-file".to_owned(),
            key.to_owned(),
            "--keyslot".to_owned(),
            "0".to_owned(),
        ]
    };
    // Its own passphrase says nothing of the keyslots that stay.
    for key in [&wrong, &pass] {
        let arguments = remove(key);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(refused(&arguments, 2), constant);
    }
    let arguments = remove(&other);
    done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!accepts(&pass) && accepts(&other));
    let last = ["remove-key", &file, "--passphrase-file", &other, "--keyslot", "1"];
    assert_eq!(refused(&last, 2), constant);

    let shown: serde_json::Value = serde_json::from_str(&done(&["show", &file, "--json"])).unwrap();
    assert_eq!(shown["format"], "luks2");
    assert_eq!(shown["label"], "mine");
    assert_eq!(shown["encryption"], "aes-xts-plain64");
    assert_eq!(shown["keyslots"].as_array().unwrap().len(), 1);
    assert_eq!(
        refused(&["check", &file, "--passphrase-file", &pass], 2),
        constant
    );
    done(&["check", &file, "--passphrase-file", &other, "--all"]);
}

#[test]
fn broken_headers_and_sectors_are_told_and_a_header_is_mended() {
    let place = Place::new();
    place.create("volume", "20MiB", &["--format", "luks2", "--integrity", "aead"]);
    let [file, pass] = ["volume", "pass"].map(|name| place.text(name));
    let check = ["check", &file, "--passphrase-file", &pass, "--all"];
    done(&check);
    let whole = fs::read(&file).unwrap();
    let flip = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).unwrap();
    };
    flip(5000);
    let output = sealab(&check);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("first copy"),
        "{}",
        text(&output.stdout)
    );
    let mut repair = check.to_vec();
    repair.push("--repair");
    done(&repair);
    done(&check);
    // In the last sectors, whose data are at the end.
    flip(whole.len() - 5000);
    let output = sealab(&check);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("not authentic"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn wrong_calls_are_one_line_and_leave_nothing_behind() {
    let place = Place::new();
    let [file, pass, empty] = ["volume", "pass", "empty"].map(|name| place.text(name));
    fs::write(&empty, "").unwrap();
    let before = place.names();
    let create = [
        "create",
        &file,
        "--size",
        "18MiB",
        "--passphrase-file",
        &pass,
        "--format",
    ];
    let with = |more: &[&'static str]| -> Vec<String> {
        create.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    for (more, said) in [
        (vec!["luks1", "--integrity", "aead"], "LUKS1"),
        (vec!["luks1", "--pbkdf", "argon2id"], "LUKS1"),
        (vec!["luks2", "--sector-size", "768"], "768"),
        (
            vec!["luks2", "--cipher", "aes-cbc-essiv", "--integrity", "aead"],
            "--integrity",
        ),
        (vec!["luks2", "--pbkdf", "pbkdf2", "--iterations", "1"], "1"),
        (vec!["plain"], "passphrase"),
    ] {
        let arguments = with(&more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let message = refused(&arguments, 2);
        assert!(message.contains(said), "{message}");
        assert_eq!(place.names(), before, "{more:?}");
    }
    let no_pass = [
        "create",
        &file,
        "--size",
        "18MiB",
        "--format",
        "luks2",
        "--passphrase-file",
        &empty,
    ];
    assert!(refused(&no_pass, 2).contains("it is empty"));
    assert_eq!(place.names(), before);
    // What is there is never replaced.
    fs::write(&file, [0; 8192]).unwrap();
    let there = ["create", &file, "--size", "1MiB", "--format", "plain"];
    assert!(refused(&there, 2).contains("exists already"));
    assert_eq!(fs::metadata(&file).unwrap().len(), 8192);
    // Nobody can have it served as plain bytes by wiping its header.
    let serve = ["serve", &file, "--socket", &place.text("socket")];
    assert!(refused(&serve, 2).contains("no LUKS header"));
    let listen = ["serve", &file, "--format", "plain", "--listen", "0.0.0.0:0"];
    assert!(refused(&listen, 2).contains("loopback"));
    assert!(!Path::new(&place.text("socket")).exists());
}
