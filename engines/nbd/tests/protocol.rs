//! The protocol by bytes: what is agreed on, what is done, what is refused, and who survives it.

mod serving;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sealab_nbd::{ConnectionError, Limits, Listener, Options, ServeError, Server};
use sealab_volume::plain::Plain;
use sealab_volume::store::{CountingStore, Fault, FaultyStore, MemoryStore, Operation, Store};
use sealab_volume::{Volume, VolumeError};

use serving::{Answer, Serving, header};

const SIZE: u64 = 64 << 20;

fn plain(store: Arc<dyn Store>) -> Arc<dyn Volume> {
    Arc::new(Plain::new(store, 4096, false).expect("a volume"))
}

fn memory() -> Arc<dyn Volume> {
    plain(Arc::new(MemoryStore::new(SIZE)))
}

fn serving() -> Serving {
    Serving::new(memory(), Options::default())
}

/// Random-looking bytes.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8 ^ seed).collect()
}

#[test]
fn go_tells_size_flags_and_block_sizes() {
    let options = Options {
        name: "data".to_owned(),
        ..Options::default()
    };
    let serving = Serving::new(memory(), options);
    for name in ["", "data"] {
        let mut client = serving.greeted(3);
        let mut data = (name.len() as u32).to_be_bytes().to_vec();
        data.extend(name.as_bytes());
        // The name is wanted too.
        data.extend([0, 1, 0, 1]);
        client.option(6, &data);
        client.option(7, &data);
        for option in [6, 7] {
            let (of, kind, about) = client.answer();
            assert_eq!((of, kind, &about[..2]), (option, 3, &[0, 0][..]));
            assert_eq!(about[2..10], SIZE.to_be_bytes());
            // All but read-only, rotational and the unsupported ones; DF only with structured replies.
            assert_eq!(u16::from_be_bytes([about[10], about[11]]), 0b1_0110_1101);
            assert_eq!(client.answer(), (option, 3, b"\0\x01data".to_vec()));
            let sizes = [
                &[0, 3][..],
                &1_u32.to_be_bytes(),
                &4096_u32.to_be_bytes(),
                &(32_u32 << 20).to_be_bytes(),
            ];
            assert_eq!(client.answer(), (option, 3, sizes.concat()));
            assert_eq!(client.answer(), (option, 1, vec![]));
        }
        assert_eq!(client.read_at(0, 512), [0; 512]);
    }
    let mut client = serving.greeted(3);
    client.option(7, b"\0\0\0\x05other\0\0");
    assert_eq!(client.answer().1, (1 << 31) | 6);
    client.option(3, &[]);
    assert_eq!(client.answer(), (3, 2, b"\0\0\0\x04data".to_vec()));
    assert_eq!(client.answer(), (3, 1, vec![]));
    client.option(2, &[]);
    assert_eq!(client.answer(), (2, 1, vec![]));
    assert!(client.is_closed());
}

#[test]
fn export_name_is_answered_with_and_without_zeroes() {
    let serving = serving();
    for (flags, zeroes) in [(3, 0), (1, 124)] {
        let mut client = serving.greeted(flags);
        client.option(1, &[]);
        assert_eq!(client.read(), SIZE.to_be_bytes());
        assert_eq!(u16::from_be_bytes(client.read()), 0b1_0110_1101);
        assert_eq!(client.read_vec(zeroes), vec![0; zeroes]);
        assert_eq!(client.write(1000, &bytes(5000, 1), 0), 0);
        assert_eq!(client.read_at(1000, 5000), bytes(5000, 1));
    }
    let mut client = serving.greeted(3);
    client.option(1, b"other");
    assert!(client.is_closed());
}

