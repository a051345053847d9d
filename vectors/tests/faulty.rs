//! Engines with one deliberate fault each, made by wrapping a correct one: every fault must be found.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside of the functions that are marked as tests"
)]

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Ctr, CtrKey, DataUnits, Engine, EngineError, HmacSha256, InOutBuf,
    MacKey, Messages, Primitive, Sha256, Tag, Tweak, Xts, XtsKey,
};
use sealab_vectors::{Checked, VectorError, check, check_all};

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// Nothing; the wrapper itself must pass.
    None,
    /// The last byte of a unit that steals ciphertext is wrong.
    Tail,
    /// Each unit of a batch but the first is under the tweak of the one before.
    TweakOffByOne,
    /// The last byte of a unit of 65536 bytes is wrong.
    LongUnit,
    /// The same, in decryption alone.
    LongUnitDecrypted,
    /// Only the lower 64 bits of a tweak count.
    ShortTweak,
    /// Data that goes into a buffer is changed in its input's copy only: the output keeps what was there.
    Unwritten,
    /// Every tag is taken for right.
    TagUnchecked,
    /// Only the first 8 bytes of a tag are compared.
    ShortTag,
    /// One byte of a tag, in its middle, is not compared.
    TagByte,
    /// A refused call leaves the plaintext of the messages before the bad one.
    Exposed,
    /// A refusal always names the first message.
    Blame,
    /// Associated data is left out.
    NoAssociatedData,
    /// The first byte of every tag is wrong.
    WrongTag,
    /// The counter of CTR wraps at 32 bits.
    ShortCounter,
    /// The last part of a message is left out.
    PartLost,
    /// Decryption of blocks encrypts.
    Encrypts,
    /// The engine refuses everything that is longer than 64 bytes, with a typed error.
    Limited,
    /// The engine knows nothing.
    Empty,
}

struct Faulty {
    inner: Box<dyn Engine>,
    fault: Fault,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        let inner = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
        Self { inner, fault }
    }
}

struct Wrapped<T: ?Sized> {
    fault: Fault,
    inner: Box<T>,
}

impl Engine for Faulty {
    fn id(&self) -> &'static str {
        "faulty"
    }

    fn version(&self) -> String {
        self.inner.version()
    }

    fn code_path(&self) -> sealab_engine::CodePath {
        self.inner.code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.inner.primitives()
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        if self.fault == Fault::Empty {
            return Err(self.unsupported(key.primitive()));
        }
        let inner = self.inner.xts(key)?;
        Ok(Box::new(Wrapped {
            fault: self.fault,
            inner,
        }))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        let inner = self.inner.aead(key)?;
        Ok(Box::new(WrappedAead {
            fault: self.fault,
            inner,
            again: self.inner.aead(key)?,
        }))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        let inner = self.inner.ctr(key)?;
        Ok(Box::new(Wrapped {
            fault: self.fault,
            inner,
        }))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        let inner = self.inner.hmac_sha256(key)?;
        Ok(Box::new(Wrapped {
            fault: self.fault,
            inner,
        }))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        let inner = self.inner.sha256()?;
        Ok(Box::new(Wrapped {
            fault: self.fault,
            inner,
        }))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        let inner = self.inner.block_cipher(key)?;
        Ok(Box::new(Wrapped {
            fault: self.fault,
            inner,
        }))
    }
}

fn altered_tweaks(fault: Fault, tweaks: &[Tweak]) -> Vec<Tweak> {
    let mut altered = tweaks.to_vec();
    match fault {
        Fault::TweakOffByOne => altered[1..].copy_from_slice(&tweaks[..tweaks.len() - 1]),
        Fault::ShortTweak => altered.iter_mut().for_each(|tweak| tweak.0[8..].fill(0)),
        _ => {}
    }
    altered
}

impl Wrapped<dyn Xts> {
    fn run(
        &mut self,
        units: DataUnits<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        call: impl Fn(&mut dyn Xts, DataUnits<'_>, InOutBuf<'_, '_, u8>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        if self.fault == Fault::Limited && units.unit_bytes() > 64 {
            return Err(EngineError::Length {
                what: "a data unit",
                found: units.unit_bytes(),
                expected: "at most 64".to_owned(),
            });
        }
        let tweaks = altered_tweaks(self.fault, units.tweaks());
        let altered = DataUnits::new(units.unit_bytes(), &tweaks)?;
        if self.fault == Fault::Unwritten && data.get_in().as_ptr() != data.get_out().as_ptr() {
            let mut copy = data.get_in().to_vec();
            return call(&mut *self.inner, altered, InOutBuf::from(copy.as_mut_slice()));
        }
        call(&mut *self.inner, altered, data.reborrow())?;
        if self.fault == Fault::Tail && !units.unit_bytes().is_multiple_of(16) {
            *data.get_out().last_mut().unwrap() ^= 1;
        }
        if self.fault == Fault::LongUnit && units.unit_bytes() >= 65536 {
            *data.get_out().last_mut().unwrap() ^= 1;
        }
        Ok(())
    }
}

