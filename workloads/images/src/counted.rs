//! A port of this machine whose connections go on to another one, and whose bytes are counted in both directions.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const PIECE_BYTES: usize = 256 << 10;

/// The port, until it is dropped; connections end when either end closes them.
pub(crate) struct CountedPort {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

impl CountedPort {
    /// One before `behind`.
    pub(crate) fn new(behind: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = Self {
            address: listener.local_addr()?,
            bytes: Arc::default(),
            closed: Arc::default(),
        };
        let (bytes, closed) = (Arc::clone(&port.bytes), Arc::clone(&port.closed));
        thread::Builder::new().spawn(move || {
            for caller in listener.incoming() {
                if closed.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that cannot go on is closed, which its caller sees.
                if let Ok(caller) = caller {
                    let _ = join(&caller, behind, &bytes);
                }
            }
        })?;
        Ok(port)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for CountedPort {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // So that the thread sees it.
        let _ = TcpStream::connect(self.address);
    }
}

fn join(caller: &TcpStream, behind: SocketAddr, bytes: &Arc<AtomicU64>) -> io::Result<()> {
    let called = TcpStream::connect(behind)?;
    for stream in [caller, &called] {
        stream.set_nodelay(true)?;
    }
    for (from, to) in [(caller, &called), (&called, caller)] {
        let (from, to, bytes) = (from.try_clone()?, to.try_clone()?, Arc::clone(bytes));
        thread::Builder::new().spawn(move || carry(from, to, &bytes))?;
    }
    Ok(())
}

/// Carries everything on; bytes are counted before they can be seen to have arrived.
fn carry(mut from: TcpStream, mut to: TcpStream, bytes: &AtomicU64) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                bytes.fetch_add(count as u64, Ordering::Relaxed);
                if to.write_all(&piece[..count]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_through_is_carried_and_counted_in_both_directions() {
        let behind = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = CountedPort::new(behind.local_addr().expect("an address")).expect("a port");
        let mut caller = TcpStream::connect(port.address()).expect("a connection");
        caller.write_all(b"a question").expect("written");
        caller.shutdown(Shutdown::Write).expect("an end");
        let (mut called, _) = behind.accept().expect("a connection");
        let mut question = String::new();
        called.read_to_string(&mut question).expect("read to its end");
        assert_eq!(question, "a question");
        called.write_all(&[7; 1 << 20]).expect("written");
        drop(called);
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).expect("read to its end");
        assert_eq!(answer.len(), 1 << 20);
        assert_eq!(port.bytes(), 10 + (1 << 20));
    }
}
