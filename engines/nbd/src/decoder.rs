//! Requests out of bytes, without a socket: what is read where, what is refused, and what waits for room.

use std::sync::Arc;

use crate::buffers::{Buffer, Pool};
use crate::error::ConnectionError;
use crate::protocol::{Errno, Header, REQUEST_BYTES, command, command_flag};

/// How many bytes are read at once where no long payload is expected.
const READ_AHEAD: usize = 65536;
/// After a write at least this long only the next header is read ahead, so that its payload is not copied twice.
const LONG_PAYLOAD: usize = 16384;

/// What a request is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The export's size, in bytes.
    pub(crate) size: u64,
    pub(crate) read_only: bool,
    /// The longest read or write, in bytes.
    pub(crate) most_bytes: u32,
}

/// A request that may be done.
pub(crate) struct Request {
    pub(crate) header: Header,
    /// What is to be written, or where to read to.
    pub(crate) buffer: Option<Buffer>,
}

impl Request {
    /// The memory that the request takes, in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.buffer.as_deref().map_or(0, <[u8]>::len)
    }
}

/// What the bytes so far come to.
pub(crate) enum Step {
    /// More bytes are needed: read into [`Decoder::space`].
    Read,
    /// The next request needs more room than there is.
    Wait,
    /// A request is complete.
    Request(Request),
    /// A request cannot be done.
    Refuse(Header, Errno),
    /// The client says goodbye.
    Disconnect,
}

/// Cuts a client's bytes into requests.
pub(crate) struct Decoder {
    rules: Rules,
    pool: Arc<Pool>,
    ahead: Box<[u8]>,
    /// What of `ahead` was read and not yet used.
    start: usize,
    end: usize,
    /// How far to read ahead.
    window: usize,
    state: State,
}

enum State {
    /// A header is next.
    Header,
    /// A header was read that waits for room.
    Room(Header),
    /// A write's payload is next.
    Payload {
        header: Header,
        buffer: Buffer,
        filled: usize,
    },
    /// The payload of a refused write is next, and is thrown away.
    Skip {
        header: Header,
        errno: Errno,
        left: usize,
    },
}

impl Decoder {
    pub(crate) fn new(rules: Rules, pool: Arc<Pool>) -> Self {
        Self {
            rules,
            pool,
            ahead: vec![0; READ_AHEAD].into(),
            start: 0,
            end: 0,
            window: READ_AHEAD,
            state: State::Header,
        }
    }

    /// Where to read to, after [`Step::Read`].
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if let State::Payload { buffer, filled, .. } = &mut self.state {
            // With the next header, which most often is there already and saves a call of its own.
            let end = buffer.len() + REQUEST_BYTES;
            return &mut buffer.with_tail()[*filled..end];
        }
        // Fewer bytes than a header are left over, so this moves little.
        self.ahead.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let limit = self.window.max(REQUEST_BYTES);
        &mut self.ahead[self.end..limit]
    }

    /// Says that `bytes` bytes were read to [`Decoder::space`].
    pub(crate) fn advance(&mut self, bytes: usize) {
        match &mut self.state {
            State::Payload { buffer, filled, .. } => {
                *filled += bytes;
                // Nothing is left ahead while a payload is read.
                let beyond = buffer.len()..(*filled).max(buffer.len());
                (self.start, self.end) = (0, beyond.len());
                *filled = (*filled).min(buffer.len());
                self.ahead[..beyond.len()].copy_from_slice(&buffer.with_tail()[beyond]);
            }
            _ => self.end += bytes,
        }
    }

    /// Whether the client may hang up here: between two requests.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.state, State::Header) && self.start == self.end
    }

    /// What comes next, given room for `room` more bytes of buffers, or for a request of any length.
    pub(crate) fn next(&mut self, room: Option<usize>) -> Result<Step, ConnectionError> {
        loop {
            match std::mem::replace(&mut self.state, State::Header) {
                State::Header => {
                    let Some(bytes) = self.ahead[self.start..self.end].first_chunk::<REQUEST_BYTES>() else {
                        return Ok(Step::Read);
                    };
                    let header =
                        Header::parse(bytes).map_err(|found| ConnectionError::RequestMagic { found })?;
                    self.start += REQUEST_BYTES;
                    if header.command == command::DISCONNECT {
                        return Ok(Step::Disconnect);
                    }
                    let refusal = self.rules.refusal(&header);
                    if header.command == command::WRITE {
                        if header.length > self.rules.most_bytes {
                            return Err(ConnectionError::WriteLength {
                                found: header.length,
                                most: self.rules.most_bytes,
                            });
                        }
                        self.window = if header.length as usize >= LONG_PAYLOAD {
                            REQUEST_BYTES
                        } else {
                            READ_AHEAD
                        };
                        if let Some(errno) = refusal {
                            self.state = State::Skip {
                                header,
                                errno,
                                left: header.length as usize,
                            };
                            continue;
                        }
                    } else {
                        self.window = READ_AHEAD;
                        if let Some(errno) = refusal {
                            return Ok(Step::Refuse(header, errno));
                        }
                    }
                    self.state = State::Room(header);
                }
                State::Room(header) => {
                    let length = match header.command {
                        command::READ | command::WRITE => header.length as usize,
                        _ => 0,
                    };
                    if room.is_some_and(|room| length > room) {
                        self.state = State::Room(header);
                        return Ok(Step::Wait);
                    }
                    let buffer = (length > 0).then(|| self.pool.take(length));
                    match buffer {
                        Some(buffer) if header.command == command::WRITE => {
                            self.state = State::Payload {
                                header,
                                buffer,
                                filled: 0,
                            };
                        }
                        buffer => return Ok(Step::Request(Request { header, buffer })),
                    }
                }
                State::Payload {
                    header,
                    mut buffer,
                    mut filled,
                } => {
                    let bytes = (buffer.len() - filled).min(self.end - self.start);
                    buffer[filled..filled + bytes]
                        .copy_from_slice(&self.ahead[self.start..self.start + bytes]);
                    self.start += bytes;
                    filled += bytes;
                    if filled == buffer.len() {
                        return Ok(Step::Request(Request {
                            header,
                            buffer: Some(buffer),
                        }));
                    }
                    self.state = State::Payload {
                        header,
                        buffer,
                        filled,
                    };
                    return Ok(Step::Read);
                }
                State::Skip { header, errno, left } => {
                    let bytes = left.min(self.end - self.start);
                    self.start += bytes;
                    if left == bytes {
                        return Ok(Step::Refuse(header, errno));
                    }
                    self.state = State::Skip {
                        header,
                        errno,
                        left: left - bytes,
                    };
                    self.window = READ_AHEAD;
                    return Ok(Step::Read);
                }
            }
        }
    }
}

