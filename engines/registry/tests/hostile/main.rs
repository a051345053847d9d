//! Registries that do not answer as they should, right ones beside them.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod lazy;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest;
use sealab_layer::ReadAt;
use sealab_layer::image::{Descriptor, Digest, ImageReference, Layout, Manifest};
use sealab_registry::{Parts, RegistryError, RemoteImage, Replacing, Repository, Transfer, pull, push};
use serde_json::json;
use server::{Answer, Asked, Server, UNTOLD};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &[u8] = br#"{"rootfs":{"diff_ids":[]}}"#;

fn digest(bytes: &[u8]) -> Digest {
    Digest::new(
        digest::digest(&digest::SHA256, bytes)
            .as_ref()
            .try_into()
            .unwrap(),
    )
}

fn layer() -> Vec<u8> {
    (0..300_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn descriptor(bytes: &[u8]) -> Descriptor {
    let value = json!({"mediaType": "x/y", "digest": digest(bytes).to_string(), "size": bytes.len()});
    serde_json::from_value(value).unwrap()
}

fn manifest() -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG), "layers": [descriptor(&layer())]})
        .to_string()
        .into_bytes()
}

/// What a right registry has at its paths.
fn content() -> BTreeMap<String, Answer> {
    let manifest_answer = Answer::new(200, &manifest())
        .with("content-type", MANIFEST)
        .with("docker-content-digest", digest(&manifest()).to_string());
    let blob = |bytes: &[u8]| {
        (
            format!("/v2/a/b/blobs/{}", digest(bytes)),
            Answer::new(200, bytes),
        )
    };
    BTreeMap::from([
        ("/v2/a/b/manifests/v1".to_owned(), manifest_answer),
        blob(CONFIG),
        blob(&layer()),
    ])
}

fn at_layer() -> String {
    format!("/v2/a/b/blobs/{}", digest(&layer()))
}

const AT_MANIFEST: &str = "/v2/a/b/manifests/v1";

fn path(asked: &Asked) -> &str {
    asked.line.split_once(' ').unwrap().1
}

fn serving(content: BTreeMap<String, Answer>) -> Server {
    Server::start(move |asked| {
        let answer = content.get(path(asked)).cloned();
        Some(answer.unwrap_or_else(|| Answer::new(404, b"")))
    })
}

fn transfer() -> Transfer {
    Transfer {
        progress: Arc::new(|_| {}),
        interrupt: Arc::new(AtomicBool::new(false)),
    }
}

fn repository(server: &Server) -> Repository {
    let image: RemoteImage = format!("docker://{}/a/b:v1", server.host).parse().unwrap();
    Repository::new(&image, transfer())
}

fn pulled(server: &Server) -> Result<tempfile::TempDir, RegistryError> {
    let place = tempfile::tempdir().unwrap();
    pull(&repository(server), Parts::All, place.path()).map(|_| place)
}

#[test]
fn a_right_image_is_pulled_as_a_layout() {
    let place = pulled(&serving(content())).unwrap();
    let layout = Layout::open(place.path()).unwrap();
    let root = layout.image(None).unwrap();
    assert_eq!(root.digest, digest(&manifest()));
    let found: Manifest = serde_json::from_slice(&fs::read(layout.blob_path(&root.digest)).unwrap()).unwrap();
    assert!(fs::read(layout.blob_path(&found.layers[0].digest)).unwrap() == layer());
    // Without its layers, they are not asked for.
    let server = serving(content());
    let place = tempfile::tempdir().unwrap();
    pull(&repository(&server), Parts::WithoutLayers, place.path()).unwrap();
    assert!(server.asked().iter().all(|asked| path(asked) != at_layer()));
}

