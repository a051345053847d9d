//! Images that skopeo encrypted.

use sealab_layer::image::LayerChoice;
use sealab_layer::{NamedKey, SealedDigest, decrypt};

use super::*;

#[test]
fn images_of_skopeo_decrypt() {
    let keys = Keys::new();
    let plain = layers(&fixture("plain"));
    let cases: [(&str, NamedKey<'_>); 4] = [
        ("enc-jwe", keys.rsa()),
        ("enc-jwe-skopeo122", keys.rsa()),
        ("enc-multi", keys.rsa()),
        ("enc-multi", keys.ec()),
    ];
    let rust = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
    let aws = engine();
    for (name, key) in cases {
        for engine in [&*aws, &*rust] {
            let place = tempfile::tempdir().unwrap();
            let opened = reference(&place.path().join("opened"));
            // One that does not fit before the one that does.
            let given = [keys.other(), key];
            let outcomes = decrypt(
                &fixture(name),
                &opened,
                &given,
                &LayerChoice::default(),
                &work(engine),
            )
            .unwrap();
            assert_eq!(formats(&outcomes), ["ocicrypt"; 2]);
            assert_eq!(outcomes[0].key.as_deref(), Some(key.name));
            // The second layer was compressed while it was encrypted.
            let digests: Vec<_> = outcomes.iter().map(|outcome| outcome.sealed_digest).collect();
            assert_eq!(
                digests,
                [Some(SealedDigest::Holds), Some(SealedDigest::OfUncompressed)]
            );
            assert_sound(&opened);
            let found = layers(&opened);
            assert!(found[0] == plain[0], "{name}");
            assert_eq!(found[1][..2], [0x1f, 0x8b], "gzip");
            let manifest = manifest(&opened);
            for layer in &manifest.layers {
                assert_eq!(layer.media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
                assert!(layer.annotations.is_empty());
            }
        }
    }
}

#[test]
fn the_wrong_key_is_told_so() {
    let keys = Keys::new();
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    let given = [keys.other(), keys.ec()];
    let engine = engine();
    let error = decrypt(
        &fixture("enc-jwe"),
        &opened,
        &given,
        &LayerChoice::default(),
        &work(&*engine),
    )
    .unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("no key fits layer 0 (sha256:e8ac7a9e"), "{text}");
    assert!(
        text.ends_with("tried p384.pem, ec.pem; it is wrapped by jwe (1 packets)"),
        "{text}"
    );
    assert_only(place.path(), &[]);
}
