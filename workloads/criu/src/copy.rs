//! Copies of folders as they are: owners, modes, times, sockets and links.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::run;

use crate::CriuError;

/// Copies the folder `from` to `to`, which must not exist yet.
pub(crate) fn folder(
    from: &Path,
    to: &Path,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<(), CriuError> {
    let mut command = Command::new("cp");
    command
        .args(["-a", "--no-target-directory", "--"])
        .arg(from)
        .arg(to);
    let what = format!("copying {}", from.display());
    run(&mut command, &what, limit, cancelled)?;
    Ok(())
}
