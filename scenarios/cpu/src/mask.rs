//! The mask: what the parent tells the child's signal handler, as the text of one environment variable.
//!
//! Parts are separated by `;`. The first is the mechanism. Then come, in any order, `probe`; rules
//! `LEAF[.SUBLEAF].REGISTER=BITS`, the bits that CPUID must not show; and once `at=OFFSET,…`, where the trapped
//! instructions lie relative to the anchor ([`crate::cpuid::ANCHOR`]). Numbers are hexadecimal:
//! `cpuid-trap;1.ecx=2000002;7.0.ebx=dc230000;at=-1f3a,20c`.
//!
//! The child reads it before libc has been initialised, so reading neither allocates nor calls out.

use std::ffi::CStr;
use std::fmt::{self, Write};

use crate::Mechanism;
use crate::feature::{Feature, Place, Register};

/// The environment variable that carries the mask, with its `=`.
pub(crate) const ASSIGNMENT: &[u8] = b"SEALAB_CPUID_MASK=";
/// The environment variable that carries the mask.
pub(crate) const VARIABLE: &str = "SEALAB_CPUID_MASK";

/// More rules than the feature table has registers.
const MAX_RULES: usize = 32;
/// An executable that links every engine has about a hundred CPUID instructions.
const MAX_SITES: usize = 512;

const NO_RULE: Place = Place {
    leaf: 0,
    subleaf: None,
    register: Register::Eax,
    bits: 0,
};

/// A parsed mask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mask {
    mechanism: Mechanism,
    probe: bool,
    rules: [Place; MAX_RULES],
    rule_count: usize,
    sites: [i64; MAX_SITES],
    site_count: usize,
}

/// Why a mask cannot be read or made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum MaskError {
    #[error("it is not UTF-8")]
    NotText,
    #[error("part 1 must be cpuid-faulting or cpuid-trap")]
    Mechanism,
    #[error("part {part} must be probe, at=OFFSET,… or LEAF[.SUBLEAF].REGISTER=BITS in hexadecimal")]
    Part { part: usize },
    #[error("it has more than {MAX_RULES} rules")]
    TooManyRules,
    #[error("it has more than {MAX_SITES} trapped instructions")]
    TooManySites,
    #[error("cpuid-trap needs at=OFFSET,… and cpuid-faulting must not have it")]
    Sites,
}

impl Mask {
    /// A mask that hides `features`. `sites` are where the trapped instructions lie, for
    /// [`Mechanism::CpuidTrap`] alone.
    pub(crate) fn new(
        mechanism: Mechanism,
        probe: bool,
        features: &[&'static Feature],
        sites: &[i64],
    ) -> Result<Self, MaskError> {
        let mut mask = Self::empty(mechanism);
        mask.probe = probe;
        for feature in features {
            mask.hide(feature.flag)?;
            for place in feature.details {
                mask.hide(*place)?;
            }
        }
        for site in sites {
            mask.trap(*site)?;
        }
        mask.check()
    }

    /// Reads the text form.
    pub(crate) fn read(text: &CStr) -> Result<Self, MaskError> {
        let text = core::str::from_utf8(text.to_bytes()).map_err(|_| MaskError::NotText)?;
        let mut parts = text.split(';');
        let mechanism = match parts.next() {
            Some("cpuid-faulting") => Mechanism::CpuidFaulting,
            Some("cpuid-trap") => Mechanism::CpuidTrap,
            _ => return Err(MaskError::Mechanism),
        };
        let mut mask = Self::empty(mechanism);
        for (index, part) in parts.enumerate() {
            let wrong = MaskError::Part { part: index + 2 };
            if part == "probe" {
                mask.probe = true;
            } else if let Some(list) = part.strip_prefix("at=") {
                for site in list.split(',') {
                    mask.trap(read_offset(site).ok_or(wrong)?)?;
                }
            } else {
                mask.hide(read_rule(part).ok_or(wrong)?)?;
            }
        }
        mask.check()
    }

    fn empty(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            probe: false,
            rules: [NO_RULE; MAX_RULES],
            rule_count: 0,
            sites: [0; MAX_SITES],
            site_count: 0,
        }
    }

    /// Adds a rule, or the bits to a rule of the same register.
    fn hide(&mut self, place: Place) -> Result<(), MaskError> {
        let same = |rule: &&mut Place| {
            (rule.leaf, rule.subleaf, rule.register) == (place.leaf, place.subleaf, place.register)
        };
        if let Some(rule) = self.rules[..self.rule_count].iter_mut().find(same) {
            rule.bits |= place.bits;
            return Ok(());
        }
        *self
            .rules
            .get_mut(self.rule_count)
            .ok_or(MaskError::TooManyRules)? = place;
        self.rule_count += 1;
        Ok(())
    }

    fn trap(&mut self, site: i64) -> Result<(), MaskError> {
        *self
            .sites
            .get_mut(self.site_count)
            .ok_or(MaskError::TooManySites)? = site;
        self.site_count += 1;
        Ok(())
    }

    fn check(self) -> Result<Self, MaskError> {
        match (self.mechanism, self.site_count) {
            (Mechanism::CpuidTrap, 1..) | (Mechanism::CpuidFaulting, 0) => Ok(self),
            _ => Err(MaskError::Sites),
        }
    }

    pub(crate) fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Whether the child is there to try the mechanism only, and ends before its `main`.
    pub(crate) fn is_probe(&self) -> bool {
        self.probe
    }

    /// Where the trapped instructions lie, relative to the anchor.
    pub(crate) fn sites(&self) -> &[i64] {
        &self.sites[..self.site_count]
    }