#[test]
fn an_answer_that_is_not_right_is_refused_by_its_name() {
    type Change = fn(&mut Answer);
    let changes: &[(&str, Change, &[&str])] = &[
        (
            AT_MANIFEST,
            |answer| answer.status = 404,
            &["no such image", "404"],
        ),
        (
            AT_MANIFEST,
            |answer| {
                *answer = Answer::new(
                    500,
                    br#"{"errors":[{"code":"UNKNOWN","message":"disk\nis full"}]}"#,
                );
            },
            &["answers 500 (UNKNOWN: disk is full); 200 would be right"],
        ),
        (AT_MANIFEST, |answer| answer.status = 401, &["answers 401"]),
        // Another manifest than is told, half of one, one that is too long, none at all.
        (
            AT_MANIFEST,
            |answer| answer.body.push(b' '),
            &["has the digest", "was asked for"],
        ),
        (
            AT_MANIFEST,
            |answer| answer.headers.retain(|header| header.0 == "content-type"),
            &[],
        ),
        (
            AT_MANIFEST,
            |answer| {
                answer.told = Some(answer.body.len());
                answer.body.truncate(100);
            },
            &["GET http://127.0.0.1", "/v2/a/b/manifests/v1"],
        ),
        (
            AT_MANIFEST,
            |answer| answer.body.resize((4 << 20) + 1, b' '),
            &["more than 4194304 bytes"],
        ),
        (
            AT_MANIFEST,
            |answer| *answer = Answer::new(200, b"<html>").with("content-type", MANIFEST),
            &["no manifest"],
        ),
        // One that could be read as two things.
        (
            AT_MANIFEST,
            |answer| answer.headers[0].1 = "application/vnd.oci.image.index.v1+json".to_owned(),
            &["they must agree"],
        ),
        (
            AT_MANIFEST,
            |answer| {
                let both = json!({"layers": [], "manifests": []}).to_string();
                *answer = Answer::new(200, both.as_bytes()).with("content-type", MANIFEST);
            },
            &["both manifests and layers"],
        ),
        (
            "layer",
            |answer| answer.status = 404,
            &["answers 404; 200 would be right", "sha256:"],
        ),
        ("layer", |answer| answer.status = 206, &["answers 206"]),
        (
            "layer",
            |answer| answer.body[77] ^= 1,
            &["has the digest", "was asked for"],
        ),
        (
            "layer",
            |answer| {
                answer.told = Some(answer.body.len());
                answer.body.truncate(150_000);
            },
            &["after 1", " of 300000 bytes"],
        ),
        (
            "layer",
            |answer| answer.body.truncate(150_000),
            &["150000 bytes came; 300000 would be right"],
        ),
        (
            "layer",
            |answer| answer.body.push(0),
            &["300001 bytes came; 300000 would be right"],
        ),
        // The same from a registry that does not tell how long a body is.
        (
            "layer",
            |answer| {
                answer.told = Some(UNTOLD);
                answer.body.truncate(150_000);
            },
            &["150000 bytes came; 300000 would be right"],
        ),
        (
            "layer",
            |answer| {
                answer.told = Some(UNTOLD);
                answer.body.push(0);
            },
            &["more than 300000 bytes came"],
        ),
        // Redirections: to where nothing may be asked, without end, to nowhere.
        (
            "layer",
            |answer| *answer = Answer::new(307, b"").with("location", "http://192.0.2.1/x"),
            &["it leads to http://192.0.2.1/x; only https"],
        ),
        (
            "layer",
            |answer| *answer = Answer::new(307, b"").with("location", "file:///etc/passwd"),
            &["it leads to file:///etc/passwd"],
        ),
        (
            "layer",
            |answer| *answer = Answer::new(307, b"").with("location", "http://a:b@127.0.0.1/x"),
            &["a URL with a user is not asked"],
        ),
        (
            "layer",
            |answer| *answer = Answer::new(307, b"").with("location", at_layer()),
            &["redirected more than 5 times"],
        ),
        (
            "layer",
            |answer| *answer = Answer::new(307, b""),
            &["no Location"],
        ),
    ];
    for (number, (at, change, words)) in changes.iter().enumerate() {
        let mut content = content();
        let at = if *at == "layer" {
            at_layer()
        } else {
            (*at).to_owned()
        };
        change(content.get_mut(&at).unwrap());
        let pulled = pulled(&serving(content));
        if words.is_empty() {
            assert!(pulled.is_ok(), "{number}");
            continue;
        }
        let error = pulled.unwrap_err().to_string();
        for word in *words {
            assert!(error.contains(word), "{number}: {error}");
        }
        assert!(
            error.lines().count() == 1 && error.len() < 1000,
            "{number}: {error}"
        );
    }
}

