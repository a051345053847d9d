//! CPUs that this machine does not have, by qemu's user-mode emulation: for conformance, never for timing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::subject::{EMULATION_FACTOR, PATIENCE, Subject, Unavailable};

/// The emulator, as Debian's package `qemu-user` has it.
const PROGRAM: &str = "qemu-x86_64";

/// How a process names the program that it runs.
const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// A CPU model of the emulator.
#[derive(Debug)]
pub struct EmulatedCpu {
    /// The identifier in place of a CPU profile's, `qemu-` and the model.
    pub id: &'static str,
    /// One line for people.
    pub description: &'static str,
    model: &'static str,
}

impl EmulatedCpu {
    /// Every model that is used, the oldest first.
    pub const ALL: &'static [Self] = &[
        Self {
            id: "qemu-Nehalem",
            description: "2008: SSE4.2, no AES instructions",
            model: "Nehalem",
        },
        Self {
            id: "qemu-Westmere",
            description: "2010: AES-NI and PCLMULQDQ, no AVX",
            model: "Westmere",
        },
        Self {
            id: "qemu-Haswell",
            description: "2013: AES-NI and AVX2",
            // Without TSX and its kin, which the emulator lacks and would warn of.
            model: "Haswell-noTSX-IBRS,-pcid,-tsc-deadline,-invpcid,-spec-ctrl,-x2apic",
        },
        Self {
            id: "qemu-max",
            description: "all that the emulator has: VAES with AVX2, no AVX-512",
            model: "max",
        },
    ];

    /// The subject `native` on this CPU.
    pub fn emulate(&self, native: &Subject) -> Subject {
        Subject {
            name: native.name.clone(),
            cpu_profile: self.id.to_owned(),
            mechanism: "qemu-user".to_owned(),
            command: match &native.command {
                Ok(command) => self.command(command),
                Err(unavailable) => Err(unavailable.clone()),
            },
            arguments: native.arguments.clone(),
            patience: PATIENCE * EMULATION_FACTOR,
        }
    }

    fn command(&self, native: &Command) -> Result<Command, Unavailable> {
        if !cfg!(target_arch = "x86_64") {
            return Err(Unavailable {
                reason: format!("{PROGRAM} would need a harness built for x86-64"),
                missing: false,
            });
        }
        let emulator = on_path(PROGRAM).ok_or_else(|| Unavailable {
            reason: format!("{PROGRAM} is not installed (Debian's package qemu-user)"),
            missing: true,
        })?;
        // The emulator opens the program itself: it searches no path and knows no scripts.
        let name = Path::new(native.get_program());
        let program = if name == Path::new(THIS_EXECUTABLE) {
            // Which the emulator would take for itself.
            std::env::current_exe().ok()
        } else if name.components().count() > 1 {
            is_elf(name).then(|| name.to_owned())
        } else {
            on_path(name).filter(|found| is_elf(found))
        };
        let program = program.ok_or_else(|| Unavailable {
            reason: format!("{} is no ELF program, which {PROGRAM} would need", name.display()),
            missing: false,
        })?;
        let mut command = Command::new(emulator);
        command
            .args(["-cpu", self.model])
            .arg(program)
            .args(native.get_args());
        if let Some(folder) = native.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in native.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ok(command)
    }
}

/// The program of that name on the search path; a path is itself.
pub(crate) fn on_path(name: impl AsRef<Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|candidate| candidate.is_file())
}

fn is_elf(program: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(program)
        .and_then(|mut file| file.read_exact(&mut magic))
        .is_ok()
        && magic == *b"\x7fELF"
}
