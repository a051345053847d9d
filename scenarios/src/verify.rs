//! What must hold before a cell is timed: golden vectors, round trip, refusal of a changed byte, no plaintext in what
//! is stored.

use memchr::memmem;
use sealab_checkpoint::Protection;
use sealab_engine::EngineError;

use crate::cell::{Buffers, TimedCell};

/// Windows of the workload itself that are looked for besides its canaries.
const WINDOWS: usize = 8;
const WINDOW_BYTES: usize = 32;
/// A window with fewer distinct bytes could stand in ciphertext by chance or by being a constant.
const MIN_DISTINCT_BYTES: usize = 12;

/// Seals and opens the whole workload and looks at what comes out; `Err` says what did not hold.
pub(crate) fn verify(
    cell: &mut TimedCell,
    buffers: &mut Buffers<'_>,
    canaries: &[Vec<u8>],
) -> Result<(), String> {
    let library = |what: &'static str| move |error: EngineError| format!("{what}: {error}");
    let length = cell.plain_bytes();
    // What an earlier cell left there must not pass for this one's work.
    buffers.sealed[..length].fill(0x5a);
    buffers.opened[..length].fill(0xa5);

    cell.seal_all(buffers).map_err(library("sealing"))?;
    cell.open_all(buffers).map_err(library("opening"))?;
    if let Some(at) = differs(&buffers.plain[..length], &buffers.opened[..length]) {
        return Err(format!("round trip: byte {at} of {length} came back changed"));
    }
    leaks(cell, buffers, canaries)?;
    if cell.format().protection() == Protection::ConfidentialityAndIntegrity {
        refuses_a_changed_byte(cell, buffers)?;
    }
    Ok(())
}

fn differs(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        None
    } else {
        a.iter().zip(b).position(|(a, b)| a != b)
    }
}

fn leaks(cell: &TimedCell, buffers: &Buffers<'_>, canaries: &[Vec<u8>]) -> Result<(), String> {
    let length = cell.plain_bytes();
    let plain = &buffers.plain[..length];
    let windows = (0..WINDOWS).filter_map(|index| {
        let start = plain.len().checked_sub(WINDOW_BYTES)? * index / WINDOWS;
        Some(&plain[start..start + WINDOW_BYTES])
    });
    let telling = windows.filter(|window| {
        let mut seen = [false; 256];
        window
            .iter()
            .filter(|byte| !std::mem::replace(&mut seen[usize::from(**byte)], true))
            .count()
            >= MIN_DISTINCT_BYTES
    });
    for needle in canaries.iter().map(Vec::as_slice).chain(telling) {
        let finder = memmem::Finder::new(needle);
        if let Some(at) = finder.find(&buffers.sealed[..length]) {
            return Err(format!("plaintext stands in the sealed data at byte {at}"));
        }
        if cell.trailers().any(|trailers| finder.find(trailers).is_some()) {
            return Err("plaintext stands in the trailers".to_owned());
        }
    }
    Ok(())
}

fn refuses_a_changed_byte(cell: &mut TimedCell, buffers: &mut Buffers<'_>) -> Result<(), String> {
    let at = cell.plain_bytes() / 2;
    let Some(byte) = buffers.sealed[..cell.plain_bytes()].get_mut(at) else {
        return Ok(());
    };
    *byte ^= 1;
    let opened = cell.open_all(buffers);
    buffers.sealed[at] ^= 1;
    match opened {
        Err(EngineError::Unauthentic { .. }) => Ok(()),
        Err(error) => Err(format!("a changed byte was answered by another error: {error}")),
        Ok(()) => Err(format!("a changed byte at {at} was not noticed")),
    }
}

#[cfg(test)]
mod tests {
    use sealab_checkpoint::{Format, Plane, Sealer, Secret, Units};
    use sealab_engine::{Engine, InOutBuf, Primitive};
    use sealab_record::Operation;

    use super::*;
    use crate::cell::Layout;

    /// What a faulty format does wrong; `Nothing` seals by inverting every bit and keeps a sum as its trailer.
    #[derive(Clone, Copy, PartialEq)]
    enum Fault {
        ForgetsTheLastByte,
        LeaksIntoTheTrailer,
        LeavesPlaintext,
        Nothing,
        TrustsAnything,
    }