#[test]
fn options_that_are_unknown_malformed_or_too_long_are_refused_and_the_handshake_goes_on() {
    let serving = serving();
    let mut client = serving.greeted(3);
    // STARTTLS, LIST_META_CONTEXT, SET_META_CONTEXT, EXTENDED_HEADERS and one that nobody has.
    for option in [5, 9, 10, 11, 4711] {
        client.option(option, b"\0\0\0\0");
        let (of, kind, _) = client.answer();
        assert_eq!((of, kind), (option, (1 << 31) | 1));
    }
    let invalid: [(u32, &[u8]); 8] = [
        (3, b"x"),
        (8, b"x"),
        (7, b""),
        (7, b"\0\0\0\0"),
        (7, b"\0\0\0\0\0\x01"),
        (7, b"\0\0\0\0\0\x01\0"),
        (7, b"\0\0\0\x05x\0\0"),
        (6, b"\xff\xff\xff\xff\0\0"),
    ];
    for (option, data) in invalid {
        client.option(option, data);
        let (of, kind, _) = client.answer();
        assert_eq!((of, kind), (option, (1 << 31) | 3), "{data:?}");
    }
    client.option(6, &vec![0; 10_000]);
    assert_eq!(client.answer().1, (1 << 31) | 9);
    client.option(7, &[0; 6]);
    while client.answer().1 != 1 {}
    assert_eq!(client.read_at(0, 10), [0; 10]);
}

#[test]
fn rubbish_closes_that_connection_and_no_other() {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = reasons.clone();
    let options = Options {
        broken: Arc::new(move |error: &ConnectionError| {
            told.lock().expect("no panic").push(error.to_string())
        }),
        ..Options::default()
    };
    let mut serving = Serving::new(memory(), options);
    let mut other = serving.client(true);
    assert_eq!(other.write(0, &bytes(4096, 9), 0), 0);

    let mut flags = serving.greeted(0xff);
    assert!(flags.is_closed());
    let mut magic = serving.greeted(3);
    magic.send(b"GET / HTTP/1.1\r\n\r\n");
    assert!(magic.is_closed());
    let mut long = serving.greeted(3);
    long.send(b"IHAVEOPT\0\0\0\x07\xff\xff\xff\xff");
    assert!(long.is_closed());
    let mut endless = serving.greeted(3);
    for _ in 0..128 {
        endless.option(3, &[]);
        endless.answer();
        endless.answer();
    }
    assert!(endless.is_closed());
    let mut request = serving.client(false);
    request.send(&[0x25; 28]);
    assert!(request.is_closed());
    let mut huge = serving.client(false);
    huge.request(1, 0, 0, u32::MAX);
    assert!(huge.is_closed());
    // Gone in the middle of a header, and of a payload.
    serving.client(false).send(&header(0, 0, 1, 0, 512)[..20]);
    let mut torn = serving.client(false);
    torn.request(1, 0, 0, 8192);
    torn.send(&[7; 5000]);
    drop(torn);
    // Gone before its replies.
    let mut careless = serving.client(false);
    for _ in 0..32 {
        careless.request(0, 0, 0, 1 << 20);
    }
    drop(careless);

    assert_eq!(other.read_at(0, 4096), bytes(4096, 9), "the torn write was done");
    serving.stop().expect("an orderly end");
    let reasons = reasons.lock().expect("no panic").join("\n");
    for reason in [
        "0xff:",
        "IHAVEOPT",
        "4294967295 bytes: at most 65536",
        "more than 128",
        "0x25252525",
        "at most 33554432",
    ] {
        assert!(reasons.contains(reason), "{reason} is not in: {reasons}");
    }
}

#[test]
fn a_handshake_that_takes_too_long_is_ended() {
    let limits = Limits {
        handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let serving = Serving::new(
        memory(),
        Options {
            limits,
            ..Options::default()
        },
    );
    assert!(serving.greeted(3).is_closed());
    // Once it is done, silence is no fault.
    let mut client = serving.client(false);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.read_at(0, 1), [0]);
}

