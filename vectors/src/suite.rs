//! A vector file, read into a suite of cases.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::VectorError;
use crate::algorithm::{Algorithm, Kind, Operation};
use crate::case::{Case, Verdict};
use crate::data::{self, Source};
use crate::value::{Value, Written};

/// The version of the format that is read here.
const FORMAT_VERSION: u32 = 1;

/// The vectors of one file.
#[derive(Debug)]
pub struct Suite {
    /// The file's name without its folder and `.json`.
    pub name: String,
    /// What the vectors are of.
    pub algorithm: &'static Algorithm,
    /// Where the values come from.
    pub source: String,
    /// Under which terms they stand.
    pub licence: String,
    /// The implementations that gave these answers when the file was written.
    pub agreed_by: Vec<String>,
    /// Tests of the source that are not here.
    pub left_out: Vec<LeftOut>,
    /// What each flag means.
    pub flags: BTreeMap<String, String>,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// Tests of a source that are not in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    format_version: u32,
    algorithm: String,
    header: Header,
    number_of_tests: usize,
    flags: BTreeMap<String, String>,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Header {
    source: String,
    licence: String,
    #[serde(rename = "notes")]
    _notes: Vec<String>,
    #[serde(default)]
    agreed_by: Vec<String>,
    #[serde(default, rename = "sourceTests")]
    _source_tests: Option<u64>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
}

#[derive(Deserialize)]
struct Group {
    tests: Vec<Test>,
    /// Sizes in bits (`keySize`), and values that all tests share.
    #[serde(flatten)]
    values: BTreeMap<String, Written>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    comment: String,
    flags: Vec<String>,
    result: Verdict,
    #[serde(flatten)]
    values: BTreeMap<String, Written>,
}

impl Suite {
    /// Every suite that is built in, in the order of their names.
    pub fn shipped() -> Result<Vec<Self>, VectorError> {
        let mut suites = data::all()
            .map(|source| Self::parse(source.text, source.name))
            .collect::<Result<Vec<_>, _>>()?;
        suites.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(suites)
    }

    /// Parses the text of a vector file; `file` names it in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, VectorError> {
        let malformed = |place: &str, reason: String| VectorError::malformed(file, place, &reason);
        let document: Document = serde_json::from_str(text)
            .map_err(|error| malformed(&format!("line {}", error.line()), error.to_string()))?;
        if document.format_version != FORMAT_VERSION {
            let found = document.format_version;
            return Err(malformed(
                "formatVersion",
                format!("{found}; it must be {FORMAT_VERSION}"),
            ));
        }
        let algorithm = Algorithm::from_id(&document.algorithm).ok_or_else(|| {
            let known: Vec<_> = Algorithm::all().iter().map(|known| known.id).collect();
            malformed(
                "algorithm",
                format!("{:?}; it must be one of {}", document.algorithm, known.join(", ")),
            )
        })?;
        let name: Arc<str> = file.into();
        let mut cases: Vec<Case> = Vec::new();
        for group in document.test_groups {
            let (sizes, shared) = group
                .values
                .into_iter()
                .partition::<BTreeMap<_, _>, _>(|(name, _)| name.ends_with("Size"));
            for test in group.tests {
                let case = read_case(&name, algorithm, test, &shared)?;
                agrees_with_group(&case, &sizes)?;
                if let Some(flag) = case.flags.iter().find(|flag| !document.flags.contains_key(*flag)) {
                    return Err(case.malformed(format!("the flag {flag} is not among the file's flags")));
                }
                cases.push(case);
            }
        }
        if cases.len() != document.number_of_tests {
            let reason = format!("{}; the file has {}", document.number_of_tests, cases.len());
            return Err(malformed("numberOfTests", reason));
        }
        if !cases.windows(2).all(|pair| pair[0].id < pair[1].id) {
            return Err(malformed(
                "tcId",
                "the numbers must rise from case to case".to_owned(),
            ));
        }
        Ok(Self {
            name: stem(file).to_owned(),
            algorithm,
            source: document.header.source,
            licence: document.header.licence,
            agreed_by: document.header.agreed_by,
            left_out: document.header.left_out,
            flags: document.flags,
            cases,
        })
    }
}

