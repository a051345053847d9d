//! Reading parts of layers that have chunks.

use std::fs::File;

use sealab_layer::chunks::StreamCipher;
use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, encrypt, open_layer};

use super::*;

/// An image whose only layer is `plain`.
fn image_of(plain: &[u8], directory: &Path) -> ImageReference {
    let image = copied("plain", directory);
    let mut manifest = serde_json::to_value(manifest(&image)).unwrap();
    let digest = sha256(plain);
    std::fs::write(directory.join("blobs/sha256").join(&digest), plain).unwrap();
    let layer = &mut manifest["layers"][1];
    layer["digest"] = format!("sha256:{digest}").into();
    layer["size"] = plain.len().into();
    manifest["layers"].as_array_mut().unwrap().remove(0);
    set_manifest(&image, &manifest);
    image
}

fn sealed(format: Format, plain: &[u8], place: &Path) -> ImageReference {
    let source = image_of(plain, &place.join("source"));
    let closed = reference(&place.join("closed"));
    let rsa = public("rsa.pub.pem");
    let options = EncryptOptions {
        format,
        recipients: std::slice::from_ref(&rsa),
        choice: &LayerChoice::default(),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&source, &closed, &options, &work(&*engine())).unwrap();
    closed
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

const CHUNKED: [Format; 3] = [
    Format::OcicryptSeekable,
    Format::ChunkedAead(StreamCipher::Aes256Gcm),
    Format::ChunkedAead(StreamCipher::ChaCha20Poly1305),
];

#[test]
fn any_range_reads_in_layers_of_any_length() {
    let (keys, engine) = (Keys::new(), engine());
    for format in CHUNKED {
        for length in [0, 1, 16, 65535, 65536, 65537, 131_072, 700_001] {
            let place = tempfile::tempdir().unwrap();
            let plain = bytes(length);
            let closed = sealed(format, &plain, place.path());
            let layer = &manifest(&closed).layers[0];
            let blob = File::open(blob_path(&closed, layer)).unwrap();
            let mut reader = open_layer(layer, &[keys.rsa()], Box::new(blob), &*engine).unwrap();
            assert_eq!(reader.length(), length as u64);
            for offset in [
                0,
                1,
                15,
                65535,
                65536,
                70_000,
                131_000,
                699_999,
                700_001,
                usize::MAX >> 1,
            ] {
                for wanted in [0, 1, 4096, 65536, 200_000] {
                    let mut found = vec![0xee; wanted];
                    let read = reader.read_at(offset as u64, &mut found).unwrap();
                    let expected = plain.get(offset..).unwrap_or_default();
                    let expected = &expected[..expected.len().min(wanted)];
                    assert!(&found[..read] == expected, "{format} {length} {offset} {wanted}");
                }
            }
            // All of it, on two threads.
            let opened = reference(&place.path().join("opened"));
            sealab_layer::decrypt(
                &closed,
                &opened,
                &[keys.rsa()],
                &LayerChoice::default(),
                &work(&*engine),
            )
            .unwrap();
            assert!(layers(&opened)[0] == plain, "{format} {length}");
            assert_sound(&opened);
        }
    }
}

#[test]
fn a_changed_chunk_is_refused_and_the_others_read() {
    let (keys, engine) = (Keys::new(), engine());
    let plain = bytes(200_000);
    for format in CHUNKED {
        let place = tempfile::tempdir().unwrap();
        let closed = sealed(format, &plain, place.path());
        let layer = &manifest(&closed).layers[0];
        let mut blob = std::fs::read(blob_path(&closed, layer)).unwrap();
        let stored = blob.len();
        blob[100_000] ^= 1;
        let mut reader = open_layer(layer, &[keys.rsa()], Box::new(blob.clone()), &*engine).unwrap();
        let mut part = vec![0; 10];
        for (offset, holds) in [
            (0, true),
            (65536, false),
            (131_071, false),
            (131_072, true),
            (65_530, false),
        ] {
            assert_eq!(
                reader.read_at(offset, &mut part).is_ok(),
                holds,
                "{format} {offset}"
            );
        }
        // Two chunks in each other's place.
        blob[100_000] ^= 1;
        let chunk = if format == Format::OcicryptSeekable {
            65536
        } else {
            65552
        };
        let (first, second) = blob[..2 * chunk].split_at_mut(chunk);
        first.swap_with_slice(second);
        let mut reader = open_layer(layer, &[keys.rsa()], Box::new(blob), &*engine).unwrap();
        let error = reader.read_at(0, &mut part).unwrap_err().to_string();
        assert!(
            error.contains("chunk 0, from byte 0") && error.contains("tag does not hold"),
            "{error}"
        );
        assert!(reader.read_at(131_072, &mut part).is_ok());
        // A source that ends early.
        let mut reader = open_layer(layer, &[keys.rsa()], Box::new(vec![0; stored - 1]), &*engine).unwrap();
        assert!(reader.read_at(199_990, &mut part).is_err());
    }
}

#[test]
fn a_layer_without_chunks_is_not_read_in_parts() {
    let (keys, engine) = (Keys::new(), engine());
    let image = fixture("enc-jwe");
    let layer = &manifest(&image).layers[0];
    let blob = File::open(blob_path(&image, layer)).unwrap();
    let error = open_layer(layer, &[keys.rsa()], Box::new(blob), &*engine)
        .err()
        .unwrap();
    assert!(error.to_string().contains("no chunk table"), "{error}");
}

#[test]
fn what_is_stored_beside_a_layer_is_small() {
    let plain = bytes(8 << 20);
    for format in CHUNKED {
        let place = tempfile::tempdir().unwrap();
        let closed = sealed(format, &plain, place.path());
        let layer = &manifest(&closed).layers[0];
        let table = layer
            .annotations
            .get("org.opencontainers.image.enc.sealab.tags")
            .map_or(0, String::len);
        let beside = layer.size as usize + table - plain.len();
        assert!(
            (1..=plain.len() / 2000).contains(&beside),
            "{format}: {beside} of {}",
            plain.len()
        );
    }
}
