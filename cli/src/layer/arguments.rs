//! The command lines of `sealab layer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealab_layer::image::LayerChoice;
use sealab_layer::{Compression, Format};
use sealab_memory::ByteSize;

use super::image::Image;
use super::keys::RemovalName;

#[derive(Debug, Subcommand)]
pub(crate) enum LayerCommand {
    /// Encrypt an image's layers for one or several recipients, into a new image
    Encrypt(EncryptArguments),
    /// Decrypt an image's layers, into a new image
    Decrypt(DecryptArguments),
    /// Add and remove recipients of an encrypted image; its blobs stay as they are
    Rewrap(RewrapArguments),
    /// List an image's files, encrypted ones too; no file is fetched
    List(ListArguments),
    /// Read files of an image, encrypted ones too; only what they need is fetched
    Read(ReadArguments),
    /// Mount an image's files, encrypted ones too, for reading; only what is read is fetched
    Serve(ServeArguments),
    /// Show what an image's layers are, without any key
    Show(ShowArguments),
}

/// Which layers of an image.
#[derive(Args, Debug)]
pub(crate) struct Choosing {
    /// A layer's number, from 0; a negative one counts from the end; may be given more than once; all if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) layer: Vec<i64>,
    /// Of an image for several platforms, only this one's, as linux/amd64 or linux/arm/v7; may be given more than once
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Vec<String>,
}

impl Choosing {
    pub(super) fn choice(&self) -> LayerChoice {
        LayerChoice {
            layers: self.layer.clone(),
            platforms: self.platform.clone(),
        }
    }
}

/// What opens encrypted layers.
#[derive(Args, Debug)]
pub(crate) struct Unlocking {
    /// A recipient's private key, PEM or DER, with its password in PASSFILE; or provider:NAME[:PARAMETER]; may be given
    /// more than once
    #[arg(long, value_name = "KEY[:PASSFILE]", required = true)]
    pub(crate) key: Vec<String>,
    /// The certificate by which pkcs7 packets call one of the keys; without it, the key is tried
    #[arg(long, value_name = "CERT")]
    pub(crate) cert: Vec<PathBuf>,
}

/// How layers are worked on.
#[derive(Args, Debug)]
pub(crate) struct Working {
    /// The cryptographic library; by default the first of aws-lc, openssl and rustcrypto that is there
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// How many threads; by default one for each CPU
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Print what became of each layer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EncryptArguments {
    /// The image: oci:FOLDER:TAG, oci-archive:FILE:TAG, dir:FOLDER or docker://HOST/NAME:TAG
    #[arg(value_name = "SRC")]
    pub(crate) source: Image,
    /// The new image
    #[arg(value_name = "DST")]
    pub(crate) destination: Image,
    /// Who may decrypt: jwe:FILE with a certificate or public key (PEM or DER, RSA or EC), pkcs7:FILE with an RSA
    /// certificate, or provider:NAME[:PARAMETER] of $OCICRYPT_KEYPROVIDER_CONFIG; may be given more than once
    #[arg(long, value_name = "RECIPIENT", required = true)]
    pub(crate) recipient: Vec<String>,
    /// How to encrypt: ocicrypt, ocicrypt-seekable, chunked-aead, chunked-aead-chacha20-poly1305 or convergent
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Ocicrypt)]
    pub(crate) format: Format,
    /// The secret salt, a file of 32 random bytes (convergent): images with the same one share their equal chunks, and
    /// show which they are; a new one if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) salt: Option<PathBuf>,
    /// How layers are compressed before: keep; none, so that their files can be read one by one and convergent finds
    /// more that is equal; or zstd-frames, whose files can be read one by one too
    #[arg(long, value_name = "COMPRESSION", default_value_t = Compression::Keep)]
    pub(crate) compression: Compression,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    #[command(flatten)]
    pub(crate) working: Working,
}

#[derive(Args, Debug)]
pub(crate) struct DecryptArguments {
    /// The image: oci:FOLDER:TAG, oci-archive:FILE:TAG, dir:FOLDER or docker://HOST/NAME:TAG
    #[arg(value_name = "SRC")]
    pub(crate) source: Image,
    /// The new image
    #[arg(value_name = "DST")]
    pub(crate) destination: Image,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Refuse an image with any layer that is not encrypted: whoever can change the manifest can put one there
    #[arg(long)]
    pub(crate) all_encrypted: bool,
    #[command(flatten)]
    pub(crate) working: Working,
}

#[derive(Args, Debug)]
pub(crate) struct RewrapArguments {
    /// The image, which is changed in its place: oci:FOLDER:TAG or docker://HOST/NAME:TAG
    #[arg(value_name = "IMG")]
    pub(crate) image: Image,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
    /// Who is added, named as for `encrypt`; may be given more than once
    #[arg(long, value_name = "RECIPIENT", required_unless_present = "remove_recipient")]
    pub(crate) add_recipient: Vec<String>,
    /// Who is removed: PACKET.NUMBER as `show` lists them, key:KEY[:PASSFILE] for everyone whom this private key opens
    /// the layer for, or others for everyone who is not added; may be given more than once
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) remove_recipient: Vec<RemovalName>,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Print what became of each layer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The image: oci:FOLDER:TAG, oci-archive:FILE:TAG, dir:FOLDER or docker://HOST/NAME:TAG
    #[arg(value_name = "IMG")]
    pub(crate) image: Image,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// An image whose files are read.
#[derive(Args, Debug)]
pub(crate) struct ReadingArguments {
    /// The image: docker://HOST/NAME:TAG, oci:FOLDER:TAG, oci-archive:FILE:TAG or dir:FOLDER
    #[arg(value_name = "IMG")]
    pub(crate) image: Image,
    #[command(flatten)]
    pub(crate) unlocking: Unlocking,
    /// Of an image for several platforms, this one's, as linux/arm64; this machine's if not given
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    /// Keep what is fetched of encrypted layers in this folder, as it is fetched, encrypted; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
    /// What the cache takes at most; what was used longest ago is removed beyond
    #[arg(long, value_name = "SIZE", default_value = "1GiB", requires = "cache")]
    pub(crate) cache_size: ByteSize,
    /// The cryptographic library; by default the first of aws-lc, openssl and rustcrypto that is there
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// Print what was done, and what was fetched, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) reading: ReadingArguments,
    /// A folder or file in the image; all if not given
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<String>,
}

#[derive(Args, Debug)]
#[command(mut_arg("json", |json| json.requires("output")))]
pub(crate) struct ReadArguments {
    #[command(flatten)]
    pub(crate) reading: ReadingArguments,
    /// Files or folders in the image; a single file goes to standard output
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// A new folder for what is read, each at its path
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) reading: ReadingArguments,
    /// An empty folder, where the files are until Ctrl-C, SIGTERM or umount
    #[arg(value_name = "MOUNTPOINT")]
    pub(crate) mountpoint: PathBuf,
}