/// The cases of a built-in file, whose algorithm its place in the list promises.
pub(crate) fn read(source: &Source) -> Result<Vec<Case>, VectorError> {
    let suite = Suite::parse(source.text, source.name)?;
    match source.primitive {
        Some(primitive) if suite.algorithm.id != primitive.id() => Err(VectorError::malformed(
            source.name,
            "algorithm",
            &format!("{}; it must be {primitive}", suite.algorithm.id),
        )),
        _ => Ok(suite.cases),
    }
}

fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".json").unwrap_or(name)
}

fn read_case(
    file: &Arc<str>,
    algorithm: &'static Algorithm,
    test: Test,
    shared: &BTreeMap<String, Written>,
) -> Result<Case, VectorError> {
    let mut case = Case {
        file: Arc::clone(file),
        id: test.tc_id,
        comment: test.comment,
        flags: test.flags,
        verdict: test.result,
        values: BTreeMap::new(),
    };
    let written = shared.clone().into_iter().chain(test.values);
    for (name, written) in written {
        let Some(kind) = algorithm.kind(&name) else {
            return Err(case.malformed(format!("{} has no value {name:?}", algorithm.id)));
        };
        let value =
            Value::read(written, kind).map_err(|reason| case.malformed(format!("{name}: {reason}")))?;
        if case.values.insert(name.clone(), value).is_some() {
            return Err(case.malformed(format!("{name} stands in the case and in its group")));
        }
    }
    case.expand()?;
    complete(algorithm, &case)?;
    Ok(case)
}

/// That each value is there that the case's operations need.
fn complete(algorithm: &Algorithm, case: &Case) -> Result<(), VectorError> {
    let missing = |operation: &Operation, name: &str| {
        case.malformed(format!("{name} is missing, which {} needs", operation.name))
    };
    match (case.verdict, algorithm.refusing) {
        (Verdict::Valid, _) => {
            if case.values.contains_key("ct") && case.values.contains_key("ctSha256") {
                return Err(case.malformed("ct and ctSha256; it must be one of them".to_owned()));
            }
            for operation in algorithm.operations {
                for name in operation.given.iter().chain(operation.answered) {
                    let digest = *name == "ct" && case.values.contains_key("ctSha256");
                    if !digest && !case.values.contains_key(*name) {
                        return Err(missing(operation, name));
                    }
                }
            }
        }
        (Verdict::Invalid, Some(operation)) => {
            if let Some(name) = operation
                .given
                .iter()
                .find(|name| !case.values.contains_key(**name))
            {
                return Err(missing(operation, name));
            }
        }
        (Verdict::Invalid, None) => {
            return Err(case.malformed(format!(
                "{} has nothing to refuse; result must be valid",
                algorithm.id
            )));
        }
    }
    Ok(())
}

/// That each value has the size, in bits, that the group gives for it. What must be refused may be so for its sizes.
fn agrees_with_group(case: &Case, sizes: &BTreeMap<String, Written>) -> Result<(), VectorError> {
    if case.verdict == Verdict::Invalid {
        return Ok(());
    }
    for (name, size) in sizes {
        let Ok(Value::Number(size)) = Value::read(size.clone(), Kind::Number) else {
            return Err(case.malformed(format!("{name} of its group is no number")));
        };
        let name = name.strip_suffix("Size").unwrap_or(name);
        let octets = case.values.get(name).and_then(Value::octets);
        let bits = octets.map(|octets| octets.len() as u64 * 8);
        if bits != Some(size) {
            let found = bits.map_or_else(|| "is missing".to_owned(), |bits| format!("has {bits} bits"));
            return Err(case.malformed(format!("{name} {found}; its group says {size}")));
        }
    }
    Ok(())
}