#[test]
fn a_manifest_has_the_digest_that_names_it() {
    let mut content = content();
    let named = digest(b"another");
    let answer = content.remove(AT_MANIFEST).unwrap();
    content.insert(format!("/v2/a/b/manifests/{named}"), answer);
    let server = serving(content);
    let image: RemoteImage = format!("docker://{}/a/b@{named}", server.host).parse().unwrap();
    let repository = Repository::new(&image, transfer());
    let error = repository.manifest(&image.reference).unwrap_err();
    assert!(
        matches!(error, RegistryError::Digest { expected, .. } if expected == named),
        "{error}"
    );
}

#[test]
fn a_registry_that_is_gone_is_told_so() {
    let image: RemoteImage = "docker://127.0.0.1:1/a/b:v1".parse().unwrap();
    let error = Repository::new(&image, transfer())
        .manifest(&image.reference)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("GET http://127.0.0.1:1/v2/a/b/manifests/v1: "),
        "{error}"
    );
    assert!(matches!(error, RegistryError::Connection { .. }));
}

/// Answers ranges as RFC 9110 has it, changed by `change`.
fn ranges(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        let range = asked.headers.get("range")?.strip_prefix("bytes=")?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let layer = layer();
        let mut answer = Answer::new(206, &layer[first..=last])
            .with("content-range", format!("bytes {first}-{last}/{}", layer.len()));
        change(&mut answer);
        Some(answer)
    })
}

