//! What peers write to disk, over an engine's primitives.

use sealab_checkpoint::pr2297;
use sealab_engine::{Engine, EngineError, InOutBuf, Key, Nonce, Primitive, Tweak};
use sealab_layer::ocicrypt::{LayerCipher, LayerError, LayerKey, LayerOptions};
use sealab_volume::sector::{AesGcmRandom, CbcEssiv, SectorCipher, SectorError, SectorSize, XtsHmac};

use crate::engine::{failed, no_operation};
use crate::serve::{Answer, Request};

/// A construction by its identifier.
struct Construction {
    id: &'static str,
    needs: &'static [Primitive],
    answer: fn(&dyn Engine, &Request) -> Result<Answer, Answer>,
}

const CONSTRUCTIONS: &[Construction] = &[
    Construction {
        id: "aes-256-cbc-essiv-sha256",
        needs: &[Primitive::Aes256Block],
        answer: cbc_essiv,
    },
    Construction {
        id: "dm-crypt-aes-256-gcm-random",
        needs: &[Primitive::Aes256Gcm],
        answer: gcm_random,
    },
    Construction {
        id: "dm-crypt-aes-256-xts-hmac-sha256",
        needs: &[Primitive::Aes256Xts, Primitive::HmacSha256],
        answer: xts_hmac,
    },
    Construction {
        id: "criu-pr2297-entry",
        needs: &[Primitive::ChaCha20Poly1305],
        answer: criu_entry,
    },
    Construction {
        id: "criu-pr2297-raw",
        needs: &[Primitive::ChaCha20Poly1305],
        answer: criu_raw,
    },
    Construction {
        id: "criu-pr2297-pages",
        needs: &[Primitive::Aes256Xts, Primitive::HmacSha256],
        answer: criu_pages,
    },
    Construction {
        id: "ocicrypt-layer",
        needs: &[Primitive::Aes256Ctr, Primitive::HmacSha256],
        answer: ocicrypt_layer,
    },
    Construction {
        id: "ocicrypt-options",
        needs: &[Primitive::Aes256Ctr, Primitive::HmacSha256],
        answer: ocicrypt_options,
    },
];

/// The constructions that `engine` has the primitives for.
pub(crate) fn of(engine: &dyn Engine) -> impl Iterator<Item = &'static str> {
    let there = engine.primitives();
    let possible =
        |construction: &&Construction| construction.needs.iter().all(|needed| there.contains(needed));
    CONSTRUCTIONS
        .iter()
        .filter(possible)
        .map(|construction| construction.id)
}

/// The answer of the construction that `request` names, if it names one.
pub(crate) fn answer(engine: &dyn Engine, request: &Request) -> Option<Result<Answer, Answer>> {
    let construction = CONSTRUCTIONS.iter().find(|one| one.id == request.algorithm())?;
    Some((construction.answer)(engine, request))
}

fn cbc_essiv(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let given = if request.operation() == "encrypt" {
        "msg"
    } else {
        "ct"
    };
    let mut data = request.octets(given)?;
    let size = SectorSize::of_vector(data.len()).map_err(sector)?;
    let mut cipher = CbcEssiv::new(engine, &request.array("key")?, size).map_err(sector)?;
    let number = u64::from_le_bytes(request.array("sector")?);
    match request.operation() {
        "encrypt" => {
            cipher.encrypt(number, &mut data, &mut []).map_err(sector)?;
            Ok(Answer::Values(vec![("ct", data)]))
        }
        "decrypt" => {
            cipher.decrypt(number, &mut data, &[]).map_err(sector)?;
            Ok(Answer::Values(vec![("msg", data)]))
        }
        other => Err(no_operation(other)),
    }
}

fn gcm_random(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let number = u64::from_le_bytes(request.array("sector")?);
    let iv: [u8; 12] = request.array("iv")?;
    let keyed = |data: &[u8]| {
        let size = SectorSize::of_vector(data.len()).map_err(sector)?;
        AesGcmRandom::new(engine, &request.array("key")?, size).map_err(sector)
    };
    match request.operation() {
        "seal" => {
            let mut data = request.octets("msg")?;
            let mut cipher = keyed(&data)?;
            let mut metadata = vec![0; cipher.metadata_bytes()];
            cipher
                .encrypt_with_nonces(number, &[Nonce(iv)], &mut data, &mut metadata)
                .map_err(sector)?;
            metadata.truncate(16);
            Ok(Answer::Values(vec![("ct", data), ("tag", metadata)]))
        }
        "open" => {
            let mut data = request.octets("ct")?;
            let metadata = [&request.array::<16>("tag")?[..], &iv].concat();
            keyed(&data)?
                .decrypt(number, &mut data, &metadata)
                .map_err(sector)?;
            Ok(Answer::Values(vec![("msg", data)]))
        }
        other => Err(no_operation(other)),
    }
}

fn xts_hmac(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let number = u64::from_le_bytes(request.array("sector")?);
    let keyed = |data: &[u8]| {
        let size = SectorSize::of_vector(data.len()).map_err(sector)?;
        XtsHmac::new(engine, &request.array("key")?, size).map_err(sector)
    };
    match request.operation() {
        "seal" => {
            let mut data = request.octets("msg")?;
            let mut cipher = keyed(&data)?;
            let mut tag = vec![0; cipher.metadata_bytes()];
            cipher.encrypt(number, &mut data, &mut tag).map_err(sector)?;
            Ok(Answer::Values(vec![("ct", data), ("tag", tag)]))
        }
        "open" => {
            let mut data = request.octets("ct")?;
            let tag: [u8; 32] = request.array("tag")?;
            keyed(&data)?.decrypt(number, &mut data, &tag).map_err(sector)?;
            Ok(Answer::Values(vec![("msg", data)]))
        }
        other => Err(no_operation(other)),
    }
}