impl Xts for Wrapped<dyn Xts> {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.run(units, data, |xts, units, data| xts.encrypt(units, data))
    }

    fn decrypt(&mut self, units: DataUnits<'_>, mut data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.run(units, data.reborrow(), |xts, units, data| {
            xts.decrypt(units, data)
        })?;
        if self.fault == Fault::LongUnitDecrypted && units.unit_bytes() >= 65536 {
            *data.get_out().last_mut().unwrap() ^= 1;
        }
        Ok(())
    }
}

struct WrappedAead {
    fault: Fault,
    inner: Box<dyn Aead>,
    /// A second object of the same key, to learn right tags from.
    again: Box<dyn Aead>,
}

impl WrappedAead {
    /// The messages one by one, with their places, and without associated data where that is the fault.
    fn parts(&self, messages: Messages<'_>) -> Vec<(std::ops::Range<usize>, sealab_engine::Nonce, Vec<u8>)> {
        let without = self.fault == Fault::NoAssociatedData;
        messages
            .iter()
            .map(|(range, nonce, aad)| (range, *nonce, if without { Vec::new() } else { aad.to_vec() }))
            .collect()
    }

    /// The tag that the fault makes the engine accept in place of `tag`.
    fn tolerated(&mut self, nonce: sealab_engine::Nonce, aad: &[u8], ciphertext: &[u8], tag: Tag) -> Tag {
        // Both AEADs encrypt with a key stream: sealing a ciphertext gives its plaintext, and sealing that the tag.
        let nonces = [nonce];
        let messages = Messages::equal(ciphertext.len(), &nonces, aad).unwrap();
        let mut copy = ciphertext.to_vec();
        let mut right = [Tag([0; 16])];
        for _ in 0..2 {
            let data = InOutBuf::from(copy.as_mut_slice());
            self.again.seal(messages, data, &mut right).unwrap();
        }
        match self.fault {
            Fault::TagUnchecked => right[0],
            Fault::ShortTag if right[0].0[..8] == tag.0[..8] => right[0],
            Fault::TagByte if right[0].0[..3] == tag.0[..3] && right[0].0[4..] == tag.0[4..] => right[0],
            _ => tag,
        }
    }
}

impl Aead for WrappedAead {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        let parts = self.parts(messages);
        for ((range, nonce, aad), tag) in parts.into_iter().zip(tags.iter_mut()) {
            let (_, rest) = data.reborrow().split_at(range.start);
            let (message, _) = rest.split_at(range.len());
            let nonces = [nonce];
            let one = Messages::equal(range.len(), &nonces, &aad)?;
            self.inner.seal(one, message, std::slice::from_mut(tag))?;
            if self.fault == Fault::WrongTag {
                tag.0[0] ^= 1;
            }
        }
        Ok(())
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        let parts = self.parts(messages);
        for (index, ((range, nonce, aad), tag)) in parts.into_iter().zip(tags).enumerate() {
            let (_, rest) = data.reborrow().split_at(range.start);
            let (message, _) = rest.split_at(range.len());
            let tolerated = self.tolerated(nonce, &aad, message.get_in(), *tag);
            let nonces = [nonce];
            let one = Messages::equal(range.len(), &nonces, &aad)?;
            if self.inner.open(one, message, &[tolerated]).is_err() {
                if self.fault != Fault::Exposed {
                    data.get_out().fill(0);
                }
                let index = if self.fault == Fault::Blame { 0 } else { index };
                return Err(EngineError::Unauthentic { index });
            }
        }
        Ok(())
    }
}

impl Ctr for Wrapped<dyn Ctr> {
    fn apply(&mut self, initial: &[u8; 16], mut data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        if self.fault != Fault::ShortCounter {
            return self.inner.apply(initial, data);
        }
        let mut counter = *initial;
        let blocks = data.len().div_ceil(16);
        for block in 0..blocks {
            let (_, rest) = data.reborrow().split_at(block * 16);
            let length = rest.len().min(16);
            self.inner.apply(&counter, rest.split_at(length).0)?;
            let low = u32::from_be_bytes(counter[12..].try_into().unwrap());
            counter[12..].copy_from_slice(&low.wrapping_add(1).to_be_bytes());
        }
        Ok(())
    }
}

fn kept<'a, 'b>(fault: Fault, parts: &'a [&'b [u8]]) -> &'a [&'b [u8]] {
    match (fault, parts) {
        (Fault::PartLost, [kept @ .., _]) if parts.len() > 1 => kept,
        _ => parts,
    }
}

impl HmacSha256 for Wrapped<dyn HmacSha256> {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.inner.update(bytes)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        self.inner.finish()
    }

    fn compute(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        self.inner.compute(kept(self.fault, parts))
    }
}

impl Sha256 for Wrapped<dyn Sha256> {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.inner.update(bytes)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        self.inner.finish()
    }

    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        self.inner.digest(kept(self.fault, parts))
    }
}

