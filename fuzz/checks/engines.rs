//! The same random operation through every engine that has it, passed in different ways: the answers must be equal.

use arbitrary::{Arbitrary, Result, Unstructured};
use sealab_engine::{
    Aead, AeadKey, BlockKey, CtrKey, DataUnits, Engine, EngineError, InOutBuf, Key, MacKey, Messages, Nonce,
    Primitive, Tag, Tweak, XtsKey,
};

/// The most bytes of a data unit, a message or a stream: beyond what any library works on at once.
const MAX_BYTES: usize = 2100;
/// The most units or messages of a batch.
const MAX_BATCH: usize = 9;

/// Runs the operation that `data` describes; false if it describes none. Panics, naming the engines, where two answers
/// differ, a round trip fails or what was changed is opened.
pub(crate) fn check(engines: &[Box<dyn Engine>], data: &[u8]) -> bool {
    operation(engines, &mut Unstructured::new(data)).is_ok()
}

fn operation(engines: &[Box<dyn Engine>], u: &mut Unstructured<'_>) -> Result<()> {
    match *u.choose(&Primitive::ALL)? {
        primitive @ (Primitive::Aes128Xts | Primitive::Aes256Xts) => xts(engines, primitive, u),
        primitive @ (Primitive::Aes128Gcm | Primitive::Aes256Gcm | Primitive::ChaCha20Poly1305) => {
            aead(engines, primitive, u)
        }
        Primitive::Aes256Block => block(engines, u),
        Primitive::Aes256Ctr => ctr(engines, u),
        Primitive::HmacSha256 => hash(engines, u, true),
        Primitive::Sha256 => hash(engines, u, false),
    }
}

fn xts(engines: &[Box<dyn Engine>], primitive: Primitive, u: &mut Unstructured<'_>) -> Result<()> {
    let length = if primitive == Primitive::Aes128Xts { 32 } else { 64 };
    let Ok(key) = XtsKey::new(primitive, &bytes(u, length)?) else {
        return Err(arbitrary::Error::IncorrectFormat);
    };
    let unit_bytes = u.int_in_range(16..=MAX_BYTES)?;
    let tweaks: Vec<Tweak> = (0..u.int_in_range(1..=MAX_BATCH)?)
        .map(|_| Ok(Tweak(<[u8; 16]>::arbitrary(u)?)))
        .collect::<Result<_>>()?;
    let plain = bytes(u, unit_bytes * tweaks.len())?;
    let split = u.int_in_range(0..=tweaks.len())?;
    let mut answers = Answers::new(primitive);
    for engine in engines {
        let Some(mut xts) = had(engine.xts(&key)) else {
            continue;
        };
        // Whole and in place; then in two batches, into a buffer.
        let mut whole = plain.clone();
        let units = DataUnits::new(unit_bytes, &tweaks).unwrap();
        let Some(()) = had(xts.encrypt(units, InOutBuf::from(&mut whole[..]))) else {
            continue;
        };
        let mut parted = vec![0xa5; plain.len()];
        for range in [0..split, split..tweaks.len()] {
            let units = DataUnits::new(unit_bytes, &tweaks[range.clone()]).unwrap();
            let place = range.start * unit_bytes..range.end * unit_bytes;
            xts.encrypt(
                units,
                InOutBuf::new(&plain[place.clone()], &mut parted[place]).unwrap(),
            )
            .unwrap();
        }
        answers.add(&**engine, "whole", &whole);
        answers.add(&**engine, "in two batches", &parted);
        xts.decrypt(units, InOutBuf::from(&mut whole[..])).unwrap();
        assert!(
            whole == plain,
            "{} {primitive}: decryption does not undo encryption",
            engine.id()
        );
    }
    Ok(())
}

