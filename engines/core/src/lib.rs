//! The contract between Sealab and a cryptographic library.
//!
//! An [`Engine`] is one library. It hands out keyed objects, each for one [`Primitive`], that work on many units a
//! call: data units with their tweaks ([`Xts`]), messages with their nonces ([`Aead`]), streams ([`Ctr`]), and so on.
//! What an engine cannot do is known before a run ([`Engine::primitives`]) and is a typed error, never a panic.
//! This crate depends on no other of the workspace and on no cryptographic library.

mod batch;
mod engine;
mod error;
mod key;
mod primitive;

pub use batch::{DataUnits, Messages, NONCE_BYTES, Nonce, TAG_BYTES, TWEAK_BYTES, Tag, Tweak};
pub use engine::{Aead, BlockCipher, Candidate, CodePath, Ctr, Engine, HmacSha256, Sha256, Xts};
pub use error::EngineError;
pub use inout::InOutBuf;
pub use key::{AeadKey, BlockKey, CtrKey, Key, KeyError, MacKey, XtsKey};
pub use primitive::Primitive;
