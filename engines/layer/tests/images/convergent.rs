//! The format `convergent`: equal chunks are stored once, and nothing but the right ones is opened.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_layer::image::{Digest, LayerChoice};
use sealab_layer::{
    EncryptOptions, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, Removal, Rewrap, SALT_BYTES, Salt, decrypt, encrypt,
    open_convergent_layer, open_layer, rewrap, show,
};

use super::*;

const CHUNK: &str = "application/vnd.sealab.image.layer.chunk.v1";

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

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

fn sealed_from(source: &ImageReference, salt: Option<&Salt>, to: &Path) -> ImageReference {
    let closed = reference(to);
    let options = EncryptOptions {
        format: Format::Convergent,
        recipients: &[public("rsa.pub.pem")],
        choice: &LayerChoice::default(),
        salt,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(source, &closed, &options, &work(&*engine())).unwrap();
    closed
}

fn sealed(plain: &[u8], salt: &Salt, place: &Path, name: &str) -> ImageReference {
    let source = image_of(plain, &place.join(format!("{name}-source")));
    sealed_from(&source, Some(salt), &place.join(name))
}

fn opened(image: &ImageReference) -> Result<Vec<Vec<u8>>, String> {
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    let keys = Keys::new();
    decrypt(
        image,
        &opened,
        &[keys.rsa()],
        &LayerChoice::default(),
        &work(&*engine()),
    )
    .map_err(|error| error.to_string())?;
    assert_sound(&opened);
    assert!(chunks(&opened).is_empty());
    Ok(layers(&opened))
}

/// The chunks that an image lists, with their lengths.
fn chunks(image: &ImageReference) -> BTreeMap<Digest, u64> {
    let layers = manifest(image).layers.into_iter();
    let chunks = layers.filter(|layer| layer.media_type == CHUNK);
    chunks.map(|chunk| (chunk.digest, chunk.size)).collect()
}

fn salt(byte: u8) -> Salt {
    Salt::new(&[byte; SALT_BYTES])
}

#[test]
fn layers_of_any_length_go_there_and_back() {
    let (keys, engine) = (Keys::new(), engine());
    for length in [
        0,
        1,
        MIN_CHUNK_BYTES - 1,
        MIN_CHUNK_BYTES,
        MIN_CHUNK_BYTES + 1,
        MAX_CHUNK_BYTES,
        MAX_CHUNK_BYTES + 1,
        9 * MAX_CHUNK_BYTES + 7,
    ] {
        let place = tempfile::tempdir().unwrap();
        // Random bytes and such as compress well.
        let mut plain = random(1, length);
        plain[length / 2..].fill(b'x');
        let closed = sealed(&plain, &salt(1), place.path(), "closed");
        assert_sound(&closed);
        assert_eq!(chunks(&closed).is_empty(), length == 0);
        assert!(opened(&closed).unwrap()[0] == plain, "{length}");

        let layer = &manifest(&closed).layers[0];
        let index = std::fs::read(blob_path(&closed, layer)).unwrap();
        let layout = Layout::open(&closed.directory).unwrap();
        let mut reader =
            open_convergent_layer(layer, &[keys.rsa()], &index, Box::new(layout), &*engine).unwrap();
        assert_eq!(reader.length(), length as u64);
        for offset in [
            0,
            1,
            MIN_CHUNK_BYTES,
            MAX_CHUNK_BYTES - 1,
            length / 2,
            length,
            usize::MAX >> 1,
        ] {
            for wanted in [0, 1, 4096, 3 * MAX_CHUNK_BYTES] {
                let mut found = vec![0xee; wanted];
                let read = reader.read_at(offset as u64, &mut found).unwrap();
                let expected = plain.get(offset..).unwrap_or_default();
                assert!(
                    found[..read] == expected[..expected.len().min(wanted)],
                    "{length} {offset} {wanted}"
                );
            }
        }
    }
}

#[test]
fn images_that_share_content_share_chunks() {
    const MIB: usize = 1 << 20;
    let place = tempfile::tempdir().unwrap();
    let first = random(1, 32 * MIB);
    // A tenth of it replaced, in three places of other lengths than what was there.
    let mut second = first.clone();
    for (number, start) in [25, 14, 3].into_iter().enumerate() {
        let new = random(2 + number as u64, MIB + 1111 * (number + 1));
        second.splice(start * MIB..start * MIB + 1_118_000, new);
    }
    let images = [("first", &first), ("second", &second)]
        .map(|(name, plain)| sealed(plain, &salt(1), place.path(), name));
    let stored = images.each_ref().map(chunks);
    let one: u64 = stored[0].values().sum();
    assert!(one >= first.len() as u64);
    let mut both = stored[0].clone();
    both.extend(&stored[1]);
    let both: u64 = both.values().sum();
    println!(
        "two images that share 90 % take {:.3} of one",
        both as f64 / one as f64
    );
    assert!(both * 100 <= one * 125, "{both} of {one}");
    for (image, plain) in images.iter().zip([&first, &second]) {
        assert!(opened(image).unwrap()[0] == *plain);
    }
    // The same image again is the same chunks, with another index.
    let again = sealed(&first, &salt(1), place.path(), "again");
    assert_eq!(chunks(&again), stored[0]);
    assert_ne!(
        manifest(&again).layers[0].digest,
        manifest(&images[0]).layers[0].digest
    );
    // With another salt nothing is the same, lengths included.
    let apart = sealed(&first, &salt(2), place.path(), "apart");
    let others = chunks(&apart);
    assert!(others.keys().all(|digest| !stored[0].contains_key(digest)));
    let lengths = |chunks: &BTreeMap<Digest, u64>| {
        let mut lengths: Vec<u64> = chunks.values().copied().collect();
        lengths.sort_unstable();
        lengths
    };
    assert_ne!(lengths(&others), lengths(&stored[0]));
    assert!(opened(&apart).unwrap()[0] == first);
}

/// Chunks that are equal within an image are stored once; without a salt, two images share nothing.
#[test]
fn without_a_salt_an_image_shares_with_itself_alone() {
    let place = tempfile::tempdir().unwrap();
    let source = image_of(&vec![0; 8 * MAX_CHUNK_BYTES], &place.path().join("source"));
    let images = ["one", "two"].map(|name| sealed_from(&source, None, &place.path().join(name)));
    let listed = images.each_ref().map(chunks);
    assert_eq!(listed.each_ref().map(BTreeMap::len), [1, 1]);
    assert_ne!(listed[0], listed[1]);
}

#[test]
fn what_was_changed_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let plain = random(1, 3 * MAX_CHUNK_BYTES);
    let closed = sealed(&plain, &salt(1), place.path(), "closed");
    let other = sealed(&random(2, 3 * MAX_CHUNK_BYTES), &salt(1), place.path(), "other");
    let blob =
        |image: &ImageReference, digest: &Digest| image.directory.join("blobs/sha256").join(digest.hex());
    let (listed, others) = (chunks(&closed), chunks(&other));
    let (chunk, swapped) = (*listed.keys().next().unwrap(), *others.keys().next().unwrap());
    let path = blob(&closed, &chunk);
    let bytes = std::fs::read(&path).unwrap();
    let refused = |with: &[u8], expected: &str| {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, with).unwrap();
        let found = opened(&closed).unwrap_err();
        assert!(found.contains(expected), "{found}");
    };
    for at in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refused(&changed, "is not what its name says");
    }
    refused(&bytes[..bytes.len() - 1], "its descriptor says");
    refused(&std::fs::read(blob(&other, &swapped)).unwrap(), "");
    std::fs::remove_file(&path).unwrap();
    assert!(opened(&closed).unwrap_err().contains(&chunk.hex()));
    std::fs::write(&path, &bytes).unwrap();
    assert!(opened(&closed).unwrap()[0] == plain);

    // The index: cut by an entry, changed, or of another layer.
    let manifest_json = serde_json::to_value(manifest(&closed)).unwrap();
    let index = std::fs::read(blob_path(&closed, &manifest(&closed).layers[0])).unwrap();
    let with_index = |index: &[u8]| {
        let digest = sha256(index);
        std::fs::write(closed.directory.join("blobs/sha256").join(&digest), index).unwrap();
        let mut changed = manifest_json.clone();
        changed["layers"][0]["digest"] = format!("sha256:{digest}").into();
        changed["layers"][0]["size"] = index.len().into();
        set_manifest(&closed, &changed);
        opened(&closed)
    };
    let mut changed = index.clone();
    changed[100] ^= 1;
    let foreign = std::fs::read(blob_path(&other, &manifest(&other).layers[0])).unwrap();
    let entry_less = &index[..index.len() - 72];
    for (wrong, expected) in [
        (&changed[..], "its tag does not hold"),
        (entry_less, "what commits to it does not hold"),
        (&index[..index.len() - 1], "an index has 72 bytes for each"),
        (&[][..], "an index has 72 bytes for each"),
        (&foreign, "the chunk index"),
    ] {
        let found = with_index(wrong).unwrap_err();
        assert!(found.contains(expected), "{found}");
    }
    assert!(with_index(&index).unwrap()[0] == plain);
}

