//! The command lines of `sealab volume`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealab_memory::ByteSize;

use super::counter::CounterChoice;

#[derive(Debug, Subcommand)]
pub(crate) enum VolumeCommand {
    /// Make a volume in a new file, or a hash tree over a file that exists
    Create(CreateArguments),
    /// Give a volume to NBD clients, until it is ended by Ctrl-C
    Serve(ServeArguments),
    /// Check a volume's header and passphrase, and with --all every block
    Check(CheckArguments),
    /// Show what a volume's header says
    Show(ShowArguments),
    /// Put the volume key of a LUKS volume or a sealed log under another passphrase
    AddKey(AddKeyArguments),
    /// Destroy a keyslot of a LUKS volume or a sealed log
    RemoveKey(RemoveKeyArguments),
}

/// The formats that volumes are made in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// The bytes as they are
    Plain,
    /// LUKS1, as cryptsetup and qemu have it
    Luks1,
    /// LUKS2, as cryptsetup has it
    Luks2,
    /// A dm-verity hash tree beside a file of data
    Verity,
    /// A log of authenticated blocks, its flushes atomic and its commits counted
    SealedLog,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CipherChoice {
    /// aes-xts-plain64 with 512 bits of key
    AesXts,
    /// aes-xts-plain64 with 256 bits of key
    Aes128Xts,
    /// aes-cbc-essiv:sha256 with 256 bits of key
    AesCbcEssiv,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum IntegrityChoice {
    /// aes-gcm-random: each sector with a random nonce and a tag
    Aead,
    /// aes-xts-plain64 with an HMAC beside each sector
    HmacSha256,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PbkdfChoice {
    Argon2id,
    Pbkdf2,
}

#[derive(Args, Debug)]
pub(crate) struct CreateArguments {
    /// The new file; for verity the file of data, which must exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// The size of the file, its header included: 64MiB, 10GiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Option<ByteSize>,
    /// The size of a sector, in bytes; 4096 if not given, 512 with LUKS1
    #[arg(long, value_name = "BYTES")]
    pub(crate) sector_size: Option<usize>,
    /// The cipher of LUKS; aes-xts if not given
    #[arg(long, value_enum, value_name = "CIPHER")]
    pub(crate) cipher: Option<CipherChoice>,
    /// Authenticate each sector (LUKS2)
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) integrity: Option<IntegrityChoice>,
    #[command(flatten)]
    pub(crate) derivation: Derivation,
    /// A name in the header (LUKS2)
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// A new file for the header, or the hash tree, apart from the data
    #[arg(long, value_name = "FILE")]
    pub(crate) header: Option<PathBuf>,
    /// The file of the passphrase, all its bytes
    #[arg(
        long,
        value_name = "FILE",
        required_if_eq_any([("format", "luks1"), ("format", "luks2"), ("format", "sealed-log")])
    )]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The trusted counter of a sealed log, made if it is not there: file:PATH, tpm:DEVICE,INDEX, swtpm:SOCKET,INDEX, the
    /// last two with ,auth=FILE; or none, and then an older state that is put back is not noticed
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) counter: Option<CounterChoice>,
    /// The engine that encrypts (see `sealab engines`)
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
}

/// How the key of a new keyslot comes from its passphrase.
#[derive(Args, Debug)]
pub(crate) struct Derivation {
    /// The key derivation; argon2id with LUKS2, pbkdf2 with LUKS1 if not given
    #[arg(long, value_enum, value_name = "FUNCTION")]
    pub(crate) pbkdf: Option<PbkdfChoice>,
    /// Iterations of pbkdf2, or passes of argon2id
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<u32>,
    /// Memory of argon2id: 256MiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) pbkdf_memory: Option<ByteSize>,
}

/// Which volume, and how it is opened.
#[derive(Args, Debug)]
pub(crate) struct OpenArguments {
    /// The volume
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What it must be; the header of LUKS or of a sealed log is found without, anything else is never guessed
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The file of the header, or of the hash tree, where it is apart from the data
    #[arg(long, value_name = "FILE")]
    pub(crate) header: Option<PathBuf>,
    /// The file of the passphrase, all its bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The root hash of a verity volume, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) root_hash: Option<String>,
    /// How many blocks of data a verity volume has, which its root hash does not cover
    #[arg(long, value_name = "N")]
    pub(crate) data_blocks: Option<u64>,
    /// Write authenticated sectors to their places at once, without dm-integrity's journal: faster, but a power cut can
    /// leave a sector that does not read
    #[arg(long)]
    pub(crate) integrity_no_journal: bool,
    /// The trusted counter that the sealed log was made with
    #[arg(long, value_name = "ADDRESS", conflicts_with = "accept_rollback")]
    pub(crate) counter: Option<CounterChoice>,
    /// Open a sealed log without its counter: an older state that was put back is not noticed, and what is written is not
    /// counted
    #[arg(long)]
    pub(crate) accept_rollback: bool,
    /// The engine that decrypts (see `sealab engines`)
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// Go past the page cache (O_DIRECT)
    #[arg(long)]
    pub(crate) direct: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Where clients connect: the path of a new unix socket, which only this user may use
    #[arg(long, value_name = "PATH", required_unless_present = "listen")]
    pub(crate) socket: Option<PathBuf>,
    /// Where clients connect: a loopback address, as 127.0.0.1:10809
    #[arg(long, value_name = "ADDRESS", conflicts_with = "socket")]
    pub(crate) listen: Option<SocketAddr>,
    /// The export's name beside the empty one
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) name: String,
    /// Refuse writes
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Pass discards on, which shows what of the volume is in use
    #[arg(long)]
    pub(crate) allow_discards: bool,
    /// The memory for the index of a sealed log; 64MiB if not given
    #[arg(long, value_name = "SIZE")]
    pub(crate) index_memory: Option<ByteSize>,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// Read every block too
    #[arg(long)]
    pub(crate) all: bool,
    /// Write a broken copy of a LUKS2 header again from the other
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The volume, or its header
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AddKeyArguments {
    /// The volume, or its header
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The file of a passphrase that opens it
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: PathBuf,
    /// The file of the new passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: PathBuf,
    /// The keyslot; the first that is free if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keyslot: Option<u32>,
    #[command(flatten)]
    pub(crate) derivation: Derivation,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveKeyArguments {
    /// The volume, or its header
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The file of a passphrase of another keyslot, which shows that the volume can still be opened
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: PathBuf,
    /// The keyslot to destroy
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keyslot: u32,
}
