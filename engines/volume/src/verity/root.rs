//! The root hash.

use std::fmt;
use std::str::FromStr;

use super::VerityError;

/// The digest that stands for all data. Whoever knows it for certain knows every block.
#[derive(Clone, Eq, PartialEq)]
pub struct RootHash(Vec<u8>);

impl RootHash {
    pub(super) fn new(digest: &[u8]) -> Self {
        Self(digest.to_vec())
    }

    /// The digest: 32 bytes of SHA-256, or 64 of SHA-512.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for RootHash {
    type Err = VerityError;

    /// Reads 64 or 128 hexadecimal digits, as `veritysetup format` prints them.
    fn from_str(text: &str) -> Result<Self, VerityError> {
        let wrong = |found: String| VerityError::RootHash {
            found,
            expected: "64 or 128 hexadecimal digits".to_owned(),
        };
        if text.len() != 64 && text.len() != 128 {
            return Err(wrong(format!("{} bytes of text", text.len())));
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
        text.as_bytes()
            .chunks_exact(2)
            .map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?))
            .collect::<Option<Vec<u8>>>()
            .map(Self)
            .ok_or_else(|| wrong("something else among them".to_owned()))
    }
}

impl fmt::Display for RootHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for RootHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RootHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_and_printed() {
        let text = "00ff7f80".repeat(8);
        let root: RootHash = text.to_uppercase().parse().unwrap();
        assert_eq!(&root.as_bytes()[..4], &[0, 255, 127, 128]);
        assert_eq!(root.to_string(), text);
        assert_eq!(text.repeat(2).parse::<RootHash>().unwrap().as_bytes().len(), 64);
        for text in [
            String::new(),
            text[1..].to_owned(),
            text.replace('f', "g"),
            "é".repeat(32),
        ] {
            assert!(text.parse::<RootHash>().is_err(), "{text}");
        }
    }
}
