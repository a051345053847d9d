//! Every method on small images: with the real programs, or told as missing.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_images::{Encryption, Image, ImageContent, Method, Start, StartWay, Tree, Version, Versions, Way};
use sealab_memory::Share;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Says that `what` did not run, which is a failure with `CI=true`.
fn not_run(what: &str, reason: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what} did not run: {reason}"
    );
    println!("NOT RUN: {what}: {reason}");
}

/// A program in the place of the lab's that writes what it is told to, or nothing.
fn program(folder: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("sealab");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

#[test]
fn copies_and_skopeo_give_back_what_they_were_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Host, 1 << 20, &NEVER).expect("/usr");
    let image = Image::write(&tree, &folder.path().join("image"), &NEVER).expect("an image");
    let methods = [Method::Copy, Method::SkopeoCopy, Method::Skopeo];
    let encryption = Encryption {
        methods: &methods,
        rounds: 2,
        folder: folder.path(),
        sealab: Path::new("/nonexistent"),
    };
    let found = match encryption.compare(&image, &NEVER) {
        Err(error) if error.is_unavailable() => return not_run("methods", &error.to_string()),
        found => found.expect("a comparison"),
    };
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    for reason in found.missing.values() {
        not_run("a method", reason);
    }
    assert_eq!(found.rows.len(), found.versions.len() * 2 * 2);
    for row in &found.rows {
        assert_eq!(row.plain_bytes, image.bytes());
        assert!(row.wall_seconds > 0.0 && row.peak_bytes > 0, "{row:?}");
        // A manifest more or less.
        assert!(row.stored_bytes.abs_diff(image.bytes()) < 8192, "{row:?}");
        assert!(row.metadata_bytes.expect("looked for") > 200, "{row:?}");
        assert_eq!(row.transferred_bytes, None);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_program_that_gives_something_else_back_has_no_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Random, 1 << 20, &NEVER).expect("memory");
    let image = Image::write(&tree, &folder.path().join("image"), &NEVER).expect("an image");
    let script = "[ \"$1\" = layer ] || { echo sealab 1; exit; }
for last; do :; done
folder=${last#oci:}; folder=${folder%:v1}
mkdir -p \"$folder/blobs/sha256\"; echo changed >\"$folder/blobs/sha256/NAME\""
        .replace("NAME", image.layer());
    let sealab = program(folder.path(), &script);
    let methods = [Method::from_id("ocicrypt").expect("a method"), Method::Copy];
    let encryption = Encryption {
        methods: &methods,
        rounds: 3,
        folder: folder.path(),
        sealab: &sealab,
    };
    let found = match encryption.compare(&image, &NEVER) {
        Err(error) if error.is_unavailable() => return not_run("methods", &error.to_string()),
        found => found.expect("a comparison"),
    };
    let reason = &found.failed["ocicrypt"];
    assert!(
        reason.contains("comparing what ocicrypt gave back failed"),
        "{reason}"
    );
    assert!(found.rows.iter().all(|row| row.method == "copy"));
    assert_eq!(found.rows.len(), 3 * 2);
    assert_eq!(found.versions["ocicrypt"], "sealab 1");
}

#[test]
fn a_comparison_ends_when_it_is_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Random, 1 << 20, &NEVER).expect("memory");
    let image = Image::write(&tree, &folder.path().join("image"), &NEVER).expect("an image");
    let encryption = Encryption {
        methods: &[Method::Copy],
        rounds: 1,
        folder: folder.path(),
        sealab: Path::new("/nonexistent"),
    };
    let error = encryption
        .compare(&image, &AtomicBool::new(true))
        .expect_err("cancelled");
    assert!(error.is_interruption() || error.is_unavailable(), "{error}");
}

