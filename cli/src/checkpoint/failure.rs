//! Why a checkpoint was not sealed, opened, shown or verified, and how to mend it.

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use sealab_checkpoint::image::{Fault, ImageError};
use sealab_checkpoint::show::ShowError;
use sealab_checkpoint::{pr2297, sealed};
use sealab_keys::jwe::JweError;

use super::arguments::Format;
use super::found::{self, Found};
use crate::failure::Failure;

/// A failure, told in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointFailure {
    #[error("{problem}; {hint}")]
    Key { problem: String, hint: &'static str },
    #[error(
        "{path}: {found}; name the folder that `criu dump` has filled, or one that `sealab checkpoint seal` has made"
    )]
    NotASet { path: String, found: String },
    #[error("{path}: {found}, where {} was asked for{}", wanted_name(*wanted), other_hint(*found))]
    Other {
        path: String,
        found: Found,
        wanted: Option<Format>,
    },
    #[error("{path}: it exists already; name a new folder, or remove this one")]
    Exists { path: String },
    #[error("{path}: the set is not sealed and needs no key; leave --key away, or name the sealed set")]
    NeedlessKey { path: String },
    #[error("{path}: the set is sealed as {}; give the recipient's private key with --key", format.name())]
    NeedsKey { path: String, format: Format },
    #[error(
        "the key does not open {path}: {detail}; give the private key of a recipient that it was sealed for"
    )]
    WrongKey { path: String, detail: String },
    #[error("{option} is not for {}: {reason}", format.name())]
    NotForFormat {
        option: &'static str,
        format: Format,
        reason: &'static str,
    },
    #[error("{problem}; the set was changed or cut since it was sealed: do not use it")]
    Changed { problem: String },
    #[error("{problem}; {hint}")]
    Refused { problem: String, hint: &'static str },
    #[error("{0}")]
    Broken(String),
    #[error("standard output is a terminal; send the archive into a file or another program")]
    Terminal,
    #[error("interrupted; nothing is left of the work but what a stream has taken")]
    Interrupted,
}

fn wanted_name(wanted: Option<Format>) -> String {
    match wanted {
        Some(format) => format!("a set sealed as {}", format.name()),
        None => "a sealed set".to_owned(),
    }
}

fn other_hint(found: Found) -> &'static str {
    match found {
        Found::Plain => "; it may be used as it is, if you know where it is from",
        Found::Sealed(_) => "; leave --format away, or name the other set",
    }
}