    struct Faulty(Fault);

    struct FaultySealer(Fault);

    const TRAILER_BYTES: usize = 64;

    impl Format for Faulty {
        fn id(&self) -> &'static str {
            "faulty"
        }

        fn title(&self) -> &'static str {
            "for tests"
        }

        fn planes(&self) -> &'static [Plane] {
            &Plane::ALL
        }

        fn primitives(&self) -> &'static [Primitive] {
            &[]
        }

        fn protection(&self) -> Protection {
            Protection::ConfidentialityAndIntegrity
        }

        fn trailer_bytes(&self) -> usize {
            TRAILER_BYTES
        }

        fn sealer(&self, _: &dyn Engine, _: &Secret, _: u32) -> Result<Box<dyn Sealer>, EngineError> {
            Ok(Box::new(FaultySealer(self.0)))
        }
    }

    fn sum(bytes: &[u8]) -> [u8; 8] {
        bytes
            .iter()
            .fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte))
            .to_le_bytes()
    }

    impl Sealer for FaultySealer {
        fn seal(
            &mut self,
            _: Units<'_>,
            mut data: InOutBuf<'_, '_, u8>,
            trailers: &mut [u8],
        ) -> Result<(), EngineError> {
            let plain = data.get_in().to_vec();
            let mask = if self.0 == Fault::LeavesPlaintext { 0 } else { 0xff };
            for (sealed, plain) in data.get_out().iter_mut().zip(&plain) {
                *sealed = plain ^ mask;
            }
            trailers[..8].copy_from_slice(&sum(data.get_out()));
            if self.0 == Fault::LeaksIntoTheTrailer {
                trailers[8..40].copy_from_slice(&plain[..32]);
            }
            Ok(())
        }

        fn open(
            &mut self,
            _: Units<'_>,
            mut data: InOutBuf<'_, '_, u8>,
            trailers: &[u8],
        ) -> Result<(), EngineError> {
            let sealed = data.get_in().to_vec();
            if self.0 != Fault::TrustsAnything && trailers[..8] != sum(&sealed) {
                return Err(EngineError::Unauthentic { index: 0 });
            }
            let mask = if self.0 == Fault::LeavesPlaintext { 0 } else { 0xff };
            let length = sealed.len() - usize::from(self.0 == Fault::ForgetsTheLastByte);
            for (opened, sealed) in data.get_out()[..length].iter_mut().zip(&sealed) {
                *opened = sealed ^ mask;
            }
            Ok(())
        }
    }

    fn verdict(format: &'static dyn Format) -> Result<(), String> {
        let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
        let plain: Vec<u8> = (0..=255).cycle().take(8192).collect();
        let (mut sealed, mut opened) = (vec![0; 8192], vec![0; 8192]);
        let layout = Layout::Equal {
            unit_bytes: 4096,
            count: 2,
        };
        let secret = Secret::generate().unwrap();
        let mut cell = TimedCell::new(engine.as_ref(), format, Operation::Seal, layout, 2, &secret).unwrap();
        let mut buffers = Buffers {
            plain: &plain,
            sealed: &mut sealed,
            opened: &mut opened,
        };
        verify(&mut cell, &mut buffers, &[plain[100..132].to_vec()])
    }

    #[test]
    fn each_fault_is_found_and_a_sound_format_passes() {
        assert_eq!(verdict(&Faulty(Fault::Nothing)), Ok(()));
        for (format, words) in [
            (&Faulty(Fault::ForgetsTheLastByte), "round trip: byte 4095"),
            (&Faulty(Fault::LeaksIntoTheTrailer), "in the trailers"),
            (
                &Faulty(Fault::LeavesPlaintext),
                "plaintext stands in the sealed data",
            ),
            (&Faulty(Fault::TrustsAnything), "was not noticed"),
        ] {
            let error = verdict(format).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn every_format_passes() {
        for format in sealab_checkpoint::FORMATS {
            assert_eq!(verdict(*format), Ok(()), "{}", format.id());
        }
    }
}
