//! An engine as an implementation of the protocol: its primitives, and what peers make of such.

use sealab_engine::{
    AeadKey, BlockKey, CtrKey, DataUnits, Engine, EngineError, InOutBuf, Key, KeyError, MacKey, Messages,
    Nonce, Primitive, Tag, Tweak, XtsKey,
};

use crate::constructions;
use crate::serve::{Answer, Facts, Implementation, Request};

/// An engine's primitives, and the constructions that it has the primitives for.
pub struct EngineImplementation<'a> {
    engine: &'a dyn Engine,
    library: &'static str,
}

impl<'a> EngineImplementation<'a> {
    /// `engine`, whose library has the name `library`.
    pub fn new(engine: &'a dyn Engine, library: &'static str) -> Self {
        Self { engine, library }
    }

    fn xts(&self, primitive: Primitive, request: &Request) -> Result<Answer, Answer> {
        let key = XtsKey::new(primitive, &request.octets("key")?).map_err(bad_key)?;
        let tweaks = [Tweak(request.array("tweak")?)];
        let (given, answered) = direction(request)?;
        let mut data = request.octets(given)?;
        let mut xts = self.engine.xts(&key).map_err(failed)?;
        let units = DataUnits::new(data.len(), &tweaks).map_err(failed)?;
        let buffer = InOutBuf::from(data.as_mut_slice());
        match answered {
            "ct" => xts.encrypt(units, buffer),
            _ => xts.decrypt(units, buffer),
        }
        .map_err(failed)?;
        Ok(Answer::Values(vec![(answered, data)]))
    }

    fn aead(&self, primitive: Primitive, request: &Request) -> Result<Answer, Answer> {
        let key = AeadKey::new(primitive, &request.octets("key")?).map_err(bad_key)?;
        let nonces = [Nonce(request.array("iv")?)];
        let associated_data = request.octets("aad")?;
        let mut aead = self.engine.aead(&key).map_err(failed)?;
        match request.operation() {
            "seal" => {
                let mut data = request.octets("msg")?;
                let messages = Messages::equal(data.len(), &nonces, &associated_data).map_err(failed)?;
                let mut tags = [Tag([0; 16])];
                aead.seal(messages, InOutBuf::from(data.as_mut_slice()), &mut tags)
                    .map_err(failed)?;
                Ok(Answer::Values(vec![("ct", data), ("tag", tags[0].0.to_vec())]))
            }
            "open" => {
                let mut data = request.octets("ct")?;
                let messages = Messages::equal(data.len(), &nonces, &associated_data).map_err(failed)?;
                let tags = [Tag(request.array("tag")?)];
                aead.open(messages, InOutBuf::from(data.as_mut_slice()), &tags)
                    .map_err(failed)?;
                Ok(Answer::Values(vec![("msg", data)]))
            }
            other => Err(no_operation(other)),
        }
    }

    fn ctr(&self, request: &Request) -> Result<Answer, Answer> {
        let key = CtrKey(Key::new(&request.array("key")?));
        let initial = request.array("iv")?;
        let (given, answered) = direction(request)?;
        let mut data = request.octets(given)?;
        let mut ctr = self.engine.ctr(&key).map_err(failed)?;
        ctr.apply(&initial, InOutBuf::from(data.as_mut_slice()))
            .map_err(failed)?;
        Ok(Answer::Values(vec![(answered, data)]))
    }

    fn block(&self, request: &Request) -> Result<Answer, Answer> {
        let key = BlockKey(Key::new(&request.array("key")?));
        let (given, answered) = direction(request)?;
        let mut data = request.octets(given)?;
        let mut cipher = self.engine.block_cipher(&key).map_err(failed)?;
        let buffer = InOutBuf::from(data.as_mut_slice());
        match answered {
            "ct" => cipher.encrypt_blocks(buffer),
            _ => cipher.decrypt_blocks(buffer),
        }
        .map_err(failed)?;
        Ok(Answer::Values(vec![(answered, data)]))
    }
}

impl Implementation for EngineImplementation<'_> {
    fn facts(&self) -> Result<Facts, String> {
        let primitives = self.engine.primitives().iter().map(|primitive| primitive.id());
        Ok(Facts {
            name: self.engine.id().to_owned(),
            library: self.library.to_owned(),
            version: self.engine.version(),
            description: self.engine.code_path().description,
            implements: primitives.chain(constructions::of(self.engine)).collect(),
        })
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Answer> {
        if let Some(answer) = constructions::answer(self.engine, request) {
            return answer;
        }
        let primitive = Primitive::from_id(request.algorithm())
            .ok_or_else(|| Answer::Unsupported(format!("{} is no primitive", request.algorithm())))?;
        match primitive {
            Primitive::Aes128Xts | Primitive::Aes256Xts => self.xts(primitive, request),
            Primitive::Aes128Gcm | Primitive::Aes256Gcm | Primitive::ChaCha20Poly1305 => {
                self.aead(primitive, request)
            }
            Primitive::Aes256Block => self.block(request),
            Primitive::Aes256Ctr => self.ctr(request),
            Primitive::HmacSha256 => {
                let key = MacKey::new(&request.octets("key")?);
                let mut hmac = self.engine.hmac_sha256(&key).map_err(failed)?;
                let tag = hmac.compute(&[&request.octets("msg")?]).map_err(failed)?;
                Ok(Answer::Values(vec![("tag", tag.to_vec())]))
            }
            Primitive::Sha256 => {
                let mut sha256 = self.engine.sha256().map_err(failed)?;
                let digest = sha256.digest(&[&request.octets("msg")?]).map_err(failed)?;
                Ok(Answer::Values(vec![("digest", digest.to_vec())]))
            }
        }
    }
}

/// The value that is given and the one that is answered.
fn direction(request: &Request) -> Result<(&'static str, &'static str), Answer> {
    match request.operation() {
        "encrypt" => Ok(("msg", "ct")),
        "decrypt" => Ok(("ct", "msg")),
        other => Err(no_operation(other)),
    }
}

pub(crate) fn no_operation(name: &str) -> Answer {
    Answer::Unsupported(format!("the algorithm has no operation {name:?}"))
}

/// What an engine's error is in the protocol: what it cannot do, or a refusal.
pub(crate) fn failed(error: EngineError) -> Answer {
    match error {
        EngineError::Length { .. } | EngineError::Unsupported { .. } => {
            Answer::Unsupported(error.to_string())
        }
        other => Answer::Error(other.to_string()),
    }
}

fn bad_key(error: KeyError) -> Answer {
    match error {
        KeyError::EqualHalves => Answer::Error(error.to_string()),
        other => Answer::Unsupported(other.to_string()),
    }
}
