//! The layer cipher of ocicrypt against layers that skopeo wrote, against the golden vectors, and against changed ones.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::io::Read;

use sealab_engine::{Engine, InOutBuf};
use sealab_layer::ocicrypt::{LayerCipher, LayerError, LayerKey, LayerOptions, MAX_OPTIONS_BYTES};
use serde_json::Value;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// File, private options, public options, SHA-256 of the plaintext.
const LAYERS: [(&str, &str, &str, &str); 2] = [
    (
        "skopeo-1.9.3.layer",
        r#"{"symkey":"u6F0aks/wZLgn3cetBdOzSzb3kR4AUtCZuJI73ui11s=","digest":"sha256:6785c64f9274676576ee6ff9aff568670bb36348f7091b3d285cb533d229b260","cipheroptions":{"nonce":"aDOEqH7tlwBUr+O179VGiA=="}}"#,
        r#"{"cipher":"AES_256_CTR_HMAC_SHA256","hmac":"qiJxBpTwDpYkKV9pU5DrOI45uwPEZlffk//FIFJrGqw=","cipheroptions":{}}"#,
        "44f9e635d4a154ae526d29c7ab707ed0c773ec36f958be534e1f4c45e0f3ef8c",
    ),
    (
        "skopeo-1.22.layer",
        r#"{"symkey":"eGpfpBZXwPsEpwx8x+y4OWcqq/ZwP978IJ+QiWFG/no=","digest":"sha256:6785c64f9274676576ee6ff9aff568670bb36348f7091b3d285cb533d229b260","cipheroptions":{"nonce":"Rc8lgGWcrxl4im+x9/zfew=="}}"#,
        r#"{"cipher":"AES_256_CTR_HMAC_SHA256","hmac":"NtK95H8FvzCU9c2Yr8au/G2bPQ7mHLxRQK+EpGI94KE=","cipheroptions":{}}"#,
        "c38c782f3935607512bf7570f5009ed1dcfd3b11015bb1254f8b444bf2178fa3",
    ),
];

