//! Single operations, held against the golden set.

use sealab_engine::{EngineError, Nonce};

use super::super::keys::Keys;
use super::*;
use crate::image::{ImageReader, PAGE_BYTES, Pagemap, Set, proto};

#[test]
fn single_operations_agree_with_the_golden_set() {
    let engine = engine();
    let set = Set::open(&data("criu-pr2297")).unwrap();
    let (keys, digest) = Keys::read(&set, &unwrap).unwrap();
    let (token, golden) = (&keys.token, golden());

    let framed = &golden["pstree.img"][8..];
    let first = &framed[..4 + 10 + 28];
    let message = open_entry(engine.as_ref(), token, first).unwrap();
    let process: proto::PstreeEntry = prost::Message::decode(&*message).unwrap();
    assert_eq!((process.pid(), process.ppid(), process.threads), (4, 0, vec![4]));
    let nonce = Nonce(*first.last_chunk().unwrap());
    assert_eq!(
        seal_entry(engine.as_ref(), token, &nonce, &message).unwrap(),
        first
    );
    assert_eq!(seal_entry(engine.as_ref(), token, &nonce, b"").unwrap(), [0; 4]);
    assert_eq!(open_entry(engine.as_ref(), token, &[0; 4]).unwrap(), b"");
    for wrong in [&first[..first.len() - 1], &first[..3], &[0; 32], &framed[..43]] {
        assert!(matches!(
            open_entry(engine.as_ref(), token, wrong),
            Err(Error::Length { .. })
        ));
    }
    for at in 4..first.len() {
        let mut wrong = first.to_vec();
        wrong[at] ^= 0x80;
        let error = open_entry(engine.as_ref(), token, &wrong).unwrap_err();
        assert!(
            matches!(error, Error::Engine(EngineError::Unauthentic { .. })),
            "byte {at}"
        );
    }

    let framed = &golden["ghost-file-1.img"][8 + 4 + 42 + 28..];
    let content = open_raw(engine.as_ref(), token, framed).unwrap();
    assert_eq!(content, b"CANARY-ghost-payload".repeat(250));
    let nonces = [
        Nonce(*framed[16..].first_chunk().unwrap()),
        Nonce(*framed[36 + 4096 + 16..].first_chunk().unwrap()),
    ];
    assert_eq!(
        seal_raw(engine.as_ref(), token, &nonces, &content).unwrap(),
        framed
    );
    assert!(seal_raw(engine.as_ref(), token, &nonces[..1], &content).is_err());
    let mut wrong = framed.to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let error = open_raw(engine.as_ref(), token, &wrong).unwrap_err();
    assert!(matches!(
        error,
        Error::Engine(EngineError::Unauthentic { index: 1 })
    ));
    for length in 1..40 {
        assert!(open_raw(engine.as_ref(), token, &framed[..length]).is_err());
    }

    // All pages of the set in one call, at the addresses of its pagemaps.
    let (mut addresses, mut sealed) = (Vec::new(), Vec::new());
    for member in set.members() {
        if matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap) {
            let plain = open_image(engine.as_ref(), token, &member.name, &golden[&member.name]).unwrap();
            let pagemap =
                Pagemap::read(ImageReader::new(&member.name, plain.len() as u64, &*plain).unwrap()).unwrap();
            for extent in &pagemap.extents {
                addresses.extend((extent.address..extent.end()).step_by(PAGE_BYTES));
            }
            sealed.extend(&golden[&format!("pages-{}.img", pagemap.pages_id)]);
        }
    }
    let keys = PageKeys {
        cipher: keys.pages,
        tweak: keys.tweak,
        mac: keys.token,
    };
    let plain = open_pages(engine.as_ref(), &keys, &addresses, 0, &sealed, &digest).unwrap();
    assert!(shows(&plain, "CANARY-child-private"));
    let again = seal_pages(engine.as_ref(), &keys, &addresses, 0, &plain).unwrap();
    assert!(again == (sealed.clone(), digest));
    for (addresses, pid, pages) in [
        (&addresses[..], 1, &sealed[..]),
        (&addresses[1..], 0, &sealed[PAGE_BYTES..]),
    ] {
        let opened = open_pages(engine.as_ref(), &keys, addresses, pid, pages, &digest);
        assert!(matches!(opened, Err(Error::Digest)));
    }
    assert!(seal_pages(engine.as_ref(), &keys, &addresses[1..], 0, &plain).is_err());
}
