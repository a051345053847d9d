//! Why a command did not do what it was asked.

use std::io;
use std::process::ExitCode;

use sealab_attack::AttackError;
use sealab_cpu::ProfileError;
use sealab_harness::{ListError, PlanError};
use sealab_record::RecordError;
use sealab_scenario::ScenarioError;
use sealab_vectors::VectorError;

use crate::checkpoint::CheckpointFailure;
use crate::keys::KeyFailure;
use crate::layer::LayerFailure;
use crate::volume::VolumeFailure;

/// A failure, told in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Attack(#[from] AttackError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFailure),
    #[error(transparent)]
    Conform(#[from] PlanError),
    #[error("engine {id}: {problem}")]
    Engine { id: String, problem: String },
    #[error(transparent)]
    Harnesses(#[from] ListError),
    #[error(transparent)]
    Key(#[from] KeyFailure),
    #[error(transparent)]
    Layer(#[from] LayerFailure),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error("unknown {what} {found:?}; there are {known}")]
    Unknown {
        what: &'static str,
        found: String,
        known: String,
    },
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Vectors(#[from] VectorError),
    #[error(transparent)]
    Volume(#[from] VolumeFailure),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Checkpoint(failure) => failure.exit_code(),
            Self::Layer(failure) => failure.exit_code(),
            Self::Volume(failure) => failure.exit_code(),
            // The shell's own convention for a program that SIGINT ended.
            Self::Attack(AttackError::Interrupted)
            | Self::Conform(PlanError::Interrupted)
            | Self::Scenario(ScenarioError::Interrupted) => ExitCode::from(130),
            // A reader that has seen enough is no failure of ours.
            _ if self.is_broken_pipe() => ExitCode::SUCCESS,
            _ => ExitCode::from(2),
        }
    }

    /// Whether the reader of standard output went away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
