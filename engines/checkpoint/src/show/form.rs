//! How numbers are written for people: hexadecimal, device numbers, names of bits and of values.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How an image is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// As `crit decode`: numbers are numbers, all on one line.
    Plain,
    /// As `crit show`: addresses in hexadecimal, flags by name, indented.
    Readable,
}

/// The form of a field, as `proto/images/form.proto` numbers them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Decimal,
    Hex,
    Address,
    Device,
    LibcDevice,
    QuotedPrintable,
    /// Bits with names; what has none is added in hexadecimal.
    Bits(&'static [(&'static str, u64)]),
    /// Values with names.
    Names(&'static [(u64, &'static str)]),
}

impl Form {
    pub(super) fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Hex,
            2 => Self::Address,
            3 => Self::Device,
            4 => Self::LibcDevice,
            5 => Self::QuotedPrintable,
            16 => Self::Bits(PROTECTION),
            17 => Self::Bits(MAPPING),
            18 => Self::Bits(AREA),
            19 => Self::Bits(OPEN_FLAGS),
            20 => Self::Bits(SEALS),
            21 => Self::Bits(PAGES),
            32 => Self::Names(TASK_STATE),
            33 => Self::Names(SOCKET_FAMILY),
            34 => Self::Names(SOCKET_TYPE),
            35 => Self::Names(SOCKET_STATE),
            36 => Self::Names(SOCKET_PROTOCOL),
            _ => return None,
        })
    }

    /// The number in this form; none if it stays a number.
    pub(super) fn write(self, value: u64) -> Option<String> {
        match self {
            Self::Hex => Some(format!("{value:#x}")),
            Self::Device => Some(format!("{}:{}", value >> 20, value & 0xf_ffff)),
            Self::LibcDevice => Some(format!(
                "{}:{}",
                ((value >> 8) & 0xfff) | ((value >> 32) & !0xfff),
                (value & 0xff) | ((value >> 12) & 0xffff_ff00)
            )),
            Self::Bits(names) => Some(bits(value, names)),
            Self::Names(names) => {
                let (_, name) = names.iter().find(|(number, _)| *number == value)?;
                Some((*name).to_owned())
            }
            Self::Decimal | Self::Address | Self::QuotedPrintable => None,
        }
    }
}

fn bits(value: u64, names: &[(&str, u64)]) -> String {
    let mut words: Vec<String> = names
        .iter()
        .filter(|(_, bit)| value & bit != 0)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let unnamed = names.iter().fold(value, |rest, (_, bit)| rest & !bit);
    if unnamed != 0 {
        words.push(format!("{unnamed:#x}"));
    }
    words.join(" | ")
}

/// The IP address in `words`, each in network byte order; none if they are neither one nor four.
pub(super) fn address(words: &[u32]) -> Option<String> {
    match words {
        [word] => Some(Ipv4Addr::from(word.to_le_bytes()).to_string()),
        [_, _, _, _] => {
            let mut bytes = [0; 16];
            for (place, word) in bytes.chunks_mut(4).zip(words) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            Some(Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

const PROTECTION: &[(&str, u64)] = &[("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4)];

const MAPPING: &[(&str, u64)] = &[
    ("MAP_SHARED", 0x1),
    ("MAP_PRIVATE", 0x2),
    ("MAP_DROPPABLE", 0x8),
    ("MAP_ANON", 0x20),
    ("MAP_GROWSDOWN", 0x100),
];

/// CRIU's own, of a memory area.
const AREA: &[(&str, u64)] = &[
    ("VMA_AREA_REGULAR", 1),
    ("VMA_AREA_STACK", 1 << 1),
    ("VMA_AREA_VSYSCALL", 1 << 2),
    ("VMA_AREA_VDSO", 1 << 3),
    ("VMA_AREA_HEAP", 1 << 5),
    ("VMA_FILE_PRIVATE", 1 << 6),
    ("VMA_FILE_SHARED", 1 << 7),
    ("VMA_ANON_SHARED", 1 << 8),
    ("VMA_ANON_PRIVATE", 1 << 9),
    ("VMA_AREA_SYSVIPC", 1 << 10),
    ("VMA_AREA_SOCKET", 1 << 11),
    ("VMA_AREA_VVAR", 1 << 12),
    ("VMA_AREA_AIORING", 1 << 13),
    ("VMA_AREA_MEMFD", 1 << 14),
    ("VMA_AREA_SHSTK", 1 << 15),
    ("VMA_AREA_UPROBES", 1 << 17),
    ("VMA_UNSUPP", 1 << 31),
];

const OPEN_FLAGS: &[(&str, u64)] = &[
    ("O_WRONLY", 0o1),
    ("O_RDWR", 0o2),
    ("O_CREAT", 0o100),
    ("O_EXCL", 0o200),
    ("O_NOCTTY", 0o400),
    ("O_TRUNC", 0o1000),
    ("O_APPEND", 0o2000),
    ("O_NONBLOCK", 0o4000),
    ("O_DSYNC", 0o10000),
    ("FASYNC", 0o20000),
    ("O_DIRECT", 0o40000),
    ("O_LARGEFILE", 0o100_000),
    ("O_DIRECTORY", 0o200_000),
    ("O_NOFOLLOW", 0o400_000),
    ("O_NOATIME", 0o1_000_000),
    ("O_CLOEXEC", 0o2_000_000),
];

const SEALS: &[(&str, u64)] = &[
    ("F_SEAL_SEAL", 0x1),
    ("F_SEAL_SHRINK", 0x2),
    ("F_SEAL_GROW", 0x4),
    ("F_SEAL_WRITE", 0x8),
    ("F_SEAL_FUTURE_WRITE", 0x10),
];

/// Of a pagemap entry. CRIT has no name for 8 (CRIU 4.3's PE_PAYLOAD_ALIGNED).
const PAGES: &[(&str, u64)] = &[("PE_PARENT", 1), ("PE_LAZY", 2), ("PE_PRESENT", 4)];

const TASK_STATE: &[(u64, &str)] = &[(1, "Alive"), (3, "Zombie"), (6, "Stopped")];

const SOCKET_FAMILY: &[(u64, &str)] = &[
    (1, "UNIX"),
    (2, "INET"),
    (10, "INET6"),
    (16, "NETLINK"),
    (17, "PACKET"),
];

const SOCKET_TYPE: &[(u64, &str)] = &[
    (1, "STREAM"),
    (2, "DGRAM"),
    (3, "RAW"),
    (5, "SEQPACKET"),
    (10, "PACKET"),
];

const SOCKET_STATE: &[(u64, &str)] = &[
    (1, "ESTABLISHED"),
    (2, "SYN_SENT"),
    (3, "SYN_RECV"),
    (4, "FIN_WAIT1"),
    (5, "FIN_WAIT2"),
    (6, "TIME_WAIT"),
    (7, "CLOSE"),
    (8, "CLOSE_WAIT"),
    (9, "LAST_ACK"),
    (10, "LISTEN"),
];

const SOCKET_PROTOCOL: &[(u64, &str)] = &[(0, "IP"), (6, "TCP"), (17, "UDP"), (136, "UDPLITE")];
