//! Requests that may wait for a disk or take long: done beside the connections, by a bounded number of threads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use crate::alignment::AnyAlignment;
use crate::decoder::Request;
use crate::execute::execute;
use crate::handshake::Agreement;
use crate::pace::Kind;
use crate::reply::Reply;

/// A server's requests that are done by threads.
pub(crate) struct Workers {
    volume: Arc<AnyAlignment>,
    queue: Mutex<Queue>,
    most_threads: usize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
}

/// A request and who waits for its reply.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) agreement: Agreement,
    /// Bounded by the connection's requests in flight.
    pub(crate) done: UnboundedSender<Done>,
}

/// What became of a job.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) kind: Kind,
    pub(crate) took: Duration,
}

impl Workers {
    pub(crate) fn new(volume: Arc<AnyAlignment>, most_threads: usize) -> Arc<Self> {
        Arc::new(Self {
            volume,
            queue: Mutex::default(),
            most_threads,
        })
    }

    /// Has `job` done, by the threads for blocking work of the runtime `threads`.
    pub(crate) fn push(self: &Arc<Self>, job: Job, threads: &Handle) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.jobs.push_back(job);
        if queue.threads < self.most_threads {
            queue.threads += 1;
            let workers = self.clone();
            threads.spawn_blocking(move || workers.run());
        }
    }

    fn run(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                match queue.jobs.pop_front() {
                    Some(job) => job,
                    None => {
                        queue.threads -= 1;
                        return;
                    }
                }
            };
            let kind = Kind::of(&job.request.header);
            let start = Instant::now();
            let reply = execute(&self.volume, job.agreement, job.request);
            // A connection that is gone wants no reply.
            let _ = job.done.send(Done {
                reply,
                kind,
                took: start.elapsed(),
            });
        }
    }
}
