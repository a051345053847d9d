//! The real `integritysetup`, from Debian's cryptsetup-bin, reads our superblocks. It makes none without a kernel's help.

use std::process::Command;

use sealab_volume::integrity::{FormatOptions, format};
use sealab_volume::store::{Access, FileStore};

use super::MIB;

/// Whether `integritysetup` is there; says so where a test cannot run, which is a failure with `CI=true`.
fn have(test: &str) -> bool {
    let missing = Command::new("integritysetup").arg("--version").output().is_err();
    assert!(
        !missing || std::env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: integritysetup is missing"
    );
    if missing {
        println!("NOT RUN: {test}: integritysetup is missing");
    }
    !missing
}

#[test]
fn integritysetup_reads_what_we_write() {
    if !have("integritysetup_reads_what_we_write") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    for (tag, block, fixed_padding) in [(28, 4096, true), (32, 512, true), (4, 1024, false)] {
        std::fs::File::create(&path).unwrap().set_len(64 * MIB).unwrap();
        let options = FormatOptions {
            fixed_padding,
            ..FormatOptions::new(tag, block)
        };
        let written = {
            let store = FileStore::open(&path, Access::ReadWrite).unwrap();
            format(&store, 0, &options).unwrap()
        };
        let output = Command::new("integritysetup")
            .arg("dump")
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        for (field, value) in [
            ("superblock_version", written.version.to_string()),
            ("log2_interleave_sectors", "15".to_owned()),
            ("integrity_tag_size", tag.to_string()),
            ("journal_sections", written.journal_sections.to_string()),
            ("provided_data_sectors", written.provided_sectors.to_string()),
            ("sector_size", block.to_string()),
            (
                "log2_blocks_per_bitmap",
                written.log2_blocks_per_bitmap_bit.to_string(),
            ),
            (
                "flags",
                (if fixed_padding { "fix_padding" } else { "" }).to_owned(),
            ),
        ] {
            let line = said.lines().find_map(|line| line.strip_prefix(field));
            assert_eq!(line.map(str::trim), Some(&value[..]), "{field}: {said}");
        }
    }
}
