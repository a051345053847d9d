//! The engine and the keyed objects that it hands out.
//!
//! A keyed object belongs to one thread at a time; for several threads, key several. Its methods neither allocate
//! nor lock.

use inout::InOutBuf;

use crate::{AeadKey, BlockKey, CtrKey, DataUnits, EngineError, MacKey, Messages, Primitive, Tag, XtsKey};

/// A library that may or may not be on this machine, with the function that opens it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The engine's stable identifier, as in scenario files and records.
    pub id: &'static str,
    /// The library's own name.
    pub library: &'static str,
    /// Opens the library in this process; [`EngineError::Unavailable`] says why it cannot be had. Looks at the CPU
    /// at the earliest here, so that a CPU profile can be in place before.
    pub open: fn() -> Result<Box<dyn Engine>, EngineError>,
}

/// Which code of the library this process runs on this CPU, by the library's own word where it gives one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodePath {
    /// Whether the library's AES uses the CPU's AES instructions.
    pub hardware_aes: bool,
    /// For people: the implementation, and where the knowledge comes from.
    pub description: String,
}

/// One cryptographic library.
pub trait Engine: Send + Sync {
    /// The stable identifier, equal to [`Candidate::id`].
    fn id(&self) -> &'static str;

    /// The library's version, as the library itself tells it at run time where it can.
    fn version(&self) -> String;

    /// The code path taken in this process.
    fn code_path(&self) -> CodePath;

    /// What the engine implements; every other request is [`EngineError::Unsupported`].
    fn primitives(&self) -> &'static [Primitive];

    /// Whether XTS and the AEADs, where they encrypt from one buffer into another, never put anything but ciphertext
    /// there: a byte of the output holds what it held or its ciphertext, at any time, for anyone who looks on.
    ///
    /// `false` for a library that works in place, wholly or for one of these primitives: its engine copies the plaintext
    /// into the output first.
    fn writes_ciphertext_only(&self) -> bool {
        false
    }

    /// XTS under `key`.
    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Err(self.unsupported(key.primitive()))
    }

    /// The AEAD of `key`.
    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Err(self.unsupported(key.primitive()))
    }

    /// AES-256 in counter mode under `key`.
    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        let _ = key;
        Err(self.unsupported(Primitive::Aes256Ctr))
    }

    /// HMAC-SHA-256 under `key`.
    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        let _ = key;
        Err(self.unsupported(Primitive::HmacSha256))
    }

    /// SHA-256.
    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Err(self.unsupported(Primitive::Sha256))
    }

    /// The AES-256 block cipher under `key`.
    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        let _ = key;
        Err(self.unsupported(Primitive::Aes256Block))
    }

    /// The error for what this engine does not implement.
    fn unsupported(&self, primitive: Primitive) -> EngineError {
        EngineError::Unsupported {
            engine: self.id(),
            primitive,
        }
    }
}

/// XTS under one key.
pub trait Xts: Send {
    /// Encrypts every unit of `data`.
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError>;

    /// Decrypts every unit of `data`.
    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError>;
}

/// An AEAD under one key.
pub trait Aead: Send {
    /// Encrypts every message of `data` and writes its tag.
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError>;

    /// Decrypts every message of `data` whose tag holds. Where one does not, the call fails with
    /// [`EngineError::Unauthentic`] and the whole output is zeros, the messages before it included.
    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError>;
}

/// AES-256 in counter mode under one key.
pub trait Ctr: Send {
    /// Encrypts or decrypts `data` as one stream from its start; `initial` is the first counter block, counted up
    /// as a 128-bit big-endian number.
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError>;
}

/// HMAC-SHA-256 under one key, of one message after another. After an error it is not to be used again.
pub trait HmacSha256: Send {
    /// Takes up the next bytes of the message.
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError>;

    /// The code of all that was taken up; what comes next is another message.
    fn finish(&mut self) -> Result<[u8; 32], EngineError>;

    /// The code of the concatenated `parts`, where nothing was taken up before.
    fn compute(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        parts.iter().try_for_each(|part| self.update(part))?;
        self.finish()
    }
}

/// SHA-256 of one message after another. After an error it is not to be used again.
pub trait Sha256: Send {
    /// Takes up the next bytes of the message.
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError>;

    /// The digest of all that was taken up; what comes next is another message.
    fn finish(&mut self) -> Result<[u8; 32], EngineError>;

    /// The digest of the concatenated `parts`, where nothing was taken up before.
    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        parts.iter().try_for_each(|part| self.update(part))?;
        self.finish()
    }
}

/// The AES-256 block cipher alone, for the limit's probe.
pub trait BlockCipher: Send {
    /// Encrypts each 16-byte block of `data`, whose length is a multiple of 16, on its own.
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError>;

    /// Decrypts each 16-byte block of `data`, whose length is a multiple of 16, on its own.
    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError>;
}
