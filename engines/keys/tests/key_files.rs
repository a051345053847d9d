//! Keys in all their files: what is read, which identifiers they have, and what is refused for which reason.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod fixtures;

use fixtures::{fixture, key, pem};
use sealab_keys::{
    Curve, KeyKind, KeyProblem, MAX_FILE_BYTES, Recipient, RecipientKey, SignatureAlgorithm, SigningKey,
    VerifyingKey, WrapError, pkcs1v15, rsa_oaep,
};

// `openssl pkey -pubin -in FILE -outform DER | sha256sum`
const RSA_ID: &str = "d12746205886be9e7143456e93d4f565f1a6cdcb5067910a902965938613a9aa";
const EC_ID: &str = "6573d5ed1c549ba4ce1d741dab8dc86d79a335209fa75a575369739e5b8aeae2";
const ED25519_ID: &str = "f711d474b5f477ff9692c8aa58d8d1bfece2b3260aec6edaf7d5d12de3c2dd11";

fn recipient(name: &str) -> Result<Recipient, KeyProblem> {
    Recipient::from_bytes(name, &fixture(name)).map_err(|error| error.problem)
}

fn private(bytes: &[u8], password: Option<&[u8]>) -> Result<RecipientKey, KeyProblem> {
    RecipientKey::from_bytes("key", bytes, password).map_err(|error| error.problem)
}

#[test]
fn a_key_has_one_identifier_in_all_its_files() {
    for name in ["rsa.pub.pem", "rsa.crt"] {
        let recipient = recipient(name).unwrap();
        assert_eq!(recipient.id().to_string(), RSA_ID, "{name}");
        assert_eq!(recipient.kind(), KeyKind::Rsa { bits: 2048 });
    }
    for name in ["ec.pub.pem", "ec-compressed.pub.pem"] {
        let recipient = recipient(name).unwrap();
        assert_eq!(recipient.id().to_string(), EC_ID, "{name}");
        assert_eq!(recipient.kind(), KeyKind::Ec(Curve::P256));
    }
    for name in ["rsa-pkcs1.der", "rsa-pkcs8.der"] {
        assert_eq!(key(name).id().to_string(), RSA_ID, "{name}");
    }
    for name in ["ec-sec1.der", "ec-pkcs8.der"] {
        assert_eq!(key(name).id().to_string(), EC_ID, "{name}");
    }
    for (name, curve) in [("p384", Curve::P384), ("p521", Curve::P521)] {
        let public = recipient(&format!("{name}.pub.pem")).unwrap();
        assert_eq!(public.id(), key(&format!("{name}.der")).id());
        assert_eq!(public.kind(), KeyKind::Ec(curve));
    }
}

#[test]
fn pem_is_read_as_der_is() {
    for (label, name, id) in [
        ("PRIVATE KEY", "rsa-pkcs8.der", RSA_ID),
        ("RSA PRIVATE KEY", "rsa-pkcs1.der", RSA_ID),
        ("PRIVATE KEY", "ec-pkcs8.der", EC_ID),
        ("EC PRIVATE KEY", "ec-sec1.der", EC_ID),
    ] {
        let key = private(pem(label, name).as_bytes(), None).unwrap();
        assert_eq!(key.id().to_string(), id, "{label} {name}");
    }
    // The label says what is inside, and is held to it.
    for (label, name) in [
        ("PRIVATE KEY", "rsa-pkcs1.der"),
        ("RSA PRIVATE KEY", "rsa-pkcs8.der"),
        ("EC PRIVATE KEY", "ec-pkcs8.der"),
        ("ENCRYPTED PRIVATE KEY", "rsa-pkcs8.der"),
    ] {
        let problem = private(pem(label, name).as_bytes(), Some(b"")).unwrap_err();
        let expected = matches!(problem, KeyProblem::Encoding { .. } | KeyProblem::Refused { .. });
        assert!(expected, "{label} {name}: {problem}");
    }
    assert!(matches!(
        private(pem("PUBLIC KEY", "rsa-pkcs8.der").as_bytes(), None),
        Err(KeyProblem::Kind { .. })
    ));
    // A certificate's DER, without a label.
    let certificate = fixture("rsa.crt");
    let (_, der) = pem_rfc7468::decode_vec(&certificate).unwrap();
    let recipient = Recipient::from_bytes("DER", &der).unwrap();
    assert_eq!(recipient.id().to_string(), RSA_ID);
}

