//! The ways to store a set.

use serde::Serialize;

/// A way to store a set.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `cp -r`: what others are measured against.
    Copy,
    /// `tar` alone.
    Tar,
    /// `tar | gpg --symmetric` with AES-256, without compression.
    GpgSymmetric,
    /// The same with gpg's own compression, as it is by default.
    GpgSymmetricCompressed,
    /// `tar | gpg --encrypt` to a public key of gpg's default kind, with AES-256, without compression.
    GpgPublic,
    /// The same with gpg's own compression, as it is by default.
    GpgPublicCompressed,
    /// `tar | openssl enc -aes-256-ctr -pbkdf2`: no integrity.
    OpensslEnc,
    /// `tar | age` to an X25519 recipient.
    Age,
    /// `sealab checkpoint seal` in the format of CRIU's PR 2297, to an RSA certificate.
    CriuPr2297,
    /// `sealab checkpoint seal` in the sealed format, to a P-256 public key.
    SealedCheckpoint,
    /// The same with `--compress auto`.
    SealedCheckpointCompressed,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Copy,
        Self::Tar,
        Self::GpgSymmetric,
        Self::GpgSymmetricCompressed,
        Self::GpgPublic,
        Self::GpgPublicCompressed,
        Self::OpensslEnc,
        Self::Age,
        Self::CriuPr2297,
        Self::SealedCheckpoint,
        Self::SealedCheckpointCompressed,
    ];

    /// The way that records call `id`.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.id() == id)
    }

    /// The name, as records have it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Tar => "tar",
            Self::GpgSymmetric => "gpg-symmetric",
            Self::GpgSymmetricCompressed => "gpg-symmetric-compressed",
            Self::GpgPublic => "gpg-public",
            Self::GpgPublicCompressed => "gpg-public-compressed",
            Self::OpensslEnc => "openssl-enc",
            Self::Age => "age",
            Self::CriuPr2297 => "criu-pr2297",
            Self::SealedCheckpoint => "sealed-checkpoint",
            Self::SealedCheckpointCompressed => "sealed-checkpoint-compressed",
        }
    }

    /// What it does, in a line for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::Copy => "cp -r, no encryption",
            Self::Tar => "tar, no encryption",
            Self::GpgSymmetric => "tar | gpg --symmetric, AES-256, uncompressed",
            Self::GpgSymmetricCompressed => "tar | gpg --symmetric, AES-256, gpg's compression",
            Self::GpgPublic => "tar | gpg --encrypt, AES-256, uncompressed",
            Self::GpgPublicCompressed => "tar | gpg --encrypt, AES-256, gpg's compression",
            Self::OpensslEnc => "tar | openssl enc -aes-256-ctr -pbkdf2, no integrity",
            Self::Age => "tar | age",
            Self::CriuPr2297 => "sealab checkpoint seal --format criu-pr2297",
            Self::SealedCheckpoint => "sealab checkpoint seal --format sealed-checkpoint",
            Self::SealedCheckpointCompressed => "sealab checkpoint seal --compress auto",
        }
    }

    /// The name of the format as `sealab checkpoint` has it, if it is one of the lab's.
    pub(super) fn format(self) -> Option<&'static str> {
        match self {
            Self::CriuPr2297 => Some("criu-pr2297"),
            Self::SealedCheckpoint | Self::SealedCheckpointCompressed => Some("sealed-checkpoint"),
            _ => None,
        }
    }

    pub(super) fn is_gpg(self) -> bool {
        self.id().starts_with("gpg")
    }
}