#[test]
fn requests_of_any_offset_and_length_are_right() {
    let serving = serving();
    for structured in [false, true] {
        let mut client = serving.client(structured);
        let mut model = vec![0; 70_000];
        let all = bytes(70_000, u8::from(structured));
        assert_eq!(client.write(0, &all, 0), 0);
        model.copy_from_slice(&all);
        for (offset, length) in [
            (0, 512),
            (512, 512),
            (4095, 2),
            (4096, 4096),
            (1, 4095),
            (5000, 30_000),
            (69_999, 1),
        ] {
            let data = bytes(length, 0x55);
            assert_eq!(client.write(offset as u64, &data, 0), 0);
            model[offset..offset + length].copy_from_slice(&data);
            assert_eq!(client.read_at(offset as u64, length as u32), data);
        }
        for (offset, length) in [(100, 50), (8000, 20_000), (4096, 4096), (4096 * 9 - 1, 2)] {
            // With and without NO_HOLE.
            assert_eq!(
                client.ask(6, 2 * u16::from(structured), offset as u64, length as u32),
                0
            );
            model[offset..offset + length].fill(0);
        }
        assert!(client.read_at(0, 70_000) == model);
        assert!(client.read_at(3, 69_001) == model[3..69_004]);
        // What a trim leaves of whole blocks is the volume's affair; it touches no part of one.
        assert_eq!(client.ask(4, 0, 4095, 4098), 0);
        let after = client.read_at(0, 70_000);
        assert!(after[..4096] == model[..4096] && after[8192..] == model[8192..]);
        assert_eq!(client.ask(4, 0, 10, 20), 0);
        assert_eq!(client.read_at(0, 4096), model[..4096]);
        assert_eq!(client.ask(3, 0, 0, 0), 0);
    }
}

#[test]
fn writes_of_parts_of_one_block_at_a_time_lose_nothing() {
    let volume = memory();
    let serving = Serving::new(volume.clone(), Options::default());
    // Eight connections write the eight sectors of the same blocks, hundreds of times.
    std::thread::scope(|scope| {
        for sector in 0..8_u64 {
            let mut client = serving.client(false);
            scope.spawn(move || {
                for round in 0..200_u64 {
                    let block = round % 4;
                    let data = [(sector * 16 + round / 4 % 16) as u8; 512];
                    assert_eq!(client.write(block * 4096 + sector * 512, &data, 0), 0);
                    assert_eq!(client.read_at(block * 4096 + sector * 512, 512), data);
                }
            });
        }
    });
    let mut all = [0; 4 * 4096];
    volume.read(0, &mut all).expect("the blocks");
    for (number, sector) in all.chunks(512).enumerate() {
        // The last round of a block was its fiftieth.
        assert_eq!(
            sector,
            [(number % 8 * 16 + 49 % 16) as u8; 512],
            "sector {number}"
        );
    }
}

#[test]
fn errors_have_the_numbers_of_the_protocol_and_end_nothing() {
    let serving = serving();
    let mut client = serving.client(false);
    let invalid = 22;
    assert_eq!(client.ask(0, 0, SIZE - 1, 2), invalid);
    assert_eq!(client.ask(0, 0, u64::MAX, 1), invalid);
    assert_eq!(client.ask(0, 0, 0, (32 << 20) + 1), 75);
    assert_eq!(client.write(SIZE - 1, &[1, 2], 0), 28);
    assert_eq!(client.write(u64::MAX, &bytes(100_000, 1), 0), 28);
    assert_eq!(client.ask(6, 0, 0, u32::MAX), 28);
    assert_eq!(client.ask(4, 0, 1, SIZE as u32), invalid);
    // Unknown commands (cache, block status and none), and flags that the command does not have.
    for (command, flags) in [
        (5, 0),
        (7, 0),
        (99, 0),
        (0, 2),
        (6, 4),
        (6, 16),
        (3, 32),
        (4, 1 << 15),
    ] {
        assert_eq!(client.ask(command, flags, 0, 512), invalid, "{command} {flags}");
    }
    assert_eq!(client.write(0, &[1; 512], 16), invalid);
    assert_eq!(client.read_at(0, 512), [0; 512]);
    // Nothing, which is no error.
    assert_eq!(client.ask(0, 0, 0, 0), 0);
    assert_eq!(client.write(0, &[], 0), 0);
    client.request(2, 0, 0, 0);
    assert!(client.is_closed());
    let mut structured = serving.client(true);
    structured.request(0, 0, 0, 0);
    assert_eq!(structured.reply(), (0, Answer::Chunk(1, 0, vec![])));
    structured.request(0, 4, SIZE, 1);
    let (_, Answer::Chunk(1, 0x8001, error)) = structured.reply() else {
        panic!("no error")
    };
    assert_eq!(error[..4], 22_u32.to_be_bytes());
    assert_eq!(
        usize::from(u16::from_be_bytes([error[4], error[5]])),
        error.len() - 6
    );
}

