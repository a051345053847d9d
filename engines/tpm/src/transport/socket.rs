//! A TPM behind a socket, as swtpm offers one.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{MOST_RESPONSE_BYTES, Transport};

/// Longer than any command takes: the TPM profile for PCs allows a second or two for those used here.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tag, the length and the code that every answer begins with.
const HEADER_BYTES: usize = 10;

/// A stream of commands and answers without framing of its own, as of `swtpm socket --server`.
pub struct SocketTransport {
    stream: Box<dyn Stream>,
    name: String,
    /// An exchange failed half-way: the next answer might be that to the last command.
    broken: bool,
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

impl SocketTransport {
    /// Connects to the Unix socket at `path` (`swtpm socket --server type=unixio,path=…`).
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let stream = UnixStream::connect(path).map_err(at)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(at)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(at)?;
        Ok(Self::new(Box::new(stream), path.display().to_string()))
    }

    /// Connects to `address`, a host and port (`swtpm socket --server type=tcp,port=…`).
    pub fn tcp(address: &str) -> io::Result<Self> {
        let at =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", address.escape_debug()));
        let stream = TcpStream::connect(address).map_err(at)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(at)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(at)?;
        stream.set_nodelay(true).map_err(at)?;
        Ok(Self::new(Box::new(stream), address.to_owned()))
    }

    fn new(stream: Box<dyn Stream>, name: String) -> Self {
        Self {
            stream,
            name,
            broken: false,
        }
    }
}

impl Transport for SocketTransport {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        if self.broken {
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "an earlier exchange failed half-way; connect again",
            ));
        }
        self.broken = true;
        self.stream.write_all(command)?;
        let mut answer = vec![0; HEADER_BYTES];
        self.stream.read_exact(&mut answer)?;
        let length = u32::from_be_bytes([answer[2], answer[3], answer[4], answer[5]]) as usize;
        if !(HEADER_BYTES..=MOST_RESPONSE_BYTES).contains(&length) {
            let message = format!(
                "an answer that says it has {length} bytes; {HEADER_BYTES} to {MOST_RESPONSE_BYTES} would be right"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        answer.resize(length, 0);
        self.stream.read_exact(&mut answer[HEADER_BYTES..])?;
        self.broken = false;
        Ok(answer)
    }
}
