//! Images that someone changed.

use base64ct::{Base64, Encoding};
use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, decrypt, encrypt};
use serde_json::Value;

use super::*;

const PUBLIC: &str = "org.opencontainers.image.enc.pubopts";
const JWE: &str = "org.opencontainers.image.enc.keys.jwe";
const TABLE: &str = "org.opencontainers.image.enc.sealab.tags";

/// An image of `format` in `place`, with `change` done to its manifest and, before that, to the first layer's blob.
fn refused(format: Format, blob: &dyn Fn(&mut Vec<u8>), change: &dyn Fn(&mut Value)) -> String {
    let place = tempfile::tempdir().unwrap();
    let closed = reference(&place.path().join("closed"));
    let rsa = public("rsa.pub.pem");
    let options = EncryptOptions {
        format,
        recipients: std::slice::from_ref(&rsa),
        choice: &LayerChoice::default(),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).unwrap();
    let mut changed = serde_json::to_value(manifest(&closed)).unwrap();
    let mut bytes = layers(&closed).remove(0);
    blob(&mut bytes);
    let digest = sha256(&bytes);
    std::fs::write(closed.directory.join("blobs/sha256").join(&digest), &bytes).unwrap();
    changed["layers"][0]["digest"] = format!("sha256:{digest}").into();
    changed["layers"][0]["size"] = bytes.len().into();
    change(&mut changed);
    set_manifest(&closed, &changed);
    let opened = reference(&place.path().join("opened"));
    let keys = Keys::new();
    let error = decrypt(
        &closed,
        &opened,
        &[keys.rsa()],
        &LayerChoice::default(),
        &work(&*engine()),
    );
    assert_only(place.path(), &["closed"]);
    error.unwrap_err().to_string()
}

fn annotation<'v>(manifest: &'v mut Value, layer: usize, name: &str) -> &'v mut Value {
    &mut manifest["layers"][layer]["annotations"][name]
}

fn recode(value: &mut Value, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let bytes = Base64::decode_vec(value.as_str().unwrap()).unwrap();
    *value = Base64::encode_string(&change(bytes)).into();
}

