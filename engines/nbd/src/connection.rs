//! One client, from its handshake to its goodbye.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

use crate::alignment::AnyAlignment;
use crate::buffers::Pool;
use crate::decoder::{Decoder, Request, Rules, Step};
use crate::error::ConnectionError;
use crate::execute::{execute, refuse};
use crate::handshake::{Agreement, Export, negotiate};
use crate::limits::Limits;
use crate::pace::{Kind, Pace};
use crate::reply::{MOST_SLICES, Outbox};
use crate::workers::{Done, Job, Workers};

/// Replies of this many bytes go out before more requests are done, so that the client has something to do meanwhile.
const BATCH_BYTES: usize = 131_072;
/// As many replies too.
const BATCH_REPLIES: usize = 16;

/// What all connections of a server have in common.
pub(crate) struct Shared {
    pub(crate) volume: Arc<AnyAlignment>,
    pub(crate) export: Export,
    pub(crate) limits: Limits,
    pub(crate) pool: Arc<Pool>,
    pub(crate) workers: Arc<Workers>,
}

/// Serves one client, with the help of the threads of the runtime `threads`; ends early, with what is in flight done and answered, once `stop` holds `true`.
pub(crate) async fn serve<R, W>(
    shared: &Shared,
    threads: &Handle,
    mut reader: R,
    mut writer: W,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ConnectionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let agreement = tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
        agreement = timeout(shared.limits.handshake, negotiate(&mut reader, &mut writer, &shared.export)) => {
            agreement.map_err(|_| ConnectionError::Late)??
        }
    };
    let Some(agreement) = agreement else {
        return Ok(());
    };
    let mut connection = Connection::new(shared, threads, agreement);
    let result = connection.transmit(&mut reader, &mut writer, stop).await;
    // The volume must be at rest when the connection is said to be closed.
    while connection.at_work > 0 && connection.done.recv().await.is_some() {
        connection.at_work -= 1;
    }
    // The client may be gone already.
    let _ = writer.shutdown().await;
    result
}

struct Connection<'a> {
    shared: &'a Shared,
    threads: &'a Handle,
    agreement: Agreement,
    decoder: Decoder,
    outbox: Outbox,
    pace: Pace,
    /// Requests that were taken and whose replies are not gone.
    in_flight: usize,
    /// The memory they take, in bytes.
    bytes_in_flight: usize,
    /// Those of them that threads have.
    at_work: usize,
    finished: UnboundedSender<Done>,
    done: UnboundedReceiver<Done>,
}

/// What the client's bytes so far allow.
enum Taken {
    /// More bytes may be read.
    Hungry,
    /// Replies must go first.
    Full,
    /// The client said goodbye.
    Disconnect,
}

impl<'a> Connection<'a> {
    fn new(shared: &'a Shared, threads: &'a Handle, agreement: Agreement) -> Self {
        let (finished, done) = unbounded_channel();
        let rules = Rules {
            size: shared.export.size,
            read_only: shared.export.read_only,
            most_bytes: shared.export.most_bytes,
        };
        Self {
            shared,
            threads,
            agreement,
            decoder: Decoder::new(rules, shared.pool.clone()),
            outbox: Outbox::default(),
            pace: Pace::new(),
            in_flight: 0,
            bytes_in_flight: 0,
            at_work: 0,
            finished,
            done,
        }
    }

    async fn transmit(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), ConnectionError> {
        // Once no more requests are taken: how long the client has to take its replies, if the server ends.
        let mut ending = false;
        let mut grace: Option<Pin<Box<Sleep>>> = None;
        loop {
            let mut hungry = false;
            if !ending {
                match self.take_requests()? {
                    Taken::Hungry => hungry = true,
                    Taken::Full => {}
                    Taken::Disconnect => ending = true,
                }
            }
            if ending && self.in_flight == 0 {
                return Ok(());
            }
            tokio::select! {
                biased;
                written = write(writer, &self.outbox), if !self.outbox.is_empty() => {
                    let (replies, cost) = self.outbox.advance(written?);
                    self.in_flight -= replies;
                    self.bytes_in_flight -= cost;
                }
                Some(done) = self.done.recv(), if self.at_work > 0 => self.finish(done),
                read = reader.read(self.decoder.space()), if hungry => match read? {
                    0 if self.decoder.is_between() => ending = true,
                    0 => return Err(ConnectionError::Io(io::ErrorKind::UnexpectedEof.into())),
                    bytes => self.decoder.advance(bytes),
                },
                _ = stop.wait_for(|stop| *stop), if grace.is_none() => {
                    ending = true;
                    grace = Some(Box::pin(sleep(self.shared.limits.grace)));
                }
                () = expire(&mut grace), if grace.is_some() => return Err(ConnectionError::Stalled),
            }
        }
    }

    /// Does or hands on what is complete, as far as the limits go.
    fn take_requests(&mut self) -> Result<Taken, ConnectionError> {
        let limits = &self.shared.limits;
        let mut batch = 0;
        while self.in_flight < limits.requests && self.outbox.bytes() < BATCH_BYTES && batch < BATCH_REPLIES {
            // Whatever the limit, one request at a time gets through.
            let room = (self.in_flight > 0).then(|| limits.bytes.saturating_sub(self.bytes_in_flight));
            match self.decoder.next(room)? {
                Step::Read => return Ok(Taken::Hungry),
                Step::Wait => return Ok(Taken::Full),
                Step::Disconnect => return Ok(Taken::Disconnect),
                Step::Request(request) => self.start(request),
                Step::Refuse(header, errno) => {
                    self.in_flight += 1;
                    self.outbox.push(refuse(self.agreement, &header, errno, None, 0));
                }
            }
            batch += 1;
        }
        Ok(Taken::Full)
    }

    fn start(&mut self, request: Request) {
        self.in_flight += 1;
        self.bytes_in_flight += request.cost();
        let kind = Kind::of(&request.header);
        if self.pace.is_quick(kind) {
            let start = Instant::now();
            let reply = execute(&self.shared.volume, self.agreement, request);
            self.pace.note(kind, start.elapsed());
            self.outbox.push(reply);
            return;
        }
        self.at_work += 1;
        let job = Job {
            request,
            agreement: self.agreement,
            done: self.finished.clone(),
        };
        self.shared.workers.push(job, self.threads);
    }

    /// Takes this reply, and those that came with it.
    fn finish(&mut self, first: Done) {
        let mut next = Some(first);
        while let Some(Done { reply, kind, took }) = next {
            self.at_work -= 1;
            self.pace.note(kind, took);
            self.outbox.push(reply);
            next = self.done.try_recv().ok();
        }
    }
}

/// Writes as much as the socket takes of what waits. Dropping the future loses nothing.
async fn write(writer: &mut (impl AsyncWrite + Unpin), outbox: &Outbox) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); MOST_SLICES];
    let set = outbox.fill(&mut slices);
    match writer.write_vectored(&slices[..set]).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        bytes => Ok(bytes),
    }
}

/// Ends when the grace does.
async fn expire(grace: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(grace) = grace {
        grace.await;
    }
}
