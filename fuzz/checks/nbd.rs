//! A client's bytes are answered by whole replies, to its goodbye, or the connection ends with a reason.

use std::sync::{Arc, LazyLock};

use sealab_nbd::{Limits, Options, Server};
use sealab_volume::plain::Plain;
use sealab_volume::store::{MemoryStore, Store};
use tokio::runtime::{Builder, Runtime};

use crate::refusal;

/// The volume's size; small, so that offsets often are near its end.
const BYTES: u64 = 65536;
const OPTION: u64 = 0x4948_4156_454f_5054;
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const SIMPLE_REPLY: u32 = 0x6744_6698;
const STRUCTURED_REPLY: u32 = 0x668e_33ef;
const GO: u32 = 7;
const STRUCTURED: u32 = 8;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.unwrap_or_else(|error| panic!("{error}"))
});

/// Whether the rest of `data` is what a client may send, up to the end or its goodbye, the first byte being
/// - `h`: the rest is all that the client sends,
/// - `s`, `r`: the rest are its requests after a handshake, of a volume to be written or only read, with structured
///   replies.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((what, rest)) = data.split_first() else {
        return false;
    };
    let sent = match what {
        b'h' => rest.to_vec(),
        b's' | b'r' => [handshake(), rest.to_vec()].concat(),
        _ => return false,
    };
    let store = Arc::new(MemoryStore::new(BYTES));
    let plain = Plain::new(store.clone(), 512, false).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        name: "volume".to_owned(),
        read_only: *what == b'r',
        limits: Limits {
            request_bytes: BYTES as u32,
            bytes: 1 << 20,
            ..Limits::default()
        },
        ..Options::default()
    };
    let server = Server::new(Arc::new(plain), options);
    let mut replies = Vec::new();
    let ended = RUNTIME.block_on(server.connection(&*sent, &mut replies));
    let accepted = match &ended {
        Ok(()) => true,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    };
    let after = answers(&replies, *what == b'h');
    if *what != b'h' {
        chunks(after, accepted);
    }
    if *what == b'r' {
        let content = store.contents().unwrap_or_else(|error| panic!("{error}"));
        assert!(
            content.iter().all(|byte| *byte == 0),
            "a volume to be read was written"
        );
    }
    assert_eq!(store.size(), BYTES);
    accepted
}

fn handshake() -> Vec<u8> {
    let mut sent = 3u32.to_be_bytes().to_vec();
    for (option, data) in [(STRUCTURED, &[][..]), (GO, &[0; 6])] {
        sent.extend(OPTION.to_be_bytes());
        sent.extend(option.to_be_bytes());
        sent.extend((data.len() as u32).to_be_bytes());
        sent.extend(data);
    }
    sent
}

/// That `replies` begin with a greeting and whole answers to options; what comes behind them.
fn answers(replies: &[u8], any: bool) -> &[u8] {
    assert!(replies.starts_with(b"NBDMAGICIHAVEOPT\0\x03"), "another greeting");
    let mut rest = &replies[18..];
    while let Some((magic, behind)) = rest.split_first_chunk() {
        if u64::from_be_bytes(*magic) != OPTION_REPLY {
            break;
        }
        let length = word(behind, 8) as usize;
        assert!(behind.len() >= 12 + length, "half an answer");
        rest = &behind[12 + length..];
    }
    assert!(any || replies.len() > 18, "no answer");
    rest
}

/// That `replies` are whole: simple ones, which then have no content, or chunks of structured ones, each of which ends.
fn chunks(mut replies: &[u8], ended: bool) {
    let mut open = Vec::new();
    while !replies.is_empty() {
        if word(replies, 0) == SIMPLE_REPLY {
            assert!(replies.len() >= 16, "half a reply");
            replies = &replies[16..];
            continue;
        }
        assert!(replies.len() >= 20, "half a chunk");
        assert_eq!(word(replies, 0), STRUCTURED_REPLY);
        let (last, kind) = (replies[5] & 1 != 0, u16::from_be_bytes([replies[6], replies[7]]));
        let cookie = replies[8..16].to_vec();
        let length = word(replies, 16) as usize;
        let Some(content) = replies.get(20..20 + length) else {
            // Replies of a connection that breaks may break too.
            assert!(!ended, "half a chunk's content");
            return;
        };
        match kind {
            0 => assert!(content.is_empty() && last),
            1 => {
                let offset = u64::from(word(content, 0)) << 32 | u64::from(word(content, 4));
                assert!(content.len() > 8 && offset + (content.len() as u64 - 8) <= BYTES);
            }
            0x8001 | 0x8002 => assert!(word(content, 0) != 0),
            other => panic!("a chunk of type {other}"),
        }
        open.retain(|other| *other != cookie);
        if !last {
            open.push(cookie);
        }
        replies = &replies[20 + length..];
    }
    assert!(!ended || open.is_empty(), "a reply without an end");
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_be_bytes(word.unwrap_or_else(|| panic!("less than a word at {at}")))
}