fn aead(engines: &[Box<dyn Engine>], primitive: Primitive, u: &mut Unstructured<'_>) -> Result<()> {
    let length = if primitive == Primitive::Aes128Gcm { 16 } else { 32 };
    let key = AeadKey::new(primitive, &bytes(u, length)?).unwrap();
    let count = u.int_in_range(1..=MAX_BATCH)?;
    let lengths: Vec<u32> = (0..count)
        .map(|_| u.int_in_range(0..=MAX_BYTES as u32))
        .collect::<Result<_>>()?;
    let nonces: Vec<Nonce> = (0..count)
        .map(|_| Ok(Nonce(<[u8; 12]>::arbitrary(u)?)))
        .collect::<Result<_>>()?;
    let part = u.int_in_range(0..=40)?;
    let associated_data = bytes(u, part * count)?;
    let plain = bytes(u, lengths.iter().map(|length| *length as usize).sum())?;
    let (victim, place) = (u.int_in_range(0..=count - 1)?, u.int_in_range(0..=15)?);
    let mut answers = Answers::new(primitive);
    for engine in engines {
        let Some(mut aead) = had(engine.aead(&key)) else {
            continue;
        };
        let messages = Messages::each(&lengths, &nonces, &associated_data).unwrap();
        let mut tags = vec![Tag([0; 16]); count];
        let mut whole = plain.clone();
        let Some(()) = had(aead.seal(messages, InOutBuf::from(&mut whole[..]), &mut tags)) else {
            continue;
        };
        let mut sealed = whole.clone();
        sealed.extend(tags.iter().flat_map(|tag| tag.0));
        answers.add(&**engine, "as a batch", &sealed);
        answers.add(&**engine, "one by one", &one_by_one(&mut *aead, messages, &plain));

        let mut opened = vec![0xa5; whole.len()];
        aead.open(messages, InOutBuf::new(&whole, &mut opened).unwrap(), &tags)
            .unwrap();
        assert!(
            opened == plain,
            "{} {primitive}: opening does not undo sealing",
            engine.id()
        );
        tags[victim].0[place] ^= 0x40;
        match aead.open(messages, InOutBuf::from(&mut whole[..]), &tags) {
            Err(EngineError::Unauthentic { index }) if index == victim => {}
            other => panic!("{} {primitive}: a wrong tag gives {other:?}", engine.id()),
        }
        assert!(
            whole.iter().all(|byte| *byte == 0),
            "{} {primitive}: a refusal leaves plaintext",
            engine.id()
        );
    }
    Ok(())
}

fn one_by_one(aead: &mut dyn Aead, messages: Messages<'_>, plain: &[u8]) -> Vec<u8> {
    let (mut out, mut tags) = (vec![0xa5; plain.len()], Vec::new());
    for (range, nonce, associated_data) in messages.iter() {
        let nonce = [*nonce];
        let message = Messages::equal(range.len(), &nonce, associated_data).unwrap();
        let mut tag = [Tag([0; 16])];
        let buffer = InOutBuf::new(&plain[range.clone()], &mut out[range]).unwrap();
        aead.seal(message, buffer, &mut tag).unwrap();
        tags.extend(tag[0].0);
    }
    out.extend(tags);
    out
}

fn ctr(engines: &[Box<dyn Engine>], u: &mut Unstructured<'_>) -> Result<()> {
    let key = CtrKey(Key::new(&<[u8; 32]>::arbitrary(u)?));
    // Near where a counter of 32, 64 or 128 bits wraps, or anywhere.
    let mut initial = <[u8; 16]>::arbitrary(u)?;
    let set = *u.choose(&[0, 4, 8, 16])?;
    initial[16 - set..].fill(0xff);
    let length = u.int_in_range(0..=MAX_BYTES)?;
    let plain = bytes(u, length)?;
    let split = u.int_in_range(0..=plain.len() / 16)? * 16;
    let mut answers = Answers::new(Primitive::Aes256Ctr);
    for engine in engines {
        let Some(mut ctr) = had(engine.ctr(&key)) else {
            continue;
        };
        let mut whole = plain.clone();
        ctr.apply(&initial, InOutBuf::from(&mut whole[..])).unwrap();
        let mut parted = vec![0xa5; plain.len()];
        let counter = u128::from_be_bytes(initial);
        let later = counter.wrapping_add(split as u128 / 16).to_be_bytes();
        for (range, initial) in [(0..split, initial), (split..plain.len(), later)] {
            ctr.apply(
                &initial,
                InOutBuf::new(&plain[range.clone()], &mut parted[range]).unwrap(),
            )
            .unwrap();
        }
        answers.add(&**engine, "whole", &whole);
        answers.add(&**engine, "in two parts", &parted);
    }
    Ok(())
}