impl Rules {
    /// Why `header` cannot be done, if so.
    fn refusal(&self, header: &Header) -> Option<Errno> {
        let allowed = command_flag::FUA
            | match header.command {
                command::READ => command_flag::DONT_FRAGMENT,
                command::WRITE_ZEROES => command_flag::NO_HOLE,
                command::WRITE | command::TRIM | command::FLUSH => 0,
                _ => return Some(Errno::Invalid),
            };
        if header.flags & !allowed != 0 {
            return Some(Errno::Invalid);
        }
        let past_end = header
            .offset
            .checked_add(header.length.into())
            .is_none_or(|end| end > self.size);
        match header.command {
            command::FLUSH => None,
            command::READ if header.length > self.most_bytes => Some(Errno::Overflow),
            command::READ => past_end.then_some(Errno::Invalid),
            _ if self.read_only => Some(Errno::NotPermitted),
            // The protocol wants this of writes; a hint past the end is only wrong.
            command::WRITE | command::WRITE_ZEROES => past_end.then_some(Errno::NoSpace),
            _ => past_end.then_some(Errno::Invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::REQUEST;

    fn header(command: u16, cookie: u64, length: u32) -> Vec<u8> {
        let mut bytes = REQUEST.to_be_bytes().to_vec();
        bytes.extend(0_u16.to_be_bytes());
        bytes.extend(command.to_be_bytes());
        bytes.extend(cookie.to_be_bytes());
        bytes.extend(0_u64.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes
    }

    /// Gives the decoder as much of `bytes` as it asks for in one call.
    fn give(decoder: &mut Decoder, bytes: &mut &[u8]) {
        let space = decoder.space();
        let (now, later) = bytes.split_at(space.len().min(bytes.len()));
        space[..now.len()].copy_from_slice(now);
        decoder.advance(now.len());
        *bytes = later;
    }

    #[test]
    fn the_header_behind_a_long_payload_comes_in_the_same_call() {
        const LONG: usize = 100_000;
        let payload = |seed: usize| -> Vec<u8> { (0..LONG).map(|at| (at * seed / 3) as u8).collect() };
        let mut sent = header(command::WRITE, 0, LONG as u32);
        for next in 1..4 {
            sent.extend(payload(next as usize));
            sent.extend(header(command::WRITE, next, LONG as u32));
        }
        let rules = Rules {
            size: 1 << 20,
            read_only: false,
            most_bytes: 1 << 20,
        };
        let mut decoder = Decoder::new(rules, Pool::new(1 << 20));
        let mut rest = &sent[..];
        let mut calls = 0;
        for expected in 0..3 {
            let request = loop {
                match decoder.next(None).unwrap_or_else(|error| panic!("{error}")) {
                    Step::Request(request) => break request,
                    Step::Read => give(&mut decoder, &mut rest),
                    _ => panic!("neither a request nor a wish for bytes"),
                }
                calls += 1;
            };
            assert_eq!(request.header.cookie, expected);
            let buffer = request.buffer.expect("a payload");
            assert!(buffer[..] == payload(expected as usize + 1));
        }
        assert!(
            rest.is_empty(),
            "the last header was read with the payload before it"
        );
        assert_eq!(calls, 4, "one for each payload, and one for what came before");
        assert!(matches!(decoder.next(None), Ok(Step::Read)) && !decoder.is_between());
    }
}