/// What a place on the command line is called.
fn named(path: &Path) -> String {
    if found::is_stream(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

impl CheckpointFailure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::from(130),
            // Something that was checked does not hold.
            Self::Changed { .. } | Self::Refused { .. } => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// What is wrong with something of the set `path`, whose own words do not name it.
    pub(super) fn broken(path: &Path, problem: impl fmt::Display) -> Self {
        Self::Broken(format!("{}: {problem}", named(path)))
    }

    pub(super) fn exists(destination: &Path) -> Self {
        Self::Exists {
            path: destination.display().to_string(),
        }
    }

    /// Why a set could not be shown; `sealed` if it was opened for it.
    pub(super) fn of_show(path: &Path, error: ShowError, sealed: bool) -> Failure {
        let failure = match error {
            ShowError::Output(error) => return Failure::Output(error),
            ShowError::Image(error) if sealed => Self::of_sealed_image(path, &error),
            ShowError::Source(error) => match error.downcast::<pr2297::Error>() {
                Ok(error) => Self::of_pr2297_open(path, path, *error),
                Err(error) => Self::broken(path, error),
            },
            ShowError::Missing(_) => Self::Broken(format!(
                "{}: {error}; `sealab checkpoint show` without FILE lists them",
                path.display()
            )),
            error => Self::broken(path, error),
        };
        failure.into()
    }

    /// Why the sealed set `path` cannot be opened: what it holds was whole when it was sealed, so that a file which is
    /// not as it must be was changed since.
    fn of_sealed_image(path: &Path, error: &ImageError) -> Self {
        match &error.fault {
            // What a reader of sealed bytes says.
            Fault::Io(error) => match error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<sealed::Error>())
            {
                Some(sealed::Error::Unauthentic { .. } | sealed::Error::Image(_)) => Self::Changed {
                    problem: error.to_string(),
                },
                _ => Self::broken(path, error),
            },
            _ => Self::Changed {
                problem: format!("{}: {error}", path.display()),
            },
        }
    }

    /// Why `criu-pr2297` did not seal `source` into `destination`.
    pub(super) fn of_pr2297_seal(source: &Path, destination: &Path, error: pr2297::Error) -> Self {
        use pr2297::Error;
        match error {
            Error::Wrap { detail, .. } => Self::Key {
                problem: detail.to_string(),
                hint: "criu-pr2297 needs the RSA key of its one recipient",
            },
            Error::Image(error) => Self::broken(source, error),
            Error::Unsupported { .. } => Self::broken(
                source,
                format_args!("{error}; --format sealed-checkpoint holds every set"),
            ),
            error => Self::of_pr2297_open(source, destination, error),
        }
    }

    /// Why `criu-pr2297` did not open `source` (into `destination`).
    pub(super) fn of_pr2297_open(source: &Path, destination: &Path, error: pr2297::Error) -> Self {
        use pr2297::Error;
        match error {
            Error::Image(error) => Self::of_sealed_image(source, &error),
            // What the format has no place for has come to the set later.
            Error::Unauthentic { .. } | Error::Digest | Error::Unsupported { .. } => Self::Changed {
                problem: format!("{}: {error}", named(source)),
            },
            Error::Wrap { detail, .. } => Self::WrongKey {
                path: named(source),
                detail: detail.to_string(),
            },
            Error::Write { detail, .. } if detail.kind() == io::ErrorKind::AlreadyExists => {
                Self::exists(destination)
            }
            Error::Write { .. } => Self::broken(destination, error),
            error => Self::broken(source, error),
        }
    }

    /// Why `sealed-checkpoint` did not seal `source` into `destination`.
    pub(super) fn of_seal(source: &Path, destination: &Path, error: sealed::Error) -> Self {
        use sealed::Error;
        match error {
            Error::Image(error) => Self::broken(source, error),
            Error::Wrap(detail) => Self::Key {
                problem: detail.to_string(),
                hint: "name RSA or EC keys, at most 100",
            },
            Error::ParentUnnamed { .. } => Self::Broken(format!("{error} with --parent")),
            error => Self::of_open(source, destination, error),
        }
    }

    /// Why `sealed-checkpoint` did not open `source` (into `destination`). Its errors name the file themselves.
    pub(super) fn of_open(source: &Path, destination: &Path, error: sealed::Error) -> Self {
        use sealed::Error;
        let problem = error.to_string();
        match error {
            Error::Image(ImageError {
                fault: Fault::Io(_), ..
            }) => Self::Broken(problem),
            Error::Image(_) | Error::Unauthentic { .. } => Self::Changed { problem },
            Error::Unwrap {
                detail: detail @ (JweError::Refused | JweError::OtherKeys { .. }),
                ..
            } => Self::WrongKey {
                path: named(source),
                detail: detail.to_string(),
            },
            Error::Unwrap { .. } => Self::Changed { problem },
            Error::Unsigned { .. } | Error::Sender { .. } => Self::Refused {
                problem,
                hint: "do not use it, or give the key of its sender with --sender",
            },
            Error::ParentDiffers { .. } => Self::Refused {
                problem,
                hint: "name the very set that it was sealed upon with --parent",
            },
            Error::ParentUnnamed { .. } => Self::Broken(format!("{problem} with --parent")),
            Error::ParentNeedless { .. } => Self::Broken(format!("{problem}; leave --parent away")),
            Error::Interrupted => Self::Interrupted,
            Error::Write { detail, .. } if detail.kind() == io::ErrorKind::AlreadyExists => {
                Self::exists(destination)
            }
            _ => Self::Broken(problem),
        }
    }
}
