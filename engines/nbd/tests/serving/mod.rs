//! A server in a thread of its own, and a client that sends what a test wants.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sealab_nbd::{Listener, Options, ServeError, Server};
use sealab_volume::Volume;
use tokio::sync::oneshot;

/// How long a test waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a socket in a folder of its own.
pub(crate) struct Serving {
    pub(crate) socket: PathBuf,
    pub(crate) folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Serving {
    pub(crate) fn new(volume: Arc<dyn Volume>, options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = Listener::unix(&socket).expect("a socket");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            let server = Server::new(volume, options);
            runtime.block_on(server.run(listener, async {
                // Dropped or told: both are the end.
                let _ = stopped.await;
            }))
        });
        Self {
            socket,
            folder,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn uri(&self) -> String {
        format!("nbd+unix:///?socket={}", self.socket.display())
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// A client in transmission, by `GO` on the export without a name.
    pub(crate) fn client(&self, structured: bool) -> Client {
        let mut client = self.greeted(3);
        if structured {
            client.option(8, &[]);
            assert_eq!(client.answer(), (8, 1, vec![]));
        }
        client.option(7, &[0; 6]);
        while client.answer().1 != 1 {}
        client.structured = structured;
        client
    }

    /// A client that has read the greeting and sent its flags.
    pub(crate) fn greeted(&self, flags: u32) -> Client {
        let mut client = Client {
            stream: self.connect(),
            structured: false,
        };
        let greeting: [u8; 18] = client.read();
        assert_eq!(greeting[..16], *b"NBDMAGICIHAVEOPT");
        client.send(&flags.to_be_bytes());
        client
    }

    /// Ends the server, which must take no longer than its grace.
    pub(crate) fn stop(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        let thread = self.thread.take().expect("a server");
        thread.join().expect("no panic")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.thread.is_some() && !std::thread::panicking() {
            self.stop().expect("an orderly end");
        }
    }
}

/// One connection.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    structured: bool,
}

/// What a server answers to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The error of a simple reply, 0 for none.
    Simple(u32),
    /// The flags, kind and content of a chunk.
    Chunk(u16, u16, Vec<u8>),
}

impl Client {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("a server that reads");
    }

    pub(crate) fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("an answer");
        bytes
    }

    pub(crate) fn read_vec(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("an answer");
        bytes
    }

    pub(crate) fn option(&mut self, option: u32, data: &[u8]) {
        let mut bytes = b"IHAVEOPT".to_vec();
        bytes.extend(option.to_be_bytes());
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        self.send(&bytes);
    }

    /// The option, the kind and the data of an answer.
    pub(crate) fn answer(&mut self) -> (u32, u32, Vec<u8>) {
        assert_eq!(u64::from_be_bytes(self.read()), 0x0003_e889_0455_65a9);
        let option = u32::from_be_bytes(self.read());
        let kind = u32::from_be_bytes(self.read());
        let length = u32::from_be_bytes(self.read());
        (option, kind, self.read_vec(length as usize))
    }

    /// Sends a request; its cookie is its command.
    pub(crate) fn request(&mut self, command: u16, flags: u16, offset: u64, length: u32) {
        let header = header(command, flags, u64::from(command), offset, length);
        self.send(&header);
    }

    /// The cookie and the rest of the next reply; the data of a simple reply is left to be read.
    pub(crate) fn reply(&mut self) -> (u64, Answer) {
        match u32::from_be_bytes(self.read()) {
            0x6744_6698 => {
                let error = u32::from_be_bytes(self.read());
                (u64::from_be_bytes(self.read()), Answer::Simple(error))
            }
            0x668e_33ef => {
                assert!(self.structured, "a structured reply that was not agreed on");
                let flags = u16::from_be_bytes(self.read());
                let kind = u16::from_be_bytes(self.read());
                let cookie = u64::from_be_bytes(self.read());
                let length = u32::from_be_bytes(self.read());
                (cookie, Answer::Chunk(flags, kind, self.read_vec(length as usize)))
            }
            other => panic!("a reply begins with {other:#x}"),
        }
    }

    /// Sends a request without payload; the error of its simple reply.
    pub(crate) fn ask(&mut self, command: u16, flags: u16, offset: u64, length: u32) -> u32 {
        self.request(command, flags, offset, length);
        self.simple(command)
    }

    pub(crate) fn write(&mut self, offset: u64, data: &[u8], flags: u16) -> u32 {
        self.request(1, flags, offset, data.len() as u32);
        self.send(data);
        self.simple(1)
    }

    fn simple(&mut self, command: u16) -> u32 {
        match self.reply() {
            (cookie, Answer::Simple(error)) => {
                assert_eq!(cookie, u64::from(command));
                error
            }
            other => panic!("{other:?}"),
        }
    }

    /// What a read that goes well gives.
    pub(crate) fn read_at(&mut self, offset: u64, length: u32) -> Vec<u8> {
        self.request(0, 0, offset, length);
        match self.reply() {
            (0, Answer::Simple(0)) => self.read_vec(length as usize),
            (0, Answer::Chunk(1, 1, data)) => {
                assert_eq!(data[..8], offset.to_be_bytes());
                data[8..].to_vec()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether the server hangs up without another word.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

pub(crate) fn header(command: u16, flags: u16, cookie: u64, offset: u64, length: u32) -> Vec<u8> {
    let mut header = 0x2560_9513_u32.to_be_bytes().to_vec();
    header.extend(flags.to_be_bytes());
    header.extend(command.to_be_bytes());
    header.extend(cookie.to_be_bytes());
    header.extend(offset.to_be_bytes());
    header.extend(length.to_be_bytes());
    header
}
