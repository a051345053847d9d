//! The worker's end of the protocol, over any implementation.

use std::io::{self, BufRead, Read, Write};

use data_encoding::HEXLOWER;
use serde_json::{Map, Value as Json, json};

use crate::introduction::PROTOCOL;

/// The longest request, in bytes.
const MAX_REQUEST_BYTES: u64 = 16 << 20;

/// What answers requests.
pub trait Implementation {
    /// Who it is; or why it cannot be used in this process.
    fn facts(&self) -> Result<Facts, String>;

    /// The answer to `request`, whose algorithm is among [`Facts::implements`].
    fn answer(&mut self, request: &Request) -> Result<Answer, Answer>;
}

/// Who an implementation is.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its short identifier.
    pub name: String,
    /// The library that does the cryptography.
    pub library: String,
    /// The library's version, as it says itself.
    pub version: String,
    /// Which code of the library runs on this CPU.
    pub description: String,
    /// The identifiers of its algorithms.
    pub implements: Vec<&'static str>,
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It refuses.
    Error(String),
    /// It has no such algorithm, operation or size.
    Unsupported(String),
    /// Values by name, as octets.
    Values(Vec<(&'static str, Vec<u8>)>),
}

/// A request, by its values.
#[derive(Debug)]
pub struct Request {
    members: Map<String, Json>,
}

impl Request {
    /// The request on `line`.
    pub fn parse(line: &[u8]) -> Result<Self, Answer> {
        match serde_json::from_slice(line) {
            Ok(members) => Ok(Self { members }),
            Err(error) => Err(Answer::Error(format!(
                "the request is not a JSON object: {error}"
            ))),
        }
    }

    /// The algorithm's identifier.
    pub fn algorithm(&self) -> &str {
        self.members
            .get("algorithm")
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// The operation's name.
    pub fn operation(&self) -> &str {
        self.members
            .get("operation")
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// The octets of that name.
    pub fn octets(&self, name: &str) -> Result<Vec<u8>, Answer> {
        HEXLOWER
            .decode(self.text(name)?.as_bytes())
            .map_err(|error| Answer::Error(format!("{name} is not lower-case hexadecimal: {error}")))
    }

    /// The octets of that name, of which there must be `N`.
    pub fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], Answer> {
        let octets = self.octets(name)?;
        let found = octets.len();
        octets
            .try_into()
            .map_err(|_| Answer::Unsupported(format!("{name} has {found} bytes; it must have {N}")))
    }

    /// The text of that name.
    pub fn text(&self, name: &str) -> Result<&str, Answer> {
        let text = self.members.get(name).and_then(Json::as_str);
        text.ok_or_else(|| Answer::Error(format!("the request has no text {name}")))
    }

    /// The number of that name.
    pub fn number(&self, name: &str) -> Result<u64, Answer> {
        let number = self.members.get(name).and_then(Json::as_u64);
        number.ok_or_else(|| Answer::Error(format!("the request has no number {name}")))
    }
}

/// Answers the requests of `input` on `output` until `input` ends.
pub fn serve(
    implementation: &mut dyn Implementation,
    mut input: impl BufRead,
    mut output: impl Write,
) -> io::Result<()> {
    let facts = implementation.facts();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input)
            .take(MAX_REQUEST_BYTES)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_REQUEST_BYTES {
            let message = format!("a request of more than {MAX_REQUEST_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let (mut answer, id) = match Request::parse(&line) {
            Ok(request) => (
                answer(implementation, &facts, &request),
                request.members.get("id").cloned().unwrap_or_default(),
            ),
            Err(answer) => (object(answer), Json::Null),
        };
        answer.insert("id".to_owned(), id);
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

fn answer(
    implementation: &mut dyn Implementation,
    facts: &Result<Facts, String>,
    request: &Request,
) -> Map<String, Json> {
    let facts = match facts {
        Ok(facts) => facts,
        Err(reason) => return object(Answer::Error(reason.clone())),
    };
    if request.operation() == "hello" {
        return hello(facts);
    }
    if !facts.implements.contains(&request.algorithm()) {
        let reason = format!("{} is not implemented", request.algorithm());
        return object(Answer::Unsupported(reason));
    }
    object(implementation.answer(request).unwrap_or_else(|answer| answer))
}

fn hello(facts: &Facts) -> Map<String, Json> {
    let members = json!({
        "protocol": PROTOCOL,
        "name": facts.name,
        "library": facts.library,
        "version": facts.version,
        "description": facts.description,
        "implements": facts.implements,
    });
    match members {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

fn object(answer: Answer) -> Map<String, Json> {
    let entry = |name: &str, text: String| (name.to_owned(), Json::from(text));
    match answer {
        Answer::Error(reason) => [entry("error", reason)].into_iter().collect(),
        Answer::Unsupported(reason) => [entry("unsupported", reason)].into_iter().collect(),
        Answer::Values(values) => values
            .into_iter()
            .map(|(name, octets)| entry(name, HEXLOWER.encode(&octets)))
            .collect(),
    }
}
