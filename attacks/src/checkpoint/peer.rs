//! `criu-pr2297`, read in the order in which the pull request itself reads: a model, since its restore cannot be asked
//! what it has handed out by when.
//!
//! A set without `cipher.img`, or with an empty one, is a plain one. Otherwise each image is decrypted and used, then
//! the pages of each process are decrypted into its memory, and at the very end the digest of all pages is compared.
//! Entries go through the library's own reader. Files that a restore does not read are handed out as they are.

use std::fs;
use std::path::Path;

use prost::Message;
use sealab_attack_record::FormatUnderAttack;
use sealab_checkpoint::image::{
    ImageReader, Kind, PAGE_BYTES, Pagemap, Part as ImagePart, Place, Set, proto,
};
use sealab_checkpoint::pr2297::{self, CIPHER_FILE};
use sealab_engine::{DataUnits, Engine, InOutBuf, Key, MacKey, Primitive, Tweak, XtsKey};
use sealab_keys::pkcs1v15;

use super::format::{Asking, CheckpointFormat, Layout, Problem, Sealing};
use super::keyring::OpeningKey;
use super::{PLANE, plain};
use crate::files::Files;

pub(super) const FORMAT: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "criu-pr2297-peer",
    description: "The same bytes as criu-pr2297. Read by a model of the pull request's own order of work: pages are \
                  decrypted into memory before the digest is compared, and a set without cipher.img is taken for a \
                  plain one.",
};

pub(super) struct Peer<'a> {
    pub(super) engine: &'a dyn Engine,
}

impl CheckpointFormat for Peer<'_> {
    fn format(&self) -> FormatUnderAttack {
        FORMAT
    }

    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        super::pr2297::seal(self.engine, plain, sealed, with)
    }

    fn open(&self, sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem> {
        let cipher = fs::read(sealed.join(CIPHER_FILE)).unwrap_or_default();
        if cipher.is_empty() {
            check_inventory(&fs::read(sealed.join(INVENTORY))?)?;
            return plain::read(sealed, handed_out);
        }
        Restore::new(self.engine, &cipher, asking)?.run(&Set::open(sealed)?, handed_out)
    }

    fn layout(&self, sealed: &Files, _key: &OpeningKey) -> Result<Layout, Problem> {
        Ok(super::pr2297::layout(sealed))
    }

    fn stripped(&self, sealed: &Files) -> Vec<(&'static str, Files)> {
        super::pr2297::stripped(sealed)
    }
}

/// The image that a restore reads first.
const INVENTORY: &str = "inventory.img";

/// That the inventory is a protobuf message as it stands: what a restore finds first if the set is sealed after all.
fn check_inventory(bytes: &[u8]) -> Result<(), Problem> {
    let mut image = ImageReader::new(INVENTORY, bytes.len() as u64, bytes)?;
    let Some(ImagePart::Entry(entry)) = image.next_part()? else {
        return Err("the inventory is empty".into());
    };
    match image.decode::<proto::InventoryEntry>(&entry)?.img_version {
        Some(_) => Ok(()),
        None => Err("the inventory has no version".into()),
    }
}

/// A restore with the keys of its set.
struct Restore<'a> {
    engine: &'a dyn Engine,
    token: Key<32>,
    pages: XtsKey,
    tweak: Tweak,
    digest: Vec<u8>,
}

impl<'a> Restore<'a> {
    fn new(engine: &'a dyn Engine, cipher: &[u8], asking: &Asking<'_>) -> Result<Self, Problem> {
        let mut image = ImageReader::new(CIPHER_FILE, cipher.len() as u64, cipher)?;
        let Some(ImagePart::Entry(entry)) = image.next_part()? else {
            return Err("cipher.img has no entry".into());
        };
        let entry = proto::CipherEntry::decode(&*entry.bytes)?;
        let token = pkcs1v15::decrypt(&asking.key.rsa, &entry.token.unwrap_or_default())?;
        let pages = pkcs1v15::decrypt(&asking.key.rsa, &entry.aes_key.unwrap_or_default())?;
        let token = token.first_chunk().filter(|_| token.len() == 32);
        let tweak = entry.aes_iv.unwrap_or_default();
        Ok(Self {
            engine,
            token: Key::new(token.ok_or("the token has not 32 bytes")?),
            pages: XtsKey::new(Primitive::Aes256Xts, &pages)?,
            tweak: Tweak(tweak.try_into().map_err(|_| "the tweak has not 16 bytes")?),
            digest: entry.hmac_digest.unwrap_or_default(),
        })
    }

    fn run(&self, set: &Set, handed_out: &mut Files) -> Result<(), Problem> {
        let mut pagemaps = Vec::new();
        for member in set.members() {
            if matches!(member.kind, Kind::Pages | Kind::Cipher) {
                continue;
            }
            let sealed = fs::read(set.path().join(&member.name))?;
            let plain = pr2297::open_image(self.engine, &self.token, &member.name, &sealed)?;
            if member.kind == Kind::Pagemap {
                let image = ImageReader::new(&member.name, plain.len() as u64, plain.as_slice())?;
                pagemaps.push(Pagemap::read(image)?);
            }
            handed_out.insert(member.name.clone(), plain);
        }
        let mut digest = [0; 32];
        for pagemap in pagemaps {
            self.pages(set.path(), &pagemap, &mut digest, handed_out)?;
        }
        if digest[..] != self.digest {
            return Err("HMAC mismatch".into());
        }
        Ok(())
    }

    /// Decrypts the pages of one process into its memory.
    fn pages(
        &self,
        folder: &Path,
        pagemap: &Pagemap,
        digest: &mut [u8; 32],
        handed_out: &mut Files,
    ) -> Result<(), Problem> {
        let name = format!("pages-{}.img", pagemap.pages_id);
        let sealed = fs::read(folder.join(&name))?;
        let mut cipher = self.engine.xts(&self.pages)?;
        let mut mac = self.engine.hmac_sha256(&MacKey::new(self.token.expose()))?;
        let memory = handed_out.entry(name.clone()).or_default();
        for extent in &pagemap.extents {
            let Place::Stored(stored) = &extent.place else {
                continue;
            };
            for index in 0..extent.pages {
                let at = stored.offset as usize + index as usize * PAGE_BYTES;
                let page = sealed.get(at..at + PAGE_BYTES);
                let mut page = page.ok_or_else(|| format!("{name} ends early"))?.to_vec();
                let address = extent.address + index * PAGE_BYTES as u64;
                // The process is never set.
                let code = mac.compute(&[&page, &address.to_le_bytes(), &0_i32.to_le_bytes()])?;
                digest.iter_mut().zip(code).for_each(|(sum, byte)| *sum ^= byte);
                let tweaks = [self.tweak];
                cipher.decrypt(
                    DataUnits::new(PAGE_BYTES, &tweaks)?,
                    InOutBuf::from(page.as_mut_slice()),
                )?;
                memory.extend(page);
            }
        }
        Ok(())
    }
}
