//! The keys of one set, and `cipher.img`, which holds them wrapped for one RSA key.

use prost::Message;
use sealab_engine::{Key, TWEAK_BYTES, Tweak};
use zeroize::Zeroizing;

use super::{DIGEST_BYTES, Error};
use crate::image::{Fault, Header, ImageReader, Kind, Part, Set, proto};

/// The file of the wrapped keys.
pub const CIPHER_FILE: &str = "cipher.img";

/// Why a key could not be wrapped or unwrapped.
pub type WrapError = Box<dyn std::error::Error + Send + Sync>;

/// Encrypts a key (32 or 64 bytes) with the recipient's RSA public key, RSAES-PKCS1-v1_5 (RFC 8017, section 7.2).
pub type Wrap<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, WrapError> + 'a;

/// Decrypts such a key with the RSA private key.
pub type Unwrap<'a> = dyn Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> + 'a;

/// The secrets of one set.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// For ChaCha20-Poly1305, and the same bytes for HMAC-SHA-256.
    pub(super) token: Key<32>,
    /// For AES-256-XTS.
    pub(super) pages: Key<64>,
    /// Of every page. In clear in the set.
    pub(super) tweak: Tweak,
}

impl Keys {
    pub(super) fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32 + 64 + TWEAK_BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; 32 + 64 + TWEAK_BYTES]) -> Self {
        let (mut token, mut pages) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 64]));
        let mut tweak = [0; TWEAK_BYTES];
        token.copy_from_slice(&bytes[..32]);
        pages.copy_from_slice(&bytes[32..96]);
        tweak.copy_from_slice(&bytes[96..]);
        Self {
            token: Key::new(&token),
            pages: Key::new(&pages),
            tweak: Tweak(tweak),
        }
    }

    /// The content of `cipher.img`.
    pub(super) fn wrapped(
        &self,
        digest: &[u8; DIGEST_BYTES],
        recipient: &Wrap<'_>,
    ) -> Result<Vec<u8>, Error> {
        let wrap =
            |what: &'static str, key: &[u8]| recipient(key).map_err(|detail| Error::Wrap { what, detail });
        let entry = proto::CipherEntry {
            token: Some(wrap("wrapping the token", self.token.expose())?),
            aes_key: Some(wrap("wrapping the key of the pages", self.pages.expose())?),
            aes_iv: Some(self.tweak.0.to_vec()),
            hmac_digest: Some(digest.to_vec()),
        };
        let bytes = entry.encode_to_vec();
        let mut file = Header::of_kind(Kind::Cipher).magic().to_vec();
        // An entry of two RSA ciphertexts is far below 4 GiB.
        file.extend((bytes.len() as u32).to_le_bytes());
        file.extend(bytes);
        Ok(file)
    }

    /// The keys and the digest in the set's `cipher.img`.
    pub(super) fn read(set: &Set, key: &Unwrap<'_>) -> Result<(Self, [u8; DIGEST_BYTES]), Error> {
        if set.member(CIPHER_FILE).is_none() {
            return Err(Error::NotSealed);
        }
        let (file, bytes) = set.open_file(CIPHER_FILE)?;
        let mut image = ImageReader::new(CIPHER_FILE, bytes, std::io::BufReader::new(file))?;
        let Some(Part::Entry(entry)) = image.next_part()? else {
            return Err(Error::NotSealed);
        };
        let message: proto::CipherEntry = image.decode(&entry)?;
        // A second entry is refused in passing.
        image.next_part()?;
        let field = |what: &'static str, field: Option<Vec<u8>>| {
            field.ok_or_else(|| Fault::value(what, "missing", "there").at(CIPHER_FILE, entry.offset))
        };
        let digest = field("the digest", message.hmac_digest)?;
        let tweak = field("the tweak", message.aes_iv)?;
        let lengths = (digest.try_into(), tweak.try_into());
        let (Ok(digest), Ok(tweak)) = lengths else {
            let fault = Fault::value("the length of digest or tweak", "another", "32 and 16 bytes");
            return Err(fault.at(CIPHER_FILE, entry.offset).into());
        };
        let token = field("the wrapped token", message.token)?;
        let pages = field("the wrapped key of the pages", message.aes_key)?;
        let keys = Self {
            token: unwrap("unwrapping the token", &token, key)?,
            pages: unwrap("unwrapping the key of the pages", &pages, key)?,
            tweak: Tweak(tweak),
        };
        Ok((keys, digest))
    }
}

fn unwrap<const N: usize>(what: &'static str, wrapped: &[u8], key: &Unwrap<'_>) -> Result<Key<N>, Error> {
    let bytes = key(wrapped).map_err(|detail| Error::Wrap { what, detail })?;
    let bytes = bytes.first_chunk().filter(|_| bytes.len() == N);
    bytes.map(Key::new).ok_or_else(|| Error::Wrap {
        what,
        detail: format!("what was wrapped is no key of {N} bytes").into(),
    })
}
