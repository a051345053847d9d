//! The vector files, built in.

use sealab_engine::Primitive;

/// A vector file and the primitive that its name promises.
pub(crate) struct Source {
    pub(crate) primitive: Primitive,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! sources {
    ($($primitive:ident $name:literal,)*) => {
        &[$(Source {
            primitive: Primitive::$primitive,
            name: concat!("vectors/data/", $name),
            text: include_str!(concat!("../data/", $name)),
        },)*]
    };
}

/// Every file under `data/`.
pub(crate) const SOURCES: &[Source] = sources! {
    Aes128Gcm "aes-128-gcm-messages.json",
    Aes128Gcm "aes-128-gcm-nist.json",
    Aes128Xts "aes-128-xts-ieee1619.json",
    Aes128Xts "aes-128-xts-nist.json",
    Aes128Xts "aes-128-xts-units.json",
    Aes256Block "aes-256-block.json",
    Aes256Ctr "aes-256-ctr-sp800-38a.json",
    Aes256Ctr "aes-256-ctr-streams.json",
    Aes256Gcm "aes-256-gcm-messages.json",
    Aes256Gcm "aes-256-gcm-nist.json",
    Aes256Xts "aes-256-xts-ieee1619.json",
    Aes256Xts "aes-256-xts-nist.json",
    Aes256Xts "aes-256-xts-units.json",
    ChaCha20Poly1305 "chacha20-poly1305-messages.json",
    ChaCha20Poly1305 "chacha20-poly1305-rfc8439.json",
    HmacSha256 "hmac-sha256.json",
    Sha256 "sha-256.json",
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let on_disk: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("vectors/data/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        let built_in: BTreeSet<_> = SOURCES.iter().map(|source| source.name.to_owned()).collect();
        assert_eq!(on_disk, built_in);
    }

    #[test]
    fn every_file_passes_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        jsonschema::meta::validate(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for source in SOURCES {
            let mut document: serde_json::Value = serde_json::from_str(source.text).unwrap();
            let errors: Vec<_> = validator
                .iter_errors(&document)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", source.name);

            // The schema asks for what the primitive needs, not merely for some object.
            let test = &mut document["testGroups"][0]["tests"][0];
            let needed = ["ct", "digest", "tag"]
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
}
