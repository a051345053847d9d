//! A changed byte anywhere is found, where it is, and hands out nothing.

use sealab_volume::store::Store;
use sealab_volume::verity::{Algorithm, HashArea, HashType, Parameters, Verity, VerityError};
use sealab_volume::{Volume, VolumeError};

use super::{Sample, content, engine, open, sample};

fn flip(sample: &Sample, at: u64) {
    let mut byte = [0];
    sample.store.read_at(at, &mut byte).unwrap();
    sample.store.write_at(at, &[byte[0] ^ 0x10]).unwrap();
}

/// Three levels: 300 blocks of 512 bytes, 16 digests a block.
fn deep() -> Parameters {
    Parameters {
        data_block_bytes: 512,
        hash_block_bytes: 512,
        ..Parameters::new(300, b"some salt".to_vec(), [3; 16])
    }
}

/// The data blocks that do not read, each read alone.
fn unreadable(volume: &Verity) -> Vec<u64> {
    let block = u64::from(volume.block_size());
    (0..volume.size() / block)
        .filter(|number| {
            let mut data = vec![1; block as usize];
            match volume.read(number * block, &mut data) {
                Ok(()) => {
                    assert!(data == content(volume.size())[(number * block) as usize..][..block as usize]);
                    false
                }
                Err(VolumeError::Unauthentic { offset, .. }) => {
                    assert_eq!(offset, number * block);
                    assert!(data.iter().all(|byte| *byte == 0));
                    true
                }
                Err(other) => panic!("{other}"),
            }
        })
        .collect()
}

#[test]
fn a_changed_block_of_data_is_found_and_no_other() {
    for block in [0, 15, 16, 299] {
        let sample = sample(deep());
        let volume = open(&sample).unwrap();
        flip(&sample, block * 512 + 511);
        assert_eq!(unreadable(&volume), [block]);
        // In the midst of a longer request.
        let mut data = vec![1; 300 * 512];
        let error = volume.read(0, &mut data).unwrap_err();
        assert!(matches!(error, VolumeError::Unauthentic { offset, .. } if offset == block * 512));
        assert!(data.iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_changed_block_of_hashes_takes_all_below_it() {
    // Behind the data and the superblock's block: one block of level 2, two of level 1, nineteen of level 0.
    let tree = 300 * 512 + 512;
    for (block, lost) in [(1, 0..256), (2, 256..300), (3, 0..16), (21, 288..300)] {
        let sample = sample(deep());
        assert_eq!(open(&sample).unwrap().tree_bytes(), 22 * 512);
        flip(&sample, tree + block * 512 + 3);
        let volume = open(&sample).unwrap();
        assert_eq!(unreadable(&volume), lost.collect::<Vec<_>>(), "{block}");
        let error = volume
            .read(299 * 512, &mut [0; 512])
            .err()
            .map(|error| error.to_string());
        let named = format!("the block of hashes at {} of", tree + block * 512);
        assert_eq!(
            error.is_some_and(|error| error.contains(&named)),
            block == 2 || block == 21
        );
    }
    let sample = sample(deep());
    flip(&sample, tree + 511);
    let Err(VerityError::Unauthentic { offset, .. }) = open(&sample) else {
        panic!("the topmost block was changed");
    };
    assert_eq!(offset, tree);
}

#[test]
fn a_changed_superblock_salt_or_root_hash_does_not_open() {
    let good = sample(deep());
    for at in [0, 8, 12, 32, 64, 68, 72, 80, 88, 96] {
        let sample = sample(deep());
        flip(&sample, sample.area.offset + at);
        assert!(open(&sample).is_err(), "{at}");
    }
    let other: String = good.root.to_string().chars().rev().collect();
    let wrong = Sample {
        root: other.parse().unwrap(),
        ..sample(deep())
    };
    assert!(matches!(open(&wrong), Err(VerityError::Unauthentic { .. })));
    let long = Sample {
        root: good.root.to_string().repeat(2).parse().unwrap(),
        ..sample(deep())
    };
    assert!(matches!(open(&long), Err(VerityError::RootHash { .. })));
}

#[test]
fn every_shape_of_tree_opens_and_reads_whole() {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        for hash_type in [HashType::Normal, HashType::ChromeOs] {
            for (data_block_bytes, hash_block_bytes, data_blocks) in [
                (4096, 4096, 1),
                (4096, 4096, 2),
                (4096, 4096, 128),
                (4096, 4096, 129),
                (512, 4096, 1000),
                (4096, 512, 65),
                (1024, 1024, 4097),
                (65536, 65536, 9),
            ] {
                let sample = sample(Parameters {
                    hash_type,
                    algorithm,
                    data_block_bytes,
                    hash_block_bytes,
                    ..Parameters::new(data_blocks, vec![9; 32], [0; 16])
                });
                let volume = open(&sample).unwrap();
                let mut data = vec![0; volume.size() as usize];
                volume.read(0, &mut data).unwrap();
                assert!(data == content(volume.size()));
                if data_blocks == 1 {
                    flip(&sample, 7);
                    assert!(matches!(
                        open(&sample),
                        Err(VerityError::Unauthentic { offset: 0, .. })
                    ));
                }
                assert!(matches!(volume.write(0, &data), Err(VolumeError::ReadOnly)));
                assert!(volume.read_only());
            }
        }
    }
}

#[test]
fn many_callers_read_at_a_time() {
    let sample = sample(deep());
    let volume = open(&sample).unwrap();
    let expected = content(volume.size());
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (volume, expected) = (&volume, &expected);
            scope.spawn(move || {
                for round in 0..300 {
                    let block = (caller * 97 + round * 31) % 290;
                    let mut data = vec![0; 10 * 512];
                    volume.read(block * 512, &mut data).unwrap();
                    assert!(data == expected[block as usize * 512..][..10 * 512]);
                }
            });
        }
    });
}