#[test]
fn a_read_only_export_takes_no_writes() {
    let fixed = Arc::new(Plain::new(Arc::new(MemoryStore::new(SIZE)), 4096, true).expect("a volume"));
    let asked = Options {
        read_only: true,
        ..Options::default()
    };
    for serving in [
        Serving::new(fixed, Options::default()),
        Serving::new(memory(), asked),
    ] {
        let mut client = serving.greeted(3);
        client.option(1, &[]);
        assert_eq!(client.read_vec(8), SIZE.to_be_bytes());
        assert_eq!(u16::from_be_bytes(client.read()) & 0b11, 0b11);
        assert_eq!(client.write(0, &[1; 4096], 0), 1);
        assert_eq!(client.ask(4, 0, 0, 4096), 1);
        assert_eq!(client.ask(6, 0, 0, 4096), 1);
        assert_eq!(client.ask(3, 0, 0, 0), 0);
        assert_eq!(client.read_at(0, 4096), [0; 4096]);
    }
}

#[test]
fn flushes_and_fua_reach_the_store_before_the_reply() {
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new(SIZE))));
    let mut serving = Serving::new(plain(store.clone()), Options::default());
    let mut client = serving.client(true);
    let syncs = || store.counts().syncs;
    assert_eq!(client.write(0, &[1; 4096], 0), 0);
    assert_eq!(syncs(), 0);
    assert_eq!(client.write(0, &[1; 4096], 1), 0);
    assert_eq!(syncs(), 1);
    assert_eq!(client.write(1, &[1; 100], 1), 0);
    assert_eq!(client.ask(4, 1, 0, 4096), 0);
    assert_eq!(client.ask(6, 1, 0, 4096), 0);
    assert_eq!(syncs(), 4);
    assert_eq!(client.ask(3, 0, 0, 0), 0);
    assert_eq!(syncs(), 5);
    drop(client);
    serving.stop().expect("an orderly end");
    assert_eq!(syncs(), 6, "the end flushes");
}

#[test]
fn failures_of_the_store_are_told_and_a_failed_flush_is_not_hidden() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(SIZE))));
    let mut serving = Serving::new(plain(store.clone()), Options::default());
    let mut client = serving.client(false);
    store.fail(Operation::Write, 1, Fault::Once(ErrorKind::StorageFull));
    assert_eq!(client.write(0, &[1; 4096], 0), 28);
    store.fail(Operation::Read, 1, Fault::Once(ErrorKind::Other));
    assert_eq!(client.ask(0, 0, 0, 4096), 5);
    assert_eq!(client.write(0, &[1; 4096], 0), 0);
    assert_eq!(client.read_at(0, 4096), [1; 4096]);
    store.fail(Operation::Sync, 1, Fault::FromNowOn(ErrorKind::Other));
    assert_eq!(client.write(0, &[2; 4096], 1), 5);
    assert_eq!(client.ask(3, 0, 0, 0), 5);
    drop(client);
    assert!(matches!(serving.stop(), Err(ServeError::Flush(_))));
}

/// Says that one block is not authentic; panics at another; waits at a third until told.
struct Strange {
    volume: Plain,
    gate: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
}

const FORGED: u64 = 8 * 4096;
const PANICS: u64 = 9 * 4096;
const WAITS: u64 = 10 * 4096;

impl Strange {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            volume: Plain::new(Arc::new(MemoryStore::new(SIZE)), 4096, false).expect("a volume"),
            gate: Mutex::new(false),
            opened: Condvar::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    fn open(&self) {
        *self.gate.lock().expect("no panic") = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut open = self.gate.lock().expect("no panic");
        while !*open {
            open = self.opened.wait(open).expect("no panic");
        }
    }

