//! A sealed file, and what is sealed in it, is read or refused. The first byte says what the rest is.

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use sealab_checkpoint::sealed::{
    Error, OpenOptions, SET_KEY_BYTES, SealedSource, SetKey, Summary, Unlock, Work, check_index,
    check_manifest, open_bytes, verify,
};
use sealab_keys::RecipientKey;
use sealab_keys::jwe::JweKey;

use crate::refusal;
use crate::transparent::Transparent;

static KEY: LazyLock<JweKey> = LazyLock::new(|| {
    let pem = include_bytes!("../../engines/checkpoint/src/sealed/tests/keys/recipient.pem");
    let key = RecipientKey::from_bytes("recipient.pem", pem, None);
    key.unwrap_or_else(|error| panic!("{error}")).into()
});

/// Whether the rest of `data` is accepted as
/// - `r`: a sealed file for a known recipient,
/// - `f`: a set's key and a sealed file under it, every tag and digest of which holds,
/// - `i` or `s`: the open index of a set, not signed or signed,
/// - `m`: the open manifest of a group.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what, rest)) = data.split_first() else {
        return false;
    };
    match what {
        b'r' => held(rest, of_recipient(rest)),
        b'f' => match rest.split_first_chunk::<SET_KEY_BYTES>() {
            Some((key, file)) => held(file, open_bytes(&Transparent, file, &SetKey::from_bytes(key))),
            None => false,
        },
        b'i' => is_told(check_index(rest, false)),
        b's' => is_told(check_index(rest, true)),
        b'm' => is_told(check_manifest(0, rest)),
        _ => false,
    }
}

fn of_recipient(mut file: &[u8]) -> Result<Summary, Error> {
    let options = OpenOptions {
        unlock: Unlock::Recipient(&KEY),
        parent: None,
        sender: None,
    };
    let mut work = Work {
        engine: &Transparent,
        progress: &mut |_| {},
        interrupt: &AtomicBool::new(false),
    };
    verify(SealedSource::Stream(&mut file), &options, &mut work)
}

fn held(file: &[u8], read: Result<Summary, Error>) -> bool {
    if let Ok(summary) = &read {
        assert_eq!(summary.sealed_bytes, file.len() as u64);
    }
    is_told(read)
}

fn is_told<T>(read: Result<T, impl std::fmt::Display>) -> bool {
    match read {
        Ok(_) => true,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    }
}