#[test]
fn encrypted_keys_need_their_password() {
    for name in ["rsa-encrypted-pbkdf2.der", "rsa-encrypted-scrypt.der"] {
        let der = fixture(name);
        let text = pem("ENCRYPTED PRIVATE KEY", name);
        for bytes in [der.as_slice(), text.as_bytes()] {
            assert_eq!(
                private(bytes, Some(b"sealab")).unwrap().id().to_string(),
                RSA_ID,
                "{name}"
            );
            assert!(matches!(
                private(bytes, Some(b"sealap")),
                Err(KeyProblem::Password)
            ));
            assert!(matches!(private(bytes, None), Err(KeyProblem::Encrypted)));
        }
    }
    for name in ["rsa-encrypted-3des.der", "rsa-encrypted-pbes1.der"] {
        let problem = private(&fixture(name), Some(b"sealab")).unwrap_err();
        assert!(matches!(problem, KeyProblem::OldEncryption { .. }), "{problem}");
        assert!(problem.to_string().contains("openssl pkcs8 -topk8"), "{problem}");
    }
    let problem = private(&fixture("ec-encrypted-slow.der"), Some(b"sealab")).unwrap_err();
    assert!(matches!(problem, KeyProblem::Refused { .. }), "{problem}");
}

#[test]
fn what_is_no_sound_key_is_refused() {
    assert!(matches!(
        recipient("rsa-1024.pub.pem"),
        Err(KeyProblem::Refused { .. })
    ));
    assert!(matches!(
        recipient("secp256k1.pub.pem"),
        Err(KeyProblem::Unsupported { .. })
    ));
    assert!(matches!(
        recipient("ed25519.pub.pem"),
        Err(KeyProblem::Unsupported { .. })
    ));
    let mut der = fixture("ec-sec1.der");
    let last = der.len() - 1;
    der[last] ^= 1;
    assert!(matches!(private(&der, None), Err(KeyProblem::Refused { .. })));
    for name in ["rsa-pkcs1.der", "rsa-pkcs8.der", "ec-sec1.der", "ec-pkcs8.der"] {
        let der = fixture(name);
        assert!(private(&[der.as_slice(), &[0]].concat(), None).is_err(), "{name}");
        for length in 0..der.len() {
            assert!(private(&der[..length], None).is_err(), "{name} cut to {length}");
        }
    }
    assert!(matches!(
        private(&vec![0x30; MAX_FILE_BYTES + 1], None),
        Err(KeyProblem::TooLong)
    ));
}

#[test]
fn files_are_named_in_errors_and_read_within_bounds() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let read = Recipient::read(&directory.join("rsa.pub.pem")).unwrap();
    assert_eq!(read.id().to_string(), RSA_ID);
    let error = Recipient::read(&directory.join("absent.pem")).unwrap_err();
    assert!(
        error.to_string().contains("absent.pem: it cannot be read"),
        "{error}"
    );
    let endless = Recipient::read(std::path::Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(endless.problem, KeyProblem::TooLong), "{endless}");
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(
        format!("{:?}", key("ec-sec1.der")),
        format!("RecipientKey(EC P-256, {EC_ID}, secret)")
    );
}

