//! The format of a vector file, read into types.

use std::collections::BTreeMap;

use sealab_engine::Primitive;
use serde::{Deserialize, Deserializer, de};

use crate::VectorError;
use crate::data::Source;

/// The version of the format that is read here.
const FORMAT_VERSION: u32 = 1;
/// The longest plaintext that `msgLength` may ask for.
const MAX_MSG_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    format_version: u32,
    algorithm: String,
    #[serde(rename = "header")]
    _header: Header,
    number_of_tests: usize,
    flags: BTreeMap<String, String>,
    test_groups: Vec<Group>,
}

/// Provenance, for people; required, but nothing is decided by it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Header {
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "licence")]
    _licence: String,
    #[serde(rename = "notes")]
    _notes: Vec<String>,
    #[serde(default, rename = "agreedBy")]
    _agreed_by: Vec<String>,
    #[serde(default, rename = "sourceTests")]
    _source_tests: Option<u64>,
    #[serde(default, rename = "leftOut")]
    _left_out: Vec<LeftOut>,
}

/// Tests of the source that are not in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    #[serde(rename = "count")]
    _count: u64,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Group {
    key_size: Option<usize>,
    iv_size: Option<usize>,
    tweak_size: Option<usize>,
    tag_size: Option<usize>,
    digest_size: Option<usize>,
    tests: Vec<Test>,
}

/// One vector. Which values are there depends on the primitive.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Test {
    pub(crate) tc_id: u32,
    #[serde(rename = "comment")]
    _comment: String,
    flags: Vec<String>,
    key: Option<Octets>,
    iv: Option<Octets>,
    tweak: Option<Octets>,
    aad: Option<Octets>,
    msg: Octets,
    msg_length: Option<usize>,
    ct: Option<Octets>,
    ct_sha256: Option<Octets>,
    tag: Option<Octets>,
    digest: Option<Octets>,
    pub(crate) result: Verdict,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Valid,
    Invalid,
}

/// Bytes, written in the file as hexadecimal.
struct Octets(Vec<u8>);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.len().is_multiple_of(2) {
            return Err(de::Error::custom(format!(
                "{} hexadecimal digits, which is an odd number",
                text.len()
            )));
        }
        text.as_bytes()
            .chunks_exact(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| de::Error::custom("a character that is no lower-case hexadecimal digit"))
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// A test with the file that it stands in.
pub(crate) struct Case {
    pub(crate) file: &'static str,
    pub(crate) test: Test,
}

impl Case {
    /// The plaintext.
    pub(crate) fn msg(&self) -> &[u8] {
        &self.test.msg.0
    }

    pub(crate) fn key(&self) -> Result<&[u8], VectorError> {
        self.present("key", &self.test.key)
    }