    /// Takes the hidden bits out of what the CPU answered to `leaf` and `subleaf`: EAX, EBX, ECX, EDX.
    pub(crate) fn apply(&self, leaf: u32, subleaf: u32, answer: &mut [u32; 4]) {
        for rule in &self.rules[..self.rule_count] {
            if rule.leaf == leaf && rule.subleaf.is_none_or(|only| only == subleaf) {
                answer[rule.register as usize] &= !rule.bits;
            }
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mechanism.id())?;
        if self.probe {
            f.write_str(";probe")?;
        }
        for rule in &self.rules[..self.rule_count] {
            write!(f, ";{:x}", rule.leaf)?;
            if let Some(subleaf) = rule.subleaf {
                write!(f, ".{subleaf:x}")?;
            }
            write!(f, ".{}={:x}", rule.register.name(), rule.bits)?;
        }
        for (index, site) in self.sites().iter().enumerate() {
            f.write_str(if index == 0 { ";at=" } else { "," })?;
            if *site < 0 {
                f.write_char('-')?;
            }
            write!(f, "{:x}", site.unsigned_abs())?;
        }
        Ok(())
    }
}

fn read_rule(text: &str) -> Option<Place> {
    let (place, bits) = text.split_once('=')?;
    let mut fields = place.split('.');
    let leaf = read_number(fields.next()?)?;
    let (subleaf, register) = match (fields.next()?, fields.next()) {
        (register, None) => (None, register),
        (subleaf, Some(register)) => (Some(read_number(subleaf)?), register),
    };
    if fields.next().is_some() {
        return None;
    }
    let register = Register::ALL.into_iter().find(|known| known.name() == register)?;
    Some(Place {
        leaf,
        subleaf,
        register,
        bits: read_number(bits)?,
    })
}

fn read_number(text: &str) -> Option<u32> {
    // The standard library would let a sign pass.
    text.starts_with(|first: char| first.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(text, 16).ok())?
}

fn read_offset(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = i64::from(read_number(digits)?);
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;
    use crate::feature::{FEATURES, feature};

    fn read(text: &str) -> Result<Mask, MaskError> {
        Mask::read(&CString::new(text).unwrap())
    }

    #[test]
    fn a_mask_of_every_feature_reads_back() {
        let all: Vec<_> = FEATURES.iter().collect();
        let mask = Mask::new(Mechanism::CpuidTrap, true, &all, &[-0x1f3a, 0x20c, 0]).unwrap();
        assert_eq!(read(&mask.to_string()), Ok(mask));
        let mask = Mask::new(Mechanism::CpuidFaulting, false, &all, &[]).unwrap();
        assert_eq!(read(&mask.to_string()), Ok(mask));
    }

    #[test]
    fn only_the_named_bits_of_the_named_answer_vanish() {
        let hidden = [
            feature("aes").unwrap(),
            feature("pclmulqdq").unwrap(),
            feature("vaes").unwrap(),
        ];
        let mask = Mask::new(Mechanism::CpuidFaulting, false, &hidden, &[]).unwrap();
        let answer = |leaf, subleaf| {
            let mut answer = [u32::MAX; 4];
            mask.apply(leaf, subleaf, &mut answer);
            answer
        };
        assert_eq!(answer(1, 99), [u32::MAX, u32::MAX, !(1 << 25 | 1 << 1), u32::MAX]);
        assert_eq!(answer(7, 0), [u32::MAX, u32::MAX, !(1 << 9), u32::MAX]);
        assert_eq!(answer(7, 1), [u32::MAX; 4]);
        assert_eq!(answer(0, 0), [u32::MAX; 4]);
    }

    #[test]
    fn every_malformed_mask_is_refused_with_its_place() {
        let part = |part| Err(MaskError::Part { part });
        for (text, error) in [
            ("", Err(MaskError::Mechanism)),
            ("none", Err(MaskError::Mechanism)),
            ("1.ecx=2", Err(MaskError::Mechanism)),
            ("cpuid-faulting;", part(2)),
            ("cpuid-faulting;1.ecx", part(2)),
            ("cpuid-faulting;1.ecx=", part(2)),
            ("cpuid-faulting;1.ecx=+2", part(2)),
            ("cpuid-faulting;1.ecx=~2", part(2)),
            ("cpuid-faulting;1.ecx=100000000", part(2)),
            ("cpuid-faulting;1.ecx=2;x.ecx=2", part(3)),
            ("cpuid-faulting;1.esi=2", part(2)),
            ("cpuid-faulting;7.0.0.ecx=2", part(2)),
            ("cpuid-faulting;ecx=2", part(2)),
            ("cpuid-faulting;at=12", Err(MaskError::Sites)),
            ("cpuid-trap;1.ecx=2", Err(MaskError::Sites)),
            ("cpuid-trap;at=", part(2)),
            ("cpuid-trap;at=12,,13", part(2)),
            ("cpuid-trap;at=--12", part(2)),
        ] {
            assert_eq!(read(text), error, "{text}");
        }
        assert_eq!(Mask::read(c"cpuid-faulting;\xff"), Err(MaskError::NotText));
    }

    #[test]
    fn a_mask_is_bounded() {
        let rules: String = (0..=MAX_RULES).map(|leaf| format!(";{leaf:x}.eax=1")).collect();
        assert_eq!(
            read(&format!("cpuid-faulting{rules}")),
            Err(MaskError::TooManyRules)
        );
        let sites = vec!["1"; MAX_SITES + 1].join(",");
        assert_eq!(
            read(&format!("cpuid-trap;at={sites}")),
            Err(MaskError::TooManySites)
        );
    }
}
