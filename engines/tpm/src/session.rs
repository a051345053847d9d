//! HMAC sessions: who asks proves the authorization value, and so does who answers (part 1, "HMAC Computation").

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::auth::AuthValue;
use crate::command::{Code, sized};
use crate::error::TpmError;
use crate::response::Authorization;

/// The session stays for further commands.
const CONTINUE: u8 = 1;

/// A session that is neither salted nor bound: its key is the authorization value of what a command uses.
pub(crate) struct Session {
    pub(crate) handle: u32,
    /// The TPM's last nonce.
    nonce_tpm: Vec<u8>,
}

/// Our nonce of one command: what makes its answer an answer to it.
pub(crate) struct Nonce([u8; 32]);

impl Nonce {
    pub(crate) fn new() -> Result<Self, TpmError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(TpmError::Random)?;
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Session {
    /// `nonce_tpm` is the TPM's first nonce. A forged one gains nothing: the TPM then refuses, and an answer holds a nonce of
    /// ours besides.
    pub(crate) fn new(handle: u32, nonce_tpm: &[u8]) -> Self {
        let nonce_tpm = nonce_tpm.to_vec();
        Self { handle, nonce_tpm }
    }

    /// The authorization area of a command (TPMS_AUTH_COMMAND).
    pub(crate) fn authorize(&self, nonce: &Nonce, parameter_hash: &[u8; 32], auth: &AuthValue) -> Vec<u8> {
        let hmac = mac(auth, parameter_hash, &nonce.0, &self.nonce_tpm, CONTINUE).finalize();
        let mut area = self.handle.to_be_bytes().to_vec();
        area.extend(sized(&nonce.0));
        area.push(CONTINUE);
        area.extend(sized(&hmac.into_bytes()));
        area
    }

    /// Whether an answer's authorization holds: the session for the next command, or `None` where it does not or the TPM
    /// ended the session.
    pub(crate) fn accept(
        self,
        nonce: &Nonce,
        response_hash: &[u8; 32],
        auth: &AuthValue,
        answer: &Authorization<'_>,
    ) -> Accepted {
        let mac = mac(auth, response_hash, answer.nonce, &nonce.0, answer.attributes);
        if mac.verify_slice(answer.hmac).is_err() {
            return Accepted::No(self);
        }
        if answer.attributes & CONTINUE == 0 {
            return Accepted::Last;
        }
        Accepted::Yes(Self::new(self.handle, answer.nonce))
    }
}

/// What became of a session with an answer.
pub(crate) enum Accepted {
    /// The answer holds, and the session goes on.
    Yes(Session),
    /// The answer holds, and the session is over.
    Last,
    /// The answer does not hold; the session is to be flushed.
    No(Session),
}

/// What a session's HMAC of an answer covers (part 1, "Response Parameter Hash"); only successes have one.
pub(crate) fn response_hash(code: Code, parameters: &[u8]) -> [u8; 32] {
    let success = 0u32.to_be_bytes();
    let hash = Sha256::new()
        .chain_update(success)
        .chain_update(code.number.to_be_bytes());
    hash.chain_update(parameters).finalize().into()
}

fn mac(auth: &AuthValue, hash: &[u8; 32], newer: &[u8], older: &[u8], attributes: u8) -> Hmac<Sha256> {
    let Ok(mac) = Hmac::new_from_slice(auth.expose()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.chain_update(hash)
        .chain_update(newer)
        .chain_update(older)
        .chain_update([attributes])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to a question with `nonce`, right under `auth`.
    fn answer(nonce: &Nonce, auth: &AuthValue, parameters: &[u8]) -> Vec<u8> {
        let hash = response_hash(CODE, parameters);
        mac(auth, &hash, b"the TPM's nonce.", &nonce.0, CONTINUE)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    const CODE: Code = Code {
        number: 0x14e,
        name: "TPM2_NV_Read",
    };

    fn holds(nonce: &Nonce, auth: &AuthValue, parameters: &[u8], hmac: &[u8]) -> bool {
        let answer = Authorization {
            nonce: b"the TPM's nonce.",
            attributes: CONTINUE,
            hmac,
        };
        let session = Session::new(0x0200_0000, &[7; 32]);
        let hash = response_hash(CODE, parameters);
        matches!(session.accept(nonce, &hash, auth, &answer), Accepted::Yes(_))
    }

    #[test]
    fn an_answer_holds_for_one_question_under_one_value_and_unchanged() {
        let (auth, other) = (
            AuthValue::new(b"secret").unwrap(),
            AuthValue::new(b"other").unwrap(),
        );
        let (nonce, later) = (Nonce::new().unwrap(), Nonce::new().unwrap());
        let hmac = answer(&nonce, &auth, b"12");
        assert!(holds(&nonce, &auth, b"12", &hmac));
        assert!(
            !holds(&later, &auth, b"12", &hmac),
            "an answer to another question"
        );
        assert!(!holds(&nonce, &other, b"12", &hmac), "under another value");
        assert!(!holds(&nonce, &auth, b"13", &hmac), "with another content");
        assert!(!holds(&nonce, &auth, b"12", &hmac[..31]), "cut short");
        assert!(!holds(&nonce, &auth, b"12", &[]), "without an HMAC");
    }

    #[test]
    fn zero_bytes_at_the_end_of_a_value_do_not_count() {
        let (auth, padded) = (
            AuthValue::new(b"secret").unwrap(),
            AuthValue::new(b"secret\0\0").unwrap(),
        );
        let nonce = Nonce::new().unwrap();
        assert!(holds(&nonce, &padded, b"12", &answer(&nonce, &auth, b"12")));
        assert!(AuthValue::new(&[0; 8]).unwrap().is_empty());
        assert!(AuthValue::new(&[1; 33]).is_none());
    }
}
