//! No nonce is used twice under a key: not across crashes, older states that are put back, or flushes of the same block.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use sealab_engine::{
    Aead, AeadKey, CodePath, Engine, EngineError, HmacSha256, InOutBuf, MacKey, Messages, Primitive, Tag,
};
use sealab_volume::Volume;
use sealab_volume::sealed_log::{CreateOptions, OpenOptions, add_keyslot, create, open, store_bytes};
use sealab_volume::store::MemoryStore;

use super::{BLOCK, CHEAPEST, Chance, PASSPHRASE, content, copy};

type Used = Arc<Mutex<HashSet<(Vec<u8>, [u8; 12])>>>;

/// Notes every key with every nonce that something is sealed with.
struct Watching {
    inner: Arc<dyn Engine>,
    used: Used,
}

struct WatchingAead {
    inner: Box<dyn Aead>,
    key: Vec<u8>,
    used: Used,
}

impl Engine for Watching {
    fn id(&self) -> &'static str {
        self.inner.id()
    }

    fn version(&self) -> String {
        self.inner.version()
    }

    fn code_path(&self) -> CodePath {
        self.inner.code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.inner.primitives()
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(WatchingAead {
            inner: self.inner.aead(key)?,
            key: key.expose().to_vec(),
            used: self.used.clone(),
        }))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        self.inner.hmac_sha256(key)
    }
}

impl Aead for WatchingAead {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        for (_, nonce, _) in messages.iter() {
            let fresh = self
                .used
                .lock()
                .expect("the list")
                .insert((self.key.clone(), nonce.0));
            assert!(fresh, "the nonce {:02x?} is used twice under a key", nonce.0);
        }
        self.inner.seal(messages, data, tags)
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        self.inner.open(messages, data, tags)
    }
}

#[test]
fn no_nonce_is_used_twice_under_a_key() {
    let used = Used::default();
    let engine: Arc<dyn Engine> = Arc::new(Watching {
        inner: super::engine(),
        used: used.clone(),
    });
    let mut store = Arc::new(MemoryStore::new(store_bytes(2 << 20).expect("a size")));
    let options = CreateOptions { cost: CHEAPEST };
    create(&*engine, &*store, PASSPHRASE, &options, None).expect("a log");
    add_keyslot(&*engine, &*store, PASSPHRASE, PASSPHRASE, CHEAPEST, None).expect("a keyslot");
    let mut chance = Chance(3);
    let mut older = copy(&store);
    for session in 0..40 {
        let log = open(
            engine.clone(),
            store.clone(),
            PASSPHRASE,
            &OpenOptions::default(),
            None,
        );
        let log = log.expect("an open log");
        for number in 0..60 {
            // Few blocks, so that many are sealed anew while they wait; the same content in each session.
            let offset = chance.below(20) * BLOCK as u64;
            log.write(offset, &content(number, BLOCK)).expect("a write");
            if chance.below(4) == 0 {
                log.flush().expect("a flush");
            }
        }
        if chance.below(3) == 0 {
            log.clean(4).expect("cleaning");
        }
        // The power fails, or an older state is put back; the next session begins from there.
        let left = copy(&store);
        drop(log);
        store = match session % 3 {
            0 => left,
            1 => copy(&older),
            _ => store,
        };
        if session % 5 == 0 {
            older = copy(&store);
        }
    }
    assert!(used.lock().expect("the list").len() > 2000);
}
