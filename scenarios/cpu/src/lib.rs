//! CPU profiles: what CPU features a worker is allowed to see, and the proof that it is so.
//!
//! A [`Profile`] names features to hide; the shipped ones stand in `scenarios/cpu-profiles.yaml`. A [`Launcher`] makes
//! the command of a child process of the same executable that runs under a profile, by the first [`Mechanism`] that
//! this machine has. In the child, [`evidence`] and [`contradictions`] tell what the process really sees.
//!
//! CPUID is answered by a signal handler that is installed from `.preinit_array`, before the constructor of any
//! library. It stays for the life of the process and serves all its threads; CPUID runs when libraries start, so the
//! measured code is untouched.
//!
//! # Limits
//! - The dynamic loader and the C library look at the CPU before `.preinit_array` and pick their `memcpy` and the like
//!   by it. Profiles set `GLIBC_TUNABLES` to keep those within the profile too; a value that the installed C library
//!   does not know has no effect.
//! - XGETBV, `/proc/cpuinfo` and AT_HWCAP are as they were. Libraries read XCR0 only to confirm what CPUID says.
//! - Hiding is no prohibition: code that runs an instruction without asking CPUID still can.
//! - Under [`Mechanism::CpuidTrap`] the process runs from an anonymous file: `/proc/self/exe` is that file, and a child
//!   started from it without the mask dies of SIGILL at its first CPUID. CPUID in libraries opened at run time is not
//!   reached; their engines get the library's switches as well.
//! - Only x86-64 Linux with glibc hides anything by CPUID.

#![cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")),
    allow(dead_code, reason = "no mask is ever put in force there")
)]

mod cpuid;
mod feature;
mod imposed;
mod launcher;
mod mask;
mod masking;
mod mechanism;
mod profile;
mod profile_file;
mod sight;

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod image;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod preinit;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod sites;

pub use launcher::{Availability, Launcher, PreparedCommand, ProfileUnavailable};
pub use mechanism::Mechanism;
pub use profile::{Profile, Profiles};
pub use profile_file::ProfileError;
pub use sight::{contradictions, evidence};
