//! The superblock: where the index begins, where the journal goes on from there, and the secrets of all sessions.
//!
//! Two slots are written in turn, each time under a key of its own: 8 bytes magic, 4 bytes version, 4 bytes length of the
//! ciphertext, 32 bytes salt, 16 bytes tag, then the ciphertext. The magic to the salt are the associated data.

use sealab_engine::{Engine, EngineError, InOutBuf, Messages, Nonce, Tag};
use zeroize::Zeroizing;

use super::entry::{ENTRY_BYTES, Entry};
use super::geometry::SLOT_BYTES;
use super::seal::{aead, derive};

const MAGIC: &[u8; 8] = b"SLOGSUPR";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 48;
const BODY_AT: usize = HEAD_BYTES + 16;
/// What stands before the sessions.
const FIXED_BYTES: usize = 8 * 3 + 16 + 2 * ENTRY_BYTES + 8;
const SESSION_BYTES: usize = 4 + 8 + 8 + 32;
/// As many sessions as a slot has room for.
pub(super) const MOST_SESSIONS: usize = (SLOT_BYTES - BODY_AT - FIXED_BYTES) / SESSION_BYTES;

/// What a superblock says.
#[derive(Clone)]
pub(super) struct Superblock {
    /// Counts superblocks; the higher one is the later one.
    pub(super) generation: u64,
    /// The commit that the roots are of.
    pub(super) commit: u64,
    /// The journal's first unit behind that commit.
    pub(super) unit: u64,
    /// The tag of the unit before it.
    pub(super) previous: Tag,
    /// The root of the index.
    pub(super) data: Entry,
    /// The root of the space map.
    pub(super) map: Entry,
    /// In the order in which they began.
    pub(super) sessions: Vec<Session>,
}

/// When a session began, and its secret.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) epoch: u32,
    /// Its first unit in the journal.
    pub(super) unit: u64,
    /// The commit that its beginning was.
    pub(super) commit: u64,
    pub(super) secret: Zeroizing<[u8; 32]>,
}

impl Superblock {
    /// As it stands in a slot, as long as it needs to be.
    pub(super) fn seal(&self, engine: &dyn Engine, volume_key: &[u8; 32]) -> Result<Vec<u8>, EngineError> {
        let mut body = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
        for number in [self.generation, self.commit, self.unit] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(&self.previous.0);
        body.extend_from_slice(&self.data.0);
        body.extend_from_slice(&self.map.0);
        body.extend_from_slice(&(self.sessions.len() as u64).to_le_bytes());
        for session in &self.sessions {
            body.extend_from_slice(&session.epoch.to_le_bytes());
            body.extend_from_slice(&session.unit.to_le_bytes());
            body.extend_from_slice(&session.commit.to_le_bytes());
            body.extend_from_slice(&*session.secret);
        }
        let mut slot = vec![0; BODY_AT];
        slot[..8].copy_from_slice(MAGIC);
        slot[8..12].copy_from_slice(&VERSION.to_le_bytes());
        slot[12..16].copy_from_slice(&(body.len() as u32).to_le_bytes());
        getrandom::fill(&mut slot[16..HEAD_BYTES]).map_err(|error| EngineError::Library {
            call: "getrandom",
            detail: error.to_string(),
        })?;
        let key = derive(engine, volume_key, "superblock", &slot[16..HEAD_BYTES])?;
        let mut tags = [Tag([0; 16])];
        let messages = Messages::equal(body.len(), &[NONCE], &slot[..HEAD_BYTES])?;
        aead(engine, &key)?.seal(messages, InOutBuf::from(&mut body[..]), &mut tags)?;
        slot[HEAD_BYTES..BODY_AT].copy_from_slice(&tags[0].0);
        slot.extend_from_slice(&body);
        Ok(slot)
    }

    /// Reads a slot; the error says what is wrong with it.
    pub(super) fn open(engine: &dyn Engine, volume_key: &[u8; 32], slot: &[u8]) -> Result<Self, String> {
        if slot.len() < BODY_AT || slot[..8] != MAGIC[..] {
            return Err("no superblock stands there".to_owned());
        }
        let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| slot[at + index]));
        if number(8) != VERSION {
            return Err(format!("version {} at byte 8; it must be {VERSION}", number(8)));
        }
        let length = number(12) as usize;
        if length < FIXED_BYTES || length > slot.len() - BODY_AT {
            let most = slot.len() - BODY_AT;
            return Err(format!(
                "length {length} at byte 12; it must be {FIXED_BYTES} to {most}"
            ));
        }
        let mut body = Zeroizing::new(slot[BODY_AT..BODY_AT + length].to_vec());
        let tag = Tag(std::array::from_fn(|index| slot[HEAD_BYTES + index]));
        let opened = (|| {
            let key = derive(engine, volume_key, "superblock", &slot[16..HEAD_BYTES])?;
            let messages = Messages::equal(length, &[NONCE], &slot[..HEAD_BYTES])?;
            aead(engine, &key)?.open(messages, InOutBuf::from(&mut body[..]), &[tag])
        })();
        opened.map_err(|error: EngineError| error.to_string())?;
        Self::read(&body).ok_or_else(|| "its lengths or numbers cannot be".to_owned())
    }

    fn read(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let generation = u64::from_le_bytes(cut(&mut rest)?);
        let commit = u64::from_le_bytes(cut(&mut rest)?);
        let unit = u64::from_le_bytes(cut(&mut rest)?);
        let previous = Tag(cut(&mut rest)?);
        let (data, map) = (Entry(cut(&mut rest)?), Entry(cut(&mut rest)?));
        let count = u64::from_le_bytes(cut(&mut rest)?);
        // Far beyond what is ever reached, and far from where sums overflow.
        let sane = |number: u64| number < 1 << 62;
        if ![generation, commit, unit].into_iter().all(sane)
            || count > MOST_SESSIONS as u64
            || count * SESSION_BYTES as u64 != rest.len() as u64
        {
            return None;
        }
        let mut sessions = Vec::with_capacity(count as usize);
        for _ in 0..count {
            sessions.push(Session {
                epoch: u32::from_le_bytes(cut(&mut rest)?),
                unit: u64::from_le_bytes(cut(&mut rest)?),
                commit: u64::from_le_bytes(cut(&mut rest)?),
                secret: Zeroizing::new(cut(&mut rest)?),
            });
        }
        let session_is_sane =
            |session: &Session| sane(session.unit) && sane(session.commit) && session.epoch < u32::MAX;
        sessions.iter().all(session_is_sane).then_some(Self {
            generation,
            commit,
            unit,
            previous,
            data,
            map,
            sessions,
        })
    }
}

/// Each key seals once.
const NONCE: Nonce = Nonce([0; 12]);

fn cut<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*bytes)
}