fn criu_entry(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let token = Key::new(&request.array("key")?);
    match request.operation() {
        "seal" => {
            let nonce = Nonce(request.array("iv")?);
            let framed = pr2297::seal_entry(engine, &token, &nonce, &request.octets("msg")?).map_err(criu)?;
            Ok(Answer::Values(vec![("framed", framed)]))
        }
        "open" => {
            let msg = pr2297::open_entry(engine, &token, &request.octets("framed")?).map_err(criu)?;
            Ok(Answer::Values(vec![("msg", msg)]))
        }
        other => Err(no_operation(other)),
    }
}

fn criu_raw(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let token = Key::new(&request.array("key")?);
    match request.operation() {
        "seal" => {
            let octets = request.octets("iv")?;
            let (nonces, rest) = octets.as_chunks::<12>();
            if !rest.is_empty() {
                return Err(Answer::Error(
                    "iv has no whole number of nonces of 12 bytes".to_owned(),
                ));
            }
            let nonces: Vec<Nonce> = nonces.iter().copied().map(Nonce).collect();
            let framed = pr2297::seal_raw(engine, &token, &nonces, &request.octets("msg")?).map_err(criu)?;
            Ok(Answer::Values(vec![("framed", framed)]))
        }
        "open" => {
            let msg = pr2297::open_raw(engine, &token, &request.octets("framed")?).map_err(criu)?;
            Ok(Answer::Values(vec![("msg", msg)]))
        }
        other => Err(no_operation(other)),
    }
}

fn criu_pages(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let keys = pr2297::PageKeys {
        cipher: Key::new(&request.array("key")?),
        tweak: Tweak(request.array("iv")?),
        mac: Key::new(&request.array("macKey")?),
    };
    let octets = request.octets("addresses")?;
    let (addresses, rest) = octets.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Answer::Error(
            "addresses has no whole number of addresses of 8 bytes".to_owned(),
        ));
    }
    let addresses: Vec<u64> = addresses.iter().copied().map(u64::from_le_bytes).collect();
    let pid = i32::from_le_bytes(request.array("pid")?);
    match request.operation() {
        "seal" => {
            let msg = request.octets("msg")?;
            let (ct, digest) = pr2297::seal_pages(engine, &keys, &addresses, pid, &msg).map_err(criu)?;
            Ok(Answer::Values(vec![("ct", ct), ("digest", digest.to_vec())]))
        }
        "open" => {
            let (ct, digest) = (request.octets("ct")?, request.array("digest")?);
            let msg = pr2297::open_pages(engine, &keys, &addresses, pid, &ct, &digest).map_err(criu)?;
            Ok(Answer::Values(vec![("msg", msg)]))
        }
        other => Err(no_operation(other)),
    }
}

fn ocicrypt_layer(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    let key = LayerKey::new(&request.array("key")?, &request.array("iv")?);
    let mut cipher = LayerCipher::new(engine, &key).map_err(failed)?;
    match request.operation() {
        "seal" => {
            let mut data = request.octets("msg")?;
            let code = cipher.seal(InOutBuf::from(data.as_mut_slice())).map_err(failed)?;
            Ok(Answer::Values(vec![("ct", data), ("tag", code.to_vec())]))
        }
        "open" => {
            let mut data = request.octets("ct")?;
            // A code of another length holds as little as a wrong one.
            let code: [u8; 32] = request
                .octets("tag")?
                .try_into()
                .map_err(|_| layer(LayerError::Unauthentic))?;
            cipher
                .open(&code, InOutBuf::from(data.as_mut_slice()))
                .map_err(layer)?;
            Ok(Answer::Values(vec![("msg", data)]))
        }
        other => Err(no_operation(other)),
    }
}

fn ocicrypt_options(engine: &dyn Engine, request: &Request) -> Result<Answer, Answer> {
    if request.operation() != "open" {
        return Err(no_operation(request.operation()));
    }
    let options = LayerOptions::parse(request.text("privateOptions")?, request.text("publicOptions")?)
        .map_err(layer)?;
    let mut data = request.octets("ct")?;
    let mut cipher = options.cipher(engine).map_err(failed)?;
    cipher
        .open(&options.code, InOutBuf::from(data.as_mut_slice()))
        .map_err(layer)?;
    Ok(Answer::Values(vec![("msg", data)]))
}

fn sector(error: SectorError) -> Answer {
    match error {
        SectorError::Engine(error) => failed(error),
        SectorError::Length { .. } => Answer::Unsupported(error.to_string()),
        other => Answer::Error(other.to_string()),
    }
}

fn criu(error: pr2297::Error) -> Answer {
    match error {
        pr2297::Error::Engine(error @ EngineError::Unsupported { .. }) => failed(error),
        other => Answer::Error(other.to_string()),
    }
}

fn layer(error: LayerError) -> Answer {
    match error {
        LayerError::Engine(error) => failed(error),
        other => Answer::Error(other.to_string()),
    }
}
