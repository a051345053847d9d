//! What is shown without a key.

use super::*;

fn outline(path: &Path) -> Result<Outline, Error> {
    Outline::read(path, engine())
}

#[test]
fn what_stands_in_clear_is_shown_without_a_key() {
    let place = Place::with(&small());
    let summary = place.seal(&SealOptions::default()).unwrap();
    let shown = outline(&place.path("sealed")).unwrap();
    assert_eq!(shown.commitment, summary.commitment);
    assert_eq!(shown.sealed_bytes, summary.sealed_bytes);
    assert_eq!(
        (shown.cipher, shown.compressed, shown.deduplicated, shown.signed),
        (Cipher::Aes256Gcm, false, false, false)
    );
    assert_eq!(
        shown.recipients,
        [OutlineRecipient {
            algorithm: "ECDH-ES+A256KW".to_owned(),
            curve: Some("P-256".to_owned()),
        }]
    );
    let (groups, index) = groups(&place.sealed())
        .into_iter()
        .fold((0, 0), |sum, (_, bytes, table)| {
            let bytes = bytes as u64;
            if table.head.kind == table::Kind::Data {
                (sum.0 + bytes, sum.1)
            } else {
                (sum.0, sum.1 + bytes)
            }
        });
    assert_eq!(
        (shown.groups, shown.content_bytes, shown.index_bytes),
        (1, groups, index)
    );
    assert_eq!(shown.header_bytes + groups + index + 96, shown.sealed_bytes);
    // The file alone is the same.
    assert_eq!(outline(&place.path("sealed").join(FILE_NAME)).unwrap(), shown);
}

#[test]
fn options_and_each_recipient_are_shown() {
    let place = Place::with(&small());
    let rsa = RecipientKey::read(&crate::fixtures::data("key.der"), None).unwrap();
    let (rsa, ec) = (rsa.recipient().clone(), private(RECIPIENT).recipient().clone());
    let sender = signing(SENDER);
    let options = SealOptions {
        cipher: Cipher::ChaCha20Poly1305,
        compression: Compression::Auto,
        deduplicate: true,
        parent: None,
        sender: Some(&sender),
    };
    let (plain, sealed) = (place.path("plain"), place.path("sealed"));
    with_work(|work| {
        let source = PlainSource::Directory(&plain);
        seal(
            source,
            Destination::Directory(&sealed),
            &[&rsa, &ec],
            &options,
            work,
        )
    })
    .unwrap();
    let shown = outline(&sealed).unwrap();
    assert_eq!(
        (shown.cipher, shown.compressed, shown.deduplicated, shown.signed),
        (Cipher::ChaCha20Poly1305, true, true, true)
    );
    let algorithms: Vec<_> = shown
        .recipients
        .iter()
        .map(|recipient| &*recipient.algorithm)
        .collect();
    assert_eq!(algorithms, ["RSA-OAEP", "ECDH-ES+A256KW"]);
}

#[test]
fn what_is_cut_or_changed_in_clear_is_refused_or_shown_as_it_is() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let sealed = place.sealed();
    // Short of the trailer's end wherever it is cut.
    for length in (0..sealed.len()).rev().step_by(29) {
        place.put_sealed(&sealed[..length]);
        assert!(outline(&place.path("sealed")).is_err(), "{length}");
    }
    for at in (8..400).chain(sealed.len() - 96..sealed.len()).step_by(3) {
        let mut changed = sealed.clone();
        changed[at] = 0x1b;
        place.put_sealed(&changed);
        let told = match outline(&place.path("sealed")) {
            Ok(shown) => shown.recipients.iter().map(|r| r.algorithm.clone()).collect(),
            Err(error) => error.to_string(),
        };
        assert!(!told.contains(char::is_control), "{at}: {told:?}");
    }
    let error = outline(&place.path("plain")).unwrap_err();
    assert!(matches!(error, Error::NotSealed { .. }), "{error}");
}
