//! Walking a batch, unit by unit or message by message, for libraries that take one a call.

use sealab_engine::{DataUnits, EngineError, InOutBuf, Messages, Nonce, Tag, Tweak};

/// Calls `unit` with each data unit and its tweak.
pub(crate) fn each_unit(
    units: DataUnits<'_>,
    mut data: InOutBuf<'_, '_, u8>,
    mut unit: impl FnMut(&Tweak, InOutBuf<'_, '_, u8>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    units.check(&data)?;
    for tweak in units.tweaks() {
        let (head, rest) = data.split_at(units.unit_bytes());
        unit(tweak, head)?;
        data = rest;
    }
    Ok(())
}

/// Calls `seal` with each message.
pub(crate) fn seal_each(
    messages: Messages<'_>,
    mut data: InOutBuf<'_, '_, u8>,
    tags: &mut [Tag],
    mut seal: impl FnMut(&Nonce, &[u8], InOutBuf<'_, '_, u8>, &mut Tag) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    messages.check(&data, tags)?;
    for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
        let (head, rest) = data.split_at(range.len());
        seal(nonce, associated_data, head, tag)?;
        data = rest;
    }
    Ok(())
}

/// Calls `open` with each message until one is not authentic (`Ok(false)`); then, and after any other error, the whole
/// output is zeros.
pub(crate) fn open_each(
    messages: Messages<'_>,
    mut data: InOutBuf<'_, '_, u8>,
    tags: &[Tag],
    mut open: impl FnMut(&Nonce, &[u8], InOutBuf<'_, '_, u8>, &Tag) -> Result<bool, EngineError>,
) -> Result<(), EngineError> {
    let walked = messages.check(&data, tags).and_then(|()| {
        let mut rest = data.reborrow();
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (head, tail) = rest.split_at(range.len());
            if !open(nonce, associated_data, head, tag)? {
                return Err(EngineError::Unauthentic { index });
            }
            rest = tail;
        }
        Ok(())
    });
    if walked.is_err() {
        data.get_out().fill(0);
    }
    walked
}

/// That the data is a multiple of 16 bytes.
pub(crate) fn whole_blocks(data: &InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
    if data.len().is_multiple_of(16) {
        return Ok(());
    }
    Err(EngineError::Length {
        what: "the data of a block cipher",
        found: data.len(),
        expected: "a multiple of 16".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Opens" by inverting every byte; fails as told.
    fn open(verdicts: [Result<bool, ()>; 3]) -> (Result<(), EngineError>, [u8; 6]) {
        let nonces = [Nonce([0; 12]); 3];
        let messages = Messages::equal(2, &nonces, b"").unwrap();
        let mut data = [0x0f; 6];
        let mut verdicts = verdicts.into_iter();
        let result = open_each(
            messages,
            InOutBuf::from(&mut data[..]),
            &[Tag([0; 16]); 3],
            |_, _, mut data, _| {
                data.get_out().fill(0xf0);
                verdicts.next().unwrap().map_err(|()| EngineError::Library {
                    call: "x",
                    detail: String::new(),
                })
            },
        );
        (result, data)
    }

    #[test]
    fn a_batch_that_fails_is_zeroed_as_a_whole() {
        let (result, data) = open([Ok(true), Ok(false), Ok(true)]);
        assert!(matches!(result, Err(EngineError::Unauthentic { index: 1 })));
        assert_eq!(data, [0; 6]);

        let (result, data) = open([Ok(true), Ok(true), Err(())]);
        assert!(matches!(result, Err(EngineError::Library { .. })));
        assert_eq!(data, [0; 6]);

        let (result, data) = open([Ok(true); 3]);
        assert!(result.is_ok());
        assert_eq!(data, [0xf0; 6]);
    }

    #[test]
    fn a_batch_that_does_not_fit_is_zeroed_too() {
        let nonces = [Nonce([0; 12]); 3];
        let messages = Messages::equal(2, &nonces, b"").unwrap();
        let mut data = [0x0f; 5];
        let result = open_each(
            messages,
            InOutBuf::from(&mut data[..]),
            &[Tag([0; 16]); 3],
            |_, _, _, _| Ok(true),
        );
        assert!(matches!(result, Err(EngineError::Length { .. })));
        assert_eq!(data, [0; 5]);
    }
}
