//! JWEs: those that ocicrypt wrote, those of the RFCs, round trips in the form that ocicrypt reads, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

mod fixtures;

use base64ct::{Base64UrlUnpadded, Encoding};
use fixtures::{fixture, key};
use sealab_keys::jwe::{JweError, JweKey, Limits, decrypt, encrypt};
use sealab_keys::{JwkError, Recipient};
use serde_json::{Value, json};

fn open(jwe: &str, key: &JweKey) -> Result<Vec<u8>, JweError> {
    decrypt(jwe, key, Limits::default()).map(|content| content.to_vec())
}

fn recipient(name: &str) -> Recipient {
    Recipient::from_bytes(name, &fixture(name)).unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

fn oct(key: &[u8]) -> JweKey {
    JweKey::from_jwk(&json!({"kty": "oct", "k": b64(key)}).to_string()).unwrap()
}

/// A flattened JWE under a symmetric key of 32 bytes, with AES-256-GCM done by the library directly.
fn direct(key: &[u8; 32], protected: &Value, content: &[u8]) -> Value {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let protected = b64(protected.to_string());
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut data = content.to_vec();
    let nonce = Nonce::assume_unique_for_key([1; 12]);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(protected.as_bytes()), &mut data)
        .unwrap();
    json!({"protected": protected, "iv": b64([1; 12]), "ciphertext": b64(data), "tag": b64(tag)})
}

#[test]
fn what_ocicrypt_wrote_opens() {
    let cases: Vec<Value> = serde_json::from_slice(&fixture("ocicrypt.json")).unwrap();
    assert_eq!(cases.len(), 3);
    let rsa = JweKey::from(key("rsa-pkcs1.der"));
    let ec = JweKey::from(key("ec-sec1.der"));
    for case in cases {
        let (layout, jwe) = (case["layout"].as_str().unwrap(), case["jwe"].as_str().unwrap());
        let content = case["content"].as_str().unwrap().as_bytes();
        assert_eq!(open(jwe, &rsa).unwrap(), content, "{layout}");
        match layout {
            "enc-multi" => assert_eq!(open(jwe, &ec).unwrap(), content),
            _ => assert!(matches!(open(jwe, &ec), Err(JweError::OtherKeys { .. }))),
        }
        // One bit of anything that is bound, and no other content comes out.
        let json: Value = serde_json::from_str(jwe).unwrap();
        for member in ["iv", "ciphertext", "tag"] {
            let mut changed = json.clone();
            let mut bytes = Base64UrlUnpadded::decode_vec(json[member].as_str().unwrap()).unwrap();
            bytes[0] ^= 1;
            changed[member] = b64(bytes).into();
            let result = open(&changed.to_string(), &rsa);
            assert!(matches!(result, Err(JweError::Refused)), "{layout} {member}");
        }
        let mut changed = json.clone();
        changed["aad"] = "".into();
        assert!(matches!(open(&changed.to_string(), &rsa), Err(JweError::Refused)));
    }
}

