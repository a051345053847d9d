//! The ways to hide CPU features from a process.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a CPU profile is imposed. The text form stands in run records and is kept stable.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// The profile hides nothing, so nothing is done.
    None,
    /// The CPU faults on CPUID in user mode (`arch_prctl` with ARCH_SET_CPUID), and a signal handler answers in its
    /// place. Reaches every library of the process.
    CpuidFaulting,
    /// The process runs a copy of the executable in which every CPUID instruction is an undefined one, and a signal
    /// handler answers in its place. Reaches what is linked into the executable, not what it opens at run time.
    CpuidTrap,
    /// Environment variables by which the library itself is told to leave features alone.
    LibrarySwitches,
}

impl Mechanism {
    /// The stable text form.
    pub fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::CpuidFaulting => "cpuid-faulting",
            Self::CpuidTrap => "cpuid-trap",
            Self::LibrarySwitches => "library-switches",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_the_serialized_one() {
        for mechanism in [
            Mechanism::None,
            Mechanism::CpuidFaulting,
            Mechanism::CpuidTrap,
            Mechanism::LibrarySwitches,
        ] {
            let read: Mechanism = serde_saphyr::from_str(mechanism.id()).unwrap();
            assert_eq!(read, mechanism);
        }
    }
}
