//! Files with keys and certificates: read within bounds, and brought from PEM (RFC 7468) to DER.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pkcs8::der;
use zeroize::Zeroizing;

/// The longest key or certificate file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// A key or certificate file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct KeyFileError {
    /// The file, or what the caller calls the bytes.
    pub file: String,
    /// What is wrong with it.
    pub problem: KeyProblem,
}

impl KeyFileError {
    pub(crate) fn within(file: &str) -> impl FnOnce(KeyProblem) -> Self {
        let file = file.to_owned();
        |problem| Self { file, problem }
    }
}

/// What is wrong with a key or certificate.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// The bytes are not what their label or first octets say.
    #[error("{what} is not well-formed{}: {detail}", at(*offset))]
    Encoding {
        /// The structure that was being read.
        what: &'static str,
        /// The place in the structure's DER, in bytes, where known.
        offset: Option<u32>,
        /// What the parser found.
        detail: String,
    },
    /// The private key is encrypted, and there was no password.
    #[error("the private key is encrypted and no password was given")]
    Encrypted,
    /// The file holds something else.
    #[error("it holds {found}; needed is {expected}")]
    Kind {
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The private key is encrypted in a way that predates PKCS #8, or with a cipher that is not implemented.
    #[error(
        "the private key is encrypted with {found}, which is not implemented; \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW` writes it in a way that is"
    )]
    OldEncryption {
        /// How it is encrypted.
        found: String,
    },
    /// The password does not decrypt the private key.
    #[error("the password does not decrypt the private key")]
    Password,
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The key is well-formed, but no sound key: a point off its curve, a modulus of the wrong size, and so on.
    #[error("{what} is refused: {detail}")]
    Refused {
        /// The kind of key.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// There are too many bytes.
    #[error("it has more than {MAX_FILE_BYTES} bytes, the most that a key or certificate may have")]
    TooLong,
    /// Keys of this kind are not implemented.
    #[error("{found} is not implemented; {expected} is needed")]
    Unsupported {
        /// The kind of key.
        found: String,
        /// What is implemented.
        expected: &'static str,
    },
}

impl KeyProblem {
    pub(crate) fn der(what: &'static str) -> impl FnOnce(der::Error) -> Self {
        move |error| Self::Encoding {
            what,
            offset: error.position().map(u32::from),
            detail: error.kind().to_string(),
        }
    }
}

fn at(offset: Option<u32>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at byte {offset} of its DER"))
}

/// One structure in DER, and the label that it had in PEM.
pub(crate) struct Encoded<'a> {
    pub(crate) label: Option<&'a str>,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The bytes of `path`, at most [`MAX_FILE_BYTES`].
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    // All in one allocation, so that growing leaves no copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES + 1));
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(KeyProblem::Read)?;
    Ok(bytes)
}

/// The first structure in `bytes`: DER if they begin with a SEQUENCE, else PEM. OpenSSL's "EC PARAMETERS" before a key
/// are passed over, for the key repeats them.
pub(crate) fn first(bytes: &[u8]) -> Result<Encoded<'_>, KeyProblem> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(KeyProblem::TooLong);
    }
    if bytes.first() == Some(&0x30) {
        return Ok(Encoded {
            label: None,
            der: Zeroizing::new(bytes.to_vec()),
        });
    }
    let neither = || KeyProblem::Kind {
        found: "neither PEM nor DER".to_owned(),
        expected: "a key or certificate",
    };
    let mut text = std::str::from_utf8(bytes).map_err(|_| neither())?;
    loop {
        let (block, rest) = split_block(text).ok_or_else(neither)?;
        text = rest;
        if block.starts_with("-----BEGIN EC PARAMETERS-----") {
            continue;
        }
        let (label, der) = pem_rfc7468::decode_vec(block.as_bytes()).map_err(|error| match error {
            pem_rfc7468::Error::HeaderDisallowed => KeyProblem::OldEncryption {
                found: "headers inside the PEM".to_owned(),
            },
            other => KeyProblem::Encoding {
                what: "the PEM",
                offset: None,
                detail: other.to_string(),
            },
        })?;
        return Ok(Encoded {
            label: Some(label),
            der: Zeroizing::new(der),
        });
    }
}

/// The text from the first BEGIN line to its END line, and what follows.
fn split_block(text: &str) -> Option<(&str, &str)> {
    const END: &str = "-----END ";
    let text = &text[text.find("-----BEGIN ")?..];
    let end = text.find(END)? + END.len();
    let close = end + text[end..].find("-----")? + "-----".len();
    Some(text.split_at(close))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> KeyProblem {
        first(bytes).err().unwrap()
    }

    #[test]
    fn the_first_block_is_taken_and_parameters_are_passed_over() {
        let text = "Bag Attributes\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n\
                    -----BEGIN A-----\nAQI=\n-----END A-----\n-----BEGIN B-----\nAw==\n-----END B-----\n";
        let encoded = first(text.as_bytes()).unwrap();
        assert_eq!(encoded.label, Some("A"));
        assert_eq!(*encoded.der, [1, 2]);
    }

    #[test]
    fn what_is_no_pem_is_refused_with_its_reason() {
        assert!(matches!(problem(b""), KeyProblem::Kind { .. }));
        assert!(matches!(problem(b"\xff\xfe"), KeyProblem::Kind { .. }));
        assert!(matches!(
            problem(b"-----BEGIN A-----\nAQI="),
            KeyProblem::Kind { .. }
        ));
        assert!(matches!(
            problem(b"-----BEGIN A-----\nAQI=\n-----END B-----\n"),
            KeyProblem::Encoding { .. }
        ));
        assert!(matches!(
            problem(b"-----BEGIN A-----\nA!I=\n-----END A-----\n"),
            KeyProblem::Encoding { .. }
        ));
        assert!(matches!(
            problem(b"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAQI=\n-----END A-----\n"),
            KeyProblem::OldEncryption { .. }
        ));
        assert!(matches!(
            problem(&vec![0x30; MAX_FILE_BYTES + 1]),
            KeyProblem::TooLong
        ));
    }
}