#[test]
fn rsa_wraps_for_its_own_key_alone() {
    let (rsa, ec) = (
        recipient("rsa.pub.pem").unwrap(),
        recipient("ec.pub.pem").unwrap(),
    );
    let (rsa_key, ec_key) = (key("rsa-pkcs8.der"), key("ec-sec1.der"));
    use rsa_oaep::Hash::{Sha1, Sha224, Sha256, Sha384, Sha512};
    for hash in [Sha1, Sha256, Sha384, Sha512] {
        let wrapped = rsa_oaep::encrypt(&rsa, hash, hash, b"label", &[7; 32]).unwrap();
        let unwrapped = rsa_oaep::decrypt(&rsa_key, hash, hash, b"label", &wrapped).unwrap();
        assert_eq!(*unwrapped, [7; 32]);
        let other = if hash == Sha1 { Sha256 } else { Sha1 };
        for result in [
            rsa_oaep::decrypt(&rsa_key, hash, hash, b"", &wrapped),
            rsa_oaep::decrypt(&rsa_key, other, other, b"label", &wrapped),
            rsa_oaep::decrypt(&rsa_key, hash, hash, b"label", &wrapped[1..]),
        ] {
            assert!(matches!(result, Err(WrapError::Refused(_))));
        }
    }
    for (hash, mask) in [(Sha256, Sha1), (Sha224, Sha224)] {
        let result = rsa_oaep::encrypt(&rsa, hash, mask, b"", b"");
        assert!(matches!(result, Err(WrapError::Unsupported { .. })));
    }
    // 256 bytes, less two hashes of 20 and 2.
    assert!(rsa_oaep::encrypt(&rsa, Sha1, Sha1, b"", &[0; 214]).is_ok());
    let long = rsa_oaep::encrypt(&rsa, Sha1, Sha1, b"", &[0; 215]);
    assert!(matches!(long, Err(WrapError::Length { .. })));
    assert!(matches!(
        rsa_oaep::encrypt(&ec, Sha1, Sha1, b"", b""),
        Err(WrapError::Unsupported { .. })
    ));
    assert!(matches!(
        rsa_oaep::decrypt(&ec_key, Sha1, Sha1, b"", b""),
        Err(WrapError::Unsupported { .. })
    ));

    let mut wrapped = pkcs1v15::encrypt(&rsa, &[7; 32]).unwrap();
    assert_eq!(*pkcs1v15::decrypt(&rsa_key, &wrapped).unwrap(), [7; 32]);
    wrapped[9] ^= 1;
    assert!(matches!(
        pkcs1v15::decrypt(&rsa_key, &wrapped),
        Err(WrapError::Refused(_))
    ));
    assert!(pkcs1v15::encrypt(&rsa, &[0; 245]).is_ok());
    assert!(matches!(
        pkcs1v15::encrypt(&rsa, &[0; 246]),
        Err(WrapError::Length { .. })
    ));
}

#[test]
fn signatures_hold_for_their_message_and_key() {
    use SignatureAlgorithm::{EcdsaP256Sha256, EcdsaP384Sha384, Ed25519, RsaPssSha256};
    let keys = [
        ("ed25519.der", "ed25519.pub.pem", Ed25519),
        ("ec-sec1.der", "ec.pub.pem", EcdsaP256Sha256),
        ("ec-pkcs8.der", "ec-compressed.pub.pem", EcdsaP256Sha256),
        ("p384.der", "p384.pub.pem", EcdsaP384Sha384),
        ("rsa-pkcs1.der", "rsa.crt", RsaPssSha256),
    ];
    for (private, public, algorithm) in keys {
        let signing = SigningKey::from_bytes(private, &fixture(private), None).unwrap();
        let verifying = VerifyingKey::from_bytes(public, &fixture(public)).unwrap();
        assert_eq!(signing.id(), verifying.id(), "{private}");
        assert_eq!(verifying.algorithm(), algorithm);
        let mut signature = signing.sign(b"message").unwrap();
        verifying.verify(b"message", &signature).unwrap();
        assert!(matches!(
            verifying.verify(b"massage", &signature),
            Err(WrapError::Refused(_))
        ));
        let last = signature.len() - 1;
        signature[last] ^= 1;
        assert!(verifying.verify(b"message", &signature).is_err());
    }
    let id = VerifyingKey::from_bytes("", &fixture("ed25519.pub.pem"))
        .unwrap()
        .id();
    assert_eq!(id.to_string(), ED25519_ID);
    assert!(matches!(
        SigningKey::from_bytes("", &fixture("p521.der"), None)
            .unwrap_err()
            .problem,
        KeyProblem::Unsupported { .. }
    ));
}
