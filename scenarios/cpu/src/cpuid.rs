//! The CPUID instruction: as this process sees it, and as the CPU answers it.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__cpuid_count;

use crate::feature::Place;

/// The symbol of [`real`], which the trapped copy of the executable leaves as it is.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
pub(crate) const ANCHOR: &str = "sealab_real_cpuid";

/// What CPUID answers to this process, the mask included: EAX, EBX, ECX, EDX.
#[cfg(target_arch = "x86_64")]
pub(crate) fn seen(leaf: u32, subleaf: u32) -> [u32; 4] {
    #[allow(
        unused_unsafe,
        reason = "the intrinsic has become safe in later versions of the compiler"
    )]
    // SAFETY: every x86-64 CPU has CPUID.
    let answer = unsafe { __cpuid_count(leaf, subleaf) };
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}

/// Whether CPUID shows this process any of those bits.
#[cfg(target_arch = "x86_64")]
pub(crate) fn shows(place: &Place) -> bool {
    let subleaf = place.subleaf.unwrap_or(0);
    // Beyond the highest leaf an Intel CPU answers with the highest one's content.
    let highest = seen(place.leaf & 0x8000_0000, 0)[0];
    if place.leaf > highest || (place.leaf == 7 && subleaf > seen(7, 0)[0]) {
        return false;
    }
    seen(place.leaf, subleaf)[place.register as usize] & place.bits != 0
}

/// Other architectures have no CPUID.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn shows(_: &Place) -> bool {
    false
}

/// What the CPU itself answers, provided that it does not fault: EAX, EBX, ECX, EDX.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
pub(crate) fn real(leaf: u32, subleaf: u32) -> [u32; 4] {
    let mut answer = [0; 4];
    // SAFETY: `answer` is writable for the 16 bytes that the function writes.
    unsafe { sealab_real_cpuid(leaf, subleaf, &mut answer) };
    answer
}

/// Where [`real`]'s instruction lies: offsets of trapped instructions count from here, wherever the executable is
/// mapped.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
pub(crate) fn anchor() -> usize {
    sealab_real_cpuid as *const () as usize
}

/// Executes CPUID and stores EAX, EBX, ECX, EDX. Assembly, so that the instruction lies under this very symbol and is
/// never inlined elsewhere.
///
/// # Safety
/// `answer` is writable.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "sysv64" fn sealab_real_cpuid(leaf: u32, subleaf: u32, answer: *mut [u32; 4]) {
    std::arch::naked_asm!(
        "push rbx",
        "mov r8, rdx",
        "mov eax, edi",
        "mov ecx, esi",
        "cpuid",
        "mov [r8], eax",
        "mov [r8 + 4], ebx",
        "mov [r8 + 8], ecx",
        "mov [r8 + 12], edx",
        "pop rbx",
        "ret",
    )
}