#[test]
fn one_recipient_is_flattened_and_several_are_general() {
    let names = [
        ("rsa.pub.pem", "rsa-pkcs8.der"),
        ("ec.pub.pem", "ec-sec1.der"),
        ("p384.pub.pem", "p384.der"),
        ("p521.pub.pem", "p521.der"),
    ];
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for (public, private) in names {
        let jwe = encrypt(b"content", &[&recipient(public)]).unwrap();
        assert_eq!(open(&jwe, &key(private).into()).unwrap(), b"content", "{public}");
        let json: Value = serde_json::from_str(&jwe).unwrap();
        assert_eq!(
            members(&json),
            ["ciphertext", "encrypted_key", "iv", "protected", "tag"]
        );
        let protected = json["protected"].as_str().unwrap();
        let protected = String::from_utf8(Base64UrlUnpadded::decode_vec(protected).unwrap()).unwrap();
        if public == "rsa.pub.pem" {
            assert_eq!(protected, r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
        } else {
            let start = r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"kty":"EC","crv":"P-"#;
            assert!(protected.starts_with(start), "{protected}");
        }
    }
    let recipients: Vec<Recipient> = names.iter().map(|(public, _)| recipient(public)).collect();
    let jwe = encrypt(b"content", &recipients.iter().collect::<Vec<_>>()).unwrap();
    for (_, private) in names {
        assert_eq!(open(&jwe, &key(private).into()).unwrap(), b"content", "{private}");
    }
    let json: Value = serde_json::from_str(&jwe).unwrap();
    assert_eq!(
        members(&json),
        ["ciphertext", "iv", "protected", "recipients", "tag"]
    );
    assert_eq!(json["protected"], b64(r#"{"enc":"A256GCM"}"#));
    assert_eq!(members(&json["recipients"][0]), ["encrypted_key", "header"]);
    assert!(jwe.starts_with(r#"{"protected":"#));
    assert!(matches!(encrypt(b"", &[]), Err(JweError::Malformed { .. })));
    let many = vec![&recipients[1]; 101];
    assert!(matches!(encrypt(b"", &many), Err(JweError::TooMany { .. })));
}

/// RFC 7516, appendix A.1, and RFC 7520, section 5.6.
#[test]
fn the_examples_of_the_rfcs_open() {
    let jwk = r#"{"kty":"RSA",
      "n":"oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4DFqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw",
      "e":"AQAB",
      "d":"kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKrEYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moOAbgxVw3rxT_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVTIznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ",
      "p":"1r52Xk46c-LsfB5P442p7atdPUrxQSy4mti_tZI3Mgf2EuFVbUoDBvaRQ-SWxkbkmoEzL7JXroSBjSrK3YIQgYdMgyAEPTPjXv_hI2_1eTSPVZfzL0lffNn03IXqWF5MDFuoUYE0hzb2vhrlN_rKrbfDIwUbTrjjgieRbwC6Cl0",
      "q":"wLb35x7hmQWZsWJmB_vle87ihgZ19S8lBEROLIsZG4ayZVe9Hi9gDVCOBmUDdaDYVTSNx_8Fyw1YYa9XGrGnDew00J28cRUoeBB_jKI1oma0Orv1T9aXIWxKwd4gvxFImOWr3QRL9KEBRzk2RatUBnmDZJTIAfwTs0g68UZHvtc",
      "dp":"ZK-YwE7diUh0qR1tR7w8WHtolDx3MZ_OTowiFvgfeQ3SiresXjm9gZ5KLhMXvo-uz-KUJWDxS5pFQ_M0evdo1dKiRTjVw_x4NyqyXPM5nULPkcpU827rnpZzAJKpdhWAgqrXGKAECQH0Xt4taznjnd_zVpAmZZq60WPMBMfKcuE",
      "dq":"Dq0gfgJ1DdFGXiLvQEZnuKEN0UUmsJBxkjydc3j4ZYdBiMRAy86x0vHCjywcMlYYg4yoC4YZa9hNVcsjqA3FeiL19rk8g6Qn29Tt0cj8qqyFpz9vNDBUfCAiJVeESOjJDZPYHdHY8v1b-o-Z2X5tvLx-TCekf7oxyeKDUqKWjis",
      "qi":"VIMpMYbPf47dT1w_zDUXfPimsSegnMOA1zTaX7aGk_8urY6R8-ZW1FxU7AlWAyLWybqq6t16VFd7hQd0y6flUK4SlOydB61gwanOsXGOAOv82cHq0E3eL4HrtZkUuKvnPrMnsUUFlfUdybVzxyjz9JF_XyaY14ardLSjf4L_FNY"}"#;
    let jwe = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.\
      OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe\
      ipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDb\
      Sv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaV\
      mqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je8\
      1860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi\
      6UklfCpIMfIjf7iGdXKHzg.\
      48V1_ALb6US04U3b.\
      5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji\
      SdiwkIr3ajwQzaBtQD_A.\
      XFBoMYUZodetZdvTiFvSkQ";
    let key = JweKey::from_jwk(jwk).unwrap();
    let expected = b"The true sign of intelligence is not knowledge but imagination.";
    assert_eq!(open(jwe, &key).unwrap(), expected);
    for broken in [jwe.replacen('.', "", 1), format!("{jwe}."), format!("{jwe}=")] {
        assert!(matches!(open(&broken, &key), Err(JweError::Malformed { .. })));
    }

    let key = JweKey::from_jwk(
        r#"{"kty":"oct","kid":"77c7e2b8-6e13-45cf-8672-617b5b45243a","use":"enc","alg":"A128GCM","k":"XctOhJAkA-pD9Lh7ZgW_2A"}"#,
    )
    .unwrap();
    let jwe = "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0..\
      refa467QzzKx6QAB.\
      JW_i_f52hww_ELQPGaYyeAB6HYGcR559l9TYnSovc23XJoBcW29rHP8yZOZG7YhL\
      pT1bjFuvZPjQS-m0IFtVcXkZXdH_lr_FrdYt9HRUYkshtrMmIUAyGmUnd9zMDB2n\
      0cRDIHAzFVeJUDxkUwVAE7_YGRPdcqMyiBoCO-FBdE-Nceb4h3-FtBP-c_BIwCPT\
      jb9o0SbdcdREEMJMyZBH8ySWMVi1gPD9yxi-aQpGbSv_F9N4IZAxscj5g-NJsUPb\
      jk29-s7LJAGb15wEBtXphVCgyy53CoIKLHHeJHXex45Uz9aKZSRSInZI-wjsY0yu\
      3cT4_aQ3i1o-tiE-F8Ios61EKgyIQ4CWao8PFMj8TTnp.\
      vbb32Xvllea2OtmHAdccRQ";
    assert!(
        open(jwe, &key)
            .unwrap()
            .starts_with(b"You can trust us to stick with you")
    );
}

/// Written by jwcrypto 1.6.1 with `apu` Alice and `apv` Bob.
#[test]
fn the_parties_of_an_agreement_are_part_of_its_key() {
    let jwe = "eyJhbGciOiJFQ0RILUVTIiwiYXB1IjoiUVd4cFkyVSIsImFwdiI6IlFtOWkiLCJlbmMiOiJBMjU2R0NNIiwiZXBrIjp7ImNy\
        diI6IlAtMjU2Iiwia3R5IjoiRUMiLCJ4IjoidVBQdU5WRWtpYVQwbFRfQ3dxQ2w1VEUwSmxwUUNLN3EwLS1vSGJ6TVI5dyIs\
        InkiOiJ1M2tRZFpYYV9DY0pPUnB6R2hSYlZwaUtERW4wdjhpT1BKSGRONDljcnNJIn19\
        ..YIevbUrfOKUeW0Fi.DMrAyuaH3g.7DzIy8MNEfdBtWyXgVaZJQ";
    let key = JweKey::from(key("ec-sec1.der"));
    assert_eq!(open(jwe, &key).unwrap(), b"content");
}

#[test]
fn packets_that_break_the_rules_are_refused() {
    let key = oct(&[9; 32]);
    let plain = json!({"alg": "dir", "enc": "A256GCM"});
    let good = direct(&[9; 32], &plain, b"content");
    assert_eq!(open(&good.to_string(), &key).unwrap(), b"content");
    let with = |member: &str, value: Value| {
        let mut changed = good.clone();
        changed[member] = value;
        open(&changed.to_string(), &key)
    };
    // A member in two headers.
    assert!(matches!(
        with("unprotected", json!({"enc": "A256GCM"})),
        Err(JweError::Malformed { .. })
    ));
    assert!(matches!(
        with("header", json!({"alg": "dir"})),
        Err(JweError::Malformed { .. })
    ));
    // Members that are unknown, or known and nobody's, do no harm.
    assert!(with("unprotected", json!({"jku": "x"})).is_ok());
    // An encrypted key where there is none, both forms at once, no value, no recipients.
    for (member, value) in [
        ("encrypted_key", json!("AAAA")),
        ("header", Value::Null),
        ("tag", Value::Null),
        ("recipients", json!([])),
        ("iv", json!("A===")),
        ("aad", json!("!")),
    ] {
        let result = with(member, value);
        assert!(matches!(result, Err(JweError::Malformed { .. })), "{member}");
    }
    let mut both = good.clone();
    both["recipients"] = json!([{}]);
    assert!(open(&both.to_string(), &key).is_ok());
    both["header"] = json!({});
    assert!(matches!(
        open(&both.to_string(), &key),
        Err(JweError::Malformed { .. })
    ));
    // A tag or a nonce of another length.
    let tag = good["tag"].as_str().unwrap();
    assert!(matches!(with("tag", tag[..20].into()), Err(JweError::Refused)));
    assert!(matches!(with("tag", "".into()), Err(JweError::Refused)));
    assert!(matches!(with("iv", b64([1; 16]).into()), Err(JweError::Refused)));
    // Arrays in the places of objects.
    let header = b64(r#"["dir","A256GCM"]"#);
    assert!(matches!(
        with("protected", header.into()),
        Err(JweError::Malformed { .. })
    ));
    for member in ["unprotected", "header"] {
        assert!(matches!(with(member, json!([])), Err(JweError::Malformed { .. })));
    }
    assert!(matches!(
        with("recipients", json!([[]])),
        Err(JweError::Malformed { .. })
    ));
    let header = b64(r#"{"alg":"dir","enc":"A256GCM","apu":null}"#);
    assert!(matches!(
        with("protected", header.into()),
        Err(JweError::Malformed { .. })
    ));
    // A member twice.
    let twice = good.to_string().replacen('{', r#"{"tag":"AAAA","#, 1);
    assert!(matches!(open(&twice, &key), Err(JweError::Malformed { .. })));
    let header = b64(r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#);
    assert!(matches!(
        with("protected", header.into()),
        Err(JweError::Malformed { .. })
    ));
}

#[test]
fn what_is_not_implemented_says_so() {
    let key = oct(&[9; 32]);
    for (member, value) in [
        ("zip", json!("DEF")),
        ("crit", json!(["exp"])),
        ("alg", json!("PBES2-HS256+A128KW")),
        ("enc", json!("XC20P")),
    ] {
        let mut protected = json!({"alg": "dir", "enc": "A256GCM"});
        protected[member] = value;
        let jwe = direct(&[9; 32], &protected, b"content").to_string();
        let Err(JweError::Unsupported { member: found, .. }) = open(&jwe, &key) else {
            panic!("{member}");
        };
        assert_eq!(found, member);
    }
    let rsa15 = direct(&[9; 32], &json!({"alg": "RSA1_5", "enc": "A256GCM"}), b"");
    let result = open(&rsa15.to_string(), &fixtures::key("rsa-pkcs8.der").into());
    assert!(matches!(result, Err(JweError::Unsupported { .. })));
}

#[test]
fn limits_hold() {
    let key = oct(&[9; 32]);
    let plain = json!({"alg": "dir", "enc": "A256GCM"});
    let mut jwe = direct(&[9; 32], &plain, b"content");
    let length = jwe.to_string().len();
    let limits = |bytes, recipients| Limits { bytes, recipients };
    assert!(decrypt(&jwe.to_string(), &key, limits(length, 1)).is_ok());
    assert!(matches!(
        decrypt(&jwe.to_string(), &key, limits(length - 1, 1)),
        Err(JweError::TooMany { .. })
    ));
    jwe["recipients"] = vec![json!({}); 100].into();
    assert!(open(&jwe.to_string(), &key).is_ok());
    jwe["recipients"] = vec![json!({}); 101].into();
    assert!(matches!(
        open(&jwe.to_string(), &key),
        Err(JweError::TooMany { .. })
    ));
}

#[test]
fn a_jwk_is_used_for_what_it_allows() {
    let k = b64([9; 32]);
    let jwe = direct(&[9; 32], &json!({"alg": "dir", "enc": "A256GCM"}), b"content").to_string();
    let with = |member: &str, value: Value| {
        let mut jwk = json!({"kty": "oct", "k": k});
        jwk[member] = value;
        JweKey::from_jwk(&jwk.to_string())
    };
    for (member, value) in [
        ("use", json!("enc")),
        ("alg", json!("dir")),
        ("alg", json!("A256GCM")),
        ("key_ops", json!(["decrypt"])),
    ] {
        assert!(open(&jwe, &with(member, value).unwrap()).is_ok(), "{member}");
    }
    assert!(matches!(
        open(&jwe, &with("alg", json!("A256KW")).unwrap()),
        Err(JweError::OtherKeys { .. })
    ));
    assert!(matches!(
        with("use", json!("sig")),
        Err(JwkError::Member { member: "use", .. })
    ));
    assert!(matches!(
        with("key_ops", json!(["sign"])),
        Err(JwkError::Member {
            member: "key_ops",
            ..
        })
    ));
    assert!(matches!(
        with("k", json!("a+b/")),
        Err(JwkError::Member { member: "k", .. })
    ));
    assert!(matches!(
        with("kty", json!("OKP")),
        Err(JwkError::Unsupported { .. })
    ));
    // The members in the order in which they are declared, in an array.
    let mut array = vec![Value::Null; 17];
    (array[0], array[16]) = (json!("oct"), json!(k));
    assert!(matches!(
        JweKey::from_jwk(&Value::from(array).to_string()),
        Err(JwkError::Json { .. })
    ));
    // A secret does not come back in a message.
    let error = JweKey::from_jwk(r#"{"kty":"oct","k":{"secret":1}}"#).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = JweKey::from_jwk(r#"{"kty":"EC","crv":"P-256","d":123456789}"#).unwrap_err();
    assert!(!error.to_string().contains("123"), "{error}");
}

/// RFC 7518, appendix C: the recipient's key.
#[test]
fn an_ec_jwk_must_be_a_pair() {
    let jwk = json!({"kty": "EC", "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"});
    assert!(JweKey::from_jwk(&jwk.to_string()).is_ok());
    for (member, value) in [
        ("x", json!("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMU")),
        ("d", json!("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqd")),
        ("d", json!("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqQ")),
    ] {
        let mut changed = jwk.clone();
        changed[member] = value;
        assert!(
            matches!(
                JweKey::from_jwk(&changed.to_string()),
                Err(JwkError::Member { .. })
            ),
            "{member}"
        );
    }
}
