//! The kinds of image files, with the names, magic numbers and messages that CRIU gives them.
//!
//! CRIU images, version 1.1 (`img_version` 2): the file starts with one of two family numbers ([`COMMON_MAGIC`],
//! [`SERVICE_MAGIC`]), then the number of its kind. Before version 1.1, and in `inventory.img` to this day, the kind's
//! number stands alone. Raw files (pages, what other tools wrote) have no number and are known by their names.

use std::fmt;

use super::name::Pattern;
use super::{Fault, ImageError, check_name};

/// The first number of most images.
pub const COMMON_MAGIC: u32 = 0x5456_4319;
/// The first number of images that no restore needs (statistics, the inode cache).
pub const SERVICE_MAGIC: u32 = 0x5510_5940;

/// What stands before the kind's own number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    Common,
    Service,
    Bare,
}

/// Bytes of two magic numbers.
const MAGIC_BYTES: usize = 8;

struct Facts {
    kind: Kind,
    name: &'static str,
    pattern: Option<Pattern>,
    magic: Option<(Family, u32)>,
    message: Option<&'static str>,
}

macro_rules! kinds {
    (
        images { $($kind:ident $name:literal $family:ident $magic:literal $pattern:expr, $message:literal;)* }
        raw { $($raw:ident $raw_name:literal $raw_pattern:expr;)* }
    ) => {
        /// A kind of image file.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Kind {
            $(#[doc = concat!("CRIU's `", $name, "`: entries of `", $message, "`.")] $kind,)*
            $(#[doc = concat!("`", $raw_name, "`: no entries, known by its name.")] $raw,)*
            /// `OTHER`: no image (a log, a file of the container engine); bytes that nobody here reads.
            Other,
        }

        const FACTS: &[Facts] = &[
            $(Facts {
                kind: Kind::$kind,
                name: $name,
                pattern: Some($pattern),
                magic: Some((Family::$family, $magic)),
                message: Some($message),
            },)*
            $(Facts {
                kind: Kind::$raw,
                name: $raw_name,
                pattern: Some($raw_pattern),
                magic: None,
                message: None,
            },)*
            Facts { kind: Kind::Other, name: "OTHER", pattern: None, magic: None, message: None },
        ];
    };
}

use Pattern as P;

kinds! {
    images {
        Inventory "INVENTORY" Bare 0x58313116 P::one("inventory"), "inventory_entry";
        Pstree "PSTREE" Common 0x50273030 P::one("pstree"), "pstree_entry";
        Fdinfo "FDINFO" Common 0x56213732 P::decimal("fdinfo-"), "fdinfo_entry";
        Pagemap "PAGEMAP" Common 0x56084025 P::decimal("pagemap-"), "pagemap_entry";
        ShmemPagemap "SHMEM_PAGEMAP" Common 0x56084025 P::decimal("pagemap-shmem-"), "pagemap_entry";
        Core "CORE" Common 0x55053847 P::decimal("core-"), "core_entry";
        Ids "IDS" Common 0x54432030 P::decimal("ids-"), "task_kobj_ids_entry";
        Mm "MM" Common 0x57492820 P::decimal("mm-"), "mm_entry";
        Vmas "VMAS" Common 0x54123737 P::decimal("vmas-"), "vma_entry";
        Fs "FS" Common 0x51403912 P::decimal("fs-"), "fs_entry";
        Files "FILES" Common 0x56303138 P::one("files"), "file_entry";
        RegFiles "REG_FILES" Common 0x50363636 P::one("reg-files"), "reg_file_entry";
        ExtFiles "EXT_FILES" Common 0x59255641 P::one("ext-files"), "ext_file_entry";
        NsFiles "NS_FILES" Common 0x61394011 P::one("ns-files"), "ns_file_entry";
        Pipes "PIPES" Common 0x56513555 P::one("pipes"), "pipe_entry";
        PipesData "PIPES_DATA" Common 0x56453709 P::one("pipes-data"), "pipe_data_entry";
        Fifo "FIFO" Common 0x58364939 P::one("fifo"), "fifo_entry";
        FifoData "FIFO_DATA" Common 0x59333054 P::one("fifo-data"), "pipe_data_entry";
        Sigact "SIGACT" Common 0x55344201 P::decimal("sigacts-"), "sa_entry";
        Unixsk "UNIXSK" Common 0x54373943 P::one("unixsk"), "unix_sk_entry";
        Inetsk "INETSK" Common 0x56443851 P::one("inetsk"), "inet_sk_entry";
        Packetsk "PACKETSK" Common 0x60454618 P::one("packetsk"), "packet_sock_entry";
        NetlinkSk "NETLINK_SK" Common 0x58005614 P::one("netlinksk"), "netlink_sk_entry";
        SkQueues "SK_QUEUES" Common 0x56264026 P::one("sk-queues"), "sk_packet_entry";
        TcpStream "TCP_STREAM" Common 0x51465506 P::hexadecimal("tcp-stream-"), "tcp_stream_entry";
        Itimers "ITIMERS" Common 0x57464056 P::decimal("itimers-"), "itimer_entry";
        PosixTimers "POSIX_TIMERS" Common 0x52603957 P::decimal("posix-timers-"), "posix_timer_entry";
        Creds "CREDS" Common 0x54023547 P::decimal("creds-"), "creds_entry";
        Utsns "UTSNS" Common 0x54473203 P::decimal("utsns-"), "utsns_entry";
        IpcVar "IPC_VAR" Common 0x53115007 P::decimal("ipcns-var-"), "ipc_var_entry";
        IpcnsShm "IPCNS_SHM" Common 0x46283044 P::decimal("ipcns-shm-"), "ipc_shm_entry";
        IpcnsMsg "IPCNS_MSG" Common 0x55453737 P::decimal("ipcns-msg-"), "ipc_msg_entry";
        IpcnsSem "IPCNS_SEM" Common 0x59573019 P::decimal("ipcns-sem-"), "ipc_sem_entry";
        RemapFpath "REMAP_FPATH" Common 0x59133954 P::one("remap-fpath"), "remap_file_path_entry";
        GhostFile "GHOST_FILE" Common 0x52583605 P::hexadecimal("ghost-file-"), "ghost_file_entry";
        EventfdFile "EVENTFD_FILE" Common 0x44523722 P::one("eventfd"), "eventfd_file_entry";
        EventpollFile "EVENTPOLL_FILE" Common 0x45023858 P::one("eventpoll"), "eventpoll_file_entry";
        EventpollTfd "EVENTPOLL_TFD" Common 0x44433746 P::one("eventpoll-tfd"), "eventpoll_tfd_entry";
        Signalfd "SIGNALFD" Common 0x57323820 P::one("signalfd"), "signalfd_entry";
        InotifyFile "INOTIFY_FILE" Common 0x48424431 P::one("inotify"), "inotify_file_entry";
        InotifyWd "INOTIFY_WD" Common 0x54562009 P::one("inotify-wd"), "inotify_wd_entry";
        FanotifyFile "FANOTIFY_FILE" Common 0x55096122 P::one("fanotify"), "fanotify_file_entry";
        FanotifyMark "FANOTIFY_MARK" Common 0x56506035 P::one("fanotify-mark"), "fanotify_mark_entry";
        Mnts "MNTS" Common 0x55563928 P::decimal("mountpoints-"), "mnt_entry";
        Netdev "NETDEV" Common 0x57373951 P::decimal("netdev-"), "net_device_entry";
        Netns "NETNS" Common 0x55933752 P::decimal("netns-"), "netns_entry";
        TtyFiles "TTY_FILES" Common 0x59433025 P::one("tty"), "tty_file_entry";
        TtyInfo "TTY_INFO" Common 0x59453036 P::one("tty-info"), "tty_info_entry";
        TtyData "TTY_DATA" Common 0x59413026 P::one("tty-data"), "tty_data_entry";
        FileLocks "FILE_LOCKS" Common 0x54323616 P::one("filelocks"), "file_lock_entry";
        Rlimit "RLIMIT" Common 0x57113925 P::decimal("rlimit-"), "rlimit_entry";
        Signal "SIGNAL" Common 0x59255647 P::decimal("signal-s-"), "siginfo_entry";
        Psignal "PSIGNAL" Common 0x59255647 P::decimal("signal-p-"), "siginfo_entry";
        Tunfile "TUNFILE" Common 0x57143751 P::one("tunfile"), "tunfile_entry";
        Cgroup "CGROUP" Common 0x59383330 P::one("cgroup"), "cgroup_entry";
        Timerfd "TIMERFD" Common 0x50493712 P::one("timerfd"), "timerfd_entry";
        Cpuinfo "CPUINFO" Common 0x61404013 P::one("cpuinfo"), "cpuinfo_entry";
        Userns "USERNS" Common 0x55474906 P::decimal("userns-"), "userns_entry";
        Seccomp "SECCOMP" Common 0x64413049 P::one("seccomp"), "seccomp_entry";
        BinfmtMisc "BINFMT_MISC" Common 0x67343323 P::one("binfmt-misc"), "binfmt_misc_entry";
        Autofs "AUTOFS" Common 0x49353943 P::decimal("autofs-"), "autofs_entry";
        MemfdInode "MEMFD_INODE" Common 0x48453499 P::one("memfd"), "memfd_inode_entry";
        Timens "TIMENS" Common 0x43114433 P::decimal("timens-"), "timens_entry";
        Pidns "PIDNS" Common 0x61157326 P::decimal("pidns-"), "pidns_entry";
        BpfmapFile "BPFMAP_FILE" Common 0x57506142 P::one("bpfmap-file"), "bpfmap_file_entry";
        BpfmapData "BPFMAP_DATA" Common 0x64324033 P::one("bpfmap-data"), "bpfmap_data_entry";
        Apparmor "APPARMOR" Common 0x59423047 P::one("apparmor"), "apparmor_entry";
        Pidfd "PIDFD" Common 0x54435556 P::one("pidfd"), "pidfd_entry";
        Cipher "CIPHER" Common 0x50034653 P::one("cipher"), "cipher_entry";
        Stats "STATS" Service 0x57093306 P::word("stats-"), "stats_entry";
        IrmapCache "IRMAP_CACHE" Service 0x57004059 P::exact("irmap-cache"), "irmap_cache_entry";
    }
    raw {
        Pages "PAGES" P::decimal("pages-");
        Ifaddr "IFADDR" P::decimal("ifaddr-");
        Route "ROUTE" P::decimal("route-");
        Route6 "ROUTE6" P::decimal("route6-");
        Rule "RULE" P::decimal("rule-");
        Iptables "IPTABLES" P::decimal("iptables-");
        Ip6tables "IP6TABLES" P::decimal("ip6tables-");
        Nftables "NFTABLES" P::decimal("nftables-");
        TmpfsImg "TMPFS_IMG" P::archive("tmpfs-");
        TmpfsDev "TMPFS_DEV" P::archive("tmpfs-dev-");
        NetnfCt "NETNF_CT" P::decimal("netns-ct-");
        NetnfExp "NETNF_EXP" P::decimal("netns-exp-");
        Amdgpu "AMDGPU" P::prefixed("amdgpu-");
    }
}

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        FACTS.iter().map(|facts| facts.kind)
    }

    /// The stable name: CRIT's name of the magic number where there is one.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The kind of that [`Kind::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Some(FACTS.iter().find(|facts| facts.name == name)?.kind)
    }

    /// The magic number; none if the kind is known by name only.
    pub fn magic(self) -> Option<u32> {
        Some(self.facts().magic?.1)
    }

    /// The protobuf type of its entries in CRIU's sources; where several types follow each other
    /// ([`Entry::message`](super::Entry) tells which) that of most.
    pub fn message(self) -> Option<&'static str> {
        self.facts().message
    }

    /// The kind that a file name stands for, with the number in it (a process, namespace, inode or pages number);
    /// none if it is no name of an image.
    pub fn of_file_name(name: &str) -> Option<(Self, Option<u64>)> {
        FACTS.iter().find_map(|facts| {
            let number = facts.pattern.as_ref()?.number(name)?;
            Some((facts.kind, number))
        })
    }

    fn facts(self) -> &'static Facts {
        // The table is in the order of the variants.
        &FACTS[self as usize]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The start of a file: what it is, and its magic numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The kind of the file.
    pub kind: Kind,
    magic: [u8; MAGIC_BYTES],
    magic_bytes: u8,
}

