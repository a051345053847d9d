//! Why a workload cannot be had.

use std::io;
use std::path::PathBuf;

use crate::Settle;

/// Why a workload cannot be had. Each message says what was found and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// A parameter is not right.
    #[error("{workload}: {field}: {found}; {expected}")]
    Invalid {
        /// The workload's name in scenarios.
        workload: &'static str,
        /// The parameter's name in scenarios.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The program is not installed.
    #[error("{program} is not installed{}", package_hint(*package))]
    ProgramNotFound {
        /// The program as it was named.
        program: String,
        /// The Debian package that brings it, where it is known.
        package: Option<&'static str>,
    },
    /// The program is there but could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// The program as it was named.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The program ended before its memory could be taken.
    #[error(
        "{program} ended with {status} before its memory could be taken after {settle}; it has to stay in the \
         foreground longer than that{}",
        stderr_hint(stderr)
    )]
    Died {
        /// The program as it was named.
        program: String,
        /// Its exit status, in words.
        status: String,
        /// The time that it should have run.
        settle: Settle,
        /// The last lines that it wrote to its standard error, at most 2 KiB.
        stderr: String,
    },
    /// A process did not stop in time.
    #[error("{program}: process {pid} did not stop within {seconds} s of SIGSTOP")]
    NotStopped {
        /// The program as it was named.
        program: String,
        /// The process.
        pid: u32,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The processes have no resident private page.
    #[error("{program}: its processes {pids:?} have no resident private page")]
    NoPages {
        /// The program as it was named.
        program: String,
        /// Its processes.
        pids: Vec<u32>,
    },
    /// The kernel does not let this user see the process's memory.
    #[error(
        "{}: not permitted: {source}; the program must run as this user and not be set-uid, and \
         kernel.yama.ptrace_scope must be below 3",
        path.display()
    )]
    NotPermitted {
        /// The file under /proc.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not what a workload can be made from.
    #[error("{}: {found}; a regular file with at least one byte is needed", path.display())]
    UnfitFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The machine does not have the memory.
    #[error("{bytes} bytes of memory are needed for the workload and cannot be had")]
    OutOfMemory {
        /// The bytes.
        bytes: u64,
    },
    /// The buffer to write to has another length than the workload.
    #[error("the buffer has {found} bytes; the workload has {expected}")]
    BufferLength {
        /// The buffer's length.
        found: usize,
        /// The workload's length.
        expected: usize,
    },
    /// The caller asked to stop.
    #[error("the workload was cancelled")]
    Cancelled,
}

fn package_hint(package: Option<&'static str>) -> String {
    package.map_or_else(
        || ", or is not on the PATH".to_owned(),
        |package| format!(" (Debian package {package})"),
    )
}

fn stderr_hint(stderr: &str) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!("; its last words: {stderr}")
}
