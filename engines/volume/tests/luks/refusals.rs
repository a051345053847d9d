//! Headers that are broken or ask for what is not allowed.

use std::sync::Arc;

use sealab_volume::Volume;
use sealab_volume::luks::{Device, Header, KdfLimits, LuksError, Refusal, create, parse_luks1, parse_luks2};
use sealab_volume::store::MemoryStore;
use sha2::{Digest, Sha256};

use super::{PASSPHRASE, engine, memory, opened, options, plain};

const COPY: usize = 16384;
const DATA: usize = 65536;

/// An image of each version, with data in it.
fn image(version: usize) -> Vec<u8> {
    let options = &options()[version - 1];
    let store = memory(options.header_bytes() + DATA as u64);
    let device = Device::attached(store.clone());
    create(engine(), &device, options, PASSPHRASE).unwrap();
    opened(&device, PASSPHRASE)
        .unwrap()
        .write(0, &plain(DATA))
        .unwrap();
    store.contents().unwrap()
}

fn device(image: &[u8]) -> Device {
    Device::attached(Arc::new(MemoryStore::from(image.to_vec())))
}

fn opens(image: &[u8]) -> Result<(), LuksError> {
    let volume = opened(&device(image), PASSPHRASE)?;
    let mut data = vec![0; volume.size() as usize];
    volume.read(0, &mut data)?;
    assert!(data == plain(data.len()));
    Ok(())
}

fn refusal(image: &[u8]) -> String {
    match opens(image) {
        Err(error @ LuksError::Header { .. }) => error.to_string(),
        Err(other) => panic!("not refused for its header: {other}"),
        Ok(()) => panic!("not refused"),
    }
}

/// Sets the checksum of a copy right.
fn seal(copy: &mut [u8]) {
    copy[448..512].fill(0);
    let sum = Sha256::digest(&*copy);
    copy[448..480].copy_from_slice(&sum);
}

/// Both copies with another JSON text.
fn with_json(image: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let mut image = image.to_vec();
    let end = 4096 + image[4096..].iter().position(|byte| *byte == 0).unwrap();
    let json = change(String::from_utf8(image[4096..end].to_vec()).unwrap());
    for copy in image[..2 * COPY].chunks_mut(COPY) {
        copy[4096..].fill(0);
        copy[4096..4096 + json.len()].copy_from_slice(json.as_bytes());
        seal(copy);
    }
    image
}

