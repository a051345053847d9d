//! What may follow what in an image: entries, and the bytes behind them whose length only an entry tells.
//!
//! Kept apart from reading so that sealed images, whose entries have other lengths on disk, obey the same rules.

use prost::Message;

use super::{Fault, Kind, proto};

/// What the bytes behind an entry, or those of a raw file, are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// A whole raw file other than those below.
    Raw,
    /// Memory pages: a whole `pages-*.img`.
    Pages,
    /// One netlink message with its header.
    Netlink,
    /// What a pipe or FIFO holds.
    Pipe,
    /// One packet of a socket's queue.
    Packet,
    /// A TCP connection's receive queue.
    TcpReceived,
    /// A TCP connection's send queue.
    TcpSent,
    /// The values of a semaphore set, 16 bits each, padded to 8 bytes.
    Semaphores,
    /// One System V message, padded to 8 bytes.
    IpcMessage,
    /// A System V shared memory segment, padded to 4 bytes; CRIU keeps it in pages since 3.0.
    SharedMemory,
    /// The keys, then the values of a BPF map.
    BpfMap,
    /// The content of a deleted file, to the end of the image.
    GhostFile,
    /// A run of the content of a deleted file.
    GhostChunk,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// An entry of that type.
    Entry(&'static str),
    /// That many bytes, at least one.
    Payload(Role, u64),
    /// All bytes to the end of the file; there may be none.
    Rest(Role),
    /// A netlink message.
    NetlinkMessage,
}

/// Where in an image the reader is.
pub(crate) struct Grammar {
    kind: Kind,
    /// Entries of any type so far.
    entries: u64,
    /// Bytes that the last entry announced, in order.
    announced: [Option<(Role, u64)>; 2],
    /// System V messages that the last queue still holds.
    messages: u32,
    /// Whether a ghost file has chunks.
    chunks: bool,
}

impl Grammar {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            entries: 0,
            announced: [None; 2],
            messages: 0,
            chunks: false,
        }
    }

    /// What must come next, if anything does.
    pub(crate) fn next(&self) -> Next {
        if let Some((role, bytes)) = self.announced.into_iter().flatten().next() {
            return Next::Payload(role, bytes);
        }
        match self.kind {
            Kind::Pages => Next::Rest(Role::Pages),
            Kind::NetnfCt | Kind::NetnfExp => Next::NetlinkMessage,
            Kind::GhostFile if self.entries > 0 && !self.chunks => Next::Rest(Role::GhostFile),
            kind => match kind.message() {
                Some(message) => Next::Entry(self.message(message)),
                None => Next::Rest(Role::Raw),
            },
        }
    }

    /// The type of the next entry of a kind that is mostly made of `usual`.
    fn message(&self, usual: &'static str) -> &'static str {
        match self.kind {
            Kind::Pagemap | Kind::ShmemPagemap if self.entries == 0 => "pagemap_head",
            Kind::GhostFile if self.chunks => "ghost_chunk_entry",
            Kind::IpcnsMsg if self.messages > 0 => "ipc_msg",
            _ => usual,
        }
    }

    /// Whether the image may end here.
    pub(crate) fn may_end(&self) -> bool {
        // These are never without an entry.
        let needs_one = matches!(
            self.kind,
            Kind::Inventory
                | Kind::Cipher
                | Kind::Stats
                | Kind::Core
                | Kind::Ids
                | Kind::Mm
                | Kind::Fs
                | Kind::Pagemap
                | Kind::ShmemPagemap
                | Kind::GhostFile
                | Kind::TcpStream
        );
        self.messages == 0 && self.announced == [None; 2] && (self.entries > 0 || !needs_one)
    }

    /// The expected entry has been read.
    pub(crate) fn entry(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let first = self.entries == 0;
        self.entries += 1;
        match self.kind {
            Kind::PipesData | Kind::FifoData => {
                let entry: proto::PipeDataEntry = decode("pipe_data_entry", bytes)?;
                self.announce(Role::Pipe, entry.bytes().into());
            }
            Kind::SkQueues => {
                let entry: proto::SkPacketEntry = decode("sk_packet_entry", bytes)?;
                self.announce(Role::Packet, entry.length().into());
            }
            Kind::TcpStream => {
                let entry: proto::TcpStreamEntry = decode("tcp_stream_entry", bytes)?;
                self.announce(Role::TcpReceived, entry.inq_len().into());
                self.announce(Role::TcpSent, entry.outq_len().into());
            }
            Kind::IpcnsSem => {
                let entry: proto::IpcSemEntry = decode("ipc_sem_entry", bytes)?;
                self.announce(
                    Role::Semaphores,
                    (2 * u64::from(entry.nsems())).next_multiple_of(8),
                );
            }
            Kind::IpcnsMsg if self.messages > 0 => {
                let entry: proto::IpcMsg = decode("ipc_msg", bytes)?;
                self.messages -= 1;
                self.announce(Role::IpcMessage, u64::from(entry.msize()).next_multiple_of(8));
            }
            Kind::IpcnsMsg => {
                let entry: proto::IpcMsgEntry = decode("ipc_msg_entry", bytes)?;
                self.messages = entry.qnum();
            }
            Kind::IpcnsShm => {
                let entry: proto::IpcShmEntry = decode("ipc_shm_entry", bytes)?;
                if !entry.in_pagemaps() {
                    let bytes = entry.size().checked_next_multiple_of(4).ok_or_else(|| {
                        Fault::value(
                            "the size of a shared memory segment",
                            entry.size(),
                            "at most 2^64 - 4",
                        )
                    })?;
                    self.announce(Role::SharedMemory, bytes);
                }
            }
            Kind::BpfmapData => {
                let entry: proto::BpfmapDataEntry = decode("bpfmap_data_entry", bytes)?;
                let bytes = u64::from(entry.keys_bytes()) + u64::from(entry.values_bytes());
                self.announce(Role::BpfMap, bytes);
            }
            Kind::GhostFile if first => {
                let entry: proto::GhostFileEntry = decode("ghost_file_entry", bytes)?;
                self.chunks = entry.chunks();
            }
            Kind::GhostFile => {
                let entry: proto::GhostChunkEntry = decode("ghost_chunk_entry", bytes)?;
                self.announce(Role::GhostChunk, entry.len());
            }
            Kind::Inventory | Kind::Cipher | Kind::Stats if !first => {
                return Err(Fault::value("the number of entries", "more than one", "1"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The expected bytes have been read, or are about to be.
    pub(crate) fn payload(&mut self) {
        if let Some(slot) = self.announced.iter_mut().find(|slot| slot.is_some()) {
            *slot = None;
        }
    }

    fn announce(&mut self, role: Role, bytes: u64) {
        if bytes > 0
            && let Some(slot) = self.announced.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some((role, bytes));
        }
    }
}

/// The message in `bytes`.
pub(crate) fn decode<M: Message + Default>(message: &'static str, bytes: &[u8]) -> Result<M, Fault> {
    M::decode(bytes).map_err(|detail| Fault::Message { message, detail })
}