#[test]
fn changed_ciphertext_is_refused_in_every_format() {
    // The blob of a convergent layer is an index; its chunks are looked at elsewhere.
    for format in FORMATS.into_iter().filter(|format| *format != Format::Convergent) {
        let expected: &[&str] = match format {
            Format::Ocicrypt => &["HMAC does not hold"],
            // Cut or lengthened, it is refused before a chunk is read.
            _ => &[
                "its tag does not hold",
                "it is for a layer of",
                "commits to them does not hold",
                "was cut",
            ],
        };
        type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
        let changes: [Change<'_>; 5] = [
            &|bytes| bytes[0] ^= 1,
            &|bytes| *bytes.last_mut().unwrap() ^= 0x80,
            &|bytes| bytes.truncate(bytes.len() - 1),
            &|bytes| bytes.push(0),
            &|bytes| bytes.truncate(65536 + 16),
        ];
        for (number, change) in changes.iter().enumerate() {
            let error = refused(format, change, &|_| {});
            assert!(
                expected.iter().any(|text| error.contains(text)),
                "{format} {number}: {error}"
            );
        }
    }
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_refused() {
    for format in [Format::Ocicrypt, Format::OcicryptSeekable] {
        // The name of the other layer, whose content differs.
        let error = refused(format, &|_| {}, &|manifest| {
            let layers = manifest["layers"].as_array_mut().unwrap();
            let (digest, size) = (layers[1]["digest"].clone(), layers[1]["size"].clone());
            (layers[0]["digest"], layers[0]["size"]) = (digest, size);
        });
        assert!(
            error.contains("does not hold") || error.contains("is for a layer"),
            "{error}"
        );
    }
    // The right bytes under another name, where the HMAC holds.
    let place = tempfile::tempdir().unwrap();
    let image = copied("enc-jwe", &place.path().join("image"));
    let mut changed = serde_json::to_value(manifest(&image)).unwrap();
    let name = "0".repeat(64);
    let blob = blob_path(&image, &manifest(&image).layers[0]);
    std::fs::rename(blob, image.directory.join("blobs/sha256").join(&name)).unwrap();
    changed["layers"][0]["digest"] = format!("sha256:{name}").into();
    set_manifest(&image, &changed);
    let (keys, opened) = (Keys::new(), reference(&place.path().join("opened")));
    let all = LayerChoice::default();
    let error = decrypt(&image, &opened, &[keys.rsa()], &all, &work(&*engine())).unwrap_err();
    assert!(error.to_string().contains("is not what its name says"), "{error}");

    let place = tempfile::tempdir().unwrap();
    let source = copied("plain", &place.path().join("source"));
    let layer = &manifest(&source).layers[1];
    let path = blob_path(&source, layer);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (rsa, choice) = (public("rsa.pub.pem"), LayerChoice::default());
    for format in FORMATS {
        let options = EncryptOptions {
            format,
            recipients: std::slice::from_ref(&rsa),
            choice: &choice,
            salt: None,
            compression: sealab_layer::Compression::Keep,
        };
        let closed = reference(&place.path().join("closed"));
        let error = encrypt(&source, &closed, &options, &work(&*engine()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not what its name says"), "{error}");
        assert_only(place.path(), &["source"]);
    }
}

#[test]
fn unauthenticated_options_decide_nothing() {
    let nonce = br#"{"cipher":"AES_256_CTR_HMAC_SHA256","hmac":"#;
    let with_nonce = |public: Vec<u8>| {
        assert!(public.starts_with(nonce));
        let text = String::from_utf8(public).unwrap();
        text.replace("{}", r#"{"nonce":"AAAAAAAAAAAAAAAAAAAAAA=="}"#)
            .into_bytes()
    };
    let no_hmac = |public: Vec<u8>| {
        let mut public: Value = serde_json::from_slice(&public).unwrap();
        public["hmac"] = "".into();
        serde_json::to_vec(&public).unwrap()
    };
    let cipher = |public: Vec<u8>| {
        String::from_utf8(public)
            .unwrap()
            .replace("256_CTR", "128_CTR")
            .into_bytes()
    };
    let stream = |public: Vec<u8>| {
        let text = String::from_utf8(public).unwrap();
        text.replace("AES_256_CTR_HMAC_SHA256", "SEALAB_STREAM_AES_256_GCM_64K")
            .into_bytes()
    };
    type Change<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let cases: [(Change<'_>, &str); 4] = [
        (&with_nonce, "not the sealed one"),
        (&no_hmac, "hmac has 0 bytes; it must have 32"),
        (&cipher, "implemented: AES_256_CTR_HMAC_SHA256"),
        (&stream, "commits to them does not hold"),
    ];
    for (change, expected) in cases {
        let error = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
            recode(annotation(manifest, 0, PUBLIC), change);
        });
        assert!(error.contains(expected), "{error}");
    }
    // One cipher for the other, and a layer of chunks for one without.
    for (to, expected) in [
        (
            "SEALAB_STREAM_CHACHA20_POLY1305_64K",
            "commits to them does not hold",
        ),
        ("AES_256_CTR_HMAC_SHA256", "HMAC does not hold"),
    ] {
        let error = refused(
            Format::ChunkedAead(sealab_layer::chunks::StreamCipher::Aes256Gcm),
            &|_| {},
            &|manifest| {
                recode(annotation(manifest, 0, PUBLIC), |public| {
                    let text = String::from_utf8(public).unwrap();
                    text.replace("SEALAB_STREAM_AES_256_GCM_64K", to).into_bytes()
                });
            },
        );
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn stripped_annotations_are_named() {
    for (name, expected) in [
        (PUBLIC, "annotations were stripped"),
        (JWE, "it is wrapped by none"),
    ] {
        let error = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
            manifest["layers"][0]["annotations"]
                .as_object_mut()
                .unwrap()
                .remove(name);
        });
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn packets_are_bounded_and_garbage_does_not_hide_the_good_one() {
    let place = tempfile::tempdir().unwrap();
    let image = copied("enc-jwe", &place.path().join("image"));
    let mut changed = serde_json::to_value(manifest(&image)).unwrap();
    let packets = annotation(&mut changed, 0, JWE);
    *packets = format!(
        "{},{},{}",
        Base64::encode_string(b"{}"),
        Base64::encode_string(&[0xff; 9]),
        packets.as_str().unwrap()
    )
    .into();
    set_manifest(&image, &changed);
    let keys = Keys::new();
    let opened = reference(&place.path().join("opened"));
    decrypt(
        &image,
        &opened,
        &[keys.rsa()],
        &LayerChoice::default(),
        &work(&*engine()),
    )
    .unwrap();

    let many = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
        *annotation(manifest, 0, JWE) = vec!["e30="; 10_000].join(",").into();
    });
    assert!(many.contains("10000 packets; at most 100"), "{many}");
    let broken = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
        *annotation(manifest, 0, JWE) = "e30=,*".into();
    });
    assert!(broken.contains("packet 1: it is not base64"), "{broken}");
    let bomb = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
        let nested = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        *annotation(manifest, 0, PUBLIC) = Base64::encode_string(&nested).into();
    });
    assert!(bomb.contains("no JSON object"), "{bomb}");
    let long = refused(Format::Ocicrypt, &|_| {}, &|manifest| {
        manifest["x"] = "a".repeat(4 << 20).into();
    });
    assert!(long.contains("at most 4194304 are read"), "{long}");
}

