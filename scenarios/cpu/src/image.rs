//! The copy of this executable whose CPUID instructions trap.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use crate::masking::{Executable, THIS_EXECUTABLE};
use crate::preinit::UD2;
use crate::sites::{self, Sites, SitesError};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("{THIS_EXECUTABLE} cannot be read: {0}")]
    Read(io::Error),
    #[error(transparent)]
    Sites(#[from] SitesError),
    #[error("an executable file in memory cannot be made: {0}")]
    Create(Errno),
    #[error("the executable cannot be copied to memory: {0}")]
    Write(io::Error),
}

/// Copies this executable to memory, with UD2 for every CPUID save the anchor's.
pub(crate) fn of_this_executable() -> Result<Executable, ImageError> {
    let mut bytes = fs::read(THIS_EXECUTABLE).map_err(ImageError::Read)?;
    let Sites {
        in_file,
        from_anchor,
        look_alikes,
        undecided,
    } = sites::find(&bytes)?;
    for site in &in_file {
        bytes[*site..*site + UD2.len()].copy_from_slice(&UD2);
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create("sealab", flags | MemfdFlags::EXEC) {
        // Kernels before 6.3 do not know the flag and make every such file executable.
        Err(Errno::INVAL) => memfd_create("sealab", flags),
        made => made,
    }
    .map_err(ImageError::Create)?;
    let mut file = File::from(file);
    file.write_all(&bytes).map_err(ImageError::Write)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )
    .map_err(|errno| ImageError::Write(errno.into()))?;
    Ok(Executable {
        path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
        description: format!(
            "{} CPUID instructions trapped; {look_alikes} look-alikes and {undecided} places outside every known \
             function left alone",
            in_file.len()
        ),
        sites: from_anchor,
        _file: Some(file),
    })
}
