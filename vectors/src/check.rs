//! All vectors of a primitive, run through an engine.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use sealab_engine::{Engine, EngineError, Primitive};

use crate::case::Case;
use crate::data::{COMPACT, EXTENSIVE, Source};
use crate::{VectorError, aead, plain, suite, xts};

/// What became of a primitive's vectors.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// Vectors that hold in every form: each call in place and into a buffer, alone and in a batch.
    pub passed: usize,
    /// Vectors that the engine says it cannot do, by [`EngineError::Unsupported`] or [`EngineError::Length`].
    pub skipped: usize,
}

/// Runs the compact set of `primitive` through `engine`: encryption and decryption, in place and into a buffer, alone
/// and in batches. Messages that are not authentic must be refused and leave zeros.
///
/// The compact set has the standards' own vectors, Wycheproof's and each kind of code path, and is small enough to be
/// run before every measurement. The first failure ends the check. That no vector was run is a failure too.
pub fn check(engine: &dyn Engine, primitive: Primitive) -> Result<Checked, VectorError> {
    check_sources(engine, primitive, COMPACT)
}

/// As [`check`], over every vector there is: the compact set, NIST's, every length of up to 33 blocks, and whole
/// sectors.
pub fn check_all(engine: &dyn Engine, primitive: Primitive) -> Result<Checked, VectorError> {
    check_sources(engine, primitive, COMPACT.iter().chain(EXTENSIVE))
}

fn check_sources<'a>(
    engine: &dyn Engine,
    primitive: Primitive,
    sources: impl IntoIterator<Item = &'a Source>,
) -> Result<Checked, VectorError> {
    let mut total = Checked::default();
    for source in sources
        .into_iter()
        .filter(|source| source.primitive == Some(primitive))
    {
        let cases = suite::read(source)?;
        let checked = match primitive {
            Primitive::Aes128Xts | Primitive::Aes256Xts => xts::check(engine, primitive, &cases),
            Primitive::Aes128Gcm | Primitive::Aes256Gcm | Primitive::ChaCha20Poly1305 => {
                aead::check(engine, primitive, &cases)
            }
            Primitive::Aes256Block => plain::check_block(engine, &cases),
            Primitive::Aes256Ctr => plain::check_ctr(engine, &cases),
            Primitive::HmacSha256 => plain::check_hmac(engine, &cases),
            Primitive::Sha256 => plain::check_sha256(engine, &cases),
        }?;
        total.passed += checked.passed;
        total.skipped += checked.skipped;
    }
    if total.passed == 0 {
        return Err(VectorError::Nothing {
            engine: engine.id(),
            primitive,
            skipped: total.skipped,
        });
    }
    Ok(total)
}

/// Why a case ended early.
pub(crate) enum Stop {
    /// The engine cannot do it, and says so.
    Skipped,
    /// It did not hold.
    Failed(VectorError),
}

impl From<VectorError> for Stop {
    fn from(error: VectorError) -> Self {
        Self::Failed(error)
    }
}

impl Checked {
    /// Counts `vectors` vectors by how their check ended.
    pub(crate) fn count(&mut self, vectors: usize, outcome: Result<(), Stop>) -> Result<(), VectorError> {
        match outcome {
            Ok(()) => self.passed += vectors,
            Err(Stop::Skipped) => self.skipped += vectors,
            Err(Stop::Failed(error)) => return Err(error),
        }
        Ok(())
    }
}

/// What an engine's error in a call that should have succeeded means.
pub(crate) fn stopped(case: &Case, how: &dyn fmt::Display, error: EngineError) -> Stop {
    match error {
        EngineError::Length { .. } | EngineError::Unsupported { .. } => Stop::Skipped,
        source => Stop::Failed(VectorError::Engine {
            file: case.file.clone(),
            case: case.id,
            how: how.to_string(),
            source,
        }),
    }
}

/// The cases in sets for which `key` gives the same value, in the order of their first members.
pub(crate) fn sets<'a, K: Eq + Hash>(
    cases: impl Iterator<Item = &'a Case>,
    key: impl Fn(&'a Case) -> Result<K, VectorError>,
) -> Result<Vec<Vec<&'a Case>>, VectorError> {
    let mut sets: Vec<Vec<&Case>> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for case in cases {
        let place = *places.entry(key(case)?).or_insert(sets.len());
        if place == sets.len() {
            sets.push(Vec::new());
        }
        sets[place].push(case);
    }
    Ok(sets)
}

