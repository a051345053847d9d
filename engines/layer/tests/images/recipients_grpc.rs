//! A keyprovider behind gRPC: a real server in Python, for Sealab and for the real skopeo.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sealab_layer::image::LayerChoice;
use sealab_layer::{EncryptOptions, Keyproviders, LayerRecipient, ProviderKey, decrypt, encrypt};
use serde_json::json;

use super::skopeo::{is_here as skopeo_is_here, skopeo_with};
use super::*;

/// Ends with its input.
struct Service {
    process: Child,
    address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The service, if it can run: Debian's packages `python3-grpcio` and `python3-cryptography`.
fn service(test: &str) -> Option<Service> {
    let here = Command::new("python3")
        .args(["-c", "import grpc, cryptography"])
        .output()
        .is_ok_and(|ran| ran.status.success());
    if !here {
        println!("NOT RUN: {test}: python3-grpcio or python3-cryptography is missing");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "python3-grpcio is missing in CI"
        );
        return None;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut process = Command::new("python3")
        .arg(fixtures.join("keyprovider_service.py"))
        .arg(fixtures.join("kek.bin"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    Some(Service {
        process,
        address: format!("127.0.0.1:{}", port.trim()),
    })
}

fn configured(place: &Path, attributes: serde_json::Value) -> (PathBuf, Keyproviders) {
    let path = place.join("keyproviders.json");
    std::fs::write(
        &path,
        json!({"key-providers": {"service": attributes}}).to_string(),
    )
    .unwrap();
    let providers = Keyproviders::read(&path).unwrap();
    (path, providers)
}

fn encrypted(to: &Path, providers: &Keyproviders) -> Result<ImageReference, String> {
    let closed = reference(to);
    let options = EncryptOptions {
        format: Format::Ocicrypt,
        recipients: &[LayerRecipient::read("provider:service", providers).unwrap()],
        choice: &LayerChoice::default(),
        salt: None,
        compression: sealab_layer::Compression::Keep,
    };
    encrypt(&fixture("plain"), &closed, &options, &work(&*engine())).map_err(|error| error.to_string())?;
    Ok(closed)
}

fn decrypted(image: &ImageReference, providers: &Keyproviders) -> Result<Vec<Vec<u8>>, String> {
    let place = tempfile::tempdir().unwrap();
    let opened = reference(&place.path().join("opened"));
    let key = ProviderKey::parse("service", providers).unwrap();
    let keys = [NamedKey {
        name: "service",
        key: &key,
    }];
    decrypt(image, &opened, &keys, &LayerChoice::default(), &work(&*engine()))
        .map_err(|error| error.to_string())?;
    Ok(layers(&opened))
}

#[test]
fn a_service_wraps_and_unwraps_for_sealab_and_skopeo() {
    let test = "a_service_wraps_and_unwraps_for_sealab_and_skopeo";
    let Some(service) = service(test) else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let (path, providers) = configured(place.path(), json!({"grpc": service.address}));
    let ours = encrypted(&place.path().join("ours"), &providers).unwrap();
    let plain = layers(&fixture("plain"));
    assert!(decrypted(&ours, &providers).unwrap() == plain);
    // A packet that the service's key does not open.
    let mut changed = serde_json::to_value(manifest(&ours)).unwrap();
    let name = "org.opencontainers.image.enc.keys.provider.service";
    changed["layers"][0]["annotations"][name] = "e30=".into();
    let broken = place.path().join("broken");
    copy_folder(&ours.directory, &broken);
    set_manifest(&reference(&broken), &changed);
    let error = decrypted(&reference(&broken), &providers).unwrap_err();
    assert!(
        error.contains("failed with Internal: the command failed"),
        "{error}"
    );

    if !skopeo_is_here(test) {
        return;
    }
    let variables = [("OCICRYPT_KEYPROVIDER_CONFIG", path.as_path())];
    let theirs = reference(&place.path().join("theirs"));
    let arguments = ["--encryption-key", "provider:service:x"];
    if let Err(error) = skopeo_with(&arguments, &fixture("plain"), &theirs, &variables) {
        assert!(error.contains("protocol not recognized"), "{error}");
        println!("NOT RUN: {test}: this skopeo knows no keyproviders; SEALAB_SKOPEO can name one that does");
        return;
    }
    assert!(decrypted(&theirs, &providers).unwrap()[0] == plain[0]);
    let opened = reference(&place.path().join("opened"));
    skopeo_with(
        &["--decryption-key", "provider:service:x"],
        &ours,
        &opened,
        &variables,
    )
    .unwrap();
    assert!(layers(&opened)[0] == plain[0]);
}

#[test]
fn services_that_cannot_be_called_are_told_of() {
    let place = tempfile::tempdir().unwrap();
    // Listens, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent
        .local_addr()
        .map(|address| (silent, address.to_string()))
        .unwrap();
    for (attributes, expected) in [
        (json!({"grpc": silent.1}), "took longer than 300 ms"),
        (json!({"grpc": "127.0.0.1:1"}), "127.0.0.1:1) cannot be reached"),
        (json!({"grpc": "unix:///run/provider.sock"}), "write host:port"),
        // Never in clear where TLS was asked for.
        (
            json!({"grpc": silent.1, "grpc-tls": {}}),
            "unsupported: the keyprovider \"service\" is called by gRPC over TLS",
        ),
    ] {
        let (_, providers) = configured(place.path(), attributes);
        let providers = providers.with_limit(Duration::from_millis(300));
        let error = encrypted(&place.path().join("closed"), &providers).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
