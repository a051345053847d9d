//! What can go wrong with a registry.

use std::fmt;
use std::io;
use std::path::PathBuf;

use sealab_layer::image::Digest;

/// Why an image was not pulled, pushed or read.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry does not answer, or the connection broke.
    #[error("{method} {url}: {problem}")]
    Connection {
        /// The request's method.
        method: &'static str,
        /// The request's URL.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// The registry answered with a status that is not the one that the request asks for.
    #[error("{method} {url}: the registry answers {reply}; {wanted} would be right")]
    Status {
        /// The request's method.
        method: &'static str,
        /// The request's URL.
        url: String,
        /// What it answered.
        reply: Reply,
        /// The statuses that would be right.
        wanted: &'static str,
    },
    /// An answer is not as the protocol has it.
    #[error("{url}: {problem}")]
    Answer {
        /// The request's URL.
        url: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// What came has not the digest that it was asked for by.
    #[error("{url}: what came has the digest {found}; {expected} was asked for")]
    Digest {
        /// The request's URL.
        url: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The image is not in the registry.
    #[error("{image}: the registry has no such image ({reply})")]
    NoImage {
        /// The image.
        image: String,
        /// What the registry answered.
        reply: Reply,
    },
    /// The tag is there already.
    #[error("{image} exists; name a tag that does not")]
    Exists {
        /// The image.
        image: String,
    },
    /// The tag is not what it was when the image was pulled.
    #[error("{image} was changed meanwhile, from {pulled} to {found}; nothing was replaced: try again")]
    Overtaken {
        /// The image.
        image: String,
        /// The digest of what was pulled.
        pulled: Digest,
        /// The digest of what is there now, or that there is nothing.
        found: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A cache cannot be in a folder.
    #[error("{}: {problem}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The layout that is pushed is not as it must be.
    #[error(transparent)]
    Layout(#[from] sealab_layer::Error),
    /// The work was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// A status, and what a registry says with it.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What it says, in one line and not long; may be empty.
    pub text: String,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.text.is_empty() {
            write!(f, " ({})", self.text)?;
        }
        Ok(())
    }
}

impl RegistryError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn answer(url: &str, problem: impl Into<String>) -> Self {
        Self::Answer {
            url: url.to_owned(),
            problem: problem.into(),
        }
    }
}
