//! The road through a real registry, with skopeo at its other end and umoci behind it.

use crate::peer::{Registry, is_there, not_run};
use crate::place::{Place, digests, fixture, key};

/// A kind of recipient: for ours, for skopeo; the key for ours, what skopeo needs.
struct Kind {
    name: &'static str,
    recipient: String,
    key: String,
    /// More arguments for skopeo beside the key.
    certificate: Option<String>,
}

fn kinds(place: &Place) -> Vec<Kind> {
    let certificate = key("rsa.crt");
    vec![
        Kind {
            name: "jwe-rsa",
            recipient: format!("jwe:{}", key("rsa.pub.pem")),
            key: place.pem("rsa-pkcs1", "RSA PRIVATE KEY"),
            certificate: None,
        },
        Kind {
            name: "jwe-ec",
            recipient: format!("jwe:{}", key("ec.pub.pem")),
            key: place.pem("ec-pkcs8", "PRIVATE KEY"),
            certificate: None,
        },
        Kind {
            name: "pkcs7",
            recipient: format!("pkcs7:{certificate}"),
            key: place.pem("rsa-pkcs1", "RSA PRIVATE KEY"),
            certificate: Some(certificate),
        },
    ]
}

impl Kind {
    /// What makes skopeo decrypt.
    fn skopeo(&self) -> Vec<&str> {
        let mut arguments = vec!["--decryption-key", &*self.key];
        if let Some(certificate) = &self.certificate {
            arguments.extend(["--decryption-key", &**certificate]);
        }
        arguments
    }
}

fn peers(test: &str) -> Option<Registry> {
    for program in ["skopeo", "umoci"] {
        if !is_there(program) {
            return not_run(test, program);
        }
    }
    Registry::start(test)
}

#[test]
fn what_ours_encrypts_skopeo_pulls_and_decrypts() {
    let Some(registry) = peers("what_ours_encrypts_skopeo_pulls_and_decrypts") else {
        return;
    };
    let place = Place::new();
    place.skopeo(&[&fixture("plain"), "oci:plain:v1"]);
    let files = place.unpacked("plain");
    assert!(files.len() >= 3, "{files:?}");
    for kind in kinds(&place) {
        for format in ["ocicrypt", "ocicrypt-seekable"] {
            let name = format!("ours/{}-{format}", kind.name);
            let remote = registry.image(&name, "v1");
            place.done(&[
                "encrypt",
                "oci:plain:v1",
                &remote,
                "--recipient",
                &kind.recipient,
                "--format",
                format,
            ]);
            let opened = format!("opened-{}-{format}", kind.name);
            let target = format!("oci:{opened}:v1");
            place.skopeo(&[&kind.skopeo()[..], &[&remote, &target]].concat());
            assert_eq!(place.unpacked(&opened), files, "{name}");
            // The same with ours, which sees what was encrypted.
            let ours = format!("ours-{}-{format}", kind.name);
            let told = place.done(&["decrypt", &remote, &format!("oci:{ours}:v1"), "--key", &kind.key]);
            assert!(told.starts_with(&format!("layer 0: {format}, sha256:")), "{told}");
            assert_eq!(place.unpacked(&ours), files, "{name}");
            // Encrypted, umoci does not take it.
            let encrypted = format!("encrypted-{}-{format}", kind.name);
            place.skopeo(&[&remote, &format!("oci:{encrypted}:v1")]);
            let image = format!("{encrypted}:v1");
            let refused = place.peer_output("umoci", &["unpack", "--rootless", "--image", &image, "b"]);
            assert!(!refused.status.success());
            // A tag is never taken.
            let again = place.refused(
                2,
                &["encrypt", "oci:plain:v1", &remote, "--recipient", &kind.recipient],
            );
            assert!(again.contains("exists; name a tag"), "{again}");
        }
    }
}

