//! What the tests of this crate share: image sets as maps from names to bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::image::{Header, Kind, proto};

/// The files of a set.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A fixture.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// The files of a folder.
pub(crate) fn contents(folder: &Path) -> Files {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// A folder of those files.
pub(crate) fn write(folder: &Path, files: &Files) {
    fs::create_dir(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Whether `text` stands in `bytes`.
pub(crate) fn shows(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Each payload that the golden sets lack.
pub(crate) fn every_payload() -> Files {
    let netlink = |text: &[u8]| {
        let mut bytes = (16 + text.len() as u32).to_le_bytes().to_vec();
        bytes.extend([7; 12]);
        bytes.extend(text);
        bytes
    };
    let chunk = |length| {
        entry(&proto::GhostChunkEntry {
            len: Some(length),
            off: Some(0),
        })
    };
    let packet = |length| {
        entry(&proto::SkPacketEntry {
            id_for: Some(1),
            length: Some(length),
        })
    };
    let message = |length| {
        entry(&proto::IpcMsg {
            mtype: Some(1),
            msize: Some(length),
        })
    };
    [
        (
            "tcp-stream-1f.img",
            file(
                Kind::TcpStream,
                &[
                    entry(&proto::TcpStreamEntry {
                        inq_len: Some(11),
                        outq_len: Some(9),
                    }),
                    b"CANARY-inq-CANARY-ou".to_vec(),
                ],
            ),
        ),
        (
            "sk-queues.img",
            file(
                Kind::SkQueues,
                &[
                    packet(13),
                    b"CANARY-packet".to_vec(),
                    packet(0),
                    packet(1),
                    b"x".to_vec(),
                ],
            ),
        ),
        (
            "ipcns-sem-5.img",
            file(
                Kind::IpcnsSem,
                &[
                    entry(&proto::IpcSemEntry { nsems: Some(5) }),
                    b"CANARY-semaphore".to_vec(),
                ],
            ),
        ),
        (
            "ipcns-msg-5.img",
            file(
                Kind::IpcnsMsg,
                &[
                    entry(&proto::IpcMsgEntry { qnum: Some(2) }),
                    message(10),
                    b"CANARY-message\0\0".to_vec(),
                    message(0),
                    entry(&proto::IpcMsgEntry { qnum: Some(0) }),
                ],
            ),
        ),
        (
            "ipcns-shm-5.img",
            file(
                Kind::IpcnsShm,
                &[entry(&proto::IpcShmEntry {
                    size: Some(4096),
                    in_pagemaps: Some(true),
                })],
            ),
        ),
        (
            "bpfmap-data.img",
            file(
                Kind::BpfmapData,
                &[
                    entry(&proto::BpfmapDataEntry {
                        map_id: Some(1),
                        keys_bytes: Some(8),
                        values_bytes: Some(6),
                        count: Some(2),
                    }),
                    b"CANARY-bpf-map".to_vec(),
                ],
            ),
        ),
        (
            "ghost-file-a.img",
            file(
                Kind::GhostFile,
                &[
                    entry(&proto::GhostFileEntry {
                        chunks: Some(true),
                        size: Some(12288),
                        mode: Some(0o100_600),
                    }),
                    chunk(5000),
                    b"CANARY-ghost-clear  ".repeat(250),
                    chunk(3),
                    b"end".to_vec(),
                ],
            ),
        ),
        (
            "netns-ct-9.img",
            [netlink(b"CANARY-conntrack"), netlink(b"")].concat(),
        ),
        ("netns-exp-9.img", Vec::new()),
        ("iptables-9.img", b"CANARY-iptables ".repeat(600)),
        ("tmpfs-dev-3.tar.gz.img", b"CANARY-tmpfs".to_vec()),
        ("ifaddr-9.img", b"CANARY-address".to_vec()),
        ("dump.log", b"CANARY-log".to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect()
}

/// An entry with its size.
pub(crate) fn entry(message: &impl prost::Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
    framed.extend(bytes);
    framed
}

/// An image of that kind.
pub(crate) fn file(kind: Kind, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Header::of_kind(kind).magic().to_vec();
    bytes.extend(parts.concat());
    bytes
}
