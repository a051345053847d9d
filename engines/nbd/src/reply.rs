//! Replies, and the queue of those that the socket has not yet taken.

use std::collections::VecDeque;
use std::io::IoSlice;

use crate::buffers::Buffer;
use crate::protocol::{Errno, SIMPLE_REPLY, STRUCTURED_REPLY, chunk};

/// The longest head: a structured reply's 20 bytes and the offset of its data.
const MOST_HEAD_BYTES: usize = 28;

/// The pieces of memory that are given to the operating system at once.
pub(crate) const MOST_SLICES: usize = 64;

/// One reply, as it goes over the wire.
pub(crate) struct Reply {
    head: [u8; MOST_HEAD_BYTES],
    head_bytes: usize,
    body: Body,
    /// The memory that the request was counted with, in bytes.
    cost: usize,
}

enum Body {
    None,
    Data(Buffer),
    Error(Vec<u8>),
}

impl Reply {
    /// The answer to a request that is not a read, or to any without structured replies.
    pub(crate) fn simple(cookie: u64, error: Option<Errno>, data: Option<Buffer>, cost: usize) -> Self {
        let mut reply = Self::empty(data.map_or(Body::None, Body::Data), cost);
        reply.push(&SIMPLE_REPLY.to_be_bytes());
        reply.push(&error.map_or(0, |errno| errno as u32).to_be_bytes());
        reply.push(&cookie.to_be_bytes());
        reply
    }

    /// The one chunk of a read that went well: `data` from `offset` on.
    pub(crate) fn chunk_of_data(cookie: u64, offset: u64, data: Option<Buffer>, cost: usize) -> Self {
        let Some(data) = data else {
            let mut reply = Self::empty(Body::None, cost);
            reply.push_chunk(chunk::NONE, cookie, 0);
            return reply;
        };
        let bytes = data.len() as u32 + 8;
        let mut reply = Self::empty(Body::Data(data), cost);
        reply.push_chunk(chunk::OFFSET_DATA, cookie, bytes);
        reply.push(&offset.to_be_bytes());
        reply
    }

    /// The one chunk of a read that failed, at `offset` if that is known.
    pub(crate) fn chunk_of_error(cookie: u64, errno: Errno, offset: Option<u64>, cost: usize) -> Self {
        let mut body = (errno as u32).to_be_bytes().to_vec();
        body.extend((errno.message().len() as u16).to_be_bytes());
        body.extend(errno.message().as_bytes());
        let mut kind = chunk::ERROR;
        if let Some(offset) = offset {
            kind = chunk::ERROR_OFFSET;
            body.extend(offset.to_be_bytes());
        }
        let bytes = body.len() as u32;
        let mut reply = Self::empty(Body::Error(body), cost);
        reply.push_chunk(kind, cookie, bytes);
        reply
    }

    fn empty(body: Body, cost: usize) -> Self {
        Self {
            head: [0; MOST_HEAD_BYTES],
            head_bytes: 0,
            body,
            cost,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.head[self.head_bytes..self.head_bytes + bytes.len()].copy_from_slice(bytes);
        self.head_bytes += bytes.len();
    }

    fn push_chunk(&mut self, kind: u16, cookie: u64, bytes: u32) {
        self.push(&STRUCTURED_REPLY.to_be_bytes());
        self.push(&chunk::DONE.to_be_bytes());
        self.push(&kind.to_be_bytes());
        self.push(&cookie.to_be_bytes());
        self.push(&bytes.to_be_bytes());
    }

    fn parts(&self) -> [&[u8]; 2] {
        let body: &[u8] = match &self.body {
            Body::None => &[],
            Body::Data(data) => data,
            Body::Error(error) => error,
        };
        [&self.head[..self.head_bytes], body]
    }

    fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }
}

/// Replies in the order in which they go out.
#[derive(Default)]
pub(crate) struct Outbox {
    replies: VecDeque<Reply>,
    /// How much of the first reply is gone.
    gone: usize,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, reply: Reply) {
        self.bytes += reply.len();
        self.replies.push_back(reply);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first bytes that wait, as many pieces as fit into `slices`; how many were set.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>; MOST_SLICES]) -> usize {
        let mut gone = self.gone;
        let mut set = 0;
        for part in self.replies.iter().flat_map(Reply::parts) {
            let skipped = gone.min(part.len());
            gone -= skipped;
            if skipped < part.len() {
                if set == slices.len() {
                    break;
                }
                slices[set] = IoSlice::new(&part[skipped..]);
                set += 1;
            }
        }
        set
    }

    /// Says that `bytes` bytes went out; returns how many replies are gone with them, and their cost.
    pub(crate) fn advance(&mut self, bytes: usize) -> (usize, usize) {
        self.bytes -= bytes;
        self.gone += bytes;
        let (mut replies, mut cost) = (0, 0);
        while let Some(first) = self.replies.front()
            && first.len() <= self.gone
        {
            self.gone -= first.len();
            replies += 1;
            cost += first.cost;
            self.replies.pop_front();
        }
        (replies, cost)
    }
}
