//! The values of a vector: octets, text or a number.

use serde::Deserialize;

use crate::algorithm::Kind;

/// One value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Octets; hexadecimal in the file.
    Octets(Vec<u8>),
    /// Text, as it stands.
    Text(String),
}

/// A value as the file has it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    Number(u64),
    Text(String),
}

impl Value {
    /// The octets, if it is octets.
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) => Some(octets),
            Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// The value that was written, which must be of `kind`; else what is wrong.
    pub(crate) fn read(written: Written, kind: Kind) -> Result<Self, String> {
        match (kind, written) {
            (Kind::Number, Written::Number(number)) => Ok(Self::Number(number)),
            (Kind::Octets, Written::Text(text)) => octets(&text).map(Self::Octets),
            (Kind::Text, Written::Text(text)) => Ok(Self::Text(text)),
            (Kind::Number, Written::Text(_)) => Err("text; it must be a number".to_owned()),
            (Kind::Octets | Kind::Text, Written::Number(_)) => Err("a number; it must be text".to_owned()),
        }
    }
}

fn octets(text: &str) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(2) {
        return Err(format!(
            "{} hexadecimal digits, which is an odd number",
            text.len()
        ));
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<_>>()
        .ok_or_else(|| "a character that is no lower-case hexadecimal digit".to_owned())
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
