//! The header, in clear: what a reader needs to begin, and a code over it.

use std::io::Read;

use sealab_engine::{Engine, Primitive};

use super::keys::{Keys, SetKey, Unlock, equal};
use super::{CHUNK_BYTES, Error, recognise};
use crate::image::Fault;

/// Starts every sealed file. As in PNG: no text, and any program that rewrites line ends or stops at 0x1a spoils it.
pub(super) const MAGIC: [u8; 8] = *b"\x89SLCK\r\n\x1a";
const VERSION: u16 = 1;
pub(super) const SET_ID_BYTES: usize = 32;
/// Up to the wrapped key.
const FIXED_BYTES: usize = 84;
const MAC_BYTES: usize = 32;
/// The longest wrapped key that is read: sealab-keys' own limit.
const JWE_MOST: u32 = 64 << 10;

const FLAG_COMPRESSED: u8 = 1;
const FLAG_DEDUPLICATED: u8 = 2;
const FLAG_SIGNED: u8 = 4;

/// What seals chunks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Cipher {
    /// AES-256-GCM.
    #[default]
    Aes256Gcm,
    /// ChaCha20-Poly1305, for CPUs without AES instructions.
    ChaCha20Poly1305,
}

impl Cipher {
    /// What an engine must implement for it.
    pub fn primitive(self) -> Primitive {
        match self {
            Self::Aes256Gcm => Primitive::Aes256Gcm,
            Self::ChaCha20Poly1305 => Primitive::ChaCha20Poly1305,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }
}

/// A header's content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) cipher: Cipher,
    /// Chunks may be compressed.
    pub(super) compressed: bool,
    /// Pages may be stored elsewhere in the set.
    pub(super) deduplicated: bool,
    /// Groups have digests, and a signature is before the trailer.
    pub(super) signed: bool,
    pub(super) set_id: [u8; SET_ID_BYTES],
    /// The set's key, wrapped.
    pub(super) jwe: String,
}

/// A header as it stands in its file.
pub(super) struct StoredHeader {
    pub(super) bytes: Vec<u8>,
    pub(super) header: Header,
    key_commitment: [u8; 32],
}

impl Header {
    /// The header's bytes, with the code over them.
    pub(super) fn encode(&self, engine: &dyn Engine, keys: &Keys) -> Result<Vec<u8>, Error> {
        let flags = [
            (self.compressed, FLAG_COMPRESSED),
            (self.deduplicated, FLAG_DEDUPLICATED),
            (self.signed, FLAG_SIGNED),
        ];
        let flags: u8 = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([self.cipher.number(), flags]);
        bytes.extend((CHUNK_BYTES as u32).to_le_bytes());
        bytes.extend(self.set_id);
        bytes.extend(keys.commitment());
        bytes.extend((self.jwe.len() as u32).to_le_bytes());
        bytes.extend(self.jwe.as_bytes());
        let mac = keys.header_mac(engine, &bytes)?;
        bytes.extend(mac);
        Ok(bytes)
    }
}

impl StoredHeader {
    /// Reads a header; nothing of it is authentic until it is unlocked.
    pub(super) fn read(file: &str, source: &mut (impl Read + ?Sized)) -> Result<Self, Error> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES);
        take(file, source, &mut bytes, MAGIC.len() as u64)?;
        if bytes != MAGIC {
            return Err(Error::NotSealed {
                path: file.to_owned(),
                found: recognise::content(&bytes).to_owned(),
            });
        }
        take(file, source, &mut bytes, (FIXED_BYTES - MAGIC.len()) as u64)?;
        if bytes.len() < FIXED_BYTES {
            return Err(cut(file, bytes.len(), FIXED_BYTES));
        }
        let wrong = |what, offset, found: u32, expected: &str| -> Error {
            Fault::value(what, found, expected).at(file, offset).into()
        };
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(wrong("the version", 8, version.into(), "1"));
        }
        let cipher = match bytes[10] {
            1 => Cipher::Aes256Gcm,
            2 => Cipher::ChaCha20Poly1305,
            other => return Err(wrong("the cipher's number", 10, other.into(), "1 or 2")),
        };
        let flags = bytes[11];
        if flags & !(FLAG_COMPRESSED | FLAG_DEDUPLICATED | FLAG_SIGNED) != 0 {
            return Err(wrong("the flags", 11, flags.into(), "a sum of 1, 2 and 4"));
        }
        let chunk = u32::from_le_bytes(array(&bytes[12..]));
        if chunk as usize != CHUNK_BYTES {
            return Err(wrong("the length of a chunk", 12, chunk, "65536"));
        }
        let set_id = array(&bytes[16..]);
        let key_commitment = array(&bytes[48..]);
        let jwe_bytes = u32::from_le_bytes(array(&bytes[80..]));
        if jwe_bytes > JWE_MOST {
            return Err(wrong(
                "the length of the wrapped key",
                80,
                jwe_bytes,
                "at most 65536",
            ));
        }
        let expected = FIXED_BYTES + jwe_bytes as usize + MAC_BYTES;
        take(file, source, &mut bytes, (expected - FIXED_BYTES) as u64)?;
        if bytes.len() < expected {
            return Err(cut(file, bytes.len(), expected));
        }
        let jwe = std::str::from_utf8(&bytes[FIXED_BYTES..expected - MAC_BYTES])
            .map_err(|_| Fault::value("the wrapped key", "no text", "a JWE").at(file, FIXED_BYTES as u64))?;
        let header = Header {
            cipher,
            compressed: flags & FLAG_COMPRESSED != 0,
            deduplicated: flags & FLAG_DEDUPLICATED != 0,
            signed: flags & FLAG_SIGNED != 0,
            set_id,
            jwe: jwe.to_owned(),
        };
        Ok(Self {
            bytes,
            header,
            key_commitment,
        })
    }

    /// The set's keys, once the header holds under them.
    pub(super) fn unlock(&self, file: &str, engine: &dyn Engine, unlock: Unlock<'_>) -> Result<Keys, Error> {
        let set_key: SetKey = unlock.set_key(file, &self.header.jwe)?;
        let keys = Keys::derive(&set_key, &self.header.set_id, self.header.cipher)?;
        // Before any code is compared: GCM and Poly1305 hold under several keys for who chooses them, so a JWE could
        // give each recipient another key.
        if !equal(keys.commitment(), &self.key_commitment) {
            return Err(Error::unauthentic(file, 48, "the key commitment"));
        }
        let (content, mac) = self.bytes.split_at(self.bytes.len() - MAC_BYTES);
        if !equal(&keys.header_mac(engine, content)?, &array(mac)) {
            return Err(Error::unauthentic(file, 0, "the header"));
        }
        Ok(keys)
    }

    /// Where the groups begin, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The code over the header, which what follows is bound to.
    pub(super) fn mac(&self) -> &[u8] {
        mac_of(&self.bytes)
    }
}

/// The code at the end of a header.
pub(super) fn mac_of(header: &[u8]) -> &[u8] {
    &header[header.len() - MAC_BYTES..]
}

/// Adds up to `bytes` bytes from the source.
fn take(file: &str, source: &mut (impl Read + ?Sized), into: &mut Vec<u8>, bytes: u64) -> Result<(), Error> {
    let offset = into.len() as u64;
    source
        .take(bytes)
        .read_to_end(into)
        .map_err(|error| Fault::Io(error).at(file, offset))?;
    Ok(())
}

fn cut(file: &str, found: usize, expected: usize) -> Error {
    Fault::value("the header", "cut off", format_args!("{expected} bytes long"))
        .at(file, found as u64)
        .into()
}

/// The first `N` bytes; the caller has held the length against the format's.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}
