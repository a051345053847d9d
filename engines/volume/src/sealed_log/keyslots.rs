//! Passphrases added and removed: the volume key is sealed under another one, the volume is not touched.

use sealab_engine::Engine;

use super::error::SealedLogError;
use super::header::{Header, KEYSLOTS, Keyslot};
use crate::luks::Argon2Cost;
use crate::store::Store;

/// Lets `new` open the log as `passphrase` does; which keyslot it got: `keyslot`, or the first that is free.
///
/// Whoever has an older copy of the header and a passphrase that was removed since can still open the log with both.
///
/// # Errors
/// A wrong passphrase, a keyslot that is taken or not there, and what the store said.
pub fn add_keyslot(
    engine: &dyn Engine,
    store: &dyn Store,
    passphrase: &[u8],
    new: &[u8],
    cost: Argon2Cost,
    keyslot: Option<usize>,
) -> Result<usize, SealedLogError> {
    let (mut header, key, _) = Header::open(engine, store, passphrase)?;
    let free = (0..KEYSLOTS).find(|index| header.keyslots[*index].is_none());
    let index = keyslot.or(free).ok_or_else(|| {
        SealedLogError::Keyslots(format!("{}: all {KEYSLOTS} keyslots are taken", store.name()))
    })?;
    let room = header.keyslots.get_mut(index).filter(|slot| slot.is_none());
    let room = room.ok_or_else(|| {
        SealedLogError::Keyslots(format!(
            "{}: keyslot {index} is taken, or not one of {KEYSLOTS}",
            store.name()
        ))
    })?;
    *room = Some(Keyslot::new(engine, &header.uuid, cost, new, &key)?);
    header.generation += 1;
    header.store(engine, &key, store)?;
    Ok(index)
}

/// Removes a keyslot. `passphrase` opens another one, which shows that the log can be opened afterwards.
///
/// # Errors
/// A wrong passphrase, one of this very keyslot, a keyslot that is not in use, and what the store said.
pub fn remove_keyslot(
    engine: &dyn Engine,
    store: &dyn Store,
    passphrase: &[u8],
    keyslot: usize,
) -> Result<(), SealedLogError> {
    let (mut header, key, opened) = Header::open(engine, store, passphrase)?;
    let name = store.name();
    if header.keyslots.get(keyslot).is_none_or(Option::is_none) {
        return Err(SealedLogError::Keyslots(format!(
            "{name}: keyslot {keyslot} is not in use"
        )));
    }
    if opened == keyslot {
        return Err(SealedLogError::Keyslots(format!(
            "{name}: the passphrase is that of keyslot {keyslot}; give one of another keyslot"
        )));
    }
    header.keyslots[keyslot] = None;
    header.generation += 1;
    header.store(engine, &key, store)
}