/// `set` over and over until there are at least `length`, each case at least once.
pub(crate) fn cycled<'a>(set: &[&'a Case], length: usize) -> Vec<&'a Case> {
    let length = length.max(set.len());
    set.iter().copied().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use sealab_engine::CodePath;

    use super::*;

    /// An engine that can do nothing: reading the file comes first.
    struct Nil;

    impl Engine for Nil {
        fn id(&self) -> &'static str {
            "nil"
        }

        fn version(&self) -> String {
            String::new()
        }

        fn code_path(&self) -> CodePath {
            CodePath {
                hardware_aes: false,
                description: String::new(),
            }
        }

        fn primitives(&self) -> &'static [Primitive] {
            &[]
        }
    }

    const SHA256: &str = r#"{"formatVersion": 1, "algorithm": "sha-256",
        "header": {"source": "a", "licence": "b", "notes": []},
        "numberOfTests": 1, "flags": {"F": "a flag"}, "testGroups": [{"digestSize": 16, "tests": [
        {"tcId": 7, "comment": "", "flags": ["F"], "msg": "00ff", "digest": "abcd", "result": "valid"}]}]}"#;

    fn reason(primitive: Primitive, text: String) -> String {
        let source = Source {
            primitive: Some(primitive),
            name: "x.json",
            text: Box::leak(text.into_boxed_str()),
        };
        check_sources(&Nil, primitive, &[source]).unwrap_err().to_string()
    }

    #[test]
    fn malformed_files_are_refused_with_their_place() {
        for (from, to, expected) in [
            (
                "",
                "",
                "no vector of sha-256 was run through nil (1 were skipped)",
            ),
            ("{\"formatVersion\"", "", "x.json, line 1: "),
            (
                "\"formatVersion\": 1",
                "\"formatVersion\": 2",
                "x.json, formatVersion: 2; it must be 1",
            ),
            (
                "sha-256",
                "sha-257",
                "x.json, algorithm: \"sha-257\"; it must be one of aes-128-xts, ",
            ),
            (
                "sha-256",
                "aes-256-ctr",
                "x.json, case 7: aes-256-ctr has no value \"digest\"",
            ),
            (
                ", \"digest\": \"abcd\"",
                "",
                "x.json, case 7: digest is missing, which digest needs",
            ),
            (
                "\"abcd\"",
                "7",
                "x.json, case 7: digest: a number; it must be text",
            ),
            ("\"licence\": \"b\", ", "", "missing field `licence`"),
            (
                "\"numberOfTests\": 1",
                "\"numberOfTests\": 2",
                "x.json, numberOfTests: 2; the file has 1",
            ),
            (
                "\"F\": \"a flag\"",
                "",
                "x.json, case 7: the flag F is not among the file's flags",
            ),
            (
                "\"digestSize\": 16",
                "\"digestSize\": 256",
                "case 7: digest has 16 bits; its group says 256",
            ),
            (
                "\"digestSize\": 16",
                "\"keySize\": 16",
                "case 7: key is missing; its group says 16",
            ),
            (
                "\"00ff\"",
                "\"00ff\", \"msgLength\": 1048577",
                "x.json, case 7: msgLength is 1048577; it must be at most 1048576",
            ),
            (
                "\"00ff\"",
                "\"\", \"msgLength\": 4",
                "x.json, case 7: msg is empty; with msgLength it must not be",
            ),
            ("00ff", "00f", "3 hexadecimal digits, which is an odd number"),
            ("00ff", "00fF", "no lower-case hexadecimal digit"),
            ("00ff", "é", "no lower-case hexadecimal digit"),
            ("\"valid\"", "\"acceptable\"", "unknown variant `acceptable`"),
            (
                "\"valid\"",
                "\"invalid\"",
                "x.json, case 7: sha-256 has nothing to refuse",
            ),
            ("\"comment\"", "\"remark\"", "missing field `comment`"),
        ] {
            let found = reason(Primitive::Sha256, SHA256.replacen(from, to, 1));
            assert!(found.contains(expected), "{from} -> {to}: {found}");
        }
    }

    #[test]
    fn values_of_the_wrong_length_are_refused() {
        for (primitive, values, expected) in [
            (
                Primitive::Aes256Xts,
                r#""key": "00", "tweak": """#,
                "a key for aes-256-xts has 64 bytes, not 1",
            ),
            (
                Primitive::Aes256Xts,
                r#""key": "", "tweak": """#,
                "a key for aes-256-xts has 64 bytes, not 0",
            ),
            (
                Primitive::Aes256Gcm,
                r#""key": "00", "aad": "", "iv": "", "tag": """#,
                "a key for aes-256-gcm has 32 bytes, not 1",
            ),
            (
                Primitive::Aes256Ctr,
                r#""key": "00", "iv": """#,
                "key has 1 bytes; it must have 32",
            ),
            (
                Primitive::Aes256Xts,
                r#""key": "", "tweak": "", "ctSha256": "00""#,
                "ct and ctSha256; it must be one of them",
            ),
            (
                Primitive::Aes256Block,
                r#""key": """#,
                "key has 0 bytes; it must have 32",
            ),
        ] {
            let text = SHA256
                .replacen("sha-256", primitive.id(), 1)
                .replacen("\"digestSize\": 16, ", "", 1)
                .replacen("\"digest\": \"abcd\"", &format!("\"ct\": \"0000\", {values}"), 1);
            let found = reason(primitive, text);
            assert!(found.contains(expected), "{primitive}, {values}: {found}");
        }
    }
}
