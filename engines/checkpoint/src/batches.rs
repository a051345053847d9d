//! A run of units cut into batches, so that nonces, tags and tweaks fit into small fixed buffers.

use sealab_engine::{EngineError, InOutBuf};

use crate::Units;

/// Units of one batch: enough to fill the widest parallel path of an engine with 512-byte units many times over.
pub(crate) const BATCH: usize = 64;

/// Calls `work` for each batch of at most [`BATCH`] units with its data and the index of its first unit in the run.
/// On failure the whole output of the run is overwritten with zeros.
pub(crate) fn for_each_batch(
    units: Units<'_>,
    mut data: InOutBuf<'_, '_, u8>,
    mut work: impl FnMut(Units<'_>, InOutBuf<'_, '_, u8>, usize) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut done = Ok(());
    let mut rest = data.reborrow();
    for start in (0..units.count()).step_by(BATCH) {
        let batch = units.part(start..units.count().min(start + BATCH));
        let (head, tail) = rest.split_at(batch.bytes());
        rest = tail;
        done = work(batch, head, start).map_err(|error| in_run(error, start));
        if done.is_err() {
            break;
        }
    }
    if done.is_err() {
        data.get_out().fill(0);
    }
    done
}

/// The error with its unit counted from the start of the run.
fn in_run(error: EngineError, start: usize) -> EngineError {
    match error {
        EngineError::Unauthentic { index } => EngineError::Unauthentic { index: start + index },
        other => other,
    }
}