#[test]
fn two_versions_go_to_a_registry_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Random, 1 << 20, &NEVER).expect("memory");
    let next = tree.next_version(Share::new(0.3).expect("a share"), 1);
    assert_ne!(next, tree);
    let first = Image::write(&tree, &folder.path().join("first"), &NEVER).expect("an image");
    let second = Image::write(&next, &folder.path().join("second"), &NEVER).expect("an image");
    let versions = Versions {
        methods: &[Method::SkopeoCopy, Method::Skopeo],
        rounds: 1,
        folder: folder.path(),
        sealab: Path::new("/nonexistent"),
    };
    let found = match versions.compare([&first, &second], &NEVER) {
        Err(error) if error.is_unavailable() => return not_run("versions", &error.to_string()),
        found => found.expect("a comparison"),
    };
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    for reason in found.missing.values() {
        not_run("versions", reason);
    }
    for (method, image) in [("skopeo-copy", &first), ("skopeo", &first)] {
        if found.missing.contains_key(method) {
            continue;
        }
        for version in [Version::First, Version::Second] {
            for way in [Way::Seal, Way::Open] {
                let fits = |(of, row): &&(Version, sealab_images::Row)| {
                    *of == version && row.method == method && row.way == way
                };
                let (_, row) = found.rows.iter().find(fits).expect("a row");
                // Nothing that is random is compressed, and nothing of one version is shared with the other.
                let bytes = image.bytes() as f64;
                let transferred = row.transferred_bytes.expect("counted") as f64;
                assert!(
                    (0.99..1.1).contains(&(row.stored_bytes as f64 / bytes)),
                    "{row:?}"
                );
                assert!((0.99..1.1).contains(&(transferred / bytes)), "{row:?}");
            }
        }
    }
}

#[test]
fn the_same_image_again_adds_nothing_to_a_registry() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Random, 1 << 20, &NEVER).expect("memory");
    let image = Image::write(&tree, &folder.path().join("first"), &NEVER).expect("an image");
    let versions = Versions {
        methods: &[Method::SkopeoCopy],
        rounds: 1,
        folder: folder.path(),
        sealab: Path::new("/nonexistent"),
    };
    let found = match versions.compare([&image, &image], &NEVER) {
        Err(error) if error.is_unavailable() => return not_run("versions", &error.to_string()),
        found => found.expect("a comparison"),
    };
    if let Some(reason) = found.missing.get("skopeo-copy") {
        return not_run("versions", reason);
    }
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    let again = |(of, row): &&(Version, sealab_images::Row)| *of == Version::Second && row.way == Way::Seal;
    let (_, row) = found.rows.iter().find(again).expect("a row");
    assert_eq!(row.stored_bytes, 0);
    assert!(row.transferred_bytes.expect("counted") < 16 << 10, "{row:?}");
}

#[test]
fn an_image_is_pulled_from_a_registry_and_what_reads_wrongly_has_no_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(ImageContent::Random, 6 << 20, &NEVER).expect("memory");
    let image = Image::write(&tree, &folder.path().join("image"), &NEVER).expect("an image");
    // In the place of the lab's: pushes the image as it is, and gives back a file too few.
    let script = "case $2 in
encrypt) for last; do shift; from=$before; before=$last; done
  exec skopeo --insecure-policy copy --quiet --dest-tls-verify=false --preserve-digests \"$from\" \"$last\" ;;
read) while [ \"$1\" != --output ]; do shift; done; exec mkdir \"$2\" ;;
*) echo sealab 1 ;;
esac";
    let sealab = program(folder.path(), script);
    let ways = ["skopeo-copy", "convergent-read"].map(|id| StartWay::from_id(id).expect("a way"));
    let start = Start {
        ways: &ways,
        rounds: 2,
        files: Share::new(0.1).expect("a share"),
        folder: folder.path(),
        sealab: &sealab,
    };
    let paths = start.paths(&tree);
    assert!(
        !paths.is_empty() && start.wanted_bytes(&tree) < tree.bytes() / 5,
        "{paths:?}"
    );
    let found = match start.compare(&tree, &image, &NEVER) {
        Err(error) if error.is_unavailable() => return not_run("a start", &error.to_string()),
        found => found.expect("a comparison"),
    };
    if let Some(reason) = found.missing.get("skopeo-copy") {
        return not_run("a start", reason);
    }
    let reason = &found.failed["convergent-read"];
    assert!(
        reason.contains("comparing what convergent-read gave back"),
        "{reason}"
    );
    assert_eq!(found.failed.len(), 1, "{:?}", found.failed);
    let rows: Vec<_> = found
        .rows
        .iter()
        .map(|row| (row.method, row.way, row.round))
        .collect();
    assert_eq!(
        rows,
        [("skopeo-copy", Way::Open, 0), ("skopeo-copy", Way::Open, 1)]
    );
    assert!(found.rows[0].transferred_bytes.expect("counted") > image.layer_bytes());
}
