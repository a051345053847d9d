//! What a sealed set shows to anybody: what stands in clear in its header and trailer.

use std::fs::File;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use sealab_engine::Engine;
use serde::Deserialize;

use super::header::StoredHeader;
use super::stored::{Tail, open_file};
use super::trailer::Trailer;
use super::{Cipher, Commitment, Error, FILE_NAME};
use crate::image::{Fault, quoted};

/// What stands in clear. None of it is authentic: that needs a key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outline {
    /// What the chunks are said to be sealed with.
    pub cipher: Cipher,
    /// Chunks may be compressed.
    pub compressed: bool,
    /// Equal pages may be stored once.
    pub deduplicated: bool,
    /// There is a signature before the trailer; whose, and whether it holds, is not known.
    pub signed: bool,
    /// The set's random number.
    pub set_id: [u8; 32],
    /// Which set it is.
    pub commitment: Commitment,
    /// For whom the set's key is wrapped, in the order of the header.
    pub recipients: Vec<OutlineRecipient>,
    /// Bytes of the header.
    pub header_bytes: u64,
    /// Groups of content.
    pub groups: u64,
    /// Bytes of those groups as stored.
    pub content_bytes: u64,
    /// Bytes of the index as stored.
    pub index_bytes: u64,
    /// Bytes of the sealed file.
    pub sealed_bytes: u64,
}

/// What a header tells of a recipient: not who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutlineRecipient {
    /// How the key is wrapped, as RFC 7518 names it.
    pub algorithm: String,
    /// The curve of an elliptic one.
    pub curve: Option<String>,
}

impl Outline {
    /// Reads what stands in clear of the sealed set at `path`: its folder, or its one file.
    ///
    /// # Errors
    /// It is no sealed set, or header and trailer are not as they must be.
    pub fn read(path: &Path, engine: &dyn Engine) -> Result<Self, Error> {
        let (file, label) = if path.is_dir() {
            (open_file(path)?, path.join(FILE_NAME).display().to_string())
        } else {
            let label = path.display().to_string();
            (
                File::open(path).map_err(|error| Fault::Io(error).of(&label))?,
                label,
            )
        };
        let stored = StoredHeader::read(&label, &mut &file)?;
        let (tail, sealed_bytes) = Tail::read(&label, &file, &stored)?;
        let trailer = Trailer::of_bytes(&label, tail.trailer_offset, &tail.trailer)?;
        let content = trailer.index_offset.checked_sub(stored.length());
        let index_end = trailer.index_offset.checked_add(trailer.index_bytes);
        let content_bytes = content.filter(|_| index_end == Some(tail.start)).ok_or_else(|| {
            let expected = "between the header and the trailer, without a gap";
            Fault::value("the place of the index", "elsewhere", expected).at(&label, tail.trailer_offset)
        })?;
        let header = &stored.header;
        Ok(Self {
            cipher: header.cipher,
            compressed: header.compressed,
            deduplicated: header.deduplicated,
            signed: header.signed,
            set_id: header.set_id,
            commitment: Commitment::of(engine, &stored.bytes, &tail.trailer)?,
            recipients: recipients(&header.jwe).map_err(|detail| {
                Fault::value("the wrapped key", detail, "a JWE in JSON").at(&label, JWE_OFFSET)
            })?,
            header_bytes: stored.length(),
            groups: trailer.data_groups,
            content_bytes,
            index_bytes: trailer.index_bytes,
            sealed_bytes,
        })
    }
}

/// Where the wrapped key stands in the header.
const JWE_OFFSET: u64 = 84;

/// A JWE (RFC 7516) without what only its reader needs.
#[derive(Deserialize)]
struct Jwe {
    protected: String,
    #[serde(default)]
    recipients: Vec<JweRecipient>,
}

#[derive(Deserialize)]
struct JweRecipient {
    header: JweHeader,
}

#[derive(Deserialize)]
struct JweHeader {
    alg: Option<String>,
    epk: Option<JweKey>,
}

#[derive(Deserialize)]
struct JweKey {
    crv: String,
}

/// The recipients in a JWE. One alone stands in the protected header.
fn recipients(jwe: &str) -> Result<Vec<OutlineRecipient>, &'static str> {
    let jwe: Jwe = serde_json::from_str(jwe).map_err(|_| "another JSON, or none")?;
    let headers = if jwe.recipients.is_empty() {
        let protected = BASE64URL_NOPAD.decode(jwe.protected.as_bytes());
        let protected = protected.map_err(|_| "without base64url in its protected header")?;
        vec![serde_json::from_slice(&protected).map_err(|_| "with a broken protected header")?]
    } else {
        jwe.recipients
            .into_iter()
            .map(|recipient| recipient.header)
            .collect()
    };
    headers
        .into_iter()
        .map(|header: JweHeader| {
            Ok(OutlineRecipient {
                // Both are whatever the file says.
                algorithm: quoted(&header.alg.ok_or("without an algorithm")?),
                curve: header.epk.map(|key| quoted(&key.crv)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_recipient_is_called_is_printable() {
        let jwe = r#"{"protected":"","recipients":[{"header":{"alg":"\u001b[2J","epk":{"crv":"\n"}}},{"header":{"alg":"A"}}]}"#;
        let shown = recipients(jwe).unwrap();
        assert_eq!(
            (&*shown[0].algorithm, shown[0].curve.as_deref()),
            ("\\u{1b}[2J", Some("\\n"))
        );
        assert_eq!((&*shown[1].algorithm, shown[1].curve.as_deref()), ("A", None));
        for jwe in [
            "",
            "[]",
            r#"{"protected":"*"}"#,
            r#"{"protected":"e30"}"#,
            r#"{"protected":"","recipients":[{"header":{}}]}"#,
        ] {
            assert!(recipients(jwe).is_err(), "{jwe}");
        }
    }
}
