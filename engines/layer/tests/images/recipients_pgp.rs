//! OpenPGP recipients, with the real gpg and the real skopeo.

use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, Keyproviders, LayerRecipient, PgpKey, decrypt, encrypt};

use super::skopeo::{is_here as skopeo_is_here, skopeo_with};
use super::*;

/// Whether gpg is here; says so where a test cannot run, which is a failure with `CI=true`.
fn is_here(test: &str) -> bool {
    let here = Command::new("gpg")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !here {
        println!("NOT RUN: {test}: gpg is missing");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "gpg is missing in CI"
        );
    }
    here
}

/// A home of gpg, whose agent ends with it.
struct Home(tempfile::TempDir);

impl Drop for Home {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .env("GNUPGHOME", self.0.path())
            .args(["--kill", "gpg-agent"])
            .status();
    }
}

impl Home {
    fn new() -> Self {
        // Short, for the agent's socket; and for no one else's eyes.
        Self(tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap())
    }

    fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let ran = Command::new("gpg")
            .env("GNUPGHOME", self.0.path())
            .args([
                "--batch",
                "--yes",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        ran.stdout
    }

    /// A new key; its public and secret half as files.
    fn key(&self, name: &str, algorithms: [&str; 2]) -> [PathBuf; 2] {
        let address = format!("{name}@example.com");
        // ocicrypt finds keys by the address within such a name alone.
        let user = format!("{name} <{address}>");
        self.gpg(&["--quick-generate-key", &user, algorithms[0], "sign", "never"]);
        let listed = String::from_utf8(self.gpg(&["--with-colons", "--list-keys", &address])).unwrap();
        let fingerprint = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        let fingerprint = fingerprint.split(':').nth(9).unwrap();
        self.gpg(&["--quick-add-key", fingerprint, algorithms[1], "encr", "never"]);
        let files = ["public", "secret"].map(|half| self.0.path().join(format!("{name}.{half}")));
        std::fs::write(&files[0], self.gpg(&["--armor", "--export", &address])).unwrap();
        std::fs::write(&files[1], self.gpg(&["--export-secret-keys", &address])).unwrap();
        files
    }
}

fn recipient(path: &Path) -> Result<LayerRecipient, String> {
    LayerRecipient::read(&format!("pgp:{}", path.display()), &Keyproviders::default())
        .map_err(|error| error.to_string())
}

fn decrypted(image: &ImageReference, secret: &Path) -> Result<Vec<Vec<u8>>, String> {
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    let key = PgpKey::read(secret, None).unwrap();
    let keys = [NamedKey {
        name: "secret",
        key: &key,
    }];
    decrypt(image, &opened, &keys, &LayerChoice::default(), &work(&*engine()))
        .map_err(|error| error.to_string())?;
    Ok(layers(&opened))
}

#[test]
fn gpg_skopeo_and_sealab_read_each_other() {
    let test = "gpg_skopeo_and_sealab_read_each_other";
    if !is_here(test) {
        return;
    }
    let (home, place) = (Home::new(), tempfile::tempdir().unwrap());
    // A home of its own: ocicrypt finds no RSA key beside those on Curve25519.
    let rsa_home = Home::new();
    let rsa = rsa_home.key("rsa", ["rsa2048", "rsa2048"]);
    let ec = home.key("ec", ["ed25519", "cv25519"]);
    let other = home.key("other", ["rsa2048", "rsa2048"]);
    let closed = reference(&place.path().join("closed"));
    let options = EncryptOptions {
        format: Format::Ocicrypt,
        recipients: &[recipient(&rsa[0]).unwrap(), recipient(&ec[0]).unwrap()],
        choice: &LayerChoice::default(),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).unwrap();
    let plain = layers(&fixture("plain"));
    assert!(decrypted(&closed, &rsa[1]).unwrap() == plain);
    assert!(decrypted(&closed, &ec[1]).unwrap() == plain);
    assert!(decrypted(&closed, &other[1]).unwrap_err().contains("no key fits"));

    // gpg, which has two of the keys.
    let packet = &manifest(&closed).layers[0].annotations["org.opencontainers.image.enc.keys.pgp"];
    let file = place.path().join("packet.pgp");
    std::fs::write(&file, Base64::decode_vec(packet).unwrap()).unwrap();
    let private: serde_json::Value =
        serde_json::from_slice(&home.gpg(&["--decrypt", &file.display().to_string()])).unwrap();
    assert!(private["symkey"].is_string());

    if !skopeo_is_here(test) {
        return;
    }
    let variables = [("GNUPGHOME", rsa_home.0.path())];
    let theirs = reference(&place.path().join("theirs"));
    let arguments = ["--encryption-key", "pgp:rsa@example.com"];
    skopeo_with(&arguments, &fixture("plain"), &theirs, &variables).unwrap();
    assert!(decrypted(&theirs, &rsa[1]).unwrap()[0] == plain[0]);
    assert!(decrypted(&theirs, &ec[1]).is_err());
    let opened = reference(&place.path().join("opened"));
    let secret = rsa[1].display().to_string();
    skopeo_with(&["--decryption-key", &secret], &closed, &opened, &variables).unwrap();
    assert!(layers(&opened)[0] == plain[0]);
}

#[test]
fn keys_that_cannot_encrypt_are_refused() {
    if !is_here("keys_that_cannot_encrypt_are_refused") {
        return;
    }
    let home = Home::new();
    home.gpg(&[
        "--quick-generate-key",
        "sign@example.com",
        "ed25519",
        "sign",
        "never",
    ]);
    let file = home.0.path().join("sign");
    std::fs::write(&file, home.gpg(&["--export", "sign@example.com"])).unwrap();
    let expired = home.0.path().join("expired");
    let [_, secret] = home.key("expired", ["ed25519", "cv25519"]);
    // As it was made long ago.
    let then = ["--faked-system-time", "20200101T000000!"];
    let with = |arguments: &[&str]| home.gpg(&[&then, arguments].concat());
    with(&[
        "--quick-generate-key",
        "old@example.com",
        "ed25519",
        "sign",
        "never",
    ]);
    let listed = String::from_utf8(home.gpg(&["--with-colons", "--list-keys", "old@example.com"])).unwrap();
    let fingerprint = listed
        .lines()
        .find(|line| line.starts_with("fpr:"))
        .unwrap()
        .split(':')
        .nth(9)
        .unwrap()
        .to_owned();
    with(&["--quick-add-key", &fingerprint, "cv25519", "encr", "1y"]);
    std::fs::write(&expired, home.gpg(&["--export", "old@example.com"])).unwrap();
    for path in [&file, &expired] {
        let error = recipient(path).unwrap_err();
        assert!(
            error.contains("no subkey for encryption that is signed"),
            "{error}"
        );
    }
    assert!(recipient(&secret).unwrap_err().contains("no OpenPGP public key"));
    assert!(
        recipient(Path::new("someone@example.com"))
            .unwrap_err()
            .contains("gpg --export ADDRESS")
    );
}
