//! ChaCha20-Poly1305 as the format uses it: one call a message, no associated data, a random nonce stored with it.

use sealab_engine::{
    Aead, AeadKey, Engine, EngineError, InOutBuf, Key, Messages, NONCE_BYTES, Nonce, Primitive, TAG_BYTES,
    Tag,
};

use super::Error;

/// Bytes of a tag and a nonce.
pub const TRAILER_BYTES: usize = TAG_BYTES + NONCE_BYTES;

/// The longest run of a deleted file, or of another tool's output, that is sealed as one message, in bytes.
pub const CHUNK_BYTES: usize = 4096;

/// Bytes before a chunk of a deleted file: tag, nonce, length.
const CHUNK_HEADER_BYTES: usize = TRAILER_BYTES + 8;

/// The cipher under one token.
pub(super) struct Cipher(Box<dyn Aead>);

impl Cipher {
    pub(super) fn new(engine: &dyn Engine, token: &Key<32>) -> Result<Self, Error> {
        let key = AeadKey::new(Primitive::ChaCha20Poly1305, token.expose())?;
        Ok(Self(engine.aead(&key)?))
    }

    pub(super) fn seal(&mut self, nonce: &Nonce, message: &mut [u8]) -> Result<Tag, EngineError> {
        let mut tags = [Tag([0; TAG_BYTES])];
        let nonces = [*nonce];
        let messages = Messages::equal(message.len(), &nonces, &[])?;
        self.0.seal(messages, InOutBuf::from(message), &mut tags)?;
        let [tag] = tags;
        Ok(tag)
    }

    pub(super) fn open(&mut self, tag: Tag, nonce: Nonce, message: &mut [u8]) -> Result<(), EngineError> {
        let nonces = [nonce];
        let messages = Messages::equal(message.len(), &nonces, &[])?;
        self.0.open(messages, InOutBuf::from(message), &[tag])
    }

    /// Seals `message` in place and appends its trailer.
    pub(super) fn seal_with_trailer(
        &mut self,
        nonce: &Nonce,
        message: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        let tag = self.seal(nonce, message)?;
        message.extend(tag.0);
        message.extend(nonce.0);
        Ok(())
    }
}

/// Tag and nonce, as they stand in the file.
pub(super) fn trailer(bytes: &[u8; TRAILER_BYTES]) -> (Tag, Nonce) {
    let (tag, nonce) = bytes.split_at(TAG_BYTES);
    let mut trailer = (Tag([0; TAG_BYTES]), Nonce([0; NONCE_BYTES]));
    trailer.0.0.copy_from_slice(tag);
    trailer.1.0.copy_from_slice(nonce);
    trailer
}

/// One protobuf entry: its length (32 bits little-endian), the ciphertext, the tag, the nonce. An empty entry is its
/// length alone.
///
/// # Errors
/// The engine fails, or the message is 4 GiB or more.
pub fn seal_entry(
    engine: &dyn Engine,
    token: &Key<32>,
    nonce: &Nonce,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    entry(&mut Cipher::new(engine, token)?, nonce, message)
}

pub(super) fn entry(cipher: &mut Cipher, nonce: &Nonce, message: &[u8]) -> Result<Vec<u8>, Error> {
    let size = u32::try_from(message.len()).map_err(|_| Error::Length {
        what: "an entry",
        found: message.len(),
        expected: "shorter than 4 GiB".to_owned(),
    })?;
    let mut framed = Vec::with_capacity(4 + message.len() + TRAILER_BYTES);
    framed.extend(size.to_le_bytes());
    framed.extend(message);
    if size > 0 {
        let tag = cipher.seal(nonce, &mut framed[4..])?;
        framed.extend(tag.0);
        framed.extend(nonce.0);
    }
    Ok(framed)
}