#[test]
fn ranges_are_read_at_any_place() {
    let server = ranges(|_| {});
    let blob = repository(&server).blob_ranges(&descriptor(&layer()));
    for (offset, length) in [(0, 1), (0, 300_000), (65_536, 4096), (299_999, 1), (5, 0)] {
        let mut bytes = vec![0; length];
        blob.read_exact_at(&mut bytes, offset as u64).unwrap();
        assert!(bytes == layer()[offset..offset + length], "{offset} {length}");
    }
    assert_eq!(server.asked().len(), 4);
    // What is not in the blob is not asked for.
    for (offset, length) in [(300_000, 1), (299_999, 2), (u64::MAX, 2), (u64::MAX, 1)] {
        assert!(
            blob.read_exact_at(&mut vec![0; length], offset).is_err(),
            "{offset} {length}"
        );
    }
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn another_range_than_was_asked_for_is_refused() {
    type Change = fn(&mut Answer);
    let changes: [(Change, &str); 10] = [
        (|answer| answer.status = 200, "does not serve ranges"),
        (|answer| answer.status = 416, "answers 416; 206 would be right"),
        (|answer| answer.headers.clear(), "the range that came is \"\""),
        (
            |answer| answer.headers[0].1 = "bytes 101-200/300000".to_owned(),
            "the range that came is \"bytes 101-200/300000\"; \"bytes 100-199/300000\" was asked for",
        ),
        (
            |answer| answer.headers[0].1 = "bytes 100-199/300001".to_owned(),
            "was asked for",
        ),
        (
            |answer| answer.headers[0].1 = "bytes 100-199/*".to_owned(),
            "was asked for",
        ),
        (
            |answer| answer.body.truncate(50),
            "50 bytes came; 100 would be right",
        ),
        (|answer| answer.body.push(1), "101 bytes came; 100 would be right"),
        (
            |answer| {
                answer.told = Some(100);
                answer.body.truncate(50);
            },
            "of 100 bytes",
        ),
        (
            |answer| *answer = Answer::new(302, b"").with("location", "http://192.0.2.1/x"),
            "only https",
        ),
    ];
    for (number, (change, words)) in changes.into_iter().enumerate() {
        let server = ranges(change);
        let blob = repository(&server).blob_ranges(&descriptor(&layer()));
        let error = blob.read(&mut [0; 100], 100).unwrap_err().to_string();
        assert!(error.contains(words), "{number}: {error}");
    }
}

#[test]
fn a_token_goes_to_its_registry_alone() {
    let elsewhere = serving(BTreeMap::from([("/blob".to_owned(), Answer::new(200, &layer()))]));
    let blob_url = format!("http://{}/blob", elsewhere.host);
    let server = Server::start(move |asked| {
        if path(asked).starts_with("/token") {
            assert_eq!(path(asked), "/token?service=s&scope=repository%3Aa%2Fb%3Apull");
            return Some(Answer::new(200, br#"{"access_token":"for-anybody"}"#));
        }
        if asked.headers.get("authorization").map(String::as_str) != Some("Bearer for-anybody") {
            let host = &asked.headers["host"];
            let challenge =
                format!(r#"Bearer realm="http://{host}/token",service="s",scope="repository:a/b:pull""#);
            return Some(Answer::new(401, b"").with("www-authenticate", challenge));
        }
        if path(asked) == at_layer() {
            return Some(Answer::new(307, b"").with("location", blob_url.clone()));
        }
        content().remove(path(asked))
    });
    pulled(&server).unwrap();
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].headers.contains_key("authorization"), "{asked:?}");
    assert_eq!(
        server
            .asked()
            .iter()
            .filter(|asked| path(asked).starts_with("/token"))
            .count(),
        1
    );
}

#[test]
fn a_token_service_elsewhere_goes_by_tls() {
    let server = Server::start(|_| {
        Some(Answer::new(401, b"").with("www-authenticate", r#"Bearer realm="http://192.0.2.1/token""#))
    });
    let error = pulled(&server).unwrap_err().to_string();
    assert!(
        error.contains("its token service cannot be asked: only https"),
        "{error}"
    );
}

#[test]
fn silence_ends_when_the_user_ends_it() {
    let server = Server::start(|_| None);
    let image: RemoteImage = format!("docker://{}/a/b:v1", server.host).parse().unwrap();
    let transfer = transfer();
    let interrupt = Arc::clone(&transfer.interrupt);
    let repository = Repository::new(&image, transfer);
    let ending = thread::spawn(move || {
        while server.asked().is_empty() {
            thread::sleep(Duration::from_millis(10));
        }
        interrupt.store(true, Ordering::Relaxed);
    });
    let error = repository.manifest(&image.reference).unwrap_err();
    assert!(matches!(error, RegistryError::Interrupted), "{error}");
    ending.join().unwrap();
}

/// A layout of the right image, for pushing.
fn layout(place: &Path) -> ImageReference {
    let blobs = place.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    for bytes in [CONFIG, &layer(), &manifest()] {
        fs::write(blobs.join(digest(bytes).hex()), bytes).unwrap();
    }
    let mut root = descriptor(&manifest());
    root.media_type = MANIFEST.to_owned();
    fs::write(
        place.join("index.json"),
        json!({"schemaVersion": 2, "manifests": [root]}).to_string(),
    )
    .unwrap();
    fs::write(place.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    ImageReference {
        directory: place.to_owned(),
        tag: None,
    }
}

/// A registry that takes everything, changed by `change`.
fn taking(change: impl Fn(&Asked, &mut Answer) + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        let mut answer = match asked.line.split_once(' ').unwrap() {
            ("POST", "/v2/a/b/blobs/uploads/") => Answer::new(202, b"").with("location", "/upload?x=1"),
            ("PUT", _) => Answer::new(201, b""),
            _ => Answer::new(404, b""),
        };
        change(asked, &mut answer);
        Some(answer)
    })
}

#[test]
fn a_tag_is_set_last_and_never_taken() {
    let place = tempfile::tempdir().unwrap();
    let image = layout(place.path());
    let server = taking(|_, _| {});
    push(&image, &repository(&server), Parts::All, Replacing::Nothing).unwrap();
    let asked = server.asked();
    let sent: Vec<_> = asked
        .iter()
        .filter(|asked| asked.line.starts_with("PUT"))
        .map(|asked| (path(asked).to_owned(), asked.body))
        .collect();
    assert_eq!(
        sent,
        [
            (format!("/upload?x=1&digest={}", digest(CONFIG)), CONFIG.len()),
            (format!("/upload?x=1&digest={}", digest(&layer())), 300_000),
            (AT_MANIFEST.to_owned(), manifest().len()),
        ]
    );
    // A tag that is there, or that is another image than the one it is to replace.
    for replacing in [Replacing::Nothing, Replacing::This(digest(b"another"))] {
        let server = serving(content());
        let error = push(&image, &repository(&server), Parts::All, replacing).unwrap_err();
        assert!(
            matches!(
                error,
                RegistryError::Exists { .. } | RegistryError::Overtaken { .. }
            ),
            "{error}"
        );
        assert!(server.asked().iter().all(|asked| asked.line.starts_with("GET")));
    }
}

#[test]
fn a_push_that_fails_sets_no_tag() {
    type Change = fn(&Asked, &mut Answer);
    let place = tempfile::tempdir().unwrap();
    let image = layout(place.path());
    let changes: [(Change, &str); 6] = [
        (
            |asked, answer| {
                if asked.line.starts_with("POST") {
                    *answer = Answer::new(403, br#"{"errors":[{"code":"DENIED"}]}"#);
                }
            },
            "POST http://127.0.0.1",
        ),
        (
            |asked, answer| {
                if asked.line.starts_with("POST") {
                    answer.headers.clear();
                }
            },
            "no Location",
        ),
        (
            |asked, answer| {
                if asked.line.starts_with("POST") {
                    answer.headers[0].1 = "http://192.0.2.1/upload".to_owned();
                }
            },
            "only https",
        ),
        (
            |asked, answer| {
                if asked.line.starts_with("PUT /upload") {
                    answer.status = 400;
                }
            },
            "answers 400; 201 would be right",
        ),
        (
            |asked, answer| {
                if asked.line.starts_with("HEAD") {
                    answer.status = 500;
                }
            },
            "answers 500; 200 or 404",
        ),
        (
            |asked, answer| {
                if asked.line.starts_with("PUT /v2") {
                    *answer = Answer::new(500, b"");
                }
            },
            "answers 500; 201 would be right",
        ),
    ];
    for (number, (change, words)) in changes.into_iter().enumerate() {
        let server = taking(change);
        let error = push(&image, &repository(&server), Parts::All, Replacing::Nothing).unwrap_err();
        assert!(error.to_string().contains(words), "{number}: {error}");
        let tags = server
            .asked()
            .iter()
            .filter(|asked| asked.line.starts_with("PUT /v2"))
            .count();
        assert_eq!(tags, usize::from(number == 5), "{number}");
    }
    // A registry that took something else.
    let server = taking(|asked, answer| {
        if asked.line.starts_with("PUT /v2") {
            answer
                .headers
                .push(("docker-content-digest", digest(b"another").to_string()));
        }
    });
    let error = push(&image, &repository(&server), Parts::All, Replacing::Nothing).unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    // A layout whose blob is cut.
    let blob = place.path().join("blobs/sha256").join(digest(&layer()).hex());
    fs::write(&blob, &layer()[..100]).unwrap();
    let server = taking(|_, _| {});
    let error = push(&image, &repository(&server), Parts::All, Replacing::Nothing).unwrap_err();
    assert!(matches!(error, RegistryError::Layout(_)), "{error}");
}
