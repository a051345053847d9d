//! Adding and removing keyslots.

use sealab_volume::Volume;
use sealab_volume::luks::{Device, Header, KdfLimits, LuksError, Options, Pbkdf, create};

use super::{PASSPHRASE, engine, memory, opened, options, plain};

fn read(device: &Device) -> Header {
    Header::read(&**device.header(), &KdfLimits::default()).unwrap()
}

#[test]
fn keyslots_come_and_go() {
    for (options, most) in options().into_iter().zip([8, 32]) {
        let device = Device::attached(memory(options.header_bytes() + 65536));
        create(engine(), &device, &options, PASSPHRASE).unwrap();
        let volume = opened(&device, PASSPHRASE).unwrap();
        volume.write(0, &plain(65536)).unwrap();
        let store = &**device.header();
        let add = |number: Option<u32>, new: &[u8]| {
            read(&device).add_keyslot(&*engine(), store, PASSPHRASE, new, Pbkdf::cheapest(), number)
        };
        assert_eq!(add(Some(3), b"third").unwrap(), 3);
        assert_eq!(add(None, b"first").unwrap(), 1);
        assert!(matches!(
            add(Some(3), b"x"),
            Err(LuksError::Keyslot { keyslot: 3, .. })
        ));
        assert!(matches!(add(Some(most), b"x"), Err(LuksError::Keyslot { .. })));
        for passphrase in [PASSPHRASE, b"third", b"first"] {
            let mut data = vec![0; 65536];
            opened(&device, passphrase).unwrap().read(0, &mut data).unwrap();
            assert!(data == plain(65536));
        }
        let tested = read(&device).test_passphrase(&*engine(), store, b"third", None);
        assert_eq!(tested.unwrap(), 3);
        let elsewhere = read(&device).test_passphrase(&*engine(), store, b"third", Some(1));
        assert!(matches!(elsewhere, Err(LuksError::Passphrase)));

        let area = read(&device).summary().keyslots[2].area.clone();
        let mut before = vec![0; area.bytes as usize];
        store.read_at(area.offset, &mut before).unwrap();
        read(&device).remove_keyslot(store, 3).unwrap();
        let mut after = vec![0; area.bytes as usize];
        store.read_at(area.offset, &mut after).unwrap();
        let same = before
            .iter()
            .zip(&after)
            .take(256_000)
            .filter(|(a, b)| a == b)
            .count();
        assert!(same < 2000, "key material is left: {same} bytes");
        assert!(matches!(opened(&device, b"third"), Err(LuksError::Passphrase)));
        let again = read(&device).remove_keyslot(store, 3);
        assert!(matches!(again, Err(LuksError::Keyslot { keyslot: 3, .. })));

        read(&device).remove_keyslot(store, 0).unwrap();
        assert!(matches!(opened(&device, PASSPHRASE), Err(LuksError::Passphrase)));
        let last = read(&device).remove_keyslot(store, 1);
        assert!(last.err().unwrap().to_string().contains("last"));
        assert!(opened(&device, b"first").is_ok());
    }
}

#[test]
fn all_keyslots_can_be_in_use() {
    for (options, most) in options().into_iter().zip([8, 32]) {
        let device = Device::attached(memory(options.header_bytes() + 4096));
        create(engine(), &device, &options, PASSPHRASE).unwrap();
        let store = &**device.header();
        let mut header = read(&device);
        let mut add = |new: &str| {
            let new = new.as_bytes();
            header.add_keyslot(&*engine(), store, PASSPHRASE, new, Pbkdf::cheapest(), None)
        };
        for number in 1..most {
            assert_eq!(add(&format!("{number}")).unwrap(), number);
        }
        assert!(add("one too many").is_err());
        let last = (most - 1).to_string();
        assert!(opened(&device, last.as_bytes()).is_ok());
        assert!(opened(&device, PASSPHRASE).is_ok());
    }
}

#[test]
fn a_wrong_passphrase_says_the_same_always() {
    let messages = options().map(|options| {
        let device = Device::attached(memory(options.header_bytes() + 4096));
        create(engine(), &device, &options, PASSPHRASE).unwrap();
        let messages =
            [&b""[..], b"wrong", &[0; 4096]].map(|wrong| opened(&device, wrong).err().unwrap().to_string());
        assert!(messages.iter().all(|message| *message == messages[0]));
        messages[0].clone()
    });
    assert_eq!(messages, ["no key is available with this passphrase"; 2]);
}

#[test]
fn new_volumes_share_nothing() {
    let [_, options] = options();
    let stored = [(); 2].map(|()| {
        let store = memory(options.header_bytes() + 4096);
        create(engine(), &Device::attached(store.clone()), &options, PASSPHRASE).unwrap();
        let volume = opened(&Device::attached(store.clone()), PASSPHRASE).unwrap();
        volume.write(0, &[0; 4096]).unwrap();
        store.contents().unwrap()
    });
    assert!(stored[0][32768..32768 + 64] != stored[1][32768..32768 + 64]);
    assert!(stored[0][16 << 20..] != stored[1][16 << 20..]);
    let uuid = |image: &Vec<u8>| image[168..208].to_vec();
    assert!(uuid(&stored[0]) != uuid(&stored[1]));
    let named = Options {
        uuid: Some("01234567-89ab-cdef-0123-456789abcdef".to_owned()),
        label: "Données".to_owned(),
        ..options
    };
    let device = Device::attached(memory(named.header_bytes() + 4096));
    create(engine(), &device, &named, PASSPHRASE).unwrap();
    let summary = read(&device).summary();
    assert_eq!(Some(summary.uuid), named.uuid);
    assert_eq!(summary.label, named.label);
}
