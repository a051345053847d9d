//! What people do today, by the real programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_criu::peers::{Comparison, Peers, Tool, Way};
use sealab_criu::{CriuError, ImageSet};
use sealab_memory::Content;

static NEVER: AtomicBool = AtomicBool::new(false);

/// All that need no program of the lab's, which is not built with this crate.
const TOOLS: [Tool; 8] = [
    Tool::Copy,
    Tool::Tar,
    Tool::GpgSymmetric,
    Tool::GpgSymmetricCompressed,
    Tool::GpgPublic,
    Tool::GpgPublicCompressed,
    Tool::OpensslEnc,
    Tool::Age,
];

fn peers<'a>(tools: &'a [Tool], rounds: u32, folder: &'a Path) -> Peers<'a> {
    Peers {
        tools,
        rounds,
        folder,
        sealab: None,
        keep: None,
    }
}

/// Names the peers that are not here, which is a failure with `CI=true`.
fn all_ran(comparison: &Comparison) {
    assert_eq!(comparison.failed, []);
    for (tool, reason) in &comparison.missing {
        assert!(
            env::var("CI").as_deref() != Ok("true"),
            "{} did not run: {reason}",
            tool.id()
        );
        println!("NOT RUN: {}: {reason}", tool.id());
    }
}

fn images(folder: &Path, size: &str, content: Content) -> PathBuf {
    let images = folder.join("images");
    ImageSet::new(size.parse().expect("a size"), content)
        .write(&images, &NEVER)
        .expect("a set");
    images
}

#[test]
fn every_peer_gives_the_set_back_and_says_what_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), "8MiB", Content::Text);
    let kept = folder.path().join("kept");
    let mut peers = peers(&TOOLS, 2, folder.path());
    peers.keep = Some((Tool::OpensslEnc, &kept));
    let comparison = peers.compare(&images, &NEVER).expect("a comparison");
    all_ran(&comparison);
    let here = TOOLS.len() - comparison.missing.len();
    assert_eq!(comparison.rows.len(), here * 2 * 2);
    assert_eq!(comparison.versions.len(), here);
    for row in &comparison.rows {
        let compressed = matches!(row.tool, Tool::GpgSymmetricCompressed | Tool::GpgPublicCompressed);
        assert_eq!(row.stored_bytes < row.plain_bytes / 2, compressed, "{row:?}");
        assert!(row.plain_bytes > 8 << 20, "{row:?}");
        assert!(row.wall_seconds > 0.0, "{row:?}");
        assert!((500 << 10..256 << 20).contains(&row.peak_bytes), "{row:?}");
    }
    let opened = comparison.rows.iter().filter(|row| row.way == Way::Open).count();
    assert_eq!(opened * 2, comparison.rows.len());
    let [set, copy] = [&images, &kept].map(|set| fs::read(set.join("pages-1.img")).expect("pages"));
    assert!(set == copy, "the set that was kept is not the set");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
}

#[test]
fn a_peer_that_is_not_there_or_fails_is_told_and_the_others_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), "1MiB", Content::Zero);
    let tools = [Tool::SealedCheckpoint, Tool::Tar];
    let mut peers = peers(&tools, 2, folder.path());
    let comparison = peers.compare(&images, &NEVER).expect("a comparison");
    assert_eq!(
        comparison.missing,
        [(
            Tool::SealedCheckpoint,
            "the program `sealab` is not known here".to_owned()
        )]
    );
    assert_eq!(comparison.rows.len(), 4);
    // A program that does nothing, and says that it went well.
    peers.sealab = Some(Path::new("/bin/true"));
    let comparison = peers.compare(&images, &NEVER).expect("a comparison");
    assert_eq!(comparison.failed.len(), 1, "{comparison:?}");
    assert_eq!(comparison.failed[0].0, Tool::SealedCheckpoint);
    assert_eq!(comparison.rows.len(), 4);
}

/// The memory of this process is not counted as the peers'.
#[test]
fn the_peak_is_the_peer_s_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), "1MiB", Content::Zero);
    let ballast = std::hint::black_box(vec![1_u8; 256 << 20]);
    let comparison = peers(&[Tool::Tar], 1, folder.path())
        .compare(&images, &NEVER)
        .expect("a comparison");
    all_ran(&comparison);
    for row in &comparison.rows {
        assert!(row.peak_bytes < 64 << 20, "{row:?}");
    }
    drop(ballast);
}

#[test]
fn a_cancelled_comparison_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), "1MiB", Content::Zero);
    let result = peers(&TOOLS, 1, folder.path()).compare(&images, &AtomicBool::new(true));
    assert!(matches!(result, Err(CriuError::Interrupted)), "{result:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}
