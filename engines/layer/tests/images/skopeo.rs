//! The real skopeo opens what is encrypted here, and the other way round. Debian's package `skopeo`.

use std::process::Command;

use base64ct::{Base64, Encoding};
use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, Removal, Rewrap, decrypt, encrypt, rewrap};

use super::*;

/// Whether skopeo is here; says so where a test cannot run, which is a failure with `CI=true`.
pub(super) fn is_here(test: &str) -> bool {
    let here = program()
        .arg("--version")
        .output()
        .is_ok_and(|ran| ran.status.success());
    if !here {
        println!("NOT RUN: {test}: skopeo is missing");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "skopeo is missing in CI"
        );
    }
    here
}

/// skopeo; the variable `SEALAB_SKOPEO` names another one than that on the path.
fn program() -> Command {
    Command::new(std::env::var_os("SEALAB_SKOPEO").unwrap_or_else(|| "skopeo".into()))
}

pub(super) fn skopeo(arguments: &[&str], from: &ImageReference, to: &ImageReference) -> Result<(), String> {
    skopeo_with(arguments, from, to, &[])
}

/// The same with variables in its environment.
pub(super) fn skopeo_with(
    arguments: &[&str],
    from: &ImageReference,
    to: &ImageReference,
    variables: &[(&str, &Path)],
) -> Result<(), String> {
    let ran = program()
        .envs(variables.iter().copied())
        .args(["--insecure-policy", "copy"])
        .args(arguments)
        .args([from.to_string(), to.to_string()])
        .output()
        .unwrap();
    if ran.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// A private key as skopeo reads it.
pub(super) fn pem(name: &str, label: &str, to: &Path) -> String {
    let der = std::fs::read(key_file(name)).unwrap();
    let text = Base64::encode_string(&der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let pem = format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    );
    let path = to.join(name);
    std::fs::write(&path, pem).unwrap();
    path.display().to_string()
}

fn private_pems(place: &Path) -> [String; 2] {
    [
        pem("rsa-pkcs8.der", "PRIVATE KEY", place),
        pem("ec-pkcs8.der", "PRIVATE KEY", place),
    ]
}

#[test]
fn skopeo_decrypts_what_is_encrypted_here() {
    if !is_here("skopeo_decrypts_what_is_encrypted_here") {
        return;
    }
    let plain = layers(&fixture("plain"));
    let (rsa, ec) = (public("rsa.pub.pem"), public("ec.pub.pem"));
    for format in [Format::Ocicrypt, Format::OcicryptSeekable] {
        for (recipients, fits) in [
            (vec![rsa.clone()], [true, false]),
            (vec![ec.clone()], [false, true]),
            (vec![rsa.clone(), ec.clone()], [true, true]),
        ] {
            let place = tempfile::tempdir().unwrap();
            let closed = reference(&place.path().join("closed"));
            let options = EncryptOptions {
                format,
                recipients: &recipients,
                choice: &LayerChoice::default(),
                salt: None,
                compression: sealab_layer::Compression::Keep,
            };
            encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).unwrap();
            for (number, (key, fits)) in private_pems(place.path()).iter().zip(fits).enumerate() {
                let opened = reference(&place.path().join(format!("opened{number}")));
                let ran = skopeo(&["--decryption-key", key], &closed, &opened);
                assert_eq!(ran.is_ok(), fits, "{format}: {ran:?}");
                if fits {
                    // The second layer, a tar, is compressed on the way.
                    assert!(layers(&opened)[0] == plain[0]);
                    let layers = manifest(&opened).layers;
                    assert!(
                        layers.iter().all(|layer| layer.annotations.is_empty()),
                        "{layers:?}"
                    );
                }
            }
            // Copied without a key, it stays what it is.
            let kept = reference(&place.path().join("kept"));
            skopeo(&[], &closed, &kept).unwrap();
            assert_eq!(manifest(&kept).layers, manifest(&closed).layers);
        }
    }
}

#[test]
fn what_skopeo_encrypts_is_decrypted_here() {
    if !is_here("what_skopeo_encrypts_is_decrypted_here") {
        return;
    }
    let keys = Keys::new();
    let plain = layers(&fixture("plain"));
    let recipient = |name: &str| format!("jwe:{}", key_file(name).display());
    let (rsa, ec) = (recipient("rsa.pub.pem"), recipient("ec.pub.pem"));
    for (recipients, key) in [
        (vec![&rsa], keys.rsa()),
        (vec![&ec], keys.ec()),
        (vec![&rsa, &ec], keys.ec()),
        (vec![&rsa, &ec], keys.rsa()),
    ] {
        let place = tempfile::tempdir().unwrap();
        let (closed, opened) = (
            reference(&place.path().join("closed")),
            reference(&place.path().join("opened")),
        );
        let arguments: Vec<&str> = recipients
            .iter()
            .flat_map(|recipient| ["--encryption-key", recipient.as_str()])
            .collect();
        skopeo(&arguments, &fixture("plain"), &closed).unwrap();
        decrypt(
            &closed,
            &opened,
            &[key],
            &LayerChoice::default(),
            &work(&*engine()),
        )
        .unwrap();
        assert!(layers(&opened)[0] == plain[0]);
        assert_sound(&opened);
    }
}

#[test]
fn skopeo_opens_rewrapped_images() {
    if !is_here("skopeo_opens_rewrapped_images") {
        return;
    }
    let keys = Keys::new();
    let (ec, gone) = (public("ec.pub.pem"), keys.rsa());
    let remove = [Removal::Key(&gone)];
    for (fixture, add) in [("enc-jwe", vec![ec]), ("enc-multi", vec![])] {
        let place = tempfile::tempdir().unwrap();
        let image = copied(fixture, &place.path().join("image"));
        let change = Rewrap {
            keys: &[gone],
            add: &add,
            remove: &remove,
            choice: &LayerChoice::default(),
        };
        rewrap(&image, &change).unwrap();
        let opened = reference(&place.path().join("opened"));
        let [rsa_pem, ec_pem] = private_pems(place.path());
        assert!(skopeo(&["--decryption-key", &rsa_pem], &image, &opened).is_err());
        skopeo(&["--decryption-key", &ec_pem], &image, &opened).unwrap();
        assert!(layers(&opened)[0] == layers(&super::fixture("plain"))[0]);
    }
}
