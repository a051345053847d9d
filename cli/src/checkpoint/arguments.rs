//! The command line of `sealab checkpoint`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Seal a set of CRIU images for one or several recipients
    Seal(SealArguments),
    /// Open a sealed set to the plain images
    Open(OpenArguments),
    /// Show what a plain or sealed set holds, entries as CRIT decodes them
    Show(ShowArguments),
    /// Check a sealed set without writing anything
    Verify(VerifyArguments),
}

/// How a set is sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// Authenticated before use, for several recipients, iterative, with random access
    SealedCheckpoint,
    /// What CRIU's pull request 2297 reads and writes, its faults included
    CriuPr2297,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SealedCheckpoint => "sealed-checkpoint",
            Self::CriuPr2297 => "criu-pr2297",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CipherChoice {
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    /// For CPUs without AES instructions
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CompressionChoice {
    /// LZ4 or Zstandard, as each chunk shrinks
    Auto,
    None,
    Zstd,
    Lz4,
}

#[derive(Args, Debug)]
pub(crate) struct SealArguments {
    /// The folder of images; - for a tar archive on standard input
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// The new folder of the sealed set; - for standard output
    #[arg(value_name = "DST")]
    pub(crate) destination: PathBuf,
    /// How to seal
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::SealedCheckpoint)]
    pub(crate) format: Format,
    /// Who may open the set: a certificate or public key, PEM or DER, RSA or EC; may be given more than once
    #[arg(long, value_name = "CERT_OR_PUBKEY", required = true)]
    pub(crate) recipient: Vec<PathBuf>,
    /// The cipher (sealed-checkpoint); aes-256-gcm if not given
    #[arg(long, value_enum, value_name = "CIPHER")]
    pub(crate) cipher: Option<CipherChoice>,
    /// Compress before sealing (sealed-checkpoint); lengths then tell something of the content
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) compress: Option<CompressionChoice>,
    /// Store equal pages once (sealed-checkpoint); the set's size then tells how many there are
    #[arg(long)]
    pub(crate) dedup: bool,
    /// The sealed set of the dump before, for an incremental dump (sealed-checkpoint)
    #[arg(long, value_name = "DIR")]
    pub(crate) parent: Option<PathBuf>,
    /// Sign the set with this private key (sealed-checkpoint): Ed25519, P-256, P-384 or RSA
    #[arg(long, value_name = "KEY[:PASSFILE]")]
    pub(crate) sign: Option<String>,
    /// The cryptographic library; by default the first of aws-lc, openssl and rustcrypto that is there
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
}

/// What it takes to read a sealed set.
#[derive(Args, Debug)]
pub(crate) struct Unlocking {
    /// Refuse a set that is signed by anyone else than the owner of this public key or certificate, or not at all
    /// (sealed-checkpoint)
    #[arg(long, value_name = "CERT_OR_PUBKEY")]
    pub(crate) sender: Option<PathBuf>,
    /// Where the sealed set is that this one builds on, if it is not where it was (sealed-checkpoint)
    #[arg(long, value_name = "DIR")]
    pub(crate) parent: Option<PathBuf>,
    /// The cryptographic library; by default the first of aws-lc, openssl and rustcrypto that is there
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct OpenArguments {
    /// The folder of the sealed set; - for standard input
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// The new folder of images; - for a tar archive on standard output
    #[arg(value_name = "DST")]
    pub(crate) destination: PathBuf,
    /// The recipient's private key, PEM or DER; PASSFILE holds its password
    #[arg(long, value_name = "KEY[:PASSFILE]")]
    pub(crate) key: String,
    /// Refuse a set that is sealed otherwise
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// The folder of the sealed set; - for standard input
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// The recipient's private key, PEM or DER; PASSFILE holds its password
    #[arg(long, value_name = "KEY[:PASSFILE]")]
    pub(crate) key: String,
    /// Refuse a set that is sealed otherwise
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The folder of the set, plain or sealed
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// One file of the set; all if not given
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<String>,
    /// The recipient's private key of a sealed set, PEM or DER; PASSFILE holds its password
    #[arg(long, value_name = "KEY[:PASSFILE]")]
    pub(crate) key: Option<String>,
    /// Print JSON as `crit decode` does; without it a table of the files, or one file as `crit show` prints it
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
}
