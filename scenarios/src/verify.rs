//! What must hold before a cell is timed: golden vectors, round trip, refusal of a changed byte, no plaintext in what
//! is stored.

use memchr::memmem;
use sealab_checkpoint::Protection;
use sealab_engine::EngineError;

use crate::cell::{Buffers, TimedCell};

/// Windows of the workload itself that are looked for besides its canaries.
const WINDOWS: usize = 8;
const WINDOW_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
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
        refuses_changes(cell, buffers)?;
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
    let blocks = plain
        .chunks_exact(BLOCK_BYTES)
        .zip(buffers.sealed[..length].chunks_exact(BLOCK_BYTES));
    // By chance once in 2^128, whatever the content; a canary needs content that can hold one.
    if let Some(block) = blocks.into_iter().position(|(plain, sealed)| plain == sealed) {
        return Err(format!(
            "plaintext stands in the sealed data at byte {}",
            block * BLOCK_BYTES
        ));
    }
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

/// A changed byte of the data, a changed byte of a trailer, and the first unit in the second one's place.
fn refuses_changes(cell: &mut TimedCell, buffers: &mut Buffers<'_>) -> Result<(), String> {
    let length = cell.plain_bytes();
    if let Some(byte) = buffers.sealed[..length].get_mut(length / 2) {
        *byte ^= 1;
        let opened = cell.open_all(buffers);
        buffers.sealed[length / 2] ^= 1;
        refused(opened, "a changed byte of the data")?;
    }
    if cell.change_a_trailer() {
        let opened = cell.open_all(buffers);
        cell.change_a_trailer();
        refused(opened, "a changed byte of a trailer")?;
    }
    if cell.swap_two_units(buffers.sealed) {
        let opened = cell.open_all(buffers);
        cell.swap_two_units(buffers.sealed);
        refused(opened, "a unit in another's place")?;
    }
    Ok(())
}

fn refused(opened: Result<(), EngineError>, what: &str) -> Result<(), String> {
    match opened {
        Err(EngineError::Unauthentic { .. }) => Ok(()),
        Err(error) => Err(format!("{what} was answered by another error: {error}")),
        Ok(()) => Err(format!("{what} was not noticed")),
    }
}

#[cfg(test)]
mod tests {
    use sealab_checkpoint::{Format, Plane, Sealer, Secret, Units};
    use sealab_engine::{Engine, InOutBuf, Primitive};

    use super::*;
    use crate::cell::Layout;

    /// What a faulty format does wrong; `Nothing` seals by inverting every bit and keeps a sum as its trailer.
    #[derive(Clone, Copy, PartialEq)]
    enum Fault {
        ForgetsTheLastByte,
        ForgetsThePlace,
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

    /// A sum that depends on the order of the bytes, unless the fault is to forget it.
    fn sum(fault: Fault, bytes: &[u8]) -> [u8; 8] {
        let weight = if fault == Fault::ForgetsThePlace { 1 } else { 31 };
        bytes
            .iter()
            .fold(0_u64, |sum, byte| {
                sum.wrapping_mul(weight).wrapping_add(u64::from(*byte))
            })
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
            let sum = sum(self.0, data.get_out());
            for trailer in trailers.chunks_exact_mut(TRAILER_BYTES) {
                trailer[..8].copy_from_slice(&sum);
            }
            if self.0 == Fault::LeaksIntoTheTrailer {
                trailers[8..40].copy_from_slice(&plain[100..132]);
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
            if self.0 != Fault::TrustsAnything && trailers[..8] != sum(self.0, &sealed) {
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
        let plain: Vec<u8> = (0..8192_u32).map(|index| (index * index / 7) as u8).collect();
        verdict_on(format, &plain, &[plain[100..132].to_vec()])
    }

    fn verdict_on(format: &'static dyn Format, plain: &[u8], canaries: &[Vec<u8>]) -> Result<(), String> {
        let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
        let (mut sealed, mut opened) = (vec![0; 8192], vec![0; 8192]);
        let layout = Layout::Equal {
            unit_bytes: 2048,
            count: 4,
        };
        let secret = Secret::generate().unwrap();
        let mut cell = TimedCell::new(
            engine.as_ref(),
            format,
            crate::UnitOperation::Seal,
            layout,
            2,
            &secret,
        )
        .unwrap();
        let mut buffers = Buffers {
            plain,
            sealed: &mut sealed,
            opened: &mut opened,
        };
        verify(&mut cell, &mut buffers, canaries)
    }

    #[test]
    fn each_fault_is_found_and_a_sound_format_passes() {
        assert_eq!(verdict(&Faulty(Fault::Nothing)), Ok(()));
        for (format, words) in [
            (&Faulty(Fault::ForgetsTheLastByte), "round trip: byte 4095"),
            (
                &Faulty(Fault::ForgetsThePlace),
                "a unit in another's place was not noticed",
            ),
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
    fn constant_content_that_stays_in_clear_is_found() {
        let plain = [0xff; 8192];
        let error = verdict_on(&Faulty(Fault::LeavesPlaintext), &plain, &[]).unwrap_err();
        assert!(
            error.contains("plaintext stands in the sealed data at byte 0"),
            "{error}"
        );
        for format in sealab_checkpoint::FORMATS {
            let fine = format.protection() == Protection::Nothing;
            assert!(
                fine || verdict_on(*format, &plain, &[]).is_ok(),
                "{}",
                format.id()
            );
        }
    }

    #[test]
    fn every_format_passes() {
        for format in sealab_checkpoint::FORMATS {
            assert_eq!(verdict(*format), Ok(()), "{}", format.id());
        }
    }
}
