//! What people do today, by the real programs.

use std::env;
use std::fs;
use std::sync::atomic::AtomicBool;

use sealab_criu::peers::{Comparison, Tool, Way, compare, compare_sizes};
use sealab_criu::{CriuError, ImageSet};
use sealab_memory::Content;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Names the peers that are not here, which is a failure with `CI=true`.
fn all_ran(comparison: &Comparison) {
    for (tool, reason) in &comparison.missing {
        assert!(
            env::var("CI").as_deref() != Ok("true"),
            "{} did not run: {reason}",
            tool.id()
        );
        println!("NOT RUN: {}: {reason}", tool.id());
    }
}

#[test]
fn every_peer_gives_the_set_back_and_says_what_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let set = ImageSet::new("8MiB".parse().expect("a size"), Content::Text);
    let sizes = ["4MiB", "8MiB"].map(|size| size.parse().expect("a size"));
    let compared = compare_sizes(&set, &sizes, &Tool::ALL, 2, folder.path(), &NEVER).expect("a comparison");
    assert_eq!(compared.iter().map(|(size, _)| *size).collect::<Vec<_>>(), sizes);
    for (size, comparison) in &compared {
        all_ran(comparison);
        let here = Tool::ALL.len() - comparison.missing.len();
        assert_eq!(comparison.rows.len(), here * 2 * 2);
        assert_eq!(comparison.versions.len(), here);
        for row in &comparison.rows {
            let compressed = matches!(row.tool, Tool::GpgSymmetricCompressed | Tool::GpgPublicCompressed);
            assert_eq!(row.stored_bytes < size.bytes() / 2, compressed, "{row:?}");
            assert!(row.plain_bytes > size.bytes(), "{row:?}");
            assert!(row.wall_seconds > 0.0, "{row:?}");
            assert!((500 << 10..256 << 20).contains(&row.peak_bytes), "{row:?}");
            if row.round == 0 {
                println!("{size} {row:?}");
            }
        }
        let opened = comparison.rows.iter().filter(|row| row.way == Way::Open).count();
        assert_eq!(opened * 2, comparison.rows.len());
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

/// The memory of this process is not counted as the peers'.
#[test]
fn the_peak_is_the_peer_s_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    ImageSet::new("1MiB".parse().expect("a size"), Content::Zero)
        .write(&images, &NEVER)
        .expect("a set");
    let ballast = std::hint::black_box(vec![1_u8; 256 << 20]);
    let comparison = compare(&images, &[Tool::Tar], 1, folder.path(), &NEVER).expect("a comparison");
    all_ran(&comparison);
    for row in &comparison.rows {
        assert!(row.peak_bytes < 64 << 20, "{row:?}");
    }
    drop(ballast);
}

#[test]
fn a_cancelled_comparison_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    ImageSet::new("1MiB".parse().expect("a size"), Content::Zero)
        .write(&images, &NEVER)
        .expect("a set");
    let result = compare(&images, &Tool::ALL, 1, folder.path(), &AtomicBool::new(true));
    assert!(matches!(result, Err(CriuError::Interrupted)), "{result:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}
