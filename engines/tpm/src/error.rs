//! Why a counter in a TPM was refused.

use std::io;

use crate::response_code::meaning;

/// Why something asked of a TPM was not done. Each names the TPM or the command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TpmError {
    /// The TPM could not be reached.
    #[error("{tpm}: {command}: {source}")]
    Transport {
        /// The transport's name.
        tpm: String,
        /// The command, as the specification names it.
        command: &'static str,
        /// What happened.
        source: io::Error,
    },
    /// The TPM refused the command.
    #[error("{tpm}: {command} of {subject}: the TPM answers {code:#x}: {}", meaning(*.code))]
    Refused {
        /// The transport's name.
        tpm: String,
        /// The command, as the specification names it.
        command: &'static str,
        /// What the command was about, such as an index.
        subject: String,
        /// The TPM's response code.
        code: u32,
    },
    /// The answer is none that a TPM gives to this command.
    #[error("{tpm}: the answer to {command}: {problem}")]
    Malformed {
        /// The transport's name.
        tpm: String,
        /// The command, as the specification names it.
        command: &'static str,
        /// What was found where, and what would be right.
        problem: String,
    },
    /// The answer's HMAC does not hold: not from the TPM, not to this question, or under another authorization value.
    #[error(
        "{tpm}: the answer to {command} is not authentic: it was changed, was given to another command, or is from \
         another TPM"
    )]
    NotAuthentic {
        /// The transport's name.
        tpm: String,
        /// The command, as the specification names it.
        command: &'static str,
    },
    /// There is something else at the index than a counter that serves here.
    #[error("{tpm}: index {index} has attributes {attributes:#010x}: {problem}")]
    Unsuitable {
        /// The transport's name.
        tpm: String,
        /// The index.
        index: String,
        /// Its TPMA_NV.
        attributes: u32,
        /// What would be right.
        problem: &'static str,
    },
    /// The counter stands lower than before.
    #[error(
        "{tpm}: index {index} stands at {found} after {before}; a counter never goes back, so that this is another TPM or another state of it"
    )]
    WentBack {
        /// The transport's name.
        tpm: String,
        /// The index.
        index: String,
        /// The number now.
        found: u64,
        /// The highest number seen.
        before: u64,
    },
    /// No random bytes for a nonce.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl From<TpmError> for io::Error {
    fn from(error: TpmError) -> Self {
        let kind = match &error {
            TpmError::Transport { source, .. } => source.kind(),
            TpmError::Malformed { .. } | TpmError::NotAuthentic { .. } | TpmError::WentBack { .. } => {
                io::ErrorKind::InvalidData
            }
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
