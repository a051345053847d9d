//! File names: which are safe, and what they say.

use super::{Fault, ImageError};

/// How the names of a kind are built.
pub(super) struct Pattern {
    prefix: &'static str,
    middle: Middle,
    suffix: &'static str,
}

enum Middle {
    Nothing,
    Decimal,
    Hexadecimal,
    Anything,
}

impl Pattern {
    /// The one file of that name.
    pub(super) const fn one(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Nothing, ".img")
    }

    /// A decimal number after `prefix`.
    pub(super) const fn decimal(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Decimal, ".img")
    }

    /// A hexadecimal number after `prefix`.
    pub(super) const fn hexadecimal(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Hexadecimal, ".img")
    }

    /// An archive with a decimal number after `prefix`.
    pub(super) const fn archive(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Decimal, ".tar.gz.img")
    }

    /// Whatever comes after `prefix`.
    pub(super) const fn prefixed(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Anything, ".img")
    }

    /// A word after `prefix`, without an ending.
    pub(super) const fn word(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Anything, "")
    }

    /// The one file of exactly that name.
    pub(super) const fn exact(prefix: &'static str) -> Self {
        Self::new(prefix, Middle::Nothing, "")
    }

    const fn new(prefix: &'static str, middle: Middle, suffix: &'static str) -> Self {
        Self {
            prefix,
            middle,
            suffix,
        }
    }

    /// The number in `name` if it is built like this; `Some(None)` if such a name has no number.
    pub(super) fn number(&self, name: &str) -> Option<Option<u64>> {
        let middle = name.strip_prefix(self.prefix)?.strip_suffix(self.suffix)?;
        let radix = match self.middle {
            Middle::Nothing => return middle.is_empty().then_some(None),
            Middle::Anything => return (!middle.is_empty()).then_some(None),
            Middle::Decimal => 10,
            Middle::Hexadecimal => 16,
        };
        let digits = middle.chars().all(|digit| digit.is_digit(radix));
        // The standard reader of numbers would take a sign.
        let number = digits
            .then(|| u64::from_str_radix(middle, radix).ok())
            .flatten()?;
        Some(Some(number))
    }
}

/// The longest file name of Linux, in bytes.
const NAME_MOST: usize = 255;

/// The most characters of a foreign text that an error quotes.
const QUOTED_MOST: usize = 200;

/// That `name` is safe as the name of a file in a set: 1 to 255 bytes, no `/`, no control character, no `..`, not `.`.
///
/// # Errors
/// It is not. CRIU writes no such names; control characters would reach the terminal of whoever reads an error or a list.
pub fn check_name(name: &str) -> Result<(), ImageError> {
    let safe = !name.is_empty()
        && name.len() <= NAME_MOST
        && name != "."
        && !name.contains("..")
        && !name.contains(|c: char| c == '/' || c.is_control());
    if safe {
        return Ok(());
    }
    let quoted = quoted(name);
    let fault = Fault::value(
        "the file's name",
        format_args!("\"{quoted}\""),
        "1 to 255 bytes without `/`, `..` and control characters",
    );
    Err(fault.of(&quoted))
}

/// A text that may be anything, as errors have it: printable, and not too long.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(QUOTED_MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(QUOTED_MOST).is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn unsafe_names_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "../core-1.img",
            "a/b.img",
            "/core-1.img",
            "a..img",
            "a\0.img",
            "a\n.img",
            "a\u{9b}2J.img",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name(&"x".repeat(256)).is_err());
        assert!(check_name(&"x".repeat(255)).is_ok());
        assert!(check_name("core-1.img").is_ok());
        assert!(check_name("größe-1.img").is_ok());
    }

    #[test]
    fn errors_quote_names_in_printable_characters() {
        let error = check_name(&"\x1b]0;x\n".repeat(40_000)).unwrap_err().to_string();
        assert!(error.len() < 1000 && !error.contains(char::is_control), "{error}");
        assert!(error.starts_with("\\u{1b}]0;x\\n"), "{error}");
    }
}
