//! Finds the CPUID instructions of an executable, and nothing that merely looks like one.
//!
//! The two bytes of CPUID also occur in immediates, displacements and tables that assembly files keep between their
//! functions. So every function symbol that holds the pair is decoded from its first instruction, and only a pair that
//! the decoder arrives at as a CPUID is one.

use std::collections::BTreeMap;
use std::ops::Range;

use iced_x86::{Code, Decoder, DecoderOptions};
use memchr::memmem;
use object::elf::EM_X86_64;
use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::cpuid::ANCHOR;

const CPUID: [u8; 2] = [0x0f, 0xa2];

/// The CPUID instructions of an executable.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Sites {
    /// Where they lie in the file, ascending.
    pub(crate) in_file: Vec<usize>,
    /// Where they lie in memory relative to the anchor, in the same order.
    pub(crate) from_anchor: Vec<i64>,
    /// Pairs of bytes that are no instruction of the function they lie in.
    pub(crate) look_alikes: usize,
    /// Pairs of bytes of which nothing can be said: outside every function, or behind what does not decode.
    pub(crate) undecided: usize,
}

/// Why the instructions cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SitesError {
    #[error("the executable cannot be read as ELF: {0}")]
    NotElf(#[from] object::Error),
    #[error("the executable is not for x86-64")]
    OtherMachine,
    #[error("the executable has no symbol {ANCHOR}; has it been stripped?")]
    NoAnchor,
}

/// Finds the CPUID instructions of the ELF file `bytes`, save the anchor's.
pub(crate) fn find(bytes: &[u8]) -> Result<Sites, SitesError> {
    let elf = ElfFile64::<Endianness>::parse(bytes)?;
    if elf.elf_header().e_machine(elf.endian()) != EM_X86_64 {
        return Err(SitesError::OtherMachine);
    }
    let anchor = elf
        .symbols()
        .find(|symbol| symbol.name() == Ok(ANCHOR))
        .map(|symbol| symbol.address())
        .ok_or(SitesError::NoAnchor)?;
    let mut functions: Vec<Range<u64>> = elf
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
        .filter_map(|symbol| Some(symbol.address()..symbol.address().checked_add(symbol.size())?))
        .collect();
    functions.sort_unstable_by_key(|function| function.start);

    let mut sites = Sites {
        in_file: Vec::new(),
        from_anchor: Vec::new(),
        look_alikes: 0,
        undecided: 0,
    };
    for section in elf.sections() {
        let (Some((offset, _)), SectionKind::Text) = (section.file_range(), section.kind()) else {
            continue;
        };
        let (address, code) = (section.address(), section.data()?);
        for (function, pairs) in pairs_by_function(address, code, &functions) {
            if function.as_ref().is_some_and(|function| function.start == anchor) {
                continue;
            }
            let decoded = function.and_then(|function| Decoded::new(address, code, function));
            for pair in pairs {
                match decoded
                    .as_ref()
                    .map_or(Verdict::Undecided, |decoded| decoded.verdict(pair))
                {
                    Verdict::Cpuid => {
                        sites.in_file.push((offset + (pair - address)) as usize);
                        sites.from_anchor.push(pair.wrapping_sub(anchor) as i64);
                    }
                    Verdict::LookAlike => sites.look_alikes += 1,
                    Verdict::Undecided => sites.undecided += 1,
                }
            }
        }
    }
    Ok(sites)
}

/// The addresses at which the two bytes stand, by the innermost of `functions` (in order of their starts) around them.
fn pairs_by_function(
    address: u64,
    code: &[u8],
    functions: &[Range<u64>],
) -> Vec<(Option<Range<u64>>, Vec<u64>)> {
    let mut grouped: BTreeMap<Option<(u64, u64)>, Vec<u64>> = BTreeMap::new();
    for index in memmem::find_iter(code, &CPUID) {
        let pair = address + index as u64;
        let before = functions.partition_point(|function| function.start <= pair);
        let function = functions[..before]
            .iter()
            .rev()
            .find(|function| function.contains(&pair));
        grouped
            .entry(function.map(|function| (function.start, function.end)))
            .or_default()
            .push(pair);
    }
    grouped
        .into_iter()
        .map(|(function, pairs)| (function.map(|(start, end)| start..end), pairs))
        .collect()
}

enum Verdict {
    Cpuid,
    LookAlike,
    Undecided,
}

/// A function, decoded from its first instruction as far as it goes.
struct Decoded {
    /// Addresses of its CPUID instructions.
    cpuids: Vec<u64>,
    /// Where decoding came to an end.
    end: u64,
}

