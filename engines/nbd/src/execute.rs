//! One request done on the volume.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sealab_volume::VolumeError;

use crate::alignment::AnyAlignment;
use crate::decoder::Request;
use crate::handshake::Agreement;
use crate::protocol::{Errno, Header, command, command_flag};
use crate::reply::Reply;

/// Does `request` and says how it went.
pub(crate) fn execute(volume: &AnyAlignment, agreement: Agreement, request: Request) -> Reply {
    let cost = request.cost();
    let Request { header, mut buffer } = request;
    // A volume that panics fails this request and no other.
    let done = catch_unwind(AssertUnwindSafe(|| {
        perform(volume, &header, buffer.as_deref_mut())
    }))
    .unwrap_or(Err(Failure {
        errno: Errno::InputOutput,
        offset: None,
    }));
    match done {
        Ok(()) if header.command != command::READ => {
            // What was written is of no more use: its memory goes back before the reply does.
            drop(buffer);
            Reply::simple(header.cookie, None, None, cost)
        }
        Ok(()) if agreement.structured => Reply::chunk_of_data(header.cookie, header.offset, buffer, cost),
        Ok(()) => Reply::simple(header.cookie, None, buffer, cost),
        Err(failure) => refuse(agreement, &header, failure.errno, failure.offset, cost),
    }
}

/// The reply to a request that was not done.
pub(crate) fn refuse(
    agreement: Agreement,
    header: &Header,
    errno: Errno,
    offset: Option<u64>,
    cost: usize,
) -> Reply {
    if agreement.structured && header.command == command::READ {
        Reply::chunk_of_error(header.cookie, errno, offset, cost)
    } else {
        Reply::simple(header.cookie, Some(errno), None, cost)
    }
}

/// What the client is told of a failure.
struct Failure {
    errno: Errno,
    /// The first byte that failed, if it is known.
    offset: Option<u64>,
}

fn perform(volume: &AnyAlignment, header: &Header, buffer: Option<&mut [u8]>) -> Result<(), Failure> {
    let length = u64::from(header.length);
    let data = buffer.unwrap_or_default();
    let done = match header.command {
        command::READ => volume.read(header.offset, data),
        command::WRITE => volume.write(header.offset, data),
        command::FLUSH => volume.flush(),
        command::TRIM => volume.discard(header.offset, length),
        command::WRITE_ZEROES => {
            let keep_allocated = header.flags & command_flag::NO_HOLE != 0;
            volume.write_zeroes(header.offset, length, keep_allocated)
        }
        // The decoder lets no other through.
        _ => {
            return Err(Failure {
                errno: Errno::Invalid,
                offset: None,
            });
        }
    };
    let durable =
        header.flags & command_flag::FUA != 0 && !matches!(header.command, command::READ | command::FLUSH);
    done.and_then(|()| if durable { volume.flush() } else { Ok(()) })
        .map_err(|error| Failure::of(&error, header))
}

impl Failure {
    fn of(error: &VolumeError, header: &Header) -> Self {
        let errno = match error {
            VolumeError::NoSpace { .. } => Errno::NoSpace,
            VolumeError::ReadOnly => Errno::NotPermitted,
            VolumeError::Range { .. } | VolumeError::Alignment { .. } => Errno::Invalid,
            VolumeError::Unauthentic { .. } | VolumeError::Store { .. } | VolumeError::Sector(_) => {
                Errno::InputOutput
            }
        };
        let offset = match error {
            // An unaligned read meets the block from its beginning, which may lie before the request.
            VolumeError::Unauthentic { offset, .. } => Some((*offset).max(header.offset)),
            _ => None,
        };
        // The protocol wants the offset within the request.
        let end = header.offset.saturating_add(header.length.into());
        Self {
            errno,
            offset: offset.filter(|offset| *offset < end),
        }
    }
}