/// The message of an entry that [`seal_entry`] has framed; `framed` holds it and nothing else.
///
/// # Errors
/// [`EngineError::Unauthentic`] if the tag does not hold; a length that does not fit.
pub fn open_entry(engine: &dyn Engine, token: &Key<32>, framed: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = |expected: String| Error::Length {
        what: "the framed entry",
        found: framed.len(),
        expected,
    };
    let (size, rest) = framed
        .split_first_chunk()
        .ok_or_else(|| wrong("at least 4 bytes".to_owned()))?;
    let size = u32::from_le_bytes(*size);
    if size == 0 && rest.is_empty() {
        return Ok(Vec::new());
    }
    let expected = || {
        wrong(format!(
            "{}, as its size says",
            4 + u64::from(size) + TRAILER_BYTES as u64
        ))
    };
    let (message, end) = rest.split_last_chunk().ok_or_else(expected)?;
    if size == 0 || message.len() as u64 != u64::from(size) {
        return Err(expected());
    }
    let (tag, nonce) = trailer(end);
    let mut message = message.to_vec();
    Cipher::new(engine, token)?.open(tag, nonce, &mut message)?;
    Ok(message)
}

/// The content of a deleted file shorter than 12,288 bytes: for each 4096 bytes the tag, the nonce, the length (64 bits
/// little-endian), the ciphertext. One nonce a chunk.
///
/// # Errors
/// Too few or too many nonces, or the engine fails.
pub fn seal_raw(
    engine: &dyn Engine,
    token: &Key<32>,
    nonces: &[Nonce],
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let chunks = content.len().div_ceil(CHUNK_BYTES);
    if nonces.len() != chunks {
        return Err(Error::Length {
            what: "the number of nonces",
            found: nonces.len(),
            expected: format!("{chunks}, one a chunk"),
        });
    }
    let mut cipher = Cipher::new(engine, token)?;
    let mut framed = Vec::with_capacity(content.len() + chunks * CHUNK_HEADER_BYTES);
    for (chunk, nonce) in content.chunks(CHUNK_BYTES).zip(nonces) {
        framed.extend(raw_chunk(&mut cipher, nonce, chunk)?);
    }
    Ok(framed)
}

pub(super) fn raw_chunk(cipher: &mut Cipher, nonce: &Nonce, chunk: &[u8]) -> Result<Vec<u8>, Error> {
    let mut framed = vec![0; CHUNK_HEADER_BYTES];
    framed.extend(chunk);
    let tag = cipher.seal(nonce, &mut framed[CHUNK_HEADER_BYTES..])?;
    framed[..TAG_BYTES].copy_from_slice(&tag.0);
    framed[TAG_BYTES..TRAILER_BYTES].copy_from_slice(&nonce.0);
    framed[TRAILER_BYTES..CHUNK_HEADER_BYTES].copy_from_slice(&(chunk.len() as u64).to_le_bytes());
    Ok(framed)
}

/// The content that [`seal_raw`] has framed.
///
/// # Errors
/// [`EngineError::Unauthentic`] with the chunk's index if a tag does not hold; a length that does not fit.
pub fn open_raw(engine: &dyn Engine, token: &Key<32>, framed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut cipher = Cipher::new(engine, token)?;
    let mut content = Vec::with_capacity(framed.len());
    let mut rest = framed;
    let mut index = 0;
    while !rest.is_empty() {
        let wrong = |expected: &str| Error::Length {
            what: "what is left of the framed content",
            found: rest.len(),
            expected: expected.to_owned(),
        };
        let (start, behind) = rest
            .split_first_chunk()
            .ok_or_else(|| wrong("at least 36 bytes"))?;
        let (length, behind) = behind
            .split_first_chunk()
            .ok_or_else(|| wrong("at least 36 bytes"))?;
        let length = chunk_length(*length).ok_or_else(|| wrong("a chunk of 1 to 4096 bytes"))?;
        let (chunk, behind) = behind
            .split_at_checked(length)
            .ok_or_else(|| wrong("as long as its chunk says"))?;
        let (tag, nonce) = trailer(start);
        let from = content.len();
        content.extend(chunk);
        cipher
            .open(tag, nonce, &mut content[from..])
            .map_err(|error| match error {
                EngineError::Unauthentic { .. } => EngineError::Unauthentic { index },
                other => other,
            })?;
        rest = behind;
        index += 1;
    }
    Ok(content)
}

/// The length of a chunk, if it can be one.
pub(super) fn chunk_length(bytes: [u8; 8]) -> Option<usize> {
    let length = usize::try_from(u64::from_le_bytes(bytes)).ok()?;
    (1..=CHUNK_BYTES).contains(&length).then_some(length)
}