    pub(crate) fn iv<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("iv", &self.test.iv)
    }

    pub(crate) fn tweak<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("tweak", &self.test.tweak)
    }

    pub(crate) fn aad(&self) -> Result<&[u8], VectorError> {
        self.present("aad", &self.test.aad)
    }

    pub(crate) fn ct(&self) -> Result<&[u8], VectorError> {
        self.present("ct", &self.test.ct)
    }

    pub(crate) fn tag<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("tag", &self.test.tag)
    }

    pub(crate) fn digest<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("digest", &self.test.digest)
    }

    /// The ciphertext, which must be as long as the plaintext.
    pub(crate) fn equally_long_ct(&self) -> Result<&[u8], VectorError> {
        let ct = self.ct()?;
        if ct.len() == self.msg().len() {
            return Ok(ct);
        }
        Err(self.malformed(format!(
            "ct has {} bytes; it must have {}, as msg has",
            ct.len(),
            self.msg().len()
        )))
    }

    /// The SHA-256 of the ciphertext, where the file has that in place of the ciphertext.
    pub(crate) fn ct_sha256(&self) -> Result<Option<[u8; 32]>, VectorError> {
        if self.test.ct_sha256.is_none() {
            return Ok(None);
        }
        if self.test.ct.is_some() {
            return Err(self.malformed("ct and ctSha256; it must be one of them".to_owned()));
        }
        self.sized("ctSha256", &self.test.ct_sha256).map(Some)
    }

    /// Puts the plaintext in place of the part that repeats, where `msgLength` says that it does.
    fn expand(&mut self) -> Result<(), VectorError> {
        let Some(length) = self.test.msg_length else {
            return Ok(());
        };
        if length > MAX_MSG_BYTES {
            return Err(self.malformed(format!(
                "msgLength is {length}; it must be at most {MAX_MSG_BYTES}"
            )));
        }
        if self.msg().is_empty() {
            return Err(self.malformed("msg is empty; with msgLength it must not be".to_owned()));
        }
        let part = std::mem::take(&mut self.test.msg.0);
        self.test.msg.0 = part.into_iter().cycle().take(length).collect();
        Ok(())
    }

    pub(crate) fn malformed(&self, reason: String) -> VectorError {
        VectorError::Malformed {
            file: self.file,
            place: format!("case {}", self.test.tc_id),
            reason,
        }
    }

    fn present<'a>(&self, name: &str, value: &'a Option<Octets>) -> Result<&'a [u8], VectorError> {
        let value = value.as_ref().map(|octets| octets.0.as_slice());
        value.ok_or_else(|| self.malformed(format!("{name} is missing")))
    }

    fn sized<const N: usize>(&self, name: &str, value: &Option<Octets>) -> Result<[u8; N], VectorError> {
        let value = self.present(name, value)?;
        value
            .try_into()
            .map_err(|_| self.malformed(format!("{name} has {} bytes; it must have {N}", value.len())))
    }
}

/// The cases of `source`, in order.
pub(crate) fn read(source: &Source) -> Result<Vec<Case>, VectorError> {
    let file = source.name;
    let malformed = |place: &str, reason: String| VectorError::Malformed {
        file,
        place: place.to_owned(),
        reason,
    };
    let document: Document = serde_json::from_str(source.text)
        .map_err(|error| malformed(&format!("line {}", error.line()), error.to_string()))?;
    if document.format_version != FORMAT_VERSION {
        let found = document.format_version;
        return Err(malformed(
            "formatVersion",
            format!("{found}; it must be {FORMAT_VERSION}"),
        ));
    }
    if Primitive::from_id(&document.algorithm) != Some(source.primitive) {
        let reason = format!("{}; it must be {}", document.algorithm, source.primitive);
        return Err(malformed("algorithm", reason));
    }
    let mut cases = Vec::new();
    for group in document.test_groups {
        let sizes = [
            group.key_size,
            group.iv_size,
            group.tweak_size,
            group.tag_size,
            group.digest_size,
        ];
        for test in group.tests {
            let mut case = Case { file, test };
            case.expand()?;
            agrees_with_group(&case, sizes)?;
            if let Some(flag) = case.test.flags.iter().find(|f| !document.flags.contains_key(*f)) {
                return Err(case.malformed(format!("the flag {flag} is not among the file's flags")));
            }
            cases.push(case);
        }
    }
    if cases.len() != document.number_of_tests {
        let reason = format!("{}; the file has {}", document.number_of_tests, cases.len());
        return Err(malformed("numberOfTests", reason));
    }
    Ok(cases)
}

/// That each value has the size, in bits, that the group gives for it.
fn agrees_with_group(case: &Case, sizes: [Option<usize>; 5]) -> Result<(), VectorError> {
    let test = &case.test;
    let values = [
        ("key", &test.key),
        ("iv", &test.iv),
        ("tweak", &test.tweak),
        ("tag", &test.tag),
        ("digest", &test.digest),
    ];
    for ((name, value), size) in values.into_iter().zip(sizes) {
        let Some(size) = size else { continue };
        let bits = value.as_ref().map(|octets| octets.0.len() * 8);
        if bits != Some(size) {
            let found = bits.map_or_else(|| "is missing".to_owned(), |bits| format!("has {bits} bits"));
            return Err(case.malformed(format!("{name} {found}; its group says {size}")));
        }
    }
    Ok(())
}
