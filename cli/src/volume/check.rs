//! `sealab volume check`.

use std::io::Write;
use std::process::ExitCode;

use sealab_volume::luks::{Header, KdfLimits};
use sealab_volume::store::Access;
use sealab_volume::{Volume, VolumeError};

use super::arguments::{CheckArguments, Format};
use super::{VolumeFailure, sealed_log, stores};
use crate::Done;

/// What is read in one go.
const PIECE_BYTES: u64 = 1 << 20;

pub(super) fn check(arguments: &CheckArguments) -> Done {
    let mut out = std::io::stdout().lock();
    let mut held = true;
    match stores::format(&arguments.open)? {
        Format::Luks1 | Format::Luks2 => held = header(arguments, &mut out)?,
        Format::SealedLog if arguments.repair => {
            let message = "--repair goes with LUKS2 only; the header of a sealed log is written again with each \
                           change of a keyslot";
            return Err(VolumeFailure::Call(message.to_owned()).into());
        }
        Format::SealedLog => held = sealed_log::check_header(&arguments.open, &mut out)?,
        Format::Plain | Format::Verity => {}
    }
    let volume = stores::open(&arguments.open, Access::ReadOnly, false)?;
    writeln!(out, "it opens, and has {} bytes", volume.size())?;
    if arguments.all {
        let broken = read_all(&*volume)?;
        for message in &broken {
            writeln!(out, "{message}")?;
        }
        held &= broken.is_empty();
        if broken.is_empty() {
            writeln!(out, "every block can be read")?;
        }
    }
    Ok(if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Whether both copies of a header hold, or do now.
fn header(arguments: &CheckArguments, out: &mut impl Write) -> Result<bool, crate::failure::Failure> {
    let path = arguments.open.header.as_ref().unwrap_or(&arguments.open.file);
    let access = if arguments.repair {
        Access::ReadWrite
    } else {
        Access::ReadOnly
    };
    let store = stores::store(path, access, false)?;
    let mut header = Header::read(&*store, &KdfLimits::default()).map_err(VolumeFailure::from)?;
    if arguments.repair && header.repair(&*store).map_err(VolumeFailure::from)? {
        writeln!(
            out,
            "a copy of the header was broken or behind; both are written again"
        )?;
        return Ok(true);
    }
    let copies = header.summary().copies;
    let mut held = true;
    for (copy, which) in copies.iter().zip(["first", "second"]) {
        if let Some(broken) = &copy.problem {
            writeln!(
                out,
                "the {which} copy of the header is broken: {broken}; --repair writes it again"
            )?;
            held = false;
        }
    }
    if held {
        writeln!(out, "the header holds")?;
    }
    Ok(held)
}

/// What is wrong with which block, ten at most.
fn read_all(volume: &dyn Volume) -> Result<Vec<String>, VolumeFailure> {
    let (mut broken, mut failures) = (Vec::new(), 0);
    let mut data = vec![0; PIECE_BYTES as usize];
    let block = u64::from(volume.block_size());
    let mut offset = 0;
    while offset < volume.size() && failures < 10 {
        let length = PIECE_BYTES.min(volume.size() - offset);
        match volume.read(offset, &mut data[..length as usize]) {
            Ok(()) => offset += length,
            Err(error @ VolumeError::Unauthentic { offset: at, .. }) => {
                failures += 1;
                let message = error.to_string();
                // A broken node of an index fails for each block under it.
                if broken.last() != Some(&message) {
                    broken.push(message);
                }
                // On behind the block that failed.
                offset = (at.max(offset) / block + 1) * block;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(broken)
}
