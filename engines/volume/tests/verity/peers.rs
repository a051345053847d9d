//! The real `veritysetup`: what it makes we open, what we make it accepts, and both find the same changes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sealab_volume::Volume;
use sealab_volume::store::{Access, FileStore, Store};
use sealab_volume::verity::{Algorithm, HashArea, HashType, Parameters, RootHash, Verity, create};

use super::{content, engine};

/// Whether `veritysetup` is there; says so where a test cannot run, which is a failure with `CI=true`.
fn have(test: &str) -> bool {
    let missing = Command::new("veritysetup").arg("--version").output().is_err();
    assert!(
        !missing || std::env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: veritysetup is missing"
    );
    if missing {
        println!("NOT RUN: {test}: veritysetup is missing");
    }
    !missing
}

/// One shape of tree, in files of a folder.
struct Case {
    folder: tempfile::TempDir,
    parameters: Parameters,
    area: HashArea,
    detached: bool,
}

fn cases() -> Vec<Case> {
    let uuid = [
        0x12, 0x34, 0x56, 0x78, 1, 2, 0x43, 4, 0x85, 6, 7, 8, 9, 10, 11, 12,
    ];
    let base = Parameters::new(700, (0..32).collect(), uuid);
    let mut cases = Vec::new();
    for (parameters, superblock, detached) in [
        (base.clone(), true, true),
        (base.clone(), true, false),
        (base.clone(), false, true),
        (base.clone(), false, false),
        (
            Parameters {
                salt: vec![],
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                salt: (0..=255).collect(),
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                algorithm: Algorithm::Sha512,
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                hash_type: HashType::ChromeOs,
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                data_block_bytes: 512,
                hash_block_bytes: 512,
                ..base.clone()
            },
            true,
            false,
        ),
        (
            Parameters {
                data_block_bytes: 1024,
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                hash_block_bytes: 1024,
                ..base.clone()
            },
            true,
            false,
        ),
        (
            Parameters {
                data_blocks: 1,
                ..base.clone()
            },
            true,
            true,
        ),
        (
            Parameters {
                data_blocks: 129,
                ..base
            },
            true,
            true,
        ),
    ] {
        // The superblock in the first block of its own, or the tree at once.
        let offset = if detached {
            0
        } else {
            parameters.data_bytes().next_multiple_of(4096)
        };
        cases.push(Case {
            folder: tempfile::tempdir().unwrap(),
            parameters,
            area: HashArea { offset, superblock },
            detached,
        });
    }
    cases
}

impl Case {
    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn hashes(&self) -> std::path::PathBuf {
        self.folder
            .path()
            .join(if self.detached { "hashes" } else { "data" })
    }

    /// Files with the data and, for us, room for the tree.
    fn prepare(&self, room: u64) {
        let bytes = content(self.parameters.data_bytes());
        std::fs::write(self.data(), &bytes).unwrap();
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.hashes())
            .unwrap();
        file.set_len(
            self.area
                .offset
                .max(if self.detached { 0 } else { bytes.len() as u64 })
                + room,
        )
        .unwrap();
    }

    fn veritysetup(&self, action: &str, root: Option<&RootHash>) -> Result<String, String> {
        let parameters = &self.parameters;
        let mut command = Command::new("veritysetup");
        command.arg(action).arg(self.data()).arg(self.hashes());
        command.args(root.map(ToString::to_string));
        command.arg(format!("--hash-offset={}", self.area.offset));
        if action == "format" || !self.area.superblock {
            let salt: String = parameters.salt.iter().map(|byte| format!("{byte:02x}")).collect();
            let salt = if salt.is_empty() { "-" } else { &salt };
            let kind = match parameters.hash_type {
                HashType::ChromeOs => 0,
                HashType::Normal => 1,
            };
            command.args([
                format!("--hash={}", parameters.algorithm.name()),
                format!("--salt={salt}"),
                format!("--format={kind}"),
                format!("--data-block-size={}", parameters.data_block_bytes),
                format!("--hash-block-size={}", parameters.hash_block_bytes),
                format!("--data-blocks={}", parameters.data_blocks),
            ]);
        }
        if !self.area.superblock {
            command.arg("--no-superblock");
        } else if action == "format" {
            command.arg("--uuid=12345678-0102-4304-8506-0708090a0b0c");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(said)
        }
    }

    fn open(&self, root: &RootHash) -> Result<Verity, sealab_volume::verity::VerityError> {
        let given = (!self.area.superblock).then_some(&self.parameters);
        let hashes = self.detached.then(|| store(&self.hashes()));
        Verity::open(engine(), store(&self.data()), hashes, self.area, given, root)
    }

    fn check(&self, root: &RootHash) {
        let volume = self.open(root).unwrap();
        assert_eq!(volume.parameters().data_blocks, self.parameters.data_blocks);
        if self.area.superblock {
            assert_eq!(volume.parameters(), &self.parameters);
        }
        let mut data = vec![0; volume.size() as usize];
        volume.read(0, &mut data).unwrap();
        assert!(data == content(self.parameters.data_bytes()));
    }
}