impl Header {
    /// Recognises the file `name` by its first bytes, up to 8 of them; fewer are given only if the file has no more.
    ///
    /// # Errors
    /// An unsafe name (see [`check_name`]), an `.img` file of unknown magic, or a magic of another kind than the name's.
    pub fn recognise(name: &str, start: &[u8]) -> Result<Self, ImageError> {
        check_name(name)?;
        let named = Kind::of_file_name(name).map(|(kind, _)| kind);
        let without_magic = match named {
            Some(kind) => kind.magic().is_none(),
            None => !name.ends_with(".img"),
        };
        if without_magic {
            return Ok(Self::new(named.unwrap_or(Kind::Other), &[]));
        }
        let first = number(name, start, 0)?;
        let family = match first {
            COMMON_MAGIC => Family::Common,
            SERVICE_MAGIC => Family::Service,
            _ => Family::Bare,
        };
        let (offset, magic) = match family {
            Family::Bare => (0, first),
            _ => (4, number(name, start, 4)?),
        };
        let fits = |facts: &&Facts| {
            facts.magic.is_some_and(|(own, number)| {
                // Images before version 1.1 have no family's number.
                number == magic && (own == family || (family == Family::Bare && own == Family::Common))
            })
        };
        let found = match named {
            Some(kind) => FACTS.iter().filter(|facts| facts.kind == kind).find(fits),
            None => FACTS.iter().find(fits),
        };
        let facts = found.ok_or_else(|| {
            let expected = match named.and_then(Kind::magic) {
                Some(magic) => format!("{magic:#010x}, as the name says"),
                None => "that of a kind of image".to_owned(),
            };
            let fault = Fault::Magic {
                found: magic,
                expected,
            };
            fault.at(name, offset as u64)
        })?;
        Ok(Self::new(facts.kind, &start[..offset + 4]))
    }