#[test]
fn what_skopeo_encrypts_and_pushes_ours_pulls_and_decrypts() {
    let Some(registry) = peers("what_skopeo_encrypts_and_pushes_ours_pulls_and_decrypts") else {
        return;
    };
    let place = Place::new();
    place.skopeo(&[&fixture("plain"), "oci:plain:v1"]);
    let files = place.unpacked("plain");
    for kind in kinds(&place) {
        let remote = registry.image(&format!("skopeo/{}", kind.name), "v1");
        place.skopeo(&["--encryption-key", &kind.recipient, "oci:plain:v1", &remote]);
        let mut call = vec!["decrypt", &remote, "oci:opened:v1", "--key", &kind.key];
        if let Some(certificate) = &kind.certificate {
            call.extend(["--cert", certificate]);
        }
        place.done(&call);
        assert_eq!(place.unpacked("opened"), files, "{}", kind.name);
        std::fs::remove_dir_all(place.path("opened")).unwrap();
        // Decrypted into the registry again, from where umoci's images come.
        let plain = registry.image(&format!("skopeo/{}", kind.name), "plain");
        place.done(&["decrypt", &remote, &plain, "--key", &kind.key]);
        place.skopeo(&[&plain, "oci:opened:v1"]);
        assert_eq!(place.unpacked("opened"), files, "{}", kind.name);
        std::fs::remove_dir_all(place.path("opened")).unwrap();
        // Another's key.
        let wrong = place.refused(2, &["decrypt", &remote, "oci:x:v1", "--key", &key("p384.der")]);
        assert!(wrong.contains("no key fits layer 0"), "{wrong}");
    }
}

#[test]
fn recipients_change_in_the_registry_and_no_blob_moves() {
    let Some(registry) = peers("recipients_change_in_the_registry_and_no_blob_moves") else {
        return;
    };
    let place = Place::new();
    let remote = registry.image("rewrapped", "v1");
    let (rsa, ec) = (
        place.pem("rsa-pkcs1", "RSA PRIVATE KEY"),
        place.pem("ec-pkcs8", "PRIVATE KEY"),
    );
    let rsa_public = format!("jwe:{}", key("rsa.pub.pem"));
    let ec_public = format!("jwe:{}", key("ec.pub.pem"));
    // Only one layer: the other one is not looked for when the manifest alone is pulled.
    place.done(&[
        "encrypt",
        &fixture("plain"),
        &remote,
        "--recipient",
        &rsa_public,
        "--layer=-1",
    ]);
    let before = place.json(&["show", &remote]);
    assert_eq!(before["layers"][0]["encrypted"], false);
    assert_eq!(before["layers"][1]["recipients"][0][0]["algorithm"], "RSA-OAEP");
    place.done(&["rewrap", &remote, "--key", &rsa, "--add-recipient", &ec_public]);
    let both = place.json(&["show", &remote]);
    assert_eq!(digests(&both), digests(&before));
    place.done(&["decrypt", &remote, "oci:by-rsa:v1", "--key", &rsa]);
    let removed = format!("key:{rsa}");
    place.done(&["rewrap", &remote, "--key", &ec, "--remove-recipient", &removed]);
    assert_eq!(digests(&place.json(&["show", &remote])), digests(&before));
    let refused = place.refused(2, &["decrypt", &remote, "oci:x:v1", "--key", &rsa]);
    assert!(refused.contains("no key fits"), "{refused}");
    place.skopeo(&["--decryption-key", &ec, &remote, "oci:by-ec:v1"]);
    assert_eq!(place.unpacked("by-ec"), place.unpacked("by-rsa"));
    let by_digest = registry.image("rewrapped", "v1").replace(
        ":v1",
        &format!("@{}", before["layers"][1]["manifest"].as_str().unwrap()),
    );
    let refused = place.refused(
        2,
        &["rewrap", &by_digest, "--key", &ec, "--add-recipient", &rsa_public],
    );
    assert!(refused.contains("name a tag"), "{refused}");
    // The former image is still there by its digest, and is read by it.
    assert_eq!(digests(&place.json(&["show", &by_digest])), digests(&before));
}

#[test]
fn an_image_that_is_not_there_is_told_so() {
    let Some(registry) = Registry::start("an_image_that_is_not_there_is_told_so") else {
        return;
    };
    let place = Place::new();
    for image in [
        registry.image("nothing", "v1"),
        registry.image("nothing/at/all", "v2"),
    ] {
        let told = place.refused(2, &["show", &image]);
        assert!(
            told.contains(&format!("{image}: the registry has no such image (404")),
            "{told}"
        );
    }
}
