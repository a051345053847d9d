//! Headers and stores that cannot be.

use std::sync::Arc;

use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::verity::{HashArea, Parameters, Verity, VerityError, create};

use super::{content, engine, open, sample};

fn parameters() -> Parameters {
    Parameters::new(300, vec![1; 32], [3; 16])
}

#[test]
fn superblocks_that_cannot_be_are_refused_with_field_and_place() {
    for (at, bytes, field) in [
        (0, &b"x"[..], "signature"),
        (64, &[0; 4], "data_block_size"),
        (68, &[1, 0, 0, 0], "hash_block_size"),
        (72, &(1u64 << 60).to_le_bytes(), "data_blocks"),
        (72, &[0; 8], "data_blocks"),
        (80, &300u16.to_le_bytes(), "salt_size"),
    ] {
        let sample = sample(parameters());
        sample.store.write_at(sample.area.offset + at, bytes).unwrap();
        match open(&sample) {
            Err(VerityError::Superblock { source, .. }) => {
                assert_eq!((source.field, source.offset as u64), (field, at), "{source}");
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{field} opened"),
        }
    }
}

#[test]
fn areas_past_the_end_or_over_each_other_are_refused() {
    // So many blocks that the sum of a tree's levels is near what a number holds.
    for blocks in [301, 1 << 20, 1 << 40, (1 << 51) - 1] {
        let sample = sample(parameters());
        let field = sample.area.offset + 72;
        sample.store.write_at(field, &u64::to_le_bytes(blocks)).unwrap();
        assert!(matches!(open(&sample), Err(VerityError::Area { .. })), "{blocks}");
    }
    let sample = sample(parameters());
    let whole = sample.store.contents().unwrap();
    let end = sample.area.offset + 512 + open(&sample).unwrap().tree_bytes();
    for length in [0, 1, 300 * 4096, 300 * 4096 + 511, 300 * 4096 + 512, end as usize] {
        let store = Arc::new(MemoryStore::from(whole[..length].to_vec()));
        let opened = Verity::open(engine(), store, None, sample.area, None, &sample.root);
        assert!(matches!(opened, Err(VerityError::Area { .. })), "{length}");
    }
    for (offset, superblock) in [
        (0, true),
        (4096, true),
        (u64::MAX - 511, true),
        (7, true),
        (512, false),
        (4096, false),
    ] {
        let area = HashArea { offset, superblock };
        let made = create(&*engine(), &*sample.store, None, area, &parameters());
        assert!(
            matches!(made, Err(VerityError::Area { .. })),
            "{offset} {superblock}"
        );
    }
    assert!(
        sample.store.contents().unwrap() == whole,
        "a refused tree was written"
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    let data = MemoryStore::from(content(300 * 4096));
    for wrong in [
        Parameters {
            data_blocks: 0,
            ..parameters()
        },
        Parameters {
            data_blocks: 1 << 60,
            ..parameters()
        },
        Parameters {
            data_block_bytes: 0,
            ..parameters()
        },
        Parameters {
            hash_block_bytes: 131_072,
            ..parameters()
        },
        Parameters {
            salt: vec![0; 300],
            ..parameters()
        },
    ] {
        let hashes = MemoryStore::new(1 << 20);
        let area = HashArea {
            offset: 0,
            superblock: true,
        };
        let made = create(&*engine(), &data, Some(&hashes), area, &wrong);
        assert!(matches!(made, Err(VerityError::Superblock { .. })), "{wrong:?}");
    }
}