#[test]
fn luks2_headers_outside_the_profile_are_refused() {
    let image = image(2);
    opens(&with_json(&image, |json| json)).unwrap();
    for (from, to, words) in [
        // The null cipher, on the data and on a keyslot.
        (
            r#""iv_tweak":"0","encryption":"aes-xts-plain64""#,
            r#""iv_tweak":"0","encryption":"cipher_null-ecb""#,
            "segments.0.encryption is \"cipher_null-ecb\"",
        ),
        (
            r#""encryption":"aes-xts-plain64","key_size""#,
            r#""encryption":"cipher_null-ecb","key_size""#,
            "keyslots.0.area.encryption is \"cipher_null-ecb\"",
        ),
        (
            r#""iv_tweak":"0","encryption":"aes-xts"#,
            r#""iv_tweak":"0","encryption":"aes-ecb"#,
            "aes-ecb",
        ),
        (
            r#""iv_tweak":"0","encryption":"aes-xts-plain64""#,
            r#""iv_tweak":"0","encryption":"aes-xts-plain""#,
            "allowed",
        ),
        (r#""iv_tweak":"0""#, r#""iv_tweak":"8""#, "iv_tweak is 8"),
        // What binds the key to the segment.
        (r#""segments":["0"]"#, r#""segments":[]"#, "digests.0.segments"),
        (r#""segments":["0"]"#, r#""segments":["1"]"#, "digests.0.segments"),
        (
            r#"{"type":"pbkdf2","keyslots":["0"]"#,
            r#"{"type":"pbkdf2","keyslots":[]"#,
            "without keyslot 0",
        ),
        (
            r#""keyslots":["0"]"#,
            r#""keyslots":["0","1"]"#,
            "digests.0.keyslots is \"1\"",
        ),
        (
            r#""keyslots":["0"]"#,
            r#""keyslots":["0","0"]"#,
            "each keyslot once",
        ),
        (r#""digests":{"0""#, r#""digests":{},"x":{"0""#, "the JSON text"),
        // Lengths.
        (
            r#""key_size":64,"af""#,
            r#""key_size":16,"af""#,
            "key of 16 bytes",
        ),
        (r#""stripes":4000"#, r#""stripes":1"#, "af.stripes is 1"),
        (
            r#""sector_size":4096"#,
            r#""sector_size":8192"#,
            "sector_size is 8192",
        ),
        (
            r#""json_size":"12288""#,
            r#""json_size":"12289""#,
            "config.json_size",
        ),
        (
            r#""keyslots_size":"16744448""#,
            r#""keyslots_size":"16744449""#,
            "config.keyslots_size",
        ),
        (
            r#""keyslots_size":"16744448""#,
            r#""keyslots_size":"1073741824""#,
            "config.keyslots_size",
        ),
        // Places.
        (r#""offset":"32768""#, r#""offset":"28672""#, "second copy"),
        (r#""offset":"32768""#, r#""offset":"0""#, "keyslot 0 is at 0"),
        (
            r#""offset":"32768""#,
            r#""offset":"32769""#,
            "area.offset is 32769",
        ),
        (
            r#""offset":"32768""#,
            r#""offset":"16773120""#,
            "where the keyslots end",
        ),
        (
            r#""offset":"32768""#,
            r#""offset":"18446744073709547520""#,
            "where the keyslots end",
        ),
        (r#""size":"258048""#, r#""size":"4096""#, "area.size is 4096"),
        (
            r#""offset":"16777216""#,
            r#""offset":"32768""#,
            "the data's offset is 32768",
        ),
        (
            r#""offset":"16777216""#,
            r#""offset":"1099511627776""#,
            "the data's place",
        ),
        (
            r#""offset":"16777216""#,
            r#""offset":"18446744073709551104""#,
            "the data's place",
        ),
        (
            r#""offset":"16777216""#,
            r#""offset":"16777217""#,
            "multiple of 512",
        ),
        (r#""size":"dynamic""#, r#""size":"69632""#, "the data's place"),
        (
            r#""size":"dynamic""#,
            r#""size":"18446744073709547520""#,
            "the data's place",
        ),
        (r#""size":"dynamic""#, r#""size":"0""#, "segments.0.size"),
        (r#""size":"dynamic""#, r#""size":"511""#, "segments.0.size"),
        // Costs.
        (
            r#""iterations":1000,"salt""#,
            r#""iterations":4000000000,"salt""#,
            "iterations is 4000000000",
        ),
        (
            r#""iterations":1000,"salt""#,
            r#""iterations":1,"salt""#,
            "iterations is 1;",
        ),
        (
            r#""kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000"#,
            r#""kdf":{"type":"argon2id","time":4,"memory":4194304,"cpus":4"#,
            "kdf.memory is 4194304",
        ),
        (
            r#""kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000"#,
            r#""kdf":{"type":"argon2id","time":1000,"memory":1048576,"cpus":4"#,
            "kdf.time is 1000",
        ),
        (
            r#""kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000"#,
            r#""kdf":{"type":"argon2id","time":4,"memory":64,"cpus":4000"#,
            "kdf.cpus is 4000",
        ),
        (
            r#""af":{"type":"luks1","stripes":4000,"hash":"sha256""#,
            r#""af":{"type":"luks1","stripes":4000,"hash":"sha1""#,
            "af.hash is sha1",
        ),
        // What it would take to understand them.
        (
            r#""config":{"#,
            r#""config":{"requirements":{"mandatory":["online-reencrypt-v2"]},"#,
            "online-reencrypt-v2",
        ),
        (
            r#""config":{"#,
            r#""config":{"requirements":{"optional":[]},"#,
            "config.requirements",
        ),
        (
            r#""config":{"#,
            r#""config":{"flags":["no-such-flag"],"#,
            "no-such-flag",
        ),
        (r#""config":{"#, r#""config":{"unknown":1,"#, "unknown"),
        (
            r#""sector_size":4096"#,
            r#""sector_size":4096,"flags":["in-reencryption"]"#,
            "in-reencryption",
        ),
        (r#""type":"luks2""#, r#""type":"reencrypt""#, "reencrypt"),
        (r#""type":"crypt""#, r#""type":"linear""#, "linear"),
        (r#""segments":{"0":"#, r#""segments":{"1":"#, "segments is {1}"),
        (r#""keyslots":{"0":"#, r#""keyslots":{"00":"#, "named"),
        (r#""keyslots":{"0":"#, r#""keyslots":{"32":"#, "named"),
        (r#""tokens":{}"#, r#""tokens":{"0":{},"0":{}}"#, "two objects"),
        (r#""offset":"32768""#, r#""offset":32768"#, "the JSON text"),
        (r#""offset":"32768""#, r#""offset":"032768""#, "the JSON text"),
        (r#""salt":""#, r#""salt":"AAAA"#, "salt is 35 bytes"),
        (r#""salt":""#, r#""salt":"=="#, "base64"),
        (r#"{"keyslots""#, r#"["keyslots""#, "the JSON text"),
    ] {
        let changed = with_json(&image, |json| {
            assert!(json.contains(from), "{from} is not in {json}");
            json.replacen(from, to, 1)
        });
        let message = refusal(&changed);
        assert!(message.contains(words), "{to}: {message}");
    }
    // A digest so short that other keys pass it.
    let short = with_json(&image, |json| {
        let at = json.rfind(r#""digest":""#).unwrap() + 10;
        let end = at + json[at..].find('"').unwrap();
        format!("{}{}", &json[..at], &json[end..])
    });
    assert!(refusal(&short).contains("digests.0.digest is 0 bytes"));
    // Two keyslots in one place.
    let twice = with_json(&image, |json| {
        let at = json.find(r#"{"type":"luks2""#).unwrap();
        let end = json.find(r#"},"tokens""#).unwrap();
        let keyslot = &json[at..end];
        json.replacen(keyslot, &format!(r#"{keyslot},"1":{keyslot}"#), 1)
            .replacen(
                r#"{"type":"pbkdf2","keyslots":["0"]"#,
                r#"{"type":"pbkdf2","keyslots":["0","1"]"#,
                1,
            )
    });
    assert!(refusal(&twice).contains("the area of keyslot 1 is at 32768, where keyslot 0 is"));
}

#[test]
fn luks1_headers_outside_the_profile_are_refused() {
    let image = image(1);
    opens(&image).unwrap();
    for (at, bytes, words) in [
        (6, &b"\0\x03"[..], "magic and version"),
        (8, b"cipher_null\0", "cipher_null"),
        (40, b"ecb\0", "\"aes-ecb\""),
        (72, b"md5\0", "hashSpec is \"md5\""),
        (104, &[0xff; 4], "the data's place"),
        (104, &[0; 4], "the data's offset is 0"),
        (104, &[0, 0, 0, 8], "the data's offset is 4096"),
        (108, &[0, 0, 0, 16], "key of 16 bytes"),
        (108, &[0xff; 4], "key of 4294967295 bytes"),
        (164, &[0; 4], "mkDigestIterations is 0"),
        (164, &[0xff; 4], "mkDigestIterations is 4294967295"),
        (168, &[0xff; 4], "uuid"),
        (208, &[1, 2, 3, 4], "active is 0x01020304"),
        (212, &[0xff; 4], "passwordIterations is 4294967295"),
        (212, &[0; 4], "passwordIterations is 0"),
        (248, &[0; 4], "keyslot 0 is at 0"),
        (248, &[0, 0, 2, 0], "keyslot"),
        (248, &[0xff; 4], "the area of keyslot 0"),
        (252, &[0, 0, 0, 1], "stripes is 1"),
    ] {
        let mut changed = image.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        let message = refusal(&changed);
        assert!(message.contains(words), "{at}: {message}");
    }
}

#[test]
fn cut_off_anywhere_they_are_refused_or_only_shorter() {
    for version in [1, 2] {
        let image = image(version);
        let data = options()[version - 1].header_bytes() as usize;
        let mut lengths: Vec<_> = (0..=34).map(|part| part * 1024).collect();
        lengths.extend([
            1,
            5,
            6,
            511,
            591,
            592,
            4095,
            4097,
            300_000,
            data - 1,
            data,
            data + 511,
        ]);
        for length in lengths {
            let message = refusal(&image[..length.min(image.len())]);
            assert!(message.starts_with("memory: at byte"), "{message}");
        }
        opens(&image[..data + 4096]).unwrap();
        opens(&image[..data + 5000]).unwrap();
    }
}

#[test]
fn one_broken_copy_is_no_harm_and_two_are() {
    let whole = image(2);
    for (broken, offset) in [(0, 0), (0, 8), (0, 448), (0, 4100), (1, 0), (1, 300), (1, 6000)] {
        let mut image = whole.clone();
        image[broken * COPY + offset] ^= 0x20;
        opens(&image).unwrap();
        let device = device(&image);
        let store = &**device.header();
        let mut header = Header::read(store, &KdfLimits::default()).unwrap();
        let copies = header.summary().copies;
        assert!(copies[broken].problem.is_some() && copies[1 - broken].problem.is_none());
        // Broken is broken until it is mended.
        assert!(header.repair(store).unwrap());
        assert!(!header.repair(store).unwrap());
        let mut mended = vec![0; whole.len()];
        store.read_at(0, &mut mended).unwrap();
        mended[(1 - broken) * COPY..][..COPY].fill(0);
        opens(&mended).unwrap();

        image[(1 - broken) * COPY + 448] ^= 1;
        let message = refusal(&image);
        assert!(
            message.contains("first copy") && message.contains("second copy"),
            "{message}"
        );
    }
    // Of two whole copies the newer counts.
    for newer in [0, 1] {
        let mut image = whole.clone();
        let copy = &mut image[newer * COPY..][..COPY];
        copy[16..24].copy_from_slice(&9_u64.to_be_bytes());
        copy[24..29].copy_from_slice(b"newer");
        seal(copy);
        let header = Header::read(&**device(&image).header(), &KdfLimits::default()).unwrap();
        assert_eq!(header.summary().label, "newer");
    }
    // A second copy elsewhere, the first one gone.
    let mut moved = whole.clone();
    let mut second = vec![0; 2 * COPY];
    second[..COPY].copy_from_slice(&whole[COPY..2 * COPY]);
    second[8..16].copy_from_slice(&(2 * COPY as u64).to_be_bytes());
    second[256..264].copy_from_slice(&(2 * COPY as u64).to_be_bytes());
    let json = String::from_utf8_lossy(&second[4096..COPY])
        .trim_end_matches('\0')
        .to_owned();
    let json = json
        .replace(r#""12288""#, r#""28672""#)
        .replace(r#""32768""#, r#""65536""#);
    let json = json.replace(r#""16744448""#, r#""16711680""#);
    second[4096..].fill(0);
    second[4096..4096 + json.len()].copy_from_slice(json.as_bytes());
    seal(&mut second);
    moved.copy_within(32768..32768 + 256_000, 65536);
    moved[..2 * COPY].fill(0);
    moved[2 * COPY..4 * COPY].copy_from_slice(&second);
    opens(&moved).unwrap();
    // Or there, but wrong about its size.
    moved[..448].copy_from_slice(&whole[..448]);
    opens(&moved).unwrap();
}

#[test]
fn a_json_text_of_4_mib_is_read_and_one_without_end_is_not() {
    let size = 4 << 20;
    let mut image = image(2);
    let json = {
        let end = image[4096..].iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(image[4096..4096 + end].to_vec()).unwrap()
    };
    let key_material = image[32768..32768 + 256_000].to_vec();
    let keyslots = 2 * size;
    image[keyslots..keyslots + 256_000].copy_from_slice(&key_material);
    let json = json
        .replace(r#""12288""#, &format!("\"{}\"", size - 4096))
        .replace(r#""32768""#, &format!("\"{keyslots}\""))
        .replace(r#""16744448""#, "\"4194304\"");
    let write = |image: &mut [u8], token: usize| {
        let filler = "x".repeat(token);
        let json = json.replace(
            r#""tokens":{}"#,
            &format!(r#""tokens":{{"0":{{"type":"{filler}"}}}}"#),
        );
        for copy in 0..2 {
            let magic = if copy == 0 {
                b"LUKS\xba\xbe"
            } else {
                b"SKUL\xba\xbe"
            };
            let at = copy * size;
            let mut bytes = vec![0; size];
            bytes[..4096].copy_from_slice(&image[..4096]);
            bytes[..6].copy_from_slice(magic);
            bytes[8..16].copy_from_slice(&(size as u64).to_be_bytes());
            bytes[256..264].copy_from_slice(&(at as u64).to_be_bytes());
            let length = json.len().min(size - 4096);
            bytes[4096..4096 + length].copy_from_slice(&json.as_bytes()[..length]);
            seal(&mut bytes);
            image[at..at + size].copy_from_slice(&bytes);
        }
        json.len()
    };
    let length = write(&mut image, size - 4096 - json.len() - 20);
    assert!((size - 4096 - 20..size - 4096).contains(&length));
    opens(&image).unwrap();
    // Not a byte more.
    write(&mut image, size);
    let message = refusal(&image);
    assert!(message.contains("without an end"), "{message}");
    // Deeper than any parser should go.
    let deep = "[".repeat(100_000);
    let image = image_with_token(&deep);
    assert!(refusal(&image).contains("the JSON text"));
}

fn image_with_token(token: &str) -> Vec<u8> {
    let token = &token[..token.len().min(8000)];
    with_json(&image(2), |json| {
        json.replace(r#""tokens":{}"#, &format!(r#""tokens":{{"0":{token}"#))
    })
}

#[test]
fn tokens_that_nobody_knows_stay() {
    let image = with_json(&image(2), |json| {
        let token = r#""tokens":{"3":{"type":"lab-token","keyslots":["0","1"],"other":{"x":[1,null]}}}"#;
        json.replace(r#""tokens":{}"#, token)
    });
    let device = device(&image);
    let store = &**device.header();
    let mut header = Header::read(store, &KdfLimits::default()).unwrap();
    let cheap = options()[1].pbkdf;
    header
        .add_keyslot(&*engine(), store, PASSPHRASE, b"new", cheap, None)
        .unwrap();
    header.remove_keyslot(store, 0).unwrap();
    let mut text = vec![0; COPY];
    store.read_at(0, &mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.contains(r#""other":{"x":[1,null]}"#) && text.contains(r#""keyslots":["1"],"other""#),
        "{text}"
    );
    let tokens = header.summary().tokens;
    assert_eq!((tokens[0].number, tokens[0].kind.as_str()), (3, "lab-token"));
}

#[test]
fn parsing_alone_needs_no_store() {
    let (first, second) = (image(1), image(2));
    assert_eq!(parse_luks1(&first[..592]).unwrap().keyslots.len(), 1);
    assert_eq!(
        parse_luks2(&second[..2 * COPY]).unwrap().copies[1].sequence,
        Some(1)
    );
    let short: Refusal = parse_luks1(&first[..591]).unwrap_err();
    assert_eq!(short.field, "the header's length");
    // The first copy alone is enough.
    assert!(parse_luks2(&second[..COPY]).unwrap().copies[1].problem.is_some());
    assert!(parse_luks2(&second[..COPY - 1]).is_err());
    assert!(parse_luks2(&[]).is_err());
    let json = serde_json::to_string(&parse_luks2(&second[..2 * COPY]).unwrap()).unwrap();
    assert!(
        json.contains(r#""pbkdf":{"type":"pbkdf2","hash":"sha256","iterations":1000}"#),
        "{json}"
    );
    assert!(!json.contains("salt"));
}
