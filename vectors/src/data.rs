//! The vector files, built in.

use sealab_engine::Primitive;

/// A vector file, with the engines' primitive that its name promises.
pub(crate) struct Source {
    pub(crate) primitive: Option<Primitive>,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! sources {
    (@primitive) => { None };
    (@primitive $primitive:ident) => { Some(Primitive::$primitive) };
    ($($($primitive:ident)? $name:literal,)*) => {
        &[$(Source {
            primitive: sources!(@primitive $($primitive)?),
            name: concat!("vectors/data/", $name),
            text: include_str!(concat!("../data/", $name)),
        },)*]
    };
}

/// The files that a benchmark's workers run before they measure: standards, edge cases and each kind of code path.
pub(crate) const COMPACT: &[Source] = sources! {
    Aes128Gcm "aes-128-gcm-messages.json",
    Aes128Gcm "aes-128-gcm-wycheproof.json",
    Aes128Xts "aes-128-xts-ieee1619.json",
    Aes128Xts "aes-128-xts-units.json",
    Aes128Xts "aes-128-xts-wycheproof.json",
    Aes256Block "aes-256-block.json",
    Aes256Ctr "aes-256-ctr-sp800-38a.json",
    Aes256Ctr "aes-256-ctr-streams.json",
    Aes256Gcm "aes-256-gcm-messages.json",
    Aes256Gcm "aes-256-gcm-wycheproof.json",
    Aes256Xts "aes-256-xts-ieee1619.json",
    Aes256Xts "aes-256-xts-units.json",
    Aes256Xts "aes-256-xts-wycheproof.json",
    ChaCha20Poly1305 "chacha20-poly1305-messages.json",
    ChaCha20Poly1305 "chacha20-poly1305-rfc8439.json",
    ChaCha20Poly1305 "chacha20-poly1305-wycheproof.json",
    HmacSha256 "hmac-sha256-wycheproof.json",
    HmacSha256 "hmac-sha256.json",
    Sha256 "sha-256.json",
};

/// The engines' other files: many cases that repeat a kind.
pub(crate) const EXTENSIVE: &[Source] = sources! {
    Aes128Gcm "aes-128-gcm-nist.json",
    Aes128Xts "aes-128-xts-lengths.json",
    Aes128Xts "aes-128-xts-nist-numbers.json",
    Aes128Xts "aes-128-xts-nist-tweaks.json",
    Aes128Xts "aes-128-xts-sectors.json",
    Aes256Block "aes-256-block-nist.json",
    Aes256Ctr "aes-256-ctr-lengths.json",
    Aes256Gcm "aes-256-gcm-nist.json",
    Aes256Xts "aes-256-xts-lengths.json",
    Aes256Xts "aes-256-xts-nist-numbers.json",
    Aes256Xts "aes-256-xts-nist-tweaks.json",
    Aes256Xts "aes-256-xts-sectors.json",
    HmacSha256 "hmac-sha256-lengths.json",
    Sha256 "sha-256-lengths.json",
    Sha256 "sha-256-nist.json",
};

/// Files of what is no engine's primitive: key wrapping, and what peers write to disk.
const CONSTRUCTIONS: &[Source] = sources! {
    "aes-128-cbc-essiv-sha256-sectors.json",
    "aes-256-cbc-essiv-sha256-sectors.json",
    "aes-kw-lengths.json",
    "aes-kw-nist.json",
    "aes-kw-rfc3394.json",
    "aes-kw-wycheproof.json",
    "aes-kwp-lengths.json",
    "aes-kwp-nist.json",
    "aes-kwp-rfc5649.json",
    "aes-kwp-wycheproof.json",
    "criu-pr2297-entry-messages.json",
    "criu-pr2297-pages-messages.json",
    "criu-pr2297-raw-messages.json",
    "dm-crypt-aes-256-gcm-random-sectors.json",
    "dm-crypt-aes-256-xts-hmac-sha256-sectors.json",
    "hkdf-sha256-rfc5869.json",
    "hkdf-sha256-wycheproof.json",
    "jwe-wycheproof.json",
    "ocicrypt-layer-messages.json",
    "ocicrypt-options-texts.json",
    "rsa-oaep-wycheproof.json",
};

/// Every file.
pub(crate) fn all() -> impl Iterator<Item = &'static Source> {
    COMPACT.iter().chain(EXTENSIVE).chain(CONSTRUCTIONS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_file_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let on_disk: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("vectors/data/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        let built_in: BTreeSet<_> = all().map(|source| source.name.to_owned()).collect();
        assert_eq!(on_disk, built_in);
        assert_eq!(all().count(), built_in.len(), "a file is listed twice");
    }

    #[test]
    fn every_file_passes_the_schema() {
        let schema = read(include_str!("../schema.json"));
        jsonschema::meta::validate(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for source in all() {
            let mut document = read(source.text);
            let errors: Vec<_> = validator
                .iter_errors(&document)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", source.name);

            // The schema asks for what the primitive needs, not merely for some object.
            let test = &mut document["testGroups"][0]["tests"][0];
            let needed = ["ct", "digest", "tag", "framed", "okm", "jwe"]
                .into_iter()
                .find(|name| test.get(name).is_some());
            test.as_object_mut().unwrap().remove(needed.unwrap());
            assert!(
                !validator.is_valid(&document),
                "{} without {needed:?}",
                source.name
            );
        }
    }
    #[test]
    fn every_test_of_a_source_is_here_or_counted_as_left_out() {
        for source in all() {
            let document = read(source.text);
            let header = &document["header"];
            let number = |value: &serde_json::Value| value.as_u64().unwrap();
            let tests: u64 = document["testGroups"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["tests"].as_array().unwrap().len() as u64)
                .sum();
            assert_eq!(number(&document["numberOfTests"]), tests, "{}", source.name);
            let whole = header.get("sourceTests").map(number);
            assert_eq!(
                whole.is_some(),
                source.name.contains("-nist") || source.name.contains("-wycheproof"),
                "{}",
                source.name
            );
            let Some(whole) = whole else { continue };
            let left_out = header["leftOut"].as_array().unwrap();
            let left_out: u64 = left_out.iter().map(|entry| number(&entry["count"])).sum();
            assert_eq!(tests + left_out, whole, "{}", source.name);
        }
    }

    #[test]
    fn the_set_is_large_and_its_files_are_small() {
        let cases: u64 = all()
            .map(|source| read(source.text)["numberOfTests"].as_u64().unwrap())
            .sum();
        let bytes: usize = all().map(|source| source.text.len()).sum();
        assert!(cases >= 7800, "{cases} cases");
        assert!(bytes < 6_000_000, "{bytes} bytes");
    }
}
