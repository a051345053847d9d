//! Families of algorithms: few enough to stand side by side in a table.

/// A family, in the order in which they are shown.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Family {
    Xts,
    Gcm,
    ChaCha20,
    Block,
    Hash,
    Keys,
    DmCrypt,
    Criu,
    Ocicrypt,
    Other,
}

impl Family {
    /// The family of an algorithm, by its name in the harness protocol.
    pub(super) fn of(algorithm: &str) -> Self {
        if algorithm.starts_with("criu-") {
            Self::Criu
        } else if algorithm.starts_with("ocicrypt-") {
            Self::Ocicrypt
        } else if algorithm.starts_with("dm-crypt-") || algorithm.contains("-essiv-") {
            Self::DmCrypt
        } else if algorithm.ends_with("-xts") {
            Self::Xts
        } else if algorithm.ends_with("-gcm") {
            Self::Gcm
        } else if algorithm.starts_with("chacha20") {
            Self::ChaCha20
        } else if algorithm.ends_with("-ctr") || algorithm.ends_with("-block") {
            Self::Block
        } else if ["sha-", "hmac-", "hkdf-"]
            .iter()
            .any(|begin| algorithm.starts_with(begin))
        {
            Self::Hash
        } else if matches!(algorithm, "aes-kw" | "aes-kwp" | "rsa-oaep" | "jwe") {
            Self::Keys
        } else {
            Self::Other
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Xts => "XTS",
            Self::Gcm => "GCM",
            Self::ChaCha20 => "ChaCha20",
            Self::Block => "CTR, block",
            Self::Hash => "hashes",
            Self::Keys => "keys",
            Self::DmCrypt => "dm-crypt",
            Self::Criu => "CRIU",
            Self::Ocicrypt => "ocicrypt",
            Self::Other => "other",
        }
    }
}
