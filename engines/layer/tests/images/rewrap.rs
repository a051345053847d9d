//! Recipients that come and go.

use sealab_layer::image::LayerChoice;
use sealab_layer::{Removal, Rewrap, decrypt, rewrap, show};

use super::*;

fn opens(image: &ImageReference, key: NamedKey<'_>) -> bool {
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    decrypt(image, &opened, &[key], &LayerChoice::default(), &work(&*engine())).is_ok()
}

#[test]
fn recipients_come_and_go_and_blobs_stay() {
    let keys = Keys::new();
    let place = tempfile::tempdir().unwrap();
    let image = copied("enc-jwe", &place.path().join("image"));
    let before = manifest(&image);
    let (ec, other) = (public("ec.pub.pem"), public("p384.pub.pem"));
    let choice = LayerChoice::default();
    let change = |keys: &[NamedKey<'_>], add: &[LayerRecipient], remove: &[Removal<'_>]| {
        rewrap(
            &image,
            &Rewrap {
                keys,
                add,
                remove,
                choice: &choice,
            },
        )
    };
    assert!(!opens(&image, keys.ec()));
    // Two more, with no one leaving.
    change(&[keys.rsa()], &[ec.clone(), other], &[]).unwrap();
    assert!(opens(&image, keys.rsa()) && opens(&image, keys.ec()) && opens(&image, keys.other()));
    assert_eq!(
        show(&image).unwrap()[0]
            .recipients
            .iter()
            .map(Vec::len)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    // By private key, out of a packet with another.
    change(&[keys.rsa()], &[], &[Removal::Key(&keys.ec())]).unwrap();
    assert!(opens(&image, keys.rsa()) && !opens(&image, keys.ec()) && opens(&image, keys.other()));
    // By place: the whole first packet.
    change(
        &[keys.other()],
        &[],
        &[Removal::Place {
            packet: 0,
            recipient: 0,
        }],
    )
    .unwrap();
    assert!(!opens(&image, keys.rsa()) && opens(&image, keys.other()));
    // Everyone else.
    change(&[keys.other()], std::slice::from_ref(&ec), &[Removal::Others]).unwrap();
    assert!(!opens(&image, keys.other()) && opens(&image, keys.ec()));
    assert_sound(&image);
    for (layer, former) in manifest(&image).layers.iter().zip(&before.layers) {
        assert_eq!(
            (layer.digest, layer.size, &layer.media_type),
            (former.digest, former.size, &former.media_type)
        );
    }
}

#[test]
fn what_cannot_be_changes_nothing() {
    let keys = Keys::new();
    let place = tempfile::tempdir().unwrap();
    let image = copied("enc-multi", &place.path().join("image"));
    let (before, index) = (
        show(&image).unwrap(),
        std::fs::read(image.directory.join("index.json")).unwrap(),
    );
    let ec = public("ec.pub.pem");
    let choice = LayerChoice::default();
    let refused = |keys: &[NamedKey<'_>], add: &[LayerRecipient], remove: &[Removal<'_>]| {
        rewrap(
            &image,
            &Rewrap {
                keys,
                add,
                remove,
                choice: &choice,
            },
        )
        .unwrap_err()
        .to_string()
    };
    let (rsa, ec_key, other) = (keys.rsa(), keys.ec(), keys.other());
    for (found, expected) in [
        (
            refused(&[other], std::slice::from_ref(&ec), &[]),
            "no key fits layer 0",
        ),
        (
            refused(&[rsa], &[], &[Removal::Others]),
            "no recipient would be left",
        ),
        (
            refused(&[rsa], &[], &[Removal::Key(&rsa), Removal::Key(&ec_key)]),
            "no recipient would be left",
        ),
        (
            refused(&[rsa], &[], &[Removal::Key(&other)]),
            "no recipient that p384.pem is the key of",
        ),
        (
            refused(
                &[rsa],
                &[],
                &[Removal::Place {
                    packet: 0,
                    recipient: 2,
                }],
            ),
            "no recipient 2 in JWE packet 0",
        ),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    assert_eq!(std::fs::read(image.directory.join("index.json")).unwrap(), index);
    assert_eq!(show(&image).unwrap().len(), before.len());
    assert_only(&image.directory, &["blobs", "index.json", "oci-layout"]);
    assert_sound(&image);
}

/// The one who is left of a packet of skopeo's for two still opens it.
#[test]
fn a_packet_of_skopeo_is_parted() {
    let keys = Keys::new();
    for (gone, kept) in [(keys.rsa(), keys.ec()), (keys.ec(), keys.rsa())] {
        let place = tempfile::tempdir().unwrap();
        let image = copied("enc-multi", &place.path().join("image"));
        let remove = [Removal::Key(&gone)];
        let change = Rewrap {
            keys: &[gone],
            add: &[],
            remove: &remove,
            choice: &LayerChoice::default(),
        };
        rewrap(&image, &change).unwrap();
        assert!(opens(&image, kept) && !opens(&image, gone));
    }
}
