//! A counter in whatever answers as a TPM opens, is advanced and read, and never goes back; or is refused.

use std::io;

use hmac::{Hmac, KeyInit, Mac};
use sealab_tpm::{AuthValue, NvIndex, TpmCounter, Transport};
use sealab_volume::counter::TrustedCounter;
use sha2::{Digest, Sha256};

use crate::refusal;

const INDEX: u32 = 0x0180_0001;
const AUTH: &[u8] = b"an authorization value";
const TPM_ST_NO_SESSIONS: u16 = 0x8001;
const TPM_ST_SESSIONS: u16 = 0x8002;
const FLUSH_CONTEXT: u32 = 0x165;
const NV_READ_PUBLIC: u32 = 0x169;
const START_AUTH_SESSION: u32 = 0x176;

/// Whether a counter is opened, advanced and read where the rest of `data` are the answers, each behind its length in two
/// bytes, the first byte being
/// - `r`: they are given as they are; as our nonces are random, none of them authenticates a number,
/// - `h`: they are given with what a TPM puts around them: header, HMAC, and around the public area its name. A session's
///   answer begins with its handle.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what @ (b'r' | b'h'), rest)) = data.split_first() else {
        return false;
    };
    let script = Script {
        answers: rest.to_vec(),
        at: 0,
        whole: *what == b'r',
    };
    let (Some(index), Some(auth)) = (NvIndex::new(INDEX), AuthValue::new(AUTH)) else {
        panic!("an index or a value that is not taken");
    };
    let counted = TpmCounter::open(Box::new(script), index, auth)
        .map_err(io::Error::from)
        .and_then(|counter| {
            let before = counter.value()?;
            let advanced = counter.advance()?;
            assert!(advanced > before, "{advanced} after {before}");
            let after = counter.value()?;
            assert!(after >= advanced, "{after} after {advanced}");
            Ok(())
        });
    match counted {
        Ok(()) => {
            assert!(
                *what == b'h',
                "an answer without knowledge of the secret was taken"
            );
            true
        }
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    }
}

struct Script {
    answers: Vec<u8>,
    at: usize,
    whole: bool,
}

impl Script {
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let rest = &self.answers[self.at..];
        let (length, rest) = rest.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let answer = rest.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.at += 2 + length;
        Ok(answer.to_vec())
    }
}

impl Transport for Script {
    fn name(&self) -> String {
        "a script".to_owned()
    }

    fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        let code = word(command, 6);
        if code == FLUSH_CONTEXT {
            return Ok(framed(TPM_ST_NO_SESSIONS, &[]));
        }
        let mut answer = self.next()?;
        if self.whole {
            // A TPM that says that it is busy is waited for, which takes a fuzzer's time.
            if answer.get(6..9) == Some(&[0, 0, 9]) {
                answer[6] = 1;
            }
            return Ok(answer);
        }
        Ok(match code {
            START_AUTH_SESSION => framed(TPM_ST_NO_SESSIONS, &answer),
            NV_READ_PUBLIC => {
                let algorithm = answer.get(4..6).unwrap_or_default();
                let name = [algorithm, &Sha256::digest(&answer)].concat();
                framed(TPM_ST_NO_SESSIONS, &[sized(&answer), sized(&name)].concat())
            }
            _ => framed(TPM_ST_SESSIONS, &authorized(command, &answer)),
        })
    }
}

/// `parameters` with the authorization that answers `command`.
fn authorized(command: &[u8], parameters: &[u8]) -> Vec<u8> {
    // Two handles, the length of the authorization area and the session's handle; then the nonce, the attributes.
    let nonce = &command[28..60];
    assert_eq!(command[26..28], [0, 32], "a nonce of another length");
    let attributes = command[60];
    let hash = Sha256::new()
        .chain_update(0u32.to_be_bytes())
        .chain_update(&command[6..10])
        .chain_update(parameters)
        .finalize();
    let ours = [7; 16];
    let mac = Hmac::<Sha256>::new_from_slice(AUTH).unwrap_or_else(|error| panic!("{error}"));
    let mac = mac
        .chain_update(hash)
        .chain_update(ours)
        .chain_update(nonce)
        .chain_update([attributes]);
    let mut body = (parameters.len() as u32).to_be_bytes().to_vec();
    body.extend(parameters);
    body.extend(sized(&ours));
    body.push(attributes);
    body.extend(sized(&mac.finalize().into_bytes()));
    body
}

fn framed(tag: u16, body: &[u8]) -> Vec<u8> {
    let length = 10 + body.len() as u32;
    [&tag.to_be_bytes()[..], &length.to_be_bytes(), &[0; 4], body].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_be_bytes(word.unwrap_or_else(|| panic!("a command without a word at {at}")))
}
