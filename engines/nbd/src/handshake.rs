//! The fixed newstyle handshake: what the server is, what the client wants, and how they will speak.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::ConnectionError;
use crate::protocol::{GREETING, OPTION, OPTION_REPLY, answer, export, handshake, info, option};

/// The longest option that is read at all.
const MOST_OPTION_BYTES: u32 = 65536;
/// The longest option that is looked into; names have at most 4096 bytes.
const MOST_READ_BYTES: u32 = 8192;
/// Options in one handshake. Real clients send fewer than ten.
const MOST_OPTIONS: usize = 128;

/// What the handshake says of the volume.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// The name beside the empty one.
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) read_only: bool,
    /// The smallest length that needs no block to be read first.
    pub(crate) preferred_block: u32,
    /// The longest read or write, in bytes.
    pub(crate) most_bytes: u32,
}

/// What the two agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Whether replies to reads are structured.
    pub(crate) structured: bool,
}

impl Export {
    /// What the export can do, as the protocol's transmission flags.
    fn flags(&self, structured: bool) -> u16 {
        let mut flags = export::HAS_FLAGS
            | export::SEND_FLUSH
            | export::SEND_FUA
            | export::SEND_TRIM
            | export::SEND_WRITE_ZEROES
            | export::CAN_MULTI_CONN;
        if self.read_only {
            flags |= export::READ_ONLY;
        }
        if structured {
            flags |= export::SEND_DF;
        }
        flags
    }

    fn has_name(&self, name: &[u8]) -> bool {
        name.is_empty() || name == self.name.as_bytes()
    }
}

/// Speaks with a client until both know what to do; `None` when the client said goodbye.
pub(crate) async fn negotiate(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    export: &Export,
) -> Result<Option<Agreement>, ConnectionError> {
    let mut greeting = Vec::with_capacity(18);
    greeting.extend(GREETING.to_be_bytes());
    greeting.extend(OPTION.to_be_bytes());
    greeting.extend((handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES).to_be_bytes());
    writer.write_all(&greeting).await?;
    writer.flush().await?;

    let flags = reader.read_u32().await?;
    let known = u32::from(handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES);
    if flags & !known != 0 {
        return Err(ConnectionError::Flags { found: flags });
    }
    let no_zeroes = flags & u32::from(handshake::NO_ZEROES) != 0;
    let mut structured = false;
    for _ in 0..MOST_OPTIONS {
        let magic = reader.read_u64().await?;
        if magic != OPTION {
            return Err(ConnectionError::OptionMagic { found: magic });
        }
        let number = reader.read_u32().await?;
        let length = reader.read_u32().await?;
        if length > MOST_OPTION_BYTES {
            return Err(ConnectionError::OptionLength {
                option: number,
                found: length,
                most: MOST_OPTION_BYTES,
            });
        }
        let mut data = vec![0; length as usize];
        reader.read_exact(&mut data).await?;
        if number == option::EXPORT_NAME {
            // This option has no way to say no but to hang up.
            if !export.has_name(&data) {
                return Err(ConnectionError::ExportName);
            }
            let mut said = Vec::with_capacity(134);
            said.extend(export.size.to_be_bytes());
            said.extend(export.flags(structured).to_be_bytes());
            if !no_zeroes {
                said.extend([0; 124]);
            }
            writer.write_all(&said).await?;
            writer.flush().await?;
            return Ok(Some(Agreement { structured }));
        }
        let mut answers = Answers {
            option: number,
            bytes: Vec::new(),
        };
        let mut done = None;
        if length > MOST_READ_BYTES {
            answers.add(answer::ERR_TOO_BIG, b"the option is too long");
        } else {
            match number {
                option::ABORT => {
                    answers.add(answer::ACK, &[]);
                    done = Some(None);
                }
                option::LIST if data.is_empty() => {
                    let mut server = (export.name.len() as u32).to_be_bytes().to_vec();
                    server.extend(export.name.as_bytes());
                    answers.add(answer::SERVER, &server);
                    answers.add(answer::ACK, &[]);
                }
                option::STRUCTURED_REPLY if data.is_empty() => {
                    structured = true;
                    answers.add(answer::ACK, &[]);
                }
                option::LIST | option::STRUCTURED_REPLY => {
                    answers.add(answer::ERR_INVALID, b"the option has no data");
                }
                option::INFO | option::GO => {
                    if answers.add_info(export, structured, &data) && number == option::GO {
                        done = Some(Some(Agreement { structured }));
                    }
                }
                _ => answers.add(answer::ERR_UNSUPPORTED, b"the option is not known here"),
            }
        }
        writer.write_all(&answers.bytes).await?;
        writer.flush().await?;
        if let Some(done) = done {
            return Ok(done);
        }
    }
    Err(ConnectionError::Options { most: MOST_OPTIONS })
}

/// What is said to one option.
struct Answers {
    option: u32,
    bytes: Vec<u8>,
}

impl Answers {
    fn add(&mut self, kind: u32, data: &[u8]) {
        self.bytes.extend(OPTION_REPLY.to_be_bytes());
        self.bytes.extend(self.option.to_be_bytes());
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((data.len() as u32).to_be_bytes());
        self.bytes.extend(data);
    }

    /// Answers `INFO` and `GO`; whether the client's wish was right.
    fn add_info(&mut self, export: &Export, structured: bool, data: &[u8]) -> bool {
        let Some((name, wanted)) = parse_info(data) else {
            self.add(answer::ERR_INVALID, b"the option's lengths do not fit");
            return false;
        };
        if !export.has_name(name) {
            self.add(answer::ERR_UNKNOWN, b"there is no export of this name");
            return false;
        }
        let mut about = info::EXPORT.to_be_bytes().to_vec();
        about.extend(export.size.to_be_bytes());
        about.extend(export.flags(structured).to_be_bytes());
        self.add(answer::INFO, &about);
        if wanted.clone().any(|wanted| wanted == info::NAME) {
            let mut about = info::NAME.to_be_bytes().to_vec();
            about.extend(export.name.as_bytes());
            self.add(answer::INFO, &about);
        }
        // Asked for or not: any length is right here, so a client that does not know the sizes does no harm.
        let mut about = info::BLOCK_SIZE.to_be_bytes().to_vec();
        for bytes in [1, export.preferred_block, export.most_bytes] {
            about.extend(bytes.to_be_bytes());
        }
        self.add(answer::INFO, &about);
        self.add(answer::ACK, &[]);
        true
    }
}

/// The name and the kinds of information that `INFO` and `GO` carry, if the lengths fit.
fn parse_info(data: &[u8]) -> Option<(&[u8], impl Iterator<Item = u16> + Clone)> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (count, wanted) = rest.split_first_chunk::<2>()?;
    let (wanted, []) = wanted.as_chunks::<2>() else {
        return None;
    };
    (wanted.len() == usize::from(u16::from_be_bytes(*count)))
        .then(|| (name, wanted.iter().map(|kind| u16::from_be_bytes(*kind))))
}
