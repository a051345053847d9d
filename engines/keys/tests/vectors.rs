//! The golden vectors of `vectors/data` for what this crate does: each value in each direction, each refusal, and exactly
//! those counted as not implemented that are meant to be.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use sealab_keys::jwe::{JweError, JweKey, Limits, decrypt};
use sealab_keys::rsa_oaep::Hash;
use sealab_keys::{RecipientKey, WrapError, hkdf, key_wrap, rsa_oaep};
use serde_json::Value;

/// One test with its group's values.
struct Case {
    name: String,
    group: Value,
    test: Value,
}

impl Case {
    fn text(&self, member: &str) -> &str {
        let value = self.test.get(member).or_else(|| self.group.get(member));
        value
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{}: {member}", self.name))
    }

    fn octets(&self, member: &str) -> Vec<u8> {
        let text = self.text(member);
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn valid(&self) -> bool {
        self.text("result") == "valid"
    }
}

fn cases(file: &str) -> Vec<Case> {
    let path = format!("{}/../../vectors/data/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file_json: Value = serde_json::from_str(&text).unwrap();
    let mut cases = Vec::new();
    for group in file_json["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            cases.push(Case {
                name: format!("{file} {}", test["tcId"]),
                group: group.clone(),
                test: test.clone(),
            });
        }
    }
    assert_eq!(file_json["numberOfTests"], cases.len());
    cases
}

fn key_wraps(files: [&str; 4], wrap: Wrap, unwrap: Unwrap) {
    for case in files.into_iter().flat_map(cases) {
        let (key, wrapped) = (case.octets("key"), case.octets("ct"));
        let unwrapped = unwrap(&key, &wrapped);
        if key.len() == 24 {
            assert!(
                matches!(unwrapped, Err(WrapError::Unsupported { .. })),
                "{}",
                case.name
            );
        } else if case.valid() {
            assert_eq!(*unwrapped.unwrap(), case.octets("msg"), "{}", case.name);
            assert_eq!(wrap(&key, &case.octets("msg")).unwrap(), wrapped, "{}", case.name);
        } else {
            assert!(matches!(unwrapped, Err(WrapError::Refused(_))), "{}", case.name);
        }
    }
}

type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, WrapError>;
type Unwrap = fn(&[u8], &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, WrapError>;

#[test]
fn aes_key_wrap() {
    let files = [
        "aes-kw-rfc3394",
        "aes-kw-nist",
        "aes-kw-lengths",
        "aes-kw-wycheproof",
    ];
    key_wraps(files, key_wrap::wrap, key_wrap::unwrap);
}

#[test]
fn padded_aes_key_wrap() {
    let files = [
        "aes-kwp-rfc5649",
        "aes-kwp-nist",
        "aes-kwp-lengths",
        "aes-kwp-wycheproof",
    ];
    key_wraps(files, key_wrap::wrap_padded, key_wrap::unwrap_padded);
}

#[test]
fn hkdf_with_sha_256() {
    for case in ["hkdf-sha256-rfc5869", "hkdf-sha256-wycheproof"]
        .into_iter()
        .flat_map(cases)
    {
        let size = case.test["size"].as_u64().unwrap() as usize;
        let derived = hkdf::derive_sha256(
            &case.octets("ikm"),
            &case.octets("salt"),
            &case.octets("info"),
            size,
        );
        if case.valid() {
            assert_eq!(*derived.unwrap(), case.octets("okm"), "{}", case.name);
        } else {
            assert!(matches!(derived, Err(WrapError::Length { .. })), "{}", case.name);
        }
    }
}

#[test]
fn rsa_oaep_wycheproof() {
    let mut opened = 0;
    for case in cases("rsa-oaep-wycheproof") {
        let key = RecipientKey::from_bytes(&case.name, &case.octets("key"), None).unwrap();
        let hash = |member| Hash::from_name(case.text(member)).unwrap();
        let (hash, mask) = (hash("hash"), hash("mgfHash"));
        let result = rsa_oaep::decrypt(&key, hash, mask, &case.octets("label"), &case.octets("ct"));
        if hash != mask || hash == Hash::Sha224 {
            assert!(
                matches!(result, Err(WrapError::Unsupported { .. })),
                "{}",
                case.name
            );
        } else if case.valid() {
            assert_eq!(*result.unwrap(), case.octets("msg"), "{}", case.name);
            opened += 1;
        } else {
            assert!(matches!(result, Err(WrapError::Refused(_))), "{}", case.name);
        }
    }
    assert!(opened > 100, "{opened}");
}

#[test]
fn jwe_wycheproof() {
    let mut opened = 0;
    for case in cases("jwe-wycheproof") {
        let jwk: Value = serde_json::from_str(case.text("jwk")).unwrap();
        let alg = jwk["alg"].as_str().unwrap_or_default();
        let key = JweKey::from_jwk(case.text("jwk"));
        let result = key
            .as_ref()
            .map_err(ToString::to_string)
            .map(|key| decrypt(case.text("jwe"), key, Limits::default()));
        let meant = alg.ends_with("GCMKW") || alg.contains("A192KW") || alg == "RSA1_5";
        match result {
            Ok(Ok(content)) if case.valid() => {
                assert_eq!(*content, case.octets("msg"), "{}", case.name);
                opened += 1;
            }
            Ok(Err(JweError::Unsupported { .. })) if meant => {}
            Ok(Err(JweError::Unsupported { member: "zip", .. })) => {}
            Ok(Err(_)) | Err(_) if !case.valid() => {}
            other => panic!("{} ({alg}): {other:?}", case.name),
        }
    }
    assert!(opened > 45, "{opened}");
}
