//! memhog and stress-ng: programs that do nothing but write memory, so that they go on is told by their CPU time.

use std::ffi::OsString;
use std::path::Path;

use sealab_memory::ByteSize;
use sealab_programs::Running;

use super::{Role, Scene, Wrong, alive, path_of};
use crate::CriuError;

/// The CPU time that shows progress, in ticks of 10 ms.
const TICKS: u64 = 5;

pub(super) struct Hog {
    program: OsString,
    size: ByteSize,
    stress_ng: bool,
    /// At the dump.
    processes: usize,
}

impl Hog {
    pub(super) fn memhog(size: ByteSize) -> Result<Self, CriuError> {
        Ok(Self {
            program: path_of("memhog", "numactl")?,
            size,
            stress_ng: false,
            processes: 0,
        })
    }

    pub(super) fn stress_ng(size: ByteSize) -> Result<Self, CriuError> {
        Ok(Self {
            program: path_of("stress-ng", "stress-ng")?,
            size,
            stress_ng: true,
            processes: 0,
        })
    }
}

impl Role for Hog {
    fn arguments(&self, state: &Path) -> Vec<OsString> {
        let bytes = self.size.bytes();
        let mut arguments = vec![self.program.clone()];
        if self.stress_ng {
            // A stressor that finds its memory changed says so and ends.
            let words = [
                "--vm",
                "1",
                "--vm-keep",
                "--vm-method",
                "rand-set",
                "--verify",
                "--timeout",
                "0",
            ];
            arguments.extend(words.map(OsString::from));
            arguments.extend(["--vm-bytes".into(), format!("{bytes}b").into()]);
            arguments.extend(["--temp-path".into(), state.into()]);
        } else {
            // More rounds than anybody waits for.
            arguments.extend(["-r1000000000".into(), bytes.to_string().into()]);
        }
        arguments
    }

    fn fill(&mut self, scene: &mut Scene<'_>, running: &mut Running) -> Result<(), CriuError> {
        let what = format!("the filling of {}", self.size);
        scene.until(&what, || {
            alive(running)?;
            Ok((scene.stage.resident_bytes()? >= self.size.bytes()).then_some(()))
        })?;
        self.processes = scene.stage.processes()?.len();
        Ok(())
    }

    fn goes_on(&mut self, scene: &Scene<'_>, wrong: &Wrong<'_>) -> Result<String, CriuError> {
        let ticks = || -> Result<u64, CriuError> {
            let processes = scene.stage.processes()?;
            Ok(processes
                .iter()
                .filter_map(|pid| scene.stage.cpu_ticks(*pid))
                .sum())
        };
        let before = ticks()?;
        let after = scene.until("CPU time of the restored program", || {
            let now = ticks()?;
            Ok((now >= before + TICKS).then_some(now))
        })?;
        let (processes, resident) = (scene.stage.processes()?.len(), scene.stage.resident_bytes()?);
        if processes != self.processes {
            return Err(wrong(
                format!("{processes} processes"),
                format!("{}", self.processes),
            ));
        }
        if resident < self.size.bytes() {
            let found = format!("{resident} resident bytes");
            return Err(wrong(found, format!("at least {}", self.size.bytes())));
        }
        Ok(format!(
            "{processes} processes with {} MiB worked for {} ms more",
            resident >> 20,
            (after - before) * 10
        ))
    }
}