impl Decoded {
    /// `None` if the function does not begin within the section of `code`, which lies at `address`.
    fn new(address: u64, code: &[u8], function: Range<u64>) -> Option<Self> {
        let start = usize::try_from(function.start.checked_sub(address)?).ok()?;
        let end = usize::try_from(function.end - address).ok()?.min(code.len());
        let decoder = Decoder::with_ip(64, code.get(start..end)?, function.start, DecoderOptions::NONE);
        let mut decoded = Self {
            cpuids: Vec::new(),
            end: function.start,
        };
        for instruction in decoder {
            if instruction.is_invalid() {
                break;
            }
            // A prefix would make it longer than what takes its place.
            if instruction.code() == Code::Cpuid && instruction.len() == CPUID.len() {
                decoded.cpuids.push(instruction.ip());
            }
            decoded.end = instruction.next_ip();
        }
        Some(decoded)
    }

    fn verdict(&self, pair: u64) -> Verdict {
        if self.cpuids.contains(&pair) {
            Verdict::Cpuid
        } else if pair < self.end {
            Verdict::LookAlike
        } else {
            Verdict::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0x40_1000;

    /// The verdicts on every pair of a function of those bytes.
    fn verdicts(code: &[u8]) -> (usize, usize, usize) {
        let function = START..START + code.len() as u64;
        let mut counts = (0, 0, 0);
        for (function, pairs) in pairs_by_function(START, code, &[function]) {
            let decoded = Decoded::new(START, code, function.unwrap()).unwrap();
            for pair in pairs {
                match decoded.verdict(pair) {
                    Verdict::Cpuid => counts.0 += 1,
                    Verdict::LookAlike => counts.1 += 1,
                    Verdict::Undecided => counts.2 += 1,
                }
            }
        }
        counts
    }

    #[test]
    fn an_instruction_is_told_from_the_bytes_within_another() {
        // xor eax, eax; cpuid; ret
        assert_eq!(verdicts(&[0x31, 0xc0, 0x0f, 0xa2, 0xc3]), (1, 0, 0));
        // mov eax, 0xa20f; ret
        assert_eq!(verdicts(&[0xb8, 0x0f, 0xa2, 0x00, 0x00, 0xc3]), (0, 1, 0));
        // vpaddd zmm1, zmm0, [rip + 0xa20f]; cpuid: what follows EVEX is found
        let evex = [
            0x62, 0xf1, 0x7d, 0x48, 0xfe, 0x0d, 0x0f, 0xa2, 0x00, 0x00, 0x0f, 0xa2,
        ];
        assert_eq!(verdicts(&evex), (1, 1, 0));
    }

    #[test]
    fn what_lies_behind_an_invalid_instruction_is_left_alone() {
        // 06 is no instruction in 64-bit mode.
        assert_eq!(verdicts(&[0x0f, 0xa2, 0x06, 0x0f, 0xa2]), (1, 0, 1));
    }

    #[test]
    fn what_lies_in_no_function_has_none() {
        let code = [0x0f, 0xa2, 0x90, 0x90, 0x0f, 0xa2];
        let inner = START + 4..START + 6;
        let outer = START + 3..START + 20;
        let grouped = pairs_by_function(START, &code, &[outer, inner.clone()]);
        assert_eq!(grouped, [(None, vec![START]), (Some(inner), vec![START + 4])]);
    }

    #[test]
    fn this_executable_has_instructions_beside_the_anchor_that_are_all_cpuid() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let sites = find(&bytes).unwrap();
        assert!(!sites.in_file.is_empty());
        assert!(sites.in_file.iter().all(|site| bytes[*site..*site + 2] == CPUID));
        assert!(
            !sites.from_anchor.iter().any(|offset| (0..32).contains(offset)),
            "the anchor itself"
        );
    }

    #[test]
    fn what_is_no_such_executable_is_refused() {
        assert!(matches!(find(b"#!/bin/sh"), Err(SitesError::NotElf(_))));
        let mut bytes = std::fs::read("/proc/self/exe").unwrap();
        // e_machine
        bytes[18] = 0xb7;
        assert!(matches!(find(&bytes), Err(SitesError::OtherMachine)));
        bytes[18] = 0x3e;
        // e_shoff, e_shnum and e_shstrndx: no sections, so no symbols
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        assert!(matches!(find(&bytes), Err(SitesError::NoAnchor)));
    }
}
