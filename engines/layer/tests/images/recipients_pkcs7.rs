//! PKCS #7 recipients: with the real skopeo and the real OpenSSL.

use std::process::Command;

use base64ct::{Base64, Encoding};
use sealab_layer::image::LayerChoice;
use sealab_layer::{
    EncryptOptions, Keyproviders, LayerRecipient, PacketKey, Pkcs7Key, Pkcs7Recipient, Removal, Rewrap,
    decrypt, encrypt, rewrap, show,
};

use super::skopeo::{is_here as skopeo_is_here, pem, skopeo};
use super::*;

const ANNOTATION: &str = "org.opencontainers.image.enc.keys.pkcs7";

fn openssl(arguments: &[&str], input: &Path) -> Vec<u8> {
    let ran = Command::new("openssl")
        .args(arguments)
        .stdin(std::fs::File::open(input).unwrap())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// A second certificate with its key: PEM files `NAME.crt` and `NAME.key`.
fn another(place: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (
        place.join(format!("{name}.crt")),
        place.join(format!("{name}.key")),
    );
    let ran = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
        ])
        .arg(format!("/CN={name}/O=Sealab"))
        .args([Path::new("-keyout"), &key, Path::new("-out"), &certificate])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    (certificate, key)
}

fn certificate() -> PathBuf {
    key_file("rsa.crt")
}

fn key(file: &Path, certificate: Option<&Path>) -> Pkcs7Key {
    let certificate = certificate.map(|path| Pkcs7Recipient::read(path).unwrap());
    Pkcs7Key::new(RecipientKey::read(file, None).unwrap(), certificate.as_ref()).unwrap()
}

fn recipient(path: &Path) -> LayerRecipient {
    LayerRecipient::read(&format!("pkcs7:{}", path.display()), &Keyproviders::default()).unwrap()
}

fn encrypted(to: &Path, recipients: &[LayerRecipient]) -> ImageReference {
    let closed = reference(to);
    let options = EncryptOptions {
        format: Format::Ocicrypt,
        recipients,
        choice: &LayerChoice::default(),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).unwrap();
    closed
}

fn decrypted(image: &ImageReference, key: &dyn PacketKey) -> Result<Vec<Vec<u8>>, sealab_layer::Error> {
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    let keys = [NamedKey { name: "key.pem", key }];
    decrypt(image, &opened, &keys, &LayerChoice::default(), &work(&*engine()))?;
    Ok(layers(&opened))
}

fn packet(image: &ImageReference) -> Vec<u8> {
    Base64::decode_vec(&manifest(image).layers[0].annotations[ANNOTATION]).unwrap()
}

#[test]
fn what_is_wrapped_for_certificates_is_unwrapped_and_openssl_agrees() {
    let place = tempfile::tempdir().unwrap();
    let (second, second_key) = another(place.path(), "second");
    let closed = encrypted(
        &place.path().join("closed"),
        &[recipient(&certificate()), recipient(&second)],
    );
    for layer in show(&closed).unwrap() {
        assert_eq!(
            layer.packets.into_iter().collect::<Vec<_>>(),
            [("pkcs7".to_owned(), 1)]
        );
    }
    let plain = layers(&fixture("plain"));
    let rsa = key_file("rsa-pkcs1.der");
    for (key, fits) in [
        (key(&rsa, Some(&certificate())), true),
        (key(&second_key, Some(&second)), true),
        (key(&second_key, None), true),
        (key(&another(place.path(), "third").1, None), false),
    ] {
        let opened = decrypted(&closed, &key);
        assert_eq!(opened.is_ok(), fits);
        match opened {
            Ok(opened) => assert!(opened == plain),
            Err(error) => assert!(error.to_string().contains("no key fits layer 0"), "{error}"),
        }
    }
    let file = place.path().join("packet.der");
    std::fs::write(&file, packet(&closed)).unwrap();
    let key = pem("rsa-pkcs8.der", "PRIVATE KEY", place.path());
    for (certificate, key) in [(certificate(), key), (second, second_key.display().to_string())] {
        let certificate = certificate.display().to_string();
        let private = openssl(
            &[
                "cms",
                "-decrypt",
                "-inform",
                "DER",
                "-recip",
                &certificate,
                "-inkey",
                &key,
            ],
            &file,
        );
        let private: serde_json::Value = serde_json::from_slice(&private).unwrap();
        assert!(private["symkey"].is_string(), "{private}");
    }
}