fn store(path: &Path) -> Arc<dyn Store> {
    Arc::new(FileStore::open(path, Access::ReadWrite).unwrap())
}

#[test]
fn what_veritysetup_makes_opens() {
    if !have("what_veritysetup_makes_opens") {
        return;
    }
    for case in cases() {
        case.prepare(0);
        let said = case.veritysetup("format", None).unwrap();
        let root = said
            .lines()
            .find_map(|line| line.strip_prefix("Root hash:"))
            .unwrap();
        case.check(&root.trim().parse().unwrap());
    }
}

#[test]
fn what_we_make_veritysetup_verifies_and_would_have_made() {
    if !have("what_we_make_veritysetup_verifies_and_would_have_made") {
        return;
    }
    for case in cases() {
        case.prepare(1 << 20);
        let root = {
            let hashes = case.detached.then(|| store(&case.hashes()));
            create(
                &*engine(),
                &*store(&case.data()),
                hashes.as_deref(),
                case.area,
                &case.parameters,
            )
            .unwrap()
        };
        case.check(&root);
        let verified = case.veritysetup("verify", Some(&root));
        assert!(verified.is_ok(), "{:?}: {verified:?}", case.parameters);
        let ours = std::fs::read(case.hashes()).unwrap();
        case.prepare(0);
        std::fs::OpenOptions::new()
            .write(true)
            .open(case.hashes())
            .unwrap()
            .set_len(ours.len() as u64)
            .unwrap();
        case.veritysetup("format", None).unwrap();
        let theirs = std::fs::read(case.hashes()).unwrap();
        assert!(ours == theirs, "{:?}", case.parameters);
    }
}

#[test]
fn both_find_the_same_changes() {
    if !have("both_find_the_same_changes") {
        return;
    }
    let case = &cases()[1];
    case.prepare(1 << 20);
    let root = create(
        &*engine(),
        &*store(&case.data()),
        None,
        case.area,
        &case.parameters,
    )
    .unwrap();
    let whole = std::fs::read(case.data()).unwrap();
    let data = case.parameters.data_bytes();
    // Data, the topmost block, one of level 0, the salt; and the first block of data that does not read.
    for (at, block) in [
        (5 * 4096 + 9, Some(5)),
        (data + 4096, None),
        (data + 3 * 4096, Some(128)),
        (data + 90, None),
    ] {
        let mut changed = whole.clone();
        changed[at as usize] ^= 1;
        std::fs::write(case.data(), &changed).unwrap();
        let said = case.veritysetup("verify", Some(&root)).unwrap_err();
        let opened = case.open(&root);
        let Some(block) = block else {
            assert!(opened.is_err(), "{at}");
            continue;
        };
        let volume = opened.unwrap();
        let error = volume.read(0, &mut vec![0; data as usize]).unwrap_err();
        assert!(
            matches!(error, sealab_volume::VolumeError::Unauthentic { offset, .. } if offset == block * 4096),
            "{error}"
        );
        assert!(said.contains("Verification failed at position"), "{said}");
        if at < data {
            assert!(said.contains(&format!("position {}", block * 4096)), "{said}");
        }
    }
}
