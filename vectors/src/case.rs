//! One vector.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::VectorError;
use crate::value::Value;

/// The longest plaintext that `msgLength` may ask for.
const MAX_MSG_BYTES: u64 = 1 << 20;

/// Whether an implementation must give the case's values, or refuse it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every operation gives the values.
    Valid,
    /// The algorithm's refusing operation fails and gives no plaintext.
    Invalid,
}

/// One vector. Which values are there follows from the algorithm.
#[derive(Clone, Debug)]
pub struct Case {
    pub(crate) file: Arc<str>,
    /// The number in the file.
    pub id: u32,
    /// What the case is about.
    pub comment: String,
    /// Flags; the suite says what they mean.
    pub flags: Vec<String>,
    /// What is due.
    pub verdict: Verdict,
    /// The values by name, `msgLength` applied.
    pub values: BTreeMap<String, Value>,
}

impl Case {
    /// The plaintext; empty where there is none.
    pub(crate) fn msg(&self) -> &[u8] {
        self.values.get("msg").and_then(Value::octets).unwrap_or_default()
    }

    pub(crate) fn key(&self) -> Result<&[u8], VectorError> {
        self.octets("key")
    }

    pub(crate) fn iv<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("iv")
    }

    pub(crate) fn tweak<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("tweak")
    }

    pub(crate) fn aad(&self) -> Result<&[u8], VectorError> {
        self.octets("aad")
    }

    pub(crate) fn ct(&self) -> Result<&[u8], VectorError> {
        self.octets("ct")
    }

    pub(crate) fn tag<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("tag")
    }

    pub(crate) fn digest<const N: usize>(&self) -> Result<[u8; N], VectorError> {
        self.sized("digest")
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
        if !self.values.contains_key("ctSha256") {
            return Ok(None);
        }
        self.sized("ctSha256").map(Some)
    }

    /// Puts the plaintext in place of the part that repeats, where `msgLength` says that it does.
    pub(crate) fn expand(&mut self) -> Result<(), VectorError> {
        let Some(Value::Number(length)) = self.values.remove("msgLength") else {
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
        let whole = self.msg().iter().copied().cycle().take(length as usize).collect();
        self.values.insert("msg".to_owned(), Value::Octets(whole));
        Ok(())
    }

    pub(crate) fn malformed(&self, reason: String) -> VectorError {
        VectorError::malformed(&self.file, format!("case {}", self.id), &reason)
    }

    fn octets(&self, name: &str) -> Result<&[u8], VectorError> {
        let value = self.values.get(name).and_then(Value::octets);
        value.ok_or_else(|| self.malformed(format!("{name} is missing")))
    }

    fn sized<const N: usize>(&self, name: &str) -> Result<[u8; N], VectorError> {
        let value = self.octets(name)?;
        value
            .try_into()
            .map_err(|_| self.malformed(format!("{name} has {} bytes; it must have {N}", value.len())))
    }
}
