//! A tar stream is sealed and opens to the same files, or is refused.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use sealab_checkpoint::sealed::{
    Destination, OpenOptions, Output, PlainSource, SealOptions, SealedSource, Unlock, Work, open, seal,
};
use sealab_keys::RecipientKey;
use sealab_keys::jwe::JweKey;
use tar::{Archive, EntryType};

use crate::refusal;
use crate::transparent::Transparent;

/// The longest file with holes that is looked at: an archive need not have the zeros.
const SPARSE_MOST: u64 = 4 << 20;

struct Keys {
    recipient: sealab_keys::Recipient,
    private: JweKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let pem = include_bytes!("../../engines/checkpoint/src/sealed/tests/keys/recipient.pem");
    let key = RecipientKey::from_bytes("recipient.pem", pem, None).unwrap_or_else(|error| panic!("{error}"));
    Keys {
        recipient: key.recipient().clone(),
        private: key.into(),
    }
});

/// Whether the archive is sealed; panics where what is opened differs.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some(files) = files_of(data) else {
        return false;
    };
    let mut work = Work {
        engine: &Transparent,
        progress: &mut |_| {},
        interrupt: &AtomicBool::new(false),
    };
    let (mut source, mut sealed) = (data, Vec::new());
    let summary = seal(
        PlainSource::Tar(&mut source),
        Destination::Stream(&mut sealed),
        &[&KEYS.recipient],
        &SealOptions::default(),
        &mut work,
    );
    let summary = match summary {
        Ok(summary) => summary,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            return false;
        }
    };
    assert!(source.is_empty(), "not read to its end");
    let options = OpenOptions {
        unlock: Unlock::Recipient(&KEYS.private),
        parent: None,
        sender: None,
    };
    let (mut source, mut opened) = (&*sealed, Vec::new());
    let again = open(
        SealedSource::Stream(&mut source),
        Output::Tar(&mut opened),
        &options,
        &mut work,
    );
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}")), summary);
    assert_eq!(summary.files, files.len() as u64);
    assert!(
        files_of(&opened).as_ref() == Some(&files),
        "other files are opened"
    );
    true
}

/// The regular files as far as the archive can be read; `None` if one of them is too long to be looked at.
fn files_of(archive: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut archive = Archive::new(archive);
    for entry in archive.entries().into_iter().flatten() {
        let Ok(mut entry) = entry else {
            break;
        };
        let kind = entry.header().entry_type();
        if kind == EntryType::GNUSparse && entry.size() > SPARSE_MOST {
            return None;
        }
        let name = entry.path_bytes();
        let name = name.strip_prefix(b"./").unwrap_or(&name).to_vec();
        let mut content = Vec::new();
        if entry.read_to_end(&mut content).is_err() {
            break;
        }
        if matches!(
            kind,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse
        ) {
            files.insert(name, content);
        }
    }
    Some(files)
}