impl BlockCipher for Wrapped<dyn BlockCipher> {
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.inner.encrypt_blocks(data)
    }

    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        match self.fault {
            Fault::Encrypts => self.inner.encrypt_blocks(data),
            _ => self.inner.decrypt_blocks(data),
        }
    }
}

fn outcome(fault: Fault, primitive: Primitive) -> Result<Checked, VectorError> {
    check(&Faulty::new(fault), primitive)
}

const XTS: [Primitive; 2] = [Primitive::Aes128Xts, Primitive::Aes256Xts];
const AEADS: [Primitive; 3] = [
    Primitive::Aes128Gcm,
    Primitive::Aes256Gcm,
    Primitive::ChaCha20Poly1305,
];

#[test]
fn a_correct_engine_passes_every_vector() {
    for primitive in Primitive::ALL {
        let checked = outcome(Fault::None, primitive).unwrap();
        assert_eq!(checked.skipped, 0, "{primitive}");
        assert!(checked.passed >= 12, "{primitive}: {checked:?}");
    }
}

#[test]
fn wrong_units_are_found() {
    for primitive in XTS {
        for fault in [
            Fault::Tail,
            Fault::TweakOffByOne,
            Fault::ShortTweak,
            Fault::Unwritten,
        ] {
            let error = outcome(fault, primitive).unwrap_err();
            assert!(
                matches!(error, VectorError::Differs { .. }),
                "{primitive}, {fault:?}: {error}"
            );
        }
    }
}

#[test]
fn wrong_long_units_are_found() {
    for primitive in XTS {
        for (fault, expected) in [
            (Fault::LongUnit, "SHA-256 of the ciphertext"),
            (Fault::LongUnitDecrypted, "plaintext"),
        ] {
            let error = check_all(&Faulty::new(fault), primitive).unwrap_err();
            assert!(
                matches!(error, VectorError::Differs { what, .. } if what == expected),
                "{primitive}, {fault:?}: {error}"
            );
        }
    }
}

#[test]
fn tags_that_are_not_checked_are_found() {
    for primitive in AEADS {
        for fault in [Fault::TagUnchecked, Fault::ShortTag, Fault::TagByte] {
            let error = outcome(fault, primitive).unwrap_err();
            assert!(
                matches!(error, VectorError::Accepted { .. }),
                "{primitive}, {fault:?}: {error}"
            );
        }
    }
}

#[test]
fn wrong_tags_and_lost_associated_data_are_found() {
    for primitive in AEADS {
        for fault in [Fault::WrongTag, Fault::NoAssociatedData] {
            let error = outcome(fault, primitive).unwrap_err();
            assert!(
                matches!(error, VectorError::Differs { what: "tag", .. }),
                "{primitive}, {fault:?}: {error}"
            );
        }
    }
}

#[test]
fn plaintext_left_by_a_refused_call_is_found() {
    for primitive in AEADS {
        let error = outcome(Fault::Exposed, primitive).unwrap_err();
        assert!(
            matches!(error, VectorError::Exposed { .. }),
            "{primitive}: {error}"
        );
    }
}

#[test]
fn a_refusal_of_the_wrong_message_is_found() {
    for primitive in AEADS {
        let error = outcome(Fault::Blame, primitive).unwrap_err();
        let blamed = matches!(
            error,
            VectorError::Blamed {
                expected: 1,
                actual: 0,
                ..
            }
        );
        assert!(blamed, "{primitive}: {error}");
    }
}

#[test]
fn wrong_counters_blocks_and_parts_are_found() {
    for (fault, primitive) in [
        (Fault::ShortCounter, Primitive::Aes256Ctr),
        (Fault::Encrypts, Primitive::Aes256Block),
        (Fault::PartLost, Primitive::HmacSha256),
        (Fault::PartLost, Primitive::Sha256),
    ] {
        let error = outcome(fault, primitive).unwrap_err();
        assert!(
            matches!(error, VectorError::Differs { .. }),
            "{primitive}: {error}"
        );
    }
}

#[test]
fn what_an_engine_cannot_do_is_counted_as_skipped() {
    let all = outcome(Fault::None, Primitive::Aes256Xts).unwrap();
    let limited = outcome(Fault::Limited, Primitive::Aes256Xts).unwrap();
    assert!(limited.passed > 0 && limited.skipped > 0, "{limited:?}");
    assert_eq!(limited.passed + limited.skipped, all.passed);
}

#[test]
fn no_vector_run_is_a_failure() {
    let error = outcome(Fault::Empty, Primitive::Aes256Xts).unwrap_err();
    assert!(
        matches!(error, VectorError::Nothing { skipped, .. } if skipped > 0),
        "{error}"
    );
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let error = outcome(Fault::Tail, Primitive::Aes128Xts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "vectors/data/aes-128-xts-ieee1619.json, case 9: encrypt in place, 1 of 17 bytes gives a wrong ciphertext \
         from byte 16 on: expected ed, found ec"
    );
}