/// Another format's name in the options that nothing authenticates opens nothing.
#[test]
fn formats_are_not_confused() {
    let place = tempfile::tempdir().unwrap();
    let closed = sealed(&random(1, 100_000), &salt(1), place.path(), "closed");
    let name = "org.opencontainers.image.enc.pubopts";
    use base64ct::{Base64, Encoding};
    let mut json = serde_json::to_value(manifest(&closed)).unwrap();
    let annotation = json["layers"][0]["annotations"][name]
        .as_str()
        .unwrap()
        .to_owned();
    let options = String::from_utf8(Base64::decode_vec(&annotation).unwrap()).unwrap();
    for cipher in ["AES_256_CTR_HMAC_SHA256", "SEALAB_STREAM_AES_256_GCM_64K"] {
        let changed = options.replace("SEALAB_CONVERGENT_AES_256_GCM", cipher);
        assert_ne!(changed, options);
        json["layers"][0]["annotations"][name] = Base64::encode_string(changed.as_bytes()).into();
        set_manifest(&closed, &json);
        let error = opened(&closed).unwrap_err();
        assert!(
            error.contains("does not hold") || error.contains("it was cut"),
            "{error}"
        );
    }
}

#[test]
fn layers_come_and_go_and_chunks_with_them() {
    let place = tempfile::tempdir().unwrap();
    let closed = sealed_from(&fixture("plain"), Some(&salt(1)), &place.path().join("closed"));
    let all = chunks(&closed);
    // As many layers as before for those who look at them, numbers from the end included.
    let shown = show(&closed).unwrap();
    assert_eq!(
        shown.iter().map(|layer| layer.format).collect::<Vec<_>>(),
        [Some("convergent"); 2]
    );
    let keys = Keys::new();
    let half = reference(&place.path().join("half"));
    let last = LayerChoice {
        layers: vec![-1],
        platforms: vec![],
    };
    decrypt(&closed, &half, &[keys.rsa()], &last, &work(&*engine())).unwrap();
    assert_sound(&half);
    // Which of them the first layer needs is sealed, so all stay.
    assert_eq!(chunks(&half), all);
    let plain = layers(&fixture("plain"));
    assert!(layers(&half)[1] == plain[1]);
    assert!(opened(&half).unwrap() == plain);
    // Recipients change without any blob.
    let gone = keys.rsa();
    let change = Rewrap {
        keys: &[gone],
        add: &[public("ec.pub.pem")],
        remove: &[Removal::Key(&gone)],
        choice: &LayerChoice::default(),
    };
    rewrap(&closed, &change).unwrap();
    assert_eq!(chunks(&closed), all);
    assert!(opened(&closed).unwrap_err().contains("no key fits"));
    let to = reference(&place.path().join("to"));
    decrypt(
        &closed,
        &to,
        &[keys.ec()],
        &LayerChoice::default(),
        &work(&*engine()),
    )
    .unwrap();
    assert!(layers(&to) == plain);
}

#[test]
fn each_reader_is_for_its_format() {
    let place = tempfile::tempdir().unwrap();
    let (keys, engine) = (Keys::new(), engine());
    let closed = sealed(b"a layer", &salt(1), place.path(), "closed");
    let layer = &manifest(&closed).layers[0];
    let error = open_layer(layer, &[keys.rsa()], Box::new(vec![0]), &*engine)
        .err()
        .unwrap();
    assert!(error.to_string().contains("open_convergent_layer"), "{error}");
    let golden = &manifest(&fixture("enc-jwe")).layers[0];
    let layout = Layout::open(&closed.directory).unwrap();
    let error = open_convergent_layer(golden, &[keys.rsa()], &vec![0], Box::new(layout), &*engine).err();
    assert!(
        error
            .unwrap()
            .to_string()
            .contains("its format is not convergent")
    );
}