/// Content in each way that is read, as OpenSSL wraps it.
#[test]
fn what_openssl_wraps_is_unwrapped() {
    let place = tempfile::tempdir().unwrap();
    let private = place.path().join("private");
    std::fs::write(&private, b"the private options").unwrap();
    let certificate = certificate().display().to_string();
    let key = key(&key_file("rsa-pkcs1.der"), None);
    for (cipher, reads) in [
        ("-aes-128-cbc", true),
        ("-aes-256-cbc", true),
        ("-aes-192-cbc", false),
        ("-des3", false),
    ] {
        let packet = openssl(
            &[
                "cms",
                "-encrypt",
                "-binary",
                "-outform",
                "DER",
                cipher,
                "-recip",
                &certificate,
            ],
            &private,
        );
        match key.open("pkcs7", &packet) {
            Ok(opened) => assert_eq!(
                (opened.unwrap().as_slice(), reads),
                (&b"the private options"[..], true)
            ),
            Err(error) => assert!(
                !reads && error.to_string().contains("unsupported: the content"),
                "{error}"
            ),
        }
        // Another scheme's packet is none of this key's.
        assert!(key.open("jwe", &packet).unwrap().is_none());
        // Cut or changed, it is no packet or one that does not open; whatever it is, no panic.
        for place in 0..packet.len() {
            let mut changed = packet.clone();
            changed[place] ^= 0x11;
            let _ = key.open("pkcs7", &changed[..place]);
            if place % 8 == 0 {
                let _ = key.open("pkcs7", &changed);
            }
        }
        assert!(matches!(key.open("pkcs7", &packet[..packet.len() - 1]), Ok(None)));
    }
}

#[test]
fn skopeo_and_sealab_read_each_other() {
    if !skopeo_is_here("pkcs7::skopeo_and_sealab_read_each_other") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (second, second_key) = another(place.path(), "second");
    let plain = layers(&fixture("plain"));
    let rsa_pem = pem("rsa-pkcs8.der", "PRIVATE KEY", place.path());
    let texts = [certificate(), second.clone()].map(|path| path.display().to_string());
    let pairs = [
        (&rsa_pem, &texts[0]),
        (&second_key.display().to_string(), &texts[1]),
    ];

    let theirs = reference(&place.path().join("theirs"));
    let names = texts.clone().map(|path| format!("pkcs7:{path}"));
    skopeo(
        &["--encryption-key", &names[0], "--encryption-key", &names[1]],
        &fixture("plain"),
        &theirs,
    )
    .unwrap();
    let ours = encrypted(
        &place.path().join("ours"),
        &[recipient(&certificate()), recipient(&second)],
    );
    // Rewrapped by us, a packet of theirs is still theirs.
    let parted = place.path().join("parted");
    copy_folder(&theirs.directory, &parted);
    let gone = key(&key_file("rsa-pkcs1.der"), Some(&certificate()));
    let gone = NamedKey {
        name: "rsa",
        key: &gone,
    };
    let remove = [Removal::Key(&gone)];
    let change = Rewrap {
        keys: &[gone],
        add: &[],
        remove: &remove,
        choice: &LayerChoice::default(),
    };
    rewrap(&reference(&parted), &change).unwrap();

    for (image, opens) in [
        (&theirs, [true, true]),
        (&ours, [true, true]),
        (&reference(&parted), [false, true]),
    ] {
        for (number, ((key_file, certificate), opens)) in pairs.iter().zip(opens).enumerate() {
            let key = key(Path::new(key_file), Some(Path::new(certificate)));
            let opened = decrypted(image, &key);
            assert_eq!(opened.is_ok(), opens, "{image} {number}");
            if let Ok(opened) = opened {
                assert!(opened[0] == plain[0]);
            }
            let to = tempfile::tempdir().unwrap();
            let to = reference(&to.path().join("opened"));
            let ran = skopeo(
                &["--decryption-key", key_file, "--decryption-key", certificate],
                image,
                &to,
            );
            assert_eq!(ran.is_ok(), opens, "{image} {number}: {ran:?}");
            if opens {
                assert!(layers(&to)[0] == plain[0]);
            }
        }
    }
}

#[test]
fn files_that_are_no_rsa_certificates_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let read = |path: &Path| Pkcs7Recipient::read(path).unwrap_err().to_string();
    let found = read(&key_file("rsa.pub.pem"));
    assert!(
        found.contains("rsa.pub.pem") && found.contains("no X.509 certificate"),
        "{found}"
    );
    assert!(read(&place.path().join("missing")).contains("cannot be read"));
    let (ec, long) = (place.path().join("ec.crt"), place.path().join("long.crt"));
    let ran = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=ec",
        ])
        .args([
            Path::new("-keyout"),
            &place.path().join("ec.key"),
            Path::new("-out"),
            &ec,
        ])
        .output()
        .unwrap();
    assert!(ran.status.success());
    assert!(read(&ec).contains("for RSA alone"), "{}", read(&ec));
    std::fs::write(&long, vec![b' '; 70_000]).unwrap();
    assert!(read(&long).contains("more than 65536 bytes"));
    // A certificate of another key.
    let (second, _) = another(place.path(), "second");
    let key = RecipientKey::read(&key_file("rsa-pkcs1.der"), None).unwrap();
    let error = Pkcs7Key::new(key, Some(&Pkcs7Recipient::read(&second).unwrap())).unwrap_err();
    assert!(
        error.to_string().contains("not that of the private key"),
        "{error}"
    );
}