    /// The magic numbers as they stand in the file: none, 4 or 8 bytes.
    pub fn magic(&self) -> &[u8] {
        &self.magic[..usize::from(self.magic_bytes)]
    }

    /// The header that CRIU gives to a file of that kind today.
    pub fn of_kind(kind: Kind) -> Self {
        let mut magic = Vec::new();
        if let Some((family, number)) = kind.facts().magic {
            match family {
                Family::Common => magic.extend(COMMON_MAGIC.to_le_bytes()),
                Family::Service => magic.extend(SERVICE_MAGIC.to_le_bytes()),
                Family::Bare => {}
            }
            magic.extend(number.to_le_bytes());
        }
        Self::new(kind, &magic)
    }

    fn new(kind: Kind, magic: &[u8]) -> Self {
        let mut bytes = [0; MAGIC_BYTES];
        bytes[..magic.len()].copy_from_slice(magic);
        Self {
            kind,
            magic: bytes,
            magic_bytes: magic.len() as u8,
        }
    }
}

fn number(name: &str, start: &[u8], offset: usize) -> Result<u32, ImageError> {
    let rest = start.get(offset..).unwrap_or_default();
    let bytes = rest.first_chunk().ok_or_else(|| {
        let fault = Fault::Truncated {
            what: "the magic number",
            needed: 4,
            left: rest.len() as u64,
        };
        fault.at(name, offset as u64)
    })?;
    Ok(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_read_back() {
        for kind in Kind::all() {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(kind.facts().kind, kind);
        }
    }

    #[test]
    fn file_names_tell_the_kind_and_its_number() {
        for (name, kind, number) in [
            ("inventory.img", Kind::Inventory, None),
            ("pagemap-7.img", Kind::Pagemap, Some(7)),
            (
                "pagemap-shmem-18446744073709551615.img",
                Kind::ShmemPagemap,
                Some(u64::MAX),
            ),
            ("ghost-file-1f.img", Kind::GhostFile, Some(0x1f)),
            ("tmpfs-3.tar.gz.img", Kind::TmpfsImg, Some(3)),
            ("tmpfs-dev-3.tar.gz.img", Kind::TmpfsDev, Some(3)),
            ("netns-ct-9.img", Kind::NetnfCt, Some(9)),
            ("netns-9.img", Kind::Netns, Some(9)),
            ("stats-dump", Kind::Stats, None),
            ("irmap-cache", Kind::IrmapCache, None),
            ("amdgpu-pages-1-0002.img", Kind::Amdgpu, None),
        ] {
            assert_eq!(Kind::of_file_name(name), Some((kind, number)), "{name}");
        }
        for name in [
            "pagemap-.img",
            "pagemap-+7.img",
            "pagemap-18446744073709551616.img",
            "inventory",
            "pages-1",
        ] {
            assert_eq!(Kind::of_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_magic_must_be_known_and_the_name_s_own() {
        let header = |name: &str, words: &[u32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            Header::recognise(name, &bytes)
        };
        let core = 0x55053847;
        assert_eq!(
            header("core-1.img", &[COMMON_MAGIC, core]).unwrap().kind,
            Kind::Core
        );
        assert_eq!(header("core-1.img", &[core]).unwrap().magic().len(), 4);
        assert_eq!(
            header("renamed.img", &[COMMON_MAGIC, core]).unwrap().kind,
            Kind::Core
        );
        assert_eq!(header("dump.log", &[core]).unwrap().kind, Kind::Other);
        assert_eq!(header("pages-1.img", &[]).unwrap().kind, Kind::Pages);
        for (name, words) in [
            ("core-1.img", &[SERVICE_MAGIC, core][..]),
            ("core-1.img", &[COMMON_MAGIC, 0x57492820]),
            ("renamed.img", &[COMMON_MAGIC, 1]),
            ("stats-dump", &[COMMON_MAGIC, 0x57093306]),
            ("inventory.img", &[COMMON_MAGIC, 0x58313116]),
            ("core-1.img", &[COMMON_MAGIC]),
            ("core-1.img", &[]),
        ] {
            let error = header(name, words).unwrap_err();
            assert_eq!(error.file, name);
            assert!(error.offset.is_some(), "{error}");
        }
        for kind in Kind::all().filter(|kind| kind.magic().is_some()) {
            assert_eq!(
                Header::recognise("x.img", Header::of_kind(kind).magic())
                    .unwrap()
                    .kind
                    .magic(),
                kind.magic()
            );
        }
    }
}
