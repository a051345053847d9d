//! The words of the NBD protocol, as `doc/proto.md` of github.com/NetworkBlockDevice/nbd has them. All integers are
//! big-endian.

/// What a server says first: `NBDMAGIC`.
pub(crate) const GREETING: u64 = 0x4e42_444d_4147_4943;
/// What a server says next, and what every option begins with: `IHAVEOPT`.
pub(crate) const OPTION: u64 = 0x4948_4156_454f_5054;
/// What every reply to an option begins with.
pub(crate) const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
/// What every request begins with.
pub(crate) const REQUEST: u32 = 0x2560_9513;
/// What a simple reply begins with.
pub(crate) const SIMPLE_REPLY: u32 = 0x6744_6698;
/// What a chunk of a structured reply begins with.
pub(crate) const STRUCTURED_REPLY: u32 = 0x668e_33ef;

/// The bytes of a request before its payload.
pub(crate) const REQUEST_BYTES: usize = 28;

/// The flags of the handshake, the same from both sides.
pub(crate) mod handshake {
    pub(crate) const FIXED_NEWSTYLE: u16 = 1 << 0;
    pub(crate) const NO_ZEROES: u16 = 1 << 1;
}

/// What a client asks during the handshake.
pub(crate) mod option {
    pub(crate) const EXPORT_NAME: u32 = 1;
    pub(crate) const ABORT: u32 = 2;
    pub(crate) const LIST: u32 = 3;
    pub(crate) const INFO: u32 = 6;
    pub(crate) const GO: u32 = 7;
    pub(crate) const STRUCTURED_REPLY: u32 = 8;
}

/// What a server answers during the handshake.
pub(crate) mod answer {
    pub(crate) const ACK: u32 = 1;
    pub(crate) const SERVER: u32 = 2;
    pub(crate) const INFO: u32 = 3;
    pub(crate) const ERR_UNSUPPORTED: u32 = (1 << 31) | 1;
    pub(crate) const ERR_INVALID: u32 = (1 << 31) | 3;
    pub(crate) const ERR_UNKNOWN: u32 = (1 << 31) | 6;
    pub(crate) const ERR_TOO_BIG: u32 = (1 << 31) | 9;
}

/// What an answer to `INFO` and `GO` is about.
pub(crate) mod info {
    pub(crate) const EXPORT: u16 = 0;
    pub(crate) const NAME: u16 = 1;
    pub(crate) const BLOCK_SIZE: u16 = 3;
}

/// What an export can do.
pub(crate) mod export {
    pub(crate) const HAS_FLAGS: u16 = 1 << 0;
    pub(crate) const READ_ONLY: u16 = 1 << 1;
    pub(crate) const SEND_FLUSH: u16 = 1 << 2;
    pub(crate) const SEND_FUA: u16 = 1 << 3;
    pub(crate) const SEND_TRIM: u16 = 1 << 5;
    pub(crate) const SEND_WRITE_ZEROES: u16 = 1 << 6;
    pub(crate) const SEND_DF: u16 = 1 << 7;
    pub(crate) const CAN_MULTI_CONN: u16 = 1 << 8;
}

/// What a client asks of the export.
pub(crate) mod command {
    pub(crate) const READ: u16 = 0;
    pub(crate) const WRITE: u16 = 1;
    pub(crate) const DISCONNECT: u16 = 2;
    pub(crate) const FLUSH: u16 = 3;
    pub(crate) const TRIM: u16 = 4;
    pub(crate) const WRITE_ZEROES: u16 = 6;
}

/// How a client wants it done.
pub(crate) mod command_flag {
    pub(crate) const FUA: u16 = 1 << 0;
    pub(crate) const NO_HOLE: u16 = 1 << 1;
    pub(crate) const DONT_FRAGMENT: u16 = 1 << 2;
}

/// The chunks of structured replies.
pub(crate) mod chunk {
    /// The flag of a reply's last chunk.
    pub(crate) const DONE: u16 = 1 << 0;
    pub(crate) const NONE: u16 = 0;
    pub(crate) const OFFSET_DATA: u16 = 1;
    pub(crate) const ERROR: u16 = (1 << 15) | 1;
    pub(crate) const ERROR_OFFSET: u16 = (1 << 15) | 2;
}

/// Why a request failed, in the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Errno {
    /// The export may not be written.
    NotPermitted = 1,
    /// What lies beneath failed, or is not authentic.
    InputOutput = 5,
    /// The request is not one this export answers.
    Invalid = 22,
    /// There is no room, or the write goes past the end.
    NoSpace = 28,
    /// More bytes are asked for than a reply may have.
    Overflow = 75,
}

impl Errno {
    /// What a client may show its user; nothing of the server's files is in it.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NotPermitted => "the export is read-only",
            Self::InputOutput => "the volume could not do it",
            Self::Invalid => "the request is not valid for this export",
            Self::NoSpace => "no space is left",
            Self::Overflow => "the request is longer than the export's maximum",
        }
    }
}

/// The first 28 bytes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) flags: u16,
    pub(crate) command: u16,
    /// What the client knows the request by; comes back with the reply.
    pub(crate) cookie: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Header {
    /// Reads a header; `Err` is what stood where [`REQUEST`] belongs.
    pub(crate) fn parse(bytes: &[u8; REQUEST_BYTES]) -> Result<Self, u32> {
        let magic = u32::from_be_bytes(array(bytes, 0));
        if magic != REQUEST {
            return Err(magic);
        }
        Ok(Self {
            flags: u16::from_be_bytes(array(bytes, 4)),
            command: u16::from_be_bytes(array(bytes, 6)),
            cookie: u64::from_be_bytes(array(bytes, 8)),
            offset: u64::from_be_bytes(array(bytes, 16)),
            length: u32::from_be_bytes(array(bytes, 24)),
        })
    }
}

/// The `N` bytes from `at` on, which the caller knows to be there.
fn array<const N: usize>(bytes: &[u8; REQUEST_BYTES], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
