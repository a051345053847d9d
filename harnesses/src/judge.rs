//! An answer beside what was due.

use data_encoding::HEXLOWER;
use sealab_record::Difference;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::ask::{Ask, Due};

/// Hexadecimal digits that are shown before a difference, and from it on.
const SHOWN_BEFORE: usize = 16;
const SHOWN_AFTER: usize = 48;
/// Characters of an implementation's own words that are kept.
const MAX_REASON_CHARS: usize = 300;

/// What an answer comes to.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It is right.
    Right,
    /// The ciphertext has the right digest; here it is.
    RightCiphertext(String),
    /// It is wrong.
    Wrong(String, Option<Difference>),
    /// The implementation does not have it.
    Unsupported(String),
    /// It is no answer to the request: from here on nothing that the process says can be trusted.
    Broken(String),
}

/// Judges `line` as the answer to `ask`, which was sent under `id`.
pub(crate) fn judge(ask: &Ask, id: u64, line: &[u8]) -> Judgement {
    let answer = match object(line, id) {
        Ok(answer) => answer,
        Err(reason) => return Judgement::Broken(reason),
    };
    if let Some(reason) = answer.get("unsupported") {
        return Judgement::Unsupported(said(reason));
    }
    match (&ask.due, answer.get("error")) {
        (Due::Refusal, Some(_)) => Judgement::Right,
        (Due::Refusal, None) => {
            let missing = ask
                .operation
                .answered
                .iter()
                .find(|name| !answer.contains_key(**name));
            let reason = match missing {
                Some(name) => format!("the answer has no error and no {name}"),
                None => "accepted what must be refused".to_owned(),
            };
            Judgement::Wrong(reason, None)
        }
        (Due::Values(_) | Due::Digest(_), Some(reason)) => Judgement::Wrong(
            format!("{} was refused: {}", ask.operation.name, said(reason)),
            None,
        ),
        (Due::Values(values), None) => {
            let wrong = values
                .iter()
                .find_map(|(name, due)| compare(ask, &answer, name, due));
            wrong.unwrap_or(Judgement::Right)
        }
        (Due::Digest(due), None) => digest(ask, &answer, due),
    }
}

/// The object on `line`, if it answers the request `id`.
pub(crate) fn object(line: &[u8], id: u64) -> Result<Map<String, Json>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("the answer is not UTF-8 from byte {} on", error.valid_up_to()))?;
    let answer: Map<String, Json> = serde_json::from_str(text)
        .map_err(|error| format!("the answer is not a JSON object on one line: {error}"))?;
    match answer.get("id").map(Json::as_u64) {
        Some(Some(found)) if found == id => Ok(answer),
        Some(Some(found)) => Err(format!("an answer to request {found}, where {id} was due")),
        _ => Err("the answer has no id".to_owned()),
    }
}

/// The words of an implementation, cut and without control characters.
pub(crate) fn said(reason: &Json) -> String {
    let text = reason.as_str().map_or_else(|| reason.to_string(), str::to_owned);
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut kept: String = clean.clone().take(MAX_REASON_CHARS).collect();
    if clean.count() > MAX_REASON_CHARS {
        kept.push('…');
    }
    kept
}

fn compare(ask: &Ask, answer: &Map<String, Json>, name: &'static str, due: &str) -> Option<Judgement> {
    let found = match text(answer, name) {
        Ok(found) => found,
        Err(reason) => return Some(Judgement::Wrong(reason, None)),
    };
    (found != due).then(|| {
        let first = due.bytes().zip(found.bytes()).position(|(a, b)| a != b);
        let reason = match first {
            _ if found.len() != due.len() => {
                format!(
                    "{name} has {} bytes; it must have {}",
                    found.len() / 2,
                    due.len() / 2
                )
            }
            Some(at) => format!("{name} differs from byte {} on", at / 2),
            None => format!("{name} differs"),
        };
        let at = first.unwrap_or_else(|| due.len().min(found.len())) / 2;
        wrong(ask, reason, name, at, due, found)
    })
}

fn digest(ask: &Ask, answer: &Map<String, Json>, due: &[u8; 32]) -> Judgement {
    let ct = match text(answer, "ct") {
        Ok(ct) => ct,
        Err(reason) => return Judgement::Wrong(reason, None),
    };
    let Ok(octets) = HEXLOWER.decode(ct.as_bytes()) else {
        return Judgement::Wrong("ct is not lower-case hexadecimal".to_owned(), None);
    };
    let found = Sha256::digest(&octets);
    if found[..] == due[..] {
        return Judgement::RightCiphertext(ct.to_owned());
    }
    let (due, found) = (HEXLOWER.encode(due), HEXLOWER.encode(&found));
    wrong(
        ask,
        "the SHA-256 of ct differs".to_owned(),
        "ctSha256",
        0,
        &due,
        &found,
    )
}

fn text<'a>(answer: &'a Map<String, Json>, name: &str) -> Result<&'a str, String> {
    match answer.get(name) {
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(format!("{name} is not text")),
        None => Err(format!("the answer has no {name}")),
    }
}

fn wrong(ask: &Ask, reason: String, value: &str, at: usize, due: &str, found: &str) -> Judgement {
    Judgement::Wrong(
        reason,
        Some(Difference {
            operation: ask.operation.name.to_owned(),
            value: value.to_owned(),
            at,
            expected: around(due, at * 2),
            actual: around(found, at * 2),
        }),
    )
}

/// What stands around the digit `at`, with `…` where something is left out.
fn around(text: &str, at: usize) -> String {
    let digits: Vec<char> = text.chars().collect();
    let from = at.saturating_sub(SHOWN_BEFORE).min(digits.len());
    let to = (at + SHOWN_AFTER).min(digits.len());
    let shown: String = digits[from..to]
        .iter()
        .map(|c| if c.is_control() { '?' } else { *c })
        .collect();
    format!(
        "{}{shown}{}",
        if from > 0 { "…" } else { "" },
        if to < digits.len() { "…" } else { "" }
    )
}
