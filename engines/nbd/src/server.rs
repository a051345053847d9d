//! The server: who may connect, and how it ends.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use sealab_volume::Volume;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::alignment::AnyAlignment;
use crate::buffers::Pool;
use crate::connection::{Shared, serve};
use crate::error::{ConnectionError, ServeError};
use crate::handshake::Export;
use crate::limits::{Limits, MOST_REQUEST_BYTES};
use crate::listener::{Listener, Socket};
use crate::workers::Workers;

/// How long to wait when the operating system can make no more connections for now.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest name of an export, in bytes.
const MOST_NAME_BYTES: usize = 4096;

/// Gives one volume to NBD clients, as the export without a name and, if asked, under one name.
///
/// The protocol is the fixed newstyle one with `INFO`, `GO`, `EXPORT_NAME`, `LIST` and structured replies; requests are
/// read, write, flush, trim and write zeroes, with FUA. Requests may have any offset and length. Clients may use several
/// connections: a flush on one makes durable what all have written.
pub struct Server {
    shared: Arc<Shared>,
    broken: Arc<dyn Fn(&ConnectionError) + Send + Sync>,
}

/// How a [`Server`] is to be.
pub struct Options {
    /// The export's name beside the empty one, of at most 4096 bytes; a longer one is cut.
    pub name: String,
    /// Whether writes are refused, which they also are if the volume refuses them.
    pub read_only: bool,
    /// What is taken from clients.
    pub limits: Limits,
    /// Told of every connection that broke; the server serves on.
    pub broken: Arc<dyn Fn(&ConnectionError) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            read_only: false,
            limits: Limits::default(),
            broken: Arc::new(|_| {}),
        }
    }
}

impl Server {
    /// A server of `volume`. All writers of the volume must go through it, unless they write whole blocks that its clients
    /// leave alone.
    pub fn new(volume: Arc<dyn Volume>, mut options: Options) -> Self {
        let mut name_bytes = options.name.len().min(MOST_NAME_BYTES);
        while !options.name.is_char_boundary(name_bytes) {
            name_bytes -= 1;
        }
        options.name.truncate(name_bytes);
        let block = volume.block_size();
        let export = Export {
            name: options.name,
            size: volume.size(),
            read_only: options.read_only || volume.read_only(),
            preferred_block: block.max(4096),
            most_bytes: options.limits.request_bytes.clamp(65536, MOST_REQUEST_BYTES) & !65535,
        };
        let volume = Arc::new(AnyAlignment::new(volume));
        Self {
            shared: Arc::new(Shared {
                export,
                pool: Pool::new(options.limits.bytes),
                workers: Workers::new(volume.clone(), options.limits.threads.max(1)),
                volume,
                limits: options.limits,
            }),
            broken: options.broken,
        }
    }

    /// Serves who connects to `listener` until `stop` ends; then takes no more requests, answers those it has, flushes the
    /// volume and returns. Must run in a tokio runtime with input, output and time, of either kind, whose limit of blocking
    /// threads leaves room for [`Limits::connections`] and [`Limits::threads`].
    pub async fn run(&self, listener: Listener, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Listener { socket, file } = listener;
        let acceptor = Acceptor::new(socket).map_err(ServeError::Accept)?;
        let (say_stop, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        let accepted = loop {
            tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                Some(_) = connections.join_next() => {}
                accepted = acceptor.accept() => match accepted {
                    // A client that is told nothing sees that it was closed.
                    Ok(_) if connections.len() >= self.shared.limits.connections => {}
                    Ok(stream) => self.spawn(&mut connections, stream, stopped.clone()),
                    Err(error) if is_passing(&error) => sleep(PAUSE).await,
                    Err(error) => break Err(ServeError::Accept(error)),
                },
            }
        };
        // Nobody may connect any more, and the next server may take the place.
        drop((acceptor, file));
        say_stop.send_replace(true);
        while connections.join_next().await.is_some() {}
        self.flush().await.and(accepted)
    }

    /// Serves one client over any transport, until the client or the transport ends. `writer` must not keep bytes back.
    pub async fn connection<R, W>(&self, reader: R, writer: W) -> Result<(), ConnectionError>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (_stop, stopped) = watch::channel(false);
        serve(&self.shared, &Handle::current(), reader, writer, stopped).await
    }

    /// Serves a client on a thread of its own: what is quick is done there, however it blocks, and no client's requests are
    /// passed between threads without need.
    fn spawn(&self, connections: &mut JoinSet<()>, stream: Stream, stopped: watch::Receiver<bool>) {
        let (shared, broken) = (self.shared.clone(), self.broken.clone());
        let threads = Handle::current();
        connections.spawn_blocking(move || {
            let served = Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ConnectionError::Io)
                .and_then(|runtime| runtime.block_on(serve_stream(&shared, &threads, stream, stopped)));
            if let Err(error) = served {
                broken(&error);
            }
        });
    }

    async fn flush(&self) -> Result<(), ServeError> {
        if self.shared.export.read_only {
            return Ok(());
        }
        let volume = self.shared.volume.clone();
        match spawn_blocking(move || volume.flush()).await {
            Ok(flushed) => flushed.map_err(ServeError::Flush),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

async fn serve_stream(
    shared: &Shared,
    threads: &Handle,
    stream: Stream,
    stopped: watch::Receiver<bool>,
) -> Result<(), ConnectionError> {
    match stream {
        Stream::Unix(stream) => {
            let (reader, writer) = tokio::net::UnixStream::from_std(stream)?.into_split();
            serve(shared, threads, reader, writer, stopped).await
        }
        Stream::Tcp(stream) => {
            // Replies are batched already. Where it cannot be set, they are only later.
            let _ = stream.set_nodelay(true);
            let (reader, writer) = tokio::net::TcpStream::from_std(stream)?.into_split();
            serve(shared, threads, reader, writer, stopped).await
        }
    }
}

enum Acceptor {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection that belongs to no runtime yet.
enum Stream {
    Unix(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

impl Acceptor {
    fn new(socket: Socket) -> io::Result<Self> {
        Ok(match socket {
            Socket::Unix(socket) => {
                socket.set_nonblocking(true)?;
                Self::Unix(UnixListener::from_std(socket)?)
            }
            Socket::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                Self::Tcp(TcpListener::from_std(socket)?)
            }
        })
    }

    async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Unix(socket) => Stream::Unix(socket.accept().await?.0.into_std()?),
            Self::Tcp(socket) => Stream::Tcp(socket.accept().await?.0.into_std()?),
        })
    }
}

/// Whether a connection that could not be accepted says nothing of the next.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::CONNABORTED | Errno::INTR | Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}
