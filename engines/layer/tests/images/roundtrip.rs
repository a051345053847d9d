//! Images that are encrypted here and decrypted again.

use std::os::unix::fs::MetadataExt;

use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, Error, Format, decrypt, encrypt, show};

use super::*;

fn sealed(
    format: Format,
    choice: &LayerChoice,
    source: &ImageReference,
    to: &ImageReference,
) -> Vec<LayerOutcome> {
    let (rsa, ec) = (public("rsa.pub.pem"), public("ec.pub.pem"));
    let options = EncryptOptions {
        format,
        recipients: &[rsa, ec],
        choice,
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(source, to, &options, &work(&*engine())).unwrap()
}

#[test]
fn every_format_goes_there_and_back() {
    let keys = Keys::new();
    let plain = layers(&fixture("plain"));
    for format in FORMATS {
        let place = tempfile::tempdir().unwrap();
        let (closed, opened) = (
            reference(&place.path().join("closed")),
            reference(&place.path().join("opened")),
        );
        let outcomes = sealed(format, &LayerChoice::default(), &fixture("plain"), &closed);
        assert_eq!(formats(&outcomes), [format.name(); 2]);
        assert_sound(&closed);
        let shown = show(&closed).unwrap();
        assert!(
            shown
                .iter()
                .all(|layer| layer.encrypted && layer.format == Some(format.name()))
        );
        let algorithms: Vec<_> = shown[0].recipients[0]
            .iter()
            .map(|who| who.algorithm.as_str())
            .collect();
        assert_eq!(algorithms, ["RSA-OAEP", "ECDH-ES+A256KW"]);
        for (sealed, plain) in layers(&closed).iter().zip(&plain) {
            assert!(!sealed.windows(64).any(|part| plain.starts_with(part)));
        }
        for key in [keys.rsa(), keys.ec()] {
            let outcomes = decrypt(
                &closed,
                &opened,
                &[key],
                &LayerChoice::default(),
                &work(&*engine()),
            )
            .unwrap();
            assert_eq!(formats(&outcomes), [format.name(); 2]);
            assert_sound(&opened);
            assert!(layers(&opened) == plain, "{format}");
            // Down to the manifest.
            assert_eq!(manifest(&opened), manifest(&fixture("plain")));
            std::fs::remove_dir_all(&opened.directory).unwrap();
        }
    }
}

#[test]
fn chosen_layers_are_sealed_and_the_others_shared() {
    let place = tempfile::tempdir().unwrap();
    let source = copied("plain", &place.path().join("source"));
    let closed = reference(&place.path().join("closed"));
    let choice = LayerChoice {
        layers: vec![-1],
        platforms: vec![],
    };
    let outcomes = sealed(Format::Ocicrypt, &choice, &source, &closed);
    assert_eq!(
        outcomes.iter().map(|outcome| outcome.layer).collect::<Vec<_>>(),
        [1]
    );
    let manifest = manifest(&closed);
    assert_eq!(manifest.layers[0], self::manifest(&source).layers[0]);
    assert_eq!(
        manifest.layers[1].media_type,
        "application/vnd.oci.image.layer.v1.tar+encrypted"
    );
    let inode = |image: &ImageReference| blob_path(image, &manifest.layers[0]).metadata().unwrap().ino();
    assert_eq!(inode(&source), inode(&closed));
    assert!(blob_path(&closed, &manifest.config).exists());
}

#[test]
fn members_and_annotations_of_others_stay() {
    let keys = Keys::new();
    let place = tempfile::tempdir().unwrap();
    let source = copied("plain", &place.path().join("source"));
    let mut changed = serde_json::to_value(manifest(&source)).unwrap();
    changed["x-unknown"] = serde_json::json!({"a": [1, null]});
    changed["annotations"] = serde_json::json!({"org.example": "image"});
    changed["layers"][0]["annotations"] = serde_json::json!({"org.example": "layer"});
    changed["layers"][0]["x-urls"] = serde_json::json!(["u"]);
    set_manifest(&source, &changed);
    let (closed, opened) = (
        reference(&place.path().join("closed")),
        reference(&place.path().join("opened")),
    );
    sealed(
        Format::OcicryptSeekable,
        &LayerChoice::default(),
        &source,
        &closed,
    );
    let sealed = manifest(&closed);
    assert_eq!(sealed.other["x-unknown"], changed["x-unknown"]);
    assert_eq!(sealed.layers[0].annotations["org.example"], "layer");
    assert_eq!(sealed.layers[0].annotations.len(), 4);
    decrypt(
        &closed,
        &opened,
        &[keys.rsa()],
        &LayerChoice::default(),
        &work(&*engine()),
    )
    .unwrap();
    assert_eq!(serde_json::to_value(manifest(&opened)).unwrap(), changed);
}

#[test]
fn platforms_are_chosen() {
    let place = tempfile::tempdir().unwrap();
    let source = copied("plain", &place.path().join("source"));
    let index: serde_json::Value = json(&source.directory.join("index.json"));
    // An image for two platforms that have the same manifest.
    let entry = |architecture: &str| {
        let mut entry = index["manifests"][0].clone();
        entry["platform"] = serde_json::json!({"os": "linux", "architecture": architecture, "x": 1});
        entry["annotations"] = serde_json::Value::Null;
        entry
    };
    let inner = serde_json::json!({"schemaVersion": 2, "manifests": [entry("amd64"), entry("arm64")]});
    let bytes = serde_json::to_vec(&inner).unwrap();
    let digest = sha256(&bytes);
    std::fs::write(source.directory.join("blobs/sha256").join(&digest), &bytes).unwrap();
    let mut outer = index;
    outer["manifests"][0] = serde_json::json!({
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": format!("sha256:{digest}"), "size": bytes.len(),
        "annotations": {"org.opencontainers.image.ref.name": "v1"},
    });
    std::fs::write(
        source.directory.join("index.json"),
        serde_json::to_vec(&outer).unwrap(),
    )
    .unwrap();
    let closed = reference(&place.path().join("closed"));
    let choice = LayerChoice {
        layers: vec![],
        platforms: vec!["linux/arm64".to_owned()],
    };
    let outcomes = sealed(Format::Ocicrypt, &choice, &source, &closed);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.platform.as_deref() == Some("linux/arm64"))
    );
    let shown: Vec<_> = show(&closed)
        .unwrap()
        .iter()
        .map(|layer| layer.encrypted)
        .collect();
    assert_eq!(shown, [false, false, true, true]);
    let none = LayerChoice {
        layers: vec![],
        platforms: vec!["linux/s390x".to_owned()],
    };
    let (rsa, to) = (public("rsa.pub.pem"), reference(&place.path().join("none")));
    let options = EncryptOptions {
        format: Format::Ocicrypt,
        recipients: std::slice::from_ref(&rsa),
        choice: &none,
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    let error = encrypt(&source, &to, &options, &work(&*engine())).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_only(place.path(), &["closed", "source"]);
}