fn layer(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn layers_of_skopeo_open_and_are_written_again() {
    for (file, private, public, digest) in LAYERS {
        let options = LayerOptions::parse(private, public).unwrap();
        let mut cipher = options.cipher(&*engine()).unwrap();
        let mut data = layer(file);
        cipher.open(&options.code, InOutBuf::from(&mut data[..])).unwrap();
        let found = engine().sha256().unwrap().digest(&[&data]).unwrap();
        assert_eq!(found.as_slice(), hex(digest), "{file}");
        let code = cipher.seal(InOutBuf::from(&mut data[..])).unwrap();
        assert_eq!(code, options.code);
        assert_eq!(data, layer(file));
        assert_eq!(options.private_json().unwrap().as_str(), private);
        assert_eq!(options.public_json().unwrap(), public);
    }
}

/// A nonce in the public options that is not the sealed one: ocicrypt in Go and in Rust take it.
#[test]
fn a_nonce_that_nothing_authenticates_is_refused() {
    let (_, private, public, _) = LAYERS[0];
    let with = |nonce: &str| public.replace("{}", &format!(r#"{{"nonce":"{nonce}"}}"#));
    let error = LayerOptions::parse(private, &with("AAAAAAAAAAAAAAAAAAAAAA==")).unwrap_err();
    assert!(error.to_string().contains("not the sealed one"), "{error}");
    assert!(LayerOptions::parse(private, &with("aDOEqH7tlwBUr+O179VGiA==")).is_ok());
    // Nor does it stand in for a sealed one.
    let unsealed = private.replace(r#"{"nonce":"aDOEqH7tlwBUr+O179VGiA=="}"#, "{}");
    assert!(LayerOptions::parse(&unsealed, &with("aDOEqH7tlwBUr+O179VGiA==")).is_err());
}

#[test]
fn options_are_bounded_and_do_not_come_back_in_messages() {
    let (_, private, public, _) = LAYERS[0];
    let long = format!("{private}{}", " ".repeat(MAX_OPTIONS_BYTES));
    assert!(matches!(
        LayerOptions::parse(&long, public),
        Err(LayerError::Options { .. })
    ));
    let number = private.replace(r#""u6F0aks/wZLgn3cetBdOzSzb3kR4AUtCZuJI73ui11s=""#, "1234567");
    let error = LayerOptions::parse(&number, public).unwrap_err();
    assert!(!error.to_string().contains("1234567"), "{error}");
    let options = LayerOptions::parse(private, public).unwrap();
    assert!(!format!("{options:?}").contains("nonce"), "{options:?}");
    // A member twice, and an array in the place of an object.
    let twice = private.replacen('{', r#"{"digest":"","#, 1);
    assert!(LayerOptions::parse(&twice, public).is_err());
    let array = r#"["AES_256_CTR_HMAC_SHA256","qiJxBpTwDpYkKV9pU5DrOI45uwPEZlffk//FIFJrGqw=",{}]"#;
    assert!(LayerOptions::parse(private, array).is_err());
}

#[test]
fn a_verified_layer_reads_from_any_place() {
    // The counter passes 2^128 within.
    let mut nonce = [0xff; 16];
    nonce[15] = 0xfe;
    let key = LayerKey::new(&[3; 32], &nonce);
    let mut cipher = LayerCipher::new(&*engine(), &key).unwrap();
    let plain: Vec<u8> = (0..1000_u32).map(|index| (index * 7) as u8).collect();
    let mut sealed = plain.clone();
    let code = cipher.seal(InOutBuf::from(&mut sealed[..])).unwrap();
    let mut verified = cipher.verify(&code, &sealed).unwrap();
    assert_eq!(verified.length(), 1000);
    for offset in [0, 1, 15, 16, 17, 40, 999, 1000, 2000] {
        for length in [0, 1, 5, 15, 16, 17, 33, 700] {
            let mut part = vec![0; length];
            let read = verified.read_at(offset, &mut part).unwrap();
            let expected = plain.get(offset..).unwrap_or_default();
            let expected = &expected[..expected.len().min(length)];
            assert_eq!(&part[..read], expected, "{offset} {length}");
        }
    }
    let mut whole = Vec::<u8>::new();
    let mut piece = [0; 37];
    loop {
        let read = verified.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        whole.extend_from_slice(&piece[..read]);
    }
    assert_eq!(whole, plain);
}

#[test]
fn nothing_is_decrypted_before_the_code_holds() {
    let mut cipher = LayerCipher::new(&*engine(), &LayerKey::new(&[3; 32], &[4; 16])).unwrap();
    let mut sealed = vec![5; 100];
    let mut code = cipher.seal(InOutBuf::from(&mut sealed[..])).unwrap();
    code[31] ^= 1;
    let mut output = vec![0xee; 100];
    let data = InOutBuf::new(&sealed, &mut output).unwrap();
    assert!(matches!(cipher.open(&code, data), Err(LayerError::Unauthentic)));
    assert_eq!(output, [0xee; 100]);
    assert!(matches!(
        cipher.verify(&code, &sealed),
        Err(LayerError::Unauthentic)
    ));
}

#[test]
fn every_layer_has_its_own_key_and_nonce() {
    let (one, other) = (LayerKey::generate().unwrap(), LayerKey::generate().unwrap());
    assert_ne!(one.expose(), other.expose());
    assert_ne!(one.nonce(), other.nonce());
}

fn vectors(file: &str) -> Vec<(Value, Value)> {
    let path = format!("{}/../../vectors/data/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases: Vec<(Value, Value)> = json["testGroups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| {
            let tests = group["tests"].as_array().unwrap();
            tests.iter().map(|test| (test.clone(), group.clone()))
        })
        .collect();
    assert_eq!(json["numberOfTests"], cases.len());
    cases
}

fn message(test: &Value) -> Vec<u8> {
    let bytes = hex(test["msg"].as_str().unwrap());
    match test["msgLength"].as_u64() {
        Some(length) => bytes.into_iter().cycle().take(length as usize).collect(),
        None => bytes,
    }
}

#[test]
fn the_golden_layers_hold() {
    for (test, group) in vectors("ocicrypt-layer-messages") {
        let get = |member| {
            let value = test.get(member).or_else(|| group.get(member));
            hex(value.and_then(Value::as_str).unwrap())
        };
        let name = test["tcId"].to_string();
        let key = LayerKey::new(&get("key").try_into().unwrap(), &get("iv").try_into().unwrap());
        let mut cipher = LayerCipher::new(&*engine(), &key).unwrap();
        let mut data = get("ct");
        let Ok(tag) = get("tag").try_into() else {
            assert_eq!(test["result"], "invalid", "{name}");
            continue;
        };
        let opened = cipher.open(&tag, InOutBuf::from(&mut data[..]));
        if test["result"] == "valid" {
            opened.unwrap();
            assert!(data == message(&test), "{name}");
            assert_eq!(cipher.seal(InOutBuf::from(&mut data[..])).unwrap(), tag, "{name}");
            assert!(data == get("ct"), "{name}");
        } else {
            assert!(matches!(opened, Err(LayerError::Unauthentic)), "{name}");
            assert!(data == get("ct"), "{name}");
        }
    }
}

#[test]
fn the_golden_options_are_taken_or_refused() {
    for (test, _) in vectors("ocicrypt-options-texts") {
        let name = format!("{} {}", test["tcId"], test["comment"]);
        let mut data = hex(test["ct"].as_str().unwrap());
        let text = |member: &str| test[member].as_str().unwrap().to_owned();
        let options = LayerOptions::parse(&text("privateOptions"), &text("publicOptions"));
        let opened = options.and_then(|options| {
            let mut cipher = options.cipher(&*engine())?;
            cipher.open(&options.code, InOutBuf::from(&mut data[..]))
        });
        if test["result"] == "valid" {
            opened.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(data == message(&test), "{name}");
        } else {
            assert!(opened.is_err(), "{name}");
        }
    }
}
