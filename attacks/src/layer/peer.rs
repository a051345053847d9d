//! `ocicrypt`, read as a stream in the order in which containers/ocicrypt itself reads: a model, since its consumers
//! cannot be asked what they were given by when.
//!
//! A nonce in the public options is used before the sealed one. What is decrypted is handed out as it comes, but for the
//! last 10 KiB, which wait for the code; the code is compared when the ciphertext ends, and by nobody who stops before.
//! The sealed digest is not looked at. Packets that do not open are passed over.

use std::path::Path;

use data_encoding::BASE64;
use sealab_attack_record::FormatUnderAttack;
use sealab_engine::{CtrKey, Engine, InOutBuf, Key as SecretKey, MacKey};
use sealab_layer::Format;
use serde_json::Value;

use super::PLANE;
use super::format::{LayerFormat, Parts, Problem};
use super::image::{Entry, Image, layer_name};
use super::keyring::Key;
use super::ours::{self, ENCRYPTED};
use super::subject;
use super::unwrap::options;
use crate::files::Files;

pub(super) const FORMAT: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "ocicrypt-stream",
    description: "The same bytes as ocicrypt. Read by a model of containers/ocicrypt's own order of work: a nonce in the \
                  public options wins, and all but the last 10 KiB are given out before the HMAC is compared.",
};

/// What is held back until the code has been compared, in bytes.
const HELD_BACK: usize = 10 << 10;

pub(super) struct Peer<'a> {
    pub(super) engine: &'a dyn Engine,
}

impl LayerFormat for Peer<'_> {
    fn format(&self) -> FormatUnderAttack {
        FORMAT
    }

    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem> {
        ours::seal(self.engine, Format::Ocicrypt, None, layers, key, folder)
    }

    fn open(&self, sealed: &Path, key: &Key, _folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
        self.stream(sealed, key, usize::MAX, handed_out)
    }

    fn open_start(
        &self,
        sealed: &Path,
        key: &Key,
        bytes: usize,
        handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        Some(self.stream(sealed, key, bytes, handed_out))
    }

    fn parts(&self, sealed: &Image) -> Parts {
        ours::parts(sealed, Some(subject::UNIT))
    }
}

impl Peer<'_> {
    fn stream(&self, sealed: &Path, key: &Key, bytes: usize, handed_out: &mut Files) -> Result<(), Problem> {
        for (number, entry) in Image::read(sealed)?.entries.into_iter().enumerate() {
            let output = handed_out.entry(layer_name(number)).or_default();
            self.layer(&entry, key, bytes, output)?;
        }
        Ok(())
    }

    fn layer(&self, entry: &Entry, key: &Key, bytes: usize, output: &mut Vec<u8>) -> Result<(), Problem> {
        let mut plain = entry.blob.clone();
        if !entry.descriptor.media_type.ends_with(ENCRYPTED) {
            plain.truncate(bytes);
            *output = plain;
            return Ok(());
        }
        let (private, public) = options(&entry.descriptor, key)?;
        let (private, public): (Value, Value) =
            (serde_json::from_str(&private)?, serde_json::from_str(&public)?);
        match public["cipher"].as_str().unwrap_or_default() {
            "AES_256_CTR_HMAC_SHA256" => {}
            other => return Err(format!("unsupported cipher type: {other}").into()),
        }
        let code = member(&public["hmac"])?;
        if code.is_empty() {
            return Err("HMAC is not provided for decryption process".into());
        }
        let secret = member(&private["symkey"])?;
        let secret = secret.first_chunk::<32>().ok_or("the key has not 32 bytes")?;
        let nonces = [&public, &private].map(|options| &options["cipheroptions"]["nonce"]);
        let nonce = nonces.into_iter().find(|nonce| !nonce.is_null());
        let nonce = member(nonce.unwrap_or(&Value::Null))?;
        let nonce = nonce.first_chunk::<16>().ok_or("the nonce has not 16 bytes")?;

        let mut ctr = self.engine.ctr(&CtrKey(SecretKey::new(secret)))?;
        ctr.apply(nonce, InOutBuf::from(plain.as_mut_slice()))?;
        let released = plain.len().saturating_sub(HELD_BACK);
        if bytes <= released {
            plain.truncate(bytes);
            *output = plain;
            return Ok(());
        }
        output.extend(&plain[..released]);
        if self
            .engine
            .hmac_sha256(&MacKey::new(secret))?
            .compute(&[&entry.blob])?[..]
            != code
        {
            return Err("could not properly decrypt byte stream: the HMAC differs".into());
        }
        output.extend(plain[released..].iter().take(bytes - released));
        Ok(())
    }
}

/// Bytes in Base64; none where there is nothing, as in Go.
fn member(value: &Value) -> Result<Vec<u8>, Problem> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(BASE64.decode(text.as_bytes())?),
        _ => Err("a member is no string".into()),
    }
}