#[test]
fn without_a_superblock_the_parameters_have_to_be_given() {
    let parameters = deep();
    let data: std::sync::Arc<dyn Store> =
        std::sync::Arc::new(sealab_volume::store::MemoryStore::from(content(300 * 512)));
    let hashes: std::sync::Arc<dyn Store> =
        std::sync::Arc::new(sealab_volume::store::MemoryStore::new(22 * 512));
    let area = HashArea {
        offset: 0,
        superblock: false,
    };
    let root = sealab_volume::verity::create(&*engine(), &*data, Some(&*hashes), area, &parameters).unwrap();
    let open = |given: Option<&Parameters>| {
        Verity::open(engine(), data.clone(), Some(hashes.clone()), area, given, &root)
    };
    assert!(unreadable(&open(Some(&parameters)).unwrap()).is_empty());
    assert!(open(None).is_err());
    for other in [
        Parameters {
            salt: vec![],
            ..parameters.clone()
        },
        Parameters {
            data_blocks: 1,
            ..parameters.clone()
        },
        Parameters {
            hash_type: HashType::ChromeOs,
            ..parameters
        },
    ] {
        assert!(open(Some(&other)).is_err(), "{other:?}");
    }
}

#[test]
fn hashes_pass_for_data_unless_the_number_of_blocks_is_given() {
    let parameters = deep();
    let sample = sample(parameters.clone());
    let tree = sample.area.offset + 512;
    // The topmost block has the digests of the two blocks of level 1, which become the data.
    let mut level_1 = vec![0; 2 * 512];
    sample.store.read_at(tree + 512, &mut level_1).unwrap();
    sample.store.write_at(0, &level_1).unwrap();
    sample
        .store
        .write_at(sample.area.offset + 72, &2u64.to_le_bytes())
        .unwrap();
    let volume = open(&sample).unwrap();
    let mut data = vec![0; 2 * 512];
    volume.read(0, &mut data).unwrap();
    assert!(data == level_1);
    let given = Verity::open(
        engine(),
        sample.store.clone(),
        None,
        sample.area,
        Some(&parameters),
        &sample.root,
    );
    assert!(matches!(given, Err(VerityError::Superblock { .. })));
}
