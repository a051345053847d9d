//! The requests that a case is put to an implementation by, and what their answers must be.

use data_encoding::HEXLOWER;
use sealab_vectors::{Case, Operation, Suite, Value, Verdict};
use serde_json::{Map, Value as Json};

/// One request, ready to be sent, with its due answer.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) suite: usize,
    /// The case, as an index into the suite's cases.
    pub(crate) case: usize,
    pub(crate) operation: &'static Operation,
    /// The request, a JSON object without its end: the identifier is put behind it.
    body: String,
    pub(crate) due: Due,
}

/// The right answer.
#[derive(Debug)]
pub(crate) enum Due {
    /// These values, as they stand in the answer.
    Values(Vec<(&'static str, String)>),
    /// A ciphertext of this SHA-256, which must then decrypt.
    Digest([u8; 32]),
    /// A refusal.
    Refusal,
}

impl Ask {
    /// The request as a line.
    pub(crate) fn line(&self, id: u64) -> Vec<u8> {
        format!("{},\"id\":{id}}}\n", self.body).into_bytes()
    }

    /// The decryption of a ciphertext that was answered, for a case that holds the ciphertext's digest alone.
    pub(crate) fn opening(&self, suite: &Suite, ct: &str) -> Option<Self> {
        let case = &suite.cases[self.case];
        let operation = suite
            .algorithm
            .operations
            .iter()
            .find(|operation| operation.given.contains(&"ct"))?;
        let mut values = given(operation, case);
        values.insert("ct".to_owned(), Json::from(ct));
        Some(Self {
            suite: self.suite,
            case: self.case,
            operation,
            body: body(suite, operation, values),
            due: Due::Values(answered(operation, case)),
        })
    }
}

/// The requests of every case of `suite`, a case's own in the order of its operations.
pub(crate) fn asks(number: usize, suite: &Suite) -> Vec<Ask> {
    let mut asks = Vec::new();
    for (index, case) in suite.cases.iter().enumerate() {
        let ask = |operation, due| Ask {
            suite: number,
            case: index,
            operation,
            body: body(suite, operation, given(operation, case)),
            due,
        };
        match (case.verdict, suite.algorithm.refusing) {
            (Verdict::Invalid, Some(operation)) => asks.push(ask(operation, Due::Refusal)),
            (Verdict::Invalid, None) => {}
            (Verdict::Valid, _) => match digest(case) {
                // The decryption is asked once the ciphertext is there.
                Some(digest) => asks.push(ask(&suite.algorithm.operations[0], Due::Digest(digest))),
                None => {
                    for operation in suite.algorithm.operations {
                        asks.push(ask(operation, Due::Values(answered(operation, case))));
                    }
                }
            },
        }
    }
    asks
}

fn digest(case: &Case) -> Option<[u8; 32]> {
    case.values.get("ctSha256")?.octets()?.try_into().ok()
}

fn given(operation: &Operation, case: &Case) -> Map<String, Json> {
    let values = operation
        .given
        .iter()
        .filter_map(|name| Some((*name, case.values.get(*name)?)));
    values
        .map(|(name, value)| (name.to_owned(), json(value)))
        .collect()
}

fn answered(operation: &'static Operation, case: &Case) -> Vec<(&'static str, String)> {
    let values = operation
        .answered
        .iter()
        .filter_map(|name| Some((*name, case.values.get(*name)?)));
    values.map(|(name, value)| (name, text(value))).collect()
}

fn body(suite: &Suite, operation: &Operation, mut values: Map<String, Json>) -> String {
    values.insert("algorithm".to_owned(), Json::from(suite.algorithm.id));
    values.insert("operation".to_owned(), Json::from(operation.name));
    let mut text = Json::Object(values).to_string();
    text.pop();
    text
}

fn json(value: &Value) -> Json {
    match value {
        Value::Number(number) => Json::from(*number),
        Value::Octets(_) | Value::Text(_) => Json::from(text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Octets(octets) => HEXLOWER.encode(octets),
        Value::Text(text) => text.clone(),
    }
}
