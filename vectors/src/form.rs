//! The two ways that data is passed to an engine, and the comparison of what comes back.

use std::fmt;
use std::fmt::Write;

use sealab_engine::{EngineError, InOutBuf};

use crate::VectorError;
use crate::case::Case;

/// The most bytes that an error shows.
const SHOWN_BYTES: usize = 16;
/// What an output buffer holds before the call, so that bytes left unwritten are seen.
const STALE: u8 = 0xa5;

/// How data is passed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    InPlace,
    IntoBuffer,
}

impl Form {
    pub(crate) const BOTH: [Self; 2] = [Self::InPlace, Self::IntoBuffer];

    /// Calls with `input` in this form and gives the output back, after errors too.
    pub(crate) fn run(
        self,
        input: &[u8],
        call: impl FnOnce(InOutBuf<'_, '_, u8>) -> Result<(), EngineError>,
    ) -> (Vec<u8>, Result<(), EngineError>) {
        let mut output = match self {
            Self::InPlace => input.to_vec(),
            Self::IntoBuffer => vec![STALE; input.len()],
        };
        let result = match self {
            Self::InPlace => call(InOutBuf::from(output.as_mut_slice())),
            Self::IntoBuffer => match InOutBuf::new(input, &mut output) {
                Ok(data) => call(data),
                Err(_) => unreachable!("the output was made as long as the input"),
            },
        };
        (output, result)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InPlace => "in place",
            Self::IntoBuffer => "into a buffer",
        })
    }
}

/// That `actual` is the `expected` value of `case`.
pub(crate) fn equal(
    case: &Case,
    how: &dyn fmt::Display,
    what: &'static str,
    expected: &[u8],
    actual: &[u8],
) -> Result<(), VectorError> {
    if expected == actual {
        return Ok(());
    }
    let same = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
    Err(VectorError::Differs {
        file: case.file.clone(),
        case: case.id,
        how: how.to_string(),
        what,
        at: same,
        expected: shown(&expected[same..]),
        actual: shown(&actual[same..]),
    })
}

/// That the output of a refused call is all zeros.
pub(crate) fn zeroed(case: &Case, how: &dyn fmt::Display, output: &[u8]) -> Result<(), VectorError> {
    match output.iter().position(|byte| *byte != 0) {
        None => Ok(()),
        Some(at) => Err(VectorError::Exposed {
            file: case.file.clone(),
            case: case.id,
            how: how.to_string(),
            at,
            actual: shown(&output[at..]),
        }),
    }
}

/// The first bytes in hexadecimal, with a mark where there are more.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN_BYTES) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.is_empty() {
        text.push_str("nothing");
    } else if bytes.len() > SHOWN_BYTES {
        text.push('…');
    }
    text
}