#[test]
fn a_packet_with_10_000_recipients_is_refused() {
    let recipients: Vec<Value> =
        vec![serde_json::json!({"header": {"alg": "RSA-OAEP"}, "encrypted_key": ""}); 1000];
    let packet =
        serde_json::json!({"protected": "", "recipients": recipients, "iv": "", "ciphertext": "", "tag": ""});
    let error = sealab_layer::recipients_of(packet.to_string().as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("1000 recipients; at most 100"),
        "{error}"
    );
}

#[test]
fn a_changed_chunk_table_is_refused_and_a_missing_one_costs_only_its_use() {
    // Chunk length, layer length, what commits, tags.
    for (offset, expected) in [
        (8, "power of 2"),
        (16, "is for a layer of"),
        (30, "commits to them"),
        (60, "tag does not hold"),
    ] {
        let error = refused(Format::OcicryptSeekable, &|_| {}, &|manifest| {
            recode(annotation(manifest, 0, TABLE), |mut table| {
                table[offset] ^= 1;
                table
            });
        });
        assert!(error.contains(expected), "{offset}: {error}");
    }
    // That of another layer of the same image.
    let error = refused(Format::OcicryptSeekable, &|_| {}, &|manifest| {
        *annotation(manifest, 0, TABLE) = annotation(manifest, 1, TABLE).clone();
    });
    assert!(error.contains("is for a layer of"), "{error}");

    let place = tempfile::tempdir().unwrap();
    let (closed, opened) = (
        reference(&place.path().join("closed")),
        reference(&place.path().join("opened")),
    );
    let (rsa, choice) = (public("rsa.pub.pem"), LayerChoice::default());
    let options = EncryptOptions {
        format: Format::OcicryptSeekable,
        recipients: std::slice::from_ref(&rsa),
        choice: &choice,
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).unwrap();
    let mut changed = serde_json::to_value(manifest(&closed)).unwrap();
    changed["layers"][0]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove(TABLE);
    set_manifest(&closed, &changed);
    let keys = Keys::new();
    let outcomes = decrypt(&closed, &opened, &[keys.rsa()], &choice, &work(&*engine())).unwrap();
    assert_eq!(formats(&outcomes), ["ocicrypt", "ocicrypt-seekable"]);
    assert!(layers(&opened) == layers(&fixture("plain")));
}