    /// Waits until no more requests come to wait.
    fn settled(&self) -> usize {
        let mut before = usize::MAX;
        loop {
            let waiting = self.waiting.load(Ordering::SeqCst);
            if waiting == before && waiting > 0 {
                return waiting;
            }
            before = waiting;
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Volume for Strange {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let range = offset..offset + data.len() as u64;
        assert!(!range.contains(&PANICS), "this volume panics");
        if range.contains(&FORGED) {
            return Err(VolumeError::Unauthentic {
                offset: FORGED,
                reason: "a wrong tag".to_owned(),
            });
        }
        if range.contains(&WAITS) {
            self.wait();
        }
        self.volume.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        if offset == WAITS {
            self.wait();
        }
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.volume.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.volume.write_zeroes(offset, bytes, keep_allocated)
    }
}

#[test]
fn a_read_of_a_forged_block_tells_its_offset_and_gives_nothing_of_it() {
    let serving = Serving::new(Strange::new(), Options::default());
    let mut client = serving.client(true);
    for (offset, length, at) in [
        (0_u64, 9 * 4096_u32, FORGED),
        (FORGED, 4096, FORGED),
        (FORGED + 100, 8, FORGED + 100),
        (FORGED - 1, 2, FORGED),
    ] {
        client.request(0, 0, offset, length);
        let (0, Answer::Chunk(1, 0x8002, error)) = client.reply() else {
            panic!("no error")
        };
        assert_eq!(error[..4], 5_u32.to_be_bytes());
        assert_eq!(error[error.len() - 8..], at.to_be_bytes());
    }
    client.request(0, 0, PANICS, 4096);
    let (0, Answer::Chunk(1, 0x8001, _)) = client.reply() else {
        panic!("no error")
    };
    assert_eq!(client.read_at(0, 4096), [0; 4096]);
    assert_eq!(serving.client(false).ask(0, 0, FORGED, 1), 5);
}

#[test]
fn requests_in_flight_are_bounded_by_number_and_by_memory() {
    for (requests, bytes, length, most) in [
        (5, 1 << 30, 4096, 5),
        (64, 3 << 20, 1 << 20, 3),
        (64, 100, 1 << 20, 1),
    ] {
        let volume = Strange::new();
        let limits = Limits {
            requests,
            bytes,
            threads: 32,
            ..Limits::default()
        };
        let serving = Serving::new(
            volume.clone(),
            Options {
                limits,
                ..Options::default()
            },
        );
        let mut client = serving.client(true);
        for _ in 0..20 {
            client.request(0, 0, WAITS, length);
        }
        assert_eq!(volume.settled(), most);
        // Another connection has limits of its own.
        assert_eq!(serving.client(false).read_at(0, 512), [0; 512]);
        volume.open();
        for _ in 0..20 {
            assert!(matches!(client.reply(), (0, Answer::Chunk(1, 1, _))));
        }
    }
}

#[test]
fn replies_come_as_requests_end_and_not_as_they_began() {
    let volume = Strange::new();
    let serving = Serving::new(volume.clone(), Options::default());
    let mut client = serving.client(false);
    client.send(&header(0, 0, 1, WAITS, 4096));
    client.send(&header(3, 0, 2, 0, 0));
    assert_eq!(client.reply(), (2, Answer::Simple(0)));
    volume.open();
    assert_eq!(client.reply(), (1, Answer::Simple(0)));
}

#[test]
fn more_connections_than_allowed_are_closed_and_others_served() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let serving = Serving::new(
        memory(),
        Options {
            limits,
            ..Options::default()
        },
    );
    let mut clients: Vec<_> = (0..3).map(|_| serving.client(false)).collect();
    let mut fourth = serving.connect();
    assert_eq!(fourth.read(&mut [0]).expect("an end"), 0);
    for client in &mut clients {
        assert_eq!(client.read_at(0, 1), [0]);
    }
    drop(clients.pop());
    // The server notices in its own time.
    for _ in 0..100 {
        let mut next = serving.connect();
        if next.read(&mut [0]).expect("an answer") == 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the place was not given to another");
}

#[test]
fn the_end_answers_what_is_in_flight_and_closes() {
    let volume = Strange::new();
    let mut serving = Serving::new(volume.clone(), Options::default());
    let mut client = serving.client(false);
    let mut idle = serving.client(false);
    client.request(1, 0, WAITS, 4096);
    client.send(&[3; 4096]);
    assert_eq!(volume.settled(), 1);
    let socket = serving.socket.clone();
    let ending = std::thread::spawn(move || serving.stop());
    while socket.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(idle.is_closed());
    volume.open();
    assert_eq!(client.reply(), (1, Answer::Simple(0)));
    assert!(client.is_closed());
    ending.join().expect("no panic").expect("an orderly end");
    let mut data = [0; 4096];
    volume.volume.read(WAITS, &mut data).expect("a block");
    assert_eq!(data, [3; 4096]);
}

#[test]
fn a_client_that_takes_no_replies_does_not_keep_the_server_from_ending() {
    let limits = Limits {
        grace: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut serving = Serving::new(
        memory(),
        Options {
            limits,
            ..Options::default()
        },
    );
    let mut client = serving.client(false);
    for _ in 0..16 {
        client.request(0, 0, 0, 4 << 20);
    }
    // Some of the first reply is here, so the rest waits for this client.
    let _: [u8; 100] = client.read();
    serving.stop().expect("an orderly end");
    assert!(client.stream.write_all(&[0; 1 << 20]).is_err());
}

#[test]
fn clients_are_served_over_tcp_too() {
    let listener = Listener::tcp("127.0.0.1:0".parse().expect("an address")).expect("loopback");
    let address = listener.address().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        // A runtime of one thread will do.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let server = Server::new(memory(), Options::default());
        runtime.block_on(server.run(listener, async { drop(stopped.await) }))
    });
    let mut client = TcpStream::connect(address).expect("a connection");
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let mut conversation = 3_u32.to_be_bytes().to_vec();
    conversation.extend(b"IHAVEOPT\0\0\0\x01\0\0\0\0");
    conversation.extend(header(1, 0, 1, 10, 6));
    conversation.extend(b"sealab");
    client.write_all(&conversation).expect("a server");
    let mut said = [0; 18 + 10 + 16];
    client.read_exact(&mut said).expect("an answer");
    client.write_all(&header(0, 0, 2, 9, 8)).expect("a server");
    let mut read = [0; 16 + 8];
    client.read_exact(&mut read).expect("an answer");
    assert_eq!(read[16..], *b"\0sealab\0");
    drop(stop);
    server.join().expect("no panic").expect("an orderly end");
    assert_eq!(client.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn every_cut_of_a_conversation_is_survived() {
    let mut conversation = 3_u32.to_be_bytes().to_vec();
    for option in [8_u32, 7] {
        conversation.extend(b"IHAVEOPT");
        conversation.extend(option.to_be_bytes());
        let data: &[u8] = if option == 7 { &[0; 6] } else { &[] };
        conversation.extend((data.len() as u32).to_be_bytes());
        conversation.extend(data);
    }
    conversation.extend(header(1, 1, 1, 3, 40));
    conversation.extend([5; 40]);
    conversation.extend(header(0, 0, 2, 0, 50));
    conversation.extend(header(6, 0, 3, 7, 9));
    let whole = conversation.len();
    conversation.extend(header(2, 0, 4, 0, 0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for cut in 0..=conversation.len() {
        let server = Server::new(memory(), Options::default());
        let mut replies = Vec::new();
        let result = runtime.block_on(server.connection(&conversation[..cut], &mut replies));
        assert_eq!(
            result.is_ok(),
            [whole, conversation.len(), whole - 28, whole - 56, whole - 56 - 68].contains(&cut),
            "{cut}"
        );
        if result.is_ok() && cut >= whole {
            // The read began when the write was done or before: both are right.
            let read = replies
                .windows(4)
                .position(|four| four == 0x668e_33ef_u32.to_be_bytes())
                .expect("a read");
            let data = &replies[read + 28..read + 78];
            assert!(data[..3] == [0; 3] && data[43..] == [0; 7], "{data:?}");
            assert_eq!(
                replies
                    .windows(4)
                    .filter(|four| *four == 0x6744_6698_u32.to_be_bytes())
                    .count(),
                2
            );
        }
    }
}
