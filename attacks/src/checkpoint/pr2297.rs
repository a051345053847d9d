//! `criu-pr2297`, read by sealab's reader.

use std::path::Path;

use prost::Message;
use sealab_attack_record::FormatUnderAttack;
use sealab_checkpoint::image::{Header, Kind, proto};
use sealab_checkpoint::pr2297::{self, CIPHER_FILE, TRAILER_BYTES};
use sealab_engine::Engine;
use sealab_keys::pkcs1v15;

use super::format::{Asking, CheckpointFormat, Layout, Part, Problem, Sealing};
use super::keyring::OpeningKey;
use super::{PLANE, frames};
use crate::files::{self, Files, Piece, Span};

pub(super) const FORMAT: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "criu-pr2297",
    description: "CRIU's pull request 2297. Read by sealab's reader, which holds all pages against the digest before it \
                  writes anything, gives the plain set its name only when it is whole, and takes no set without \
                  cipher.img.",
};

pub(super) struct Pr2297<'a> {
    pub(super) engine: &'a dyn Engine,
}

impl CheckpointFormat for Pr2297<'_> {
    fn format(&self) -> FormatUnderAttack {
        FORMAT
    }

    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        seal(self.engine, plain, sealed, with)
    }

    fn open(&self, sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem> {
        let place = tempfile::tempdir_in(sealed.parent().unwrap_or(sealed))?;
        let plain = place.path().join("plain");
        let unwrap = |wrapped: &[u8]| Ok(pkcs1v15::decrypt(&asking.key.rsa, wrapped)?);
        let opened = pr2297::open(self.engine, sealed, &plain, &unwrap);
        // Under its name there is what a user gets, and nothing before it is whole.
        *handed_out = files::read(&plain)?;
        opened?;
        Ok(())
    }

    fn layout(&self, sealed: &Files, _key: &OpeningKey) -> Result<Layout, Problem> {
        Ok(layout(sealed))
    }

    fn stripped(&self, sealed: &Files) -> Vec<(&'static str, Files)> {
        stripped(sealed)
    }
}

pub(super) fn seal(
    engine: &dyn Engine,
    plain: &Path,
    sealed: &Path,
    with: &Sealing<'_>,
) -> Result<(), Problem> {
    let wrap = |key: &[u8]| Ok(pkcs1v15::encrypt(with.recipient, key)?);
    pr2297::seal(engine, plain, sealed, &wrap)?;
    Ok(())
}

pub(super) fn layout(sealed: &Files) -> Layout {
    let mut layout = frames::layout(sealed, TRAILER_BYTES);
    for piece in header(sealed) {
        layout.add(Part::Header, piece);
    }
    layout
}

/// The fields of `cipher.img`.
fn header(sealed: &Files) -> Vec<Piece> {
    let Some(bytes) = sealed.get(CIPHER_FILE) else {
        return Vec::new();
    };
    let start = Header::of_kind(Kind::Cipher).magic().len();
    let message = bytes.get(start + 4..).unwrap_or_default();
    let entry = proto::CipherEntry::decode(message).unwrap_or_default();
    let fields = [
        ("the magic numbers", Some(bytes[..start].to_vec())),
        ("the wrapped token", entry.token),
        ("the wrapped key of the pages", entry.aes_key),
        ("the tweak", entry.aes_iv),
        ("the digest", entry.hmac_digest),
    ];
    fields
        .into_iter()
        .filter_map(|(name, field)| {
            let field = field?;
            let at = bytes.windows(field.len()).position(|window| window == field)?;
            let span = Span::new(CIPHER_FILE, at..at + field.len());
            Some(Piece::new(format!("{name} in {CIPHER_FILE}"), vec![span]))
        })
        .collect()
}

/// The set without `cipher.img`, and with an empty one.
pub(super) fn stripped(sealed: &Files) -> Vec<(&'static str, Files)> {
    let (mut without, mut empty) = (sealed.clone(), sealed.clone());
    without.remove(CIPHER_FILE);
    empty.insert(CIPHER_FILE.to_owned(), Vec::new());
    vec![("cipher.img removed", without), ("cipher.img emptied", empty)]
}