#[test]
fn what_cannot_be_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let rsa = public("rsa.pub.pem");
    let to = reference(&place.path().join("to"));
    let choice = |layers: &[i64]| LayerChoice {
        layers: layers.to_vec(),
        platforms: vec![],
    };
    let try_with =
        |source: &ImageReference, to: &ImageReference, recipients: &[LayerRecipient], layers: &[i64]| {
            let options = EncryptOptions {
                format: Format::Ocicrypt,
                recipients,
                choice: &choice(layers),
                salt: None,
                compression: sealab_layer::Compression::Keep,
            };
            encrypt(source, to, &options, &work(&*engine()))
                .unwrap_err()
                .to_string()
        };
    let no_tag = ImageReference {
        directory: fixture("plain").directory,
        tag: Some("v2".to_owned()),
    };
    for (found, expected) in [
        (
            try_with(&fixture("plain"), &to, std::slice::from_ref(&rsa), &[2]),
            "has no layer 2; it has 2 layers",
        ),
        (
            try_with(&fixture("plain"), &to, &[], &[]),
            "there is no recipient",
        ),
        (
            try_with(&fixture("plain"), &to, &vec![rsa.clone(); 10_000], &[]),
            "10000 recipients; at most 100",
        ),
        (
            try_with(&fixture("enc-jwe"), &to, std::slice::from_ref(&rsa), &[]),
            "encrypted already",
        ),
        (
            try_with(&no_tag, &to, std::slice::from_ref(&rsa), &[]),
            "no image with the tag \"v2\"; it has v1",
        ),
        (
            try_with(&fixture("absent"), &to, std::slice::from_ref(&rsa), &[]),
            "oci-layout: No such file",
        ),
        (
            try_with(
                &fixture("plain"),
                &reference(place.path()),
                std::slice::from_ref(&rsa),
                &[],
            ),
            "exists; name a folder",
        ),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    // Interrupted in the middle.
    let interrupt = AtomicBool::new(false);
    let engine = engine();
    let set = |_| interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
    let interrupted = Work {
        engine: &*engine,
        threads: 2,
        progress: &set,
        interrupt: &interrupt,
    };
    let options = EncryptOptions {
        format: Format::Ocicrypt,
        recipients: std::slice::from_ref(&rsa),
        choice: &choice(&[]),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    let error = encrypt(&fixture("plain"), &to, &options, &interrupted).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_only(place.path(), &[]);
}