fn block(engines: &[Box<dyn Engine>], u: &mut Unstructured<'_>) -> Result<()> {
    let key = BlockKey(Key::new(&<[u8; 32]>::arbitrary(u)?));
    let blocks = u.int_in_range(0..=MAX_BYTES / 16)?;
    let plain = bytes(u, blocks * 16)?;
    let mut answers = Answers::new(Primitive::Aes256Block);
    for engine in engines {
        let Some(mut cipher) = had(engine.block_cipher(&key)) else {
            continue;
        };
        let mut whole = plain.clone();
        cipher.encrypt_blocks(InOutBuf::from(&mut whole[..])).unwrap();
        answers.add(&**engine, "whole", &whole);
        for block in whole.chunks_mut(16) {
            cipher.decrypt_blocks(InOutBuf::from(block)).unwrap();
        }
        assert!(
            whole == plain,
            "{}: decryption does not undo encryption",
            engine.id()
        );
    }
    Ok(())
}

fn hash(engines: &[Box<dyn Engine>], u: &mut Unstructured<'_>, keyed: bool) -> Result<()> {
    let key_bytes = u.int_in_range(0..=200)?;
    let key = MacKey::new(&bytes(u, key_bytes)?);
    let length = u.int_in_range(0..=MAX_BYTES)?;
    let message = bytes(u, length)?;
    let mut cuts: Vec<usize> = (0..u.int_in_range(0..=4)?)
        .map(|_| u.int_in_range(0..=message.len()))
        .collect::<Result<_>>()?;
    cuts.extend([0, message.len()]);
    cuts.sort_unstable();
    let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &message[pair[0]..pair[1]]).collect();
    let primitive = if keyed {
        Primitive::HmacSha256
    } else {
        Primitive::Sha256
    };
    let mut answers = Answers::new(primitive);
    for engine in engines {
        for (how, parts) in [("whole", &[&message[..]][..]), ("in parts", &parts[..])] {
            let digest = if keyed {
                had(engine.hmac_sha256(&key)).map(|mut hmac| hmac.compute(parts).unwrap())
            } else {
                had(engine.sha256()).map(|mut sha256| sha256.digest(parts).unwrap())
            };
            if let Some(digest) = digest {
                answers.add(&**engine, how, &digest);
            }
        }
    }
    Ok(())
}

/// What the engines answered so far: the first answer, and whose it is.
struct Answers {
    primitive: Primitive,
    first: Option<(String, Vec<u8>)>,
}

impl Answers {
    fn new(primitive: Primitive) -> Self {
        Self {
            primitive,
            first: None,
        }
    }

    fn add(&mut self, engine: &dyn Engine, how: &str, answer: &[u8]) {
        let who = format!("{} ({how})", engine.id());
        let (first, expected) = self.first.get_or_insert_with(|| (who.clone(), answer.to_vec()));
        if let Some(at) = expected.iter().zip(answer).position(|(a, b)| a != b) {
            panic!("{}: {who} and {first} differ from byte {at} on", self.primitive);
        }
        assert_eq!(
            expected.len(),
            answer.len(),
            "{}: {who} and {first}",
            self.primitive
        );
    }
}

/// What an engine has; nothing where it says that it lacks the primitive or the length.
fn had<T>(result: std::result::Result<T, EngineError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(EngineError::Unsupported { .. } | EngineError::Length { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// As many bytes as there are left of what was asked for; zeros behind them.
fn bytes(u: &mut Unstructured<'_>, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    u.fill_buffer(&mut bytes)?;
    Ok(bytes)
}
