//! The private and public options of a layer: what else than its blob is needed to open it, as JSON.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use sealab_engine::{Engine, EngineError};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::LayerError;
use super::cipher::{CODE_BYTES, LayerCipher, LayerKey, NONCE_BYTES};

/// The name of the cipher in the public options, the only one that ocicrypt has.
pub const CIPHER: &str = "AES_256_CTR_HMAC_SHA256";

/// The longest options that are read, in bytes. Real ones have some 200.
pub const MAX_OPTIONS_BYTES: usize = 64 << 10;

const PRIVATE: &str = "private";
const PUBLIC: &str = "public";

/// What a layer's options say.
#[derive(Clone, Debug)]
pub struct LayerOptions {
    /// Key and nonce, from the private options.
    pub key: LayerKey,
    /// The code of the ciphertext, from the public options.
    pub code: [u8; CODE_BYTES],
    /// What the private options call the layer's digest. Not for verifying: skopeo, where it compresses while it
    /// encrypts, writes that of the blob before its compression.
    pub digest: Option<String>,
}

#[derive(Deserialize)]
struct Private {
    #[serde(deserialize_with = "zeroizing")]
    symkey: Zeroizing<String>,
    digest: Option<String>,
    cipheroptions: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Public {
    cipher: String,
    hmac: String,
    cipheroptions: Option<BTreeMap<String, Option<String>>>,
}

fn zeroizing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// As the implementation in Go writes them.
#[derive(Serialize)]
struct WrittenPrivate<'a> {
    symkey: &'a str,
    digest: &'a str,
    cipheroptions: WrittenNonce<'a>,
}

#[derive(Serialize)]
struct WrittenNonce<'a> {
    nonce: &'a str,
}

#[derive(Serialize)]
struct WrittenPublic<'a> {
    cipher: &'a str,
    hmac: &'a str,
    cipheroptions: Empty,
}

#[derive(Serialize)]
struct Empty {}

impl LayerOptions {
    /// The options of a layer from both their texts, the private ones unwrapped and the public ones decoded.
    pub fn parse(private_text: &str, public_text: &str) -> Result<Self, LayerError> {
        Self::parse_among(private_text, public_text, &[CIPHER]).map(|(options, _)| options)
    }

    /// As [`LayerOptions::parse`], for a cipher that is one of `ciphers`; gives which.
    pub(crate) fn parse_among(
        private_text: &str,
        public_text: &str,
        ciphers: &[&'static str],
    ) -> Result<(Self, &'static str), LayerError> {
        let private: Private = read(PRIVATE, private_text)?;
        let public: Public = read(PUBLIC, public_text)?;
        let Some(cipher) = ciphers.iter().find(|cipher| **cipher == public.cipher) else {
            return Err(wrong(
                PUBLIC,
                format!(
                    "the cipher is {:.100?}; implemented: {}",
                    public.cipher,
                    ciphers.join(", ")
                ),
            ));
        };
        let key: Zeroizing<[u8; 32]> = octets(PRIVATE, "symkey", &private.symkey)?;
        let code: Zeroizing<[u8; CODE_BYTES]> = octets(PUBLIC, "hmac", &public.hmac)?;
        let nonce = nonce(PRIVATE, &private.cipheroptions)?
            .ok_or_else(|| wrong(PRIVATE, "cipheroptions has no nonce; it must have one"))?;
        // Nothing authenticates the public options, so a nonce there may say nothing new.
        let unsealed = public.cipheroptions.unwrap_or_default();
        if self::nonce(PUBLIC, &unsealed)?.is_some_and(|unsealed| unsealed != nonce) {
            return Err(wrong(
                PUBLIC,
                "cipheroptions has a nonce that is not the sealed one; it may have none",
            ));
        }
        let options = Self {
            key: LayerKey::new(&key, &nonce),
            code: *code,
            digest: private.digest,
        };
        Ok((options, cipher))
    }

    /// The cipher of the layer.
    pub fn cipher(&self, engine: &dyn Engine) -> Result<LayerCipher, EngineError> {
        LayerCipher::new(engine, &self.key)
    }

    /// The private options as JSON, for wrapping: a secret.
    pub fn private_json(&self) -> Result<Zeroizing<String>, LayerError> {
        let symkey = Zeroizing::new(Base64::encode_string(self.key.expose()));
        let digest = self.digest.as_deref().unwrap_or_default();
        let nonce = Base64::encode_string(self.key.nonce());
        let written = WrittenPrivate {
            symkey: &symkey,
            digest,
            cipheroptions: WrittenNonce { nonce: &nonce },
        };
        serde_json::to_string(&written)
            .map(Zeroizing::new)
            .map_err(|error| wrong(PRIVATE, error.to_string()))
    }

    /// The public options as JSON.
    pub fn public_json(&self) -> Result<String, LayerError> {
        self.public_json_as(CIPHER)
    }

    /// The public options as JSON, with a cipher that is not ocicrypt's own.
    pub(crate) fn public_json_as(&self, cipher: &str) -> Result<String, LayerError> {
        let written = WrittenPublic {
            cipher,
            hmac: &Base64::encode_string(&self.code),
            cipheroptions: Empty {},
        };
        serde_json::to_string(&written).map_err(|error| wrong(PUBLIC, error.to_string()))
    }
}

/// The cipher that public options name, whether it is implemented or not.
pub(crate) fn named_cipher(public_text: &str) -> Result<String, LayerError> {
    read::<Public>(PUBLIC, public_text).map(|public| public.cipher)
}

fn read<'a, T: Deserialize<'a>>(options: &'static str, text: &'a str) -> Result<T, LayerError> {
    if text.len() > MAX_OPTIONS_BYTES {
        return Err(wrong(
            options,
            format!(
                "they have {} bytes; at most {MAX_OPTIONS_BYTES} are read",
                text.len()
            ),
        ));
    }
    // The parser would take an array for the members in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(wrong(options, "they are no JSON object"));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        // What the parser says of private options can quote them.
        let detail = if options == PRIVATE {
            format!("{:?} error", error.classify())
        } else {
            // It quotes what it found, of any length.
            format!("{:.300}", error.to_string())
        };
        wrong(options, format!("{place}: {detail}"))
    })
}

fn nonce(
    options: &'static str,
    cipheroptions: &BTreeMap<String, Option<String>>,
) -> Result<Option<[u8; NONCE_BYTES]>, LayerError> {
    // `null` is an empty value, as in Go: of a wrong length.
    let text = cipheroptions
        .get("nonce")
        .map(|value| value.as_deref().unwrap_or_default());
    text.map(|text| octets(options, "nonce", text).map(|nonce| *nonce))
        .transpose()
}

fn octets<const N: usize>(
    options: &'static str,
    member: &str,
    text: &str,
) -> Result<Zeroizing<[u8; N]>, LayerError> {
    let decoded = Base64::decode_vec(text)
        .map(Zeroizing::new)
        .map_err(|_| wrong(options, format!("{member} is not base64 with padding")))?;
    let mut octets = Zeroizing::new([0; N]);
    if decoded.len() != N {
        let found = decoded.len();
        return Err(wrong(
            options,
            format!("{member} has {found} bytes; it must have {N}"),
        ));
    }
    octets.copy_from_slice(&decoded);
    Ok(octets)
}

fn wrong(options: &'static str, problem: impl Into<String>) -> LayerError {
    LayerError::Options {
        options,
        problem: problem.into(),
    }
}
