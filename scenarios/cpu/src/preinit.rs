//! What runs before every constructor: the mask is read and the signal handler installed that answers CPUID.
//!
//! Nothing here allocates, and of libc only thin wrappers of system calls are used. A mask that cannot be put in
//! force ends the process with one line and exit code 2: it must not go on and see the whole CPU.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::fmt::Write;
use std::mem;
use std::ptr;
use std::sync::atomic::Ordering;

use crate::imposed::{ANSWERED, MASK, PREINIT_RAN};
use crate::mask::{self, Mask};
use crate::{Mechanism, cpuid};

/// What a probe child prints if its mask is in force.
pub(crate) const PROBE_ANSWER: &str = "cpuid is masked\n";

/// After this time a probe that has not ended is ended.
const PROBE_SECONDS: libc::c_uint = 10;

/// Of `asm/prctl.h`.
const ARCH_SET_CPUID: c_long = 0x1012;
/// `si_code` of a general-protection fault, of `asm-generic/siginfo.h`; that is how a faulting CPUID arrives.
const SI_KERNEL: c_int = 0x80;

const CPUID: [u8; 2] = [0x0f, 0xa2];
/// The instruction that is defined to be undefined, as long as CPUID.
pub(crate) const UD2: [u8; 2] = [0x0f, 0x0b];

type Entry = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

// SAFETY: glibc calls each pointer of this section with (argc, argv, envp), which is `Entry`'s signature. The section
// exists in executables only, and this crate is linked into nothing else.
#[used]
#[unsafe(link_section = ".preinit_array")]
static PREINIT: Entry = preinit;

/// # Safety
/// `arguments` and `environment` are null-terminated arrays of C strings, as the kernel lays them out.
unsafe extern "C" fn preinit(_: c_int, arguments: *const *const c_char, environment: *const *const c_char) {
    PREINIT_RAN.store(true, Ordering::Relaxed);
    // SAFETY: the caller's promise.
    let Some(text) = (unsafe { assigned(environment) }) else {
        return;
    };
    match Mask::read(text) {
        Ok(mask) => install(mask),
        Err(error) => die(format_args!("{} is malformed: {error}", mask::VARIABLE)),
    }
    // SAFETY: the caller's promise.
    unsafe { name_process(arguments) };
}

/// The value of the mask's variable.
///
/// # Safety
/// `environment` is a null-terminated array of C strings that live as long as the process.
unsafe fn assigned(mut environment: *const *const c_char) -> Option<&'static CStr> {
    loop {
        // SAFETY: the loop ends at the array's terminator, so the pointer is within it.
        let entry = unsafe { *environment };
        if entry.is_null() {
            return None;
        }
        // SAFETY: each entry is a C string.
        let entry = unsafe { CStr::from_ptr(entry) };
        if let Some(value) = entry.to_bytes_with_nul().strip_prefix(mask::ASSIGNMENT) {
            return CStr::from_bytes_with_nul(value).ok();
        }
        // SAFETY: the terminator has not been reached.
        environment = unsafe { environment.add(1) };
    }
}

/// Names the process after its first argument: started from a file descriptor, it would be called by that number.
///
/// # Safety
/// `arguments` is a null-terminated array of C strings.
unsafe fn name_process(arguments: *const *const c_char) {
    // SAFETY: the array has at least its terminator.
    let first = unsafe { *arguments };
    if first.is_null() {
        return;
    }
    // SAFETY: an argument is a C string.
    let path = unsafe { CStr::from_ptr(first) }.to_bytes_with_nul();
    let name = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(path, |slash| &path[slash + 1..]);
    // SAFETY: `name` ends with the terminator of `path`; the kernel copies at most 16 bytes. A failure leaves the old
    // name, which harms nothing.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Puts `mask` in force, or ends the process.
fn install(mask: Mask) {
    let mechanism = mask.mechanism();
    let probe = mask.is_probe();
    if probe {
        // A handler that fails to step over CPUID would come back to it for ever.
        // SAFETY: only sets a timer, whose signal ends the process.
        unsafe { libc::alarm(PROBE_SECONDS) };
    }
    if MASK.set(mask).is_err() {
        die(format_args!("a CPUID mask is in force already"));
    }
    let Some(mask) = MASK.get() else { return };
    let signal = match mechanism {
        Mechanism::CpuidTrap => {
            for site in mask.sites() {
                // SAFETY: the parent took the offsets from the very file that this process was started from.
                if unsafe { bytes_at(address(*site)) } != UD2 {
                    die(format_args!(
                        "no trapped instruction lies at {site:#x} from the anchor; is the mask another executable's?"
                    ));
                }
            }
            libc::SIGILL
        }
        _ => libc::SIGSEGV,
    };
    // SAFETY: all-zero is a valid `sigaction`: no flags, no handler, an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = on_signal as *const () as usize;
    // On the thread's alternative stack where it has one, as other handlers of SIGSEGV are.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `action` is initialised, and `on_signal` has the signature that SA_SIGINFO asks for.
    if unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } != 0 {
        die(format_args!("sigaction refused the handler of signal {signal}"));
    }
    if mechanism == Mechanism::CpuidFaulting && !set_faulting(true) {
        die(format_args!(
            "arch_prctl(ARCH_SET_CPUID) is refused: the CPU, the hypervisor or the kernel has no CPUID faulting"
        ));
    }
    if probe {
        conclude_probe(mask);
    }
}

fn address(site: i64) -> usize {
    // Offsets may be negative; two's complement makes that an addition.
    cpuid::anchor().wrapping_add(site as usize)
}

/// # Safety
/// Two bytes at `address` are mapped and readable.
unsafe fn bytes_at(address: usize) -> [u8; 2] {
    // SAFETY: the caller's promise; an array of bytes has no alignment.
    unsafe { ptr::read(address as *const [u8; 2]) }
}

/// Executes CPUID as any library would, tells the parent whether the mask held, and ends.
fn conclude_probe(mask: &Mask) -> ! {
    let masked = cpuid::seen(1, 0);
    let mut allowed = masked;
    mask.apply(1, 0, &mut allowed);
    if masked != allowed || ANSWERED.load(Ordering::Relaxed) != 1 {
        die(format_args!("CPUID was not answered by the handler"));
    }
    write(libc::STDOUT_FILENO, PROBE_ANSWER.as_bytes());
    // SAFETY: ends the process without running anything else.
    unsafe { libc::_exit(0) }
}

/// Answers CPUID and steps over it; any other cause gets what it would have got without this handler.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid `siginfo_t` and `ucontext_t`, which are this frame's alone.
    let (code, context) = unsafe { ((*info).si_code, &mut *context.cast::<libc::ucontext_t>()) };
    let registers = &mut context.uc_mcontext.gregs;
    let instruction = registers[libc::REG_RIP as usize] as usize;
    let Some(mask) = MASK
        .get()
        .filter(|mask| is_cpuid(mask, signal, code, instruction))
    else {
        // SAFETY: both are async-signal-safe. The signal is blocked here and takes effect on return.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        return;
    };
    // CPUID reads and writes the lower halves, and clears the upper ones.
    let (leaf, subleaf) = (
        registers[libc::REG_RAX as usize] as u32,
        registers[libc::REG_RCX as usize] as u32,
    );
    let faulting = mask.mechanism() == Mechanism::CpuidFaulting;
    if faulting {
        set_faulting(false);
    }
    let mut answer = cpuid::real(leaf, subleaf);
    if faulting {
        set_faulting(true);
    }
    mask.apply(leaf, subleaf, &mut answer);
    for (register, value) in [libc::REG_RAX, libc::REG_RBX, libc::REG_RCX, libc::REG_RDX]
        .into_iter()
        .zip(answer)
    {
        registers[register as usize] = i64::from(value);
    }
    registers[libc::REG_RIP as usize] += CPUID.len() as i64;
    ANSWERED.fetch_add(1, Ordering::Relaxed);
}

/// Whether the signal comes from a CPUID instruction at `instruction`.
fn is_cpuid(mask: &Mask, signal: c_int, code: c_int, instruction: usize) -> bool {
    match mask.mechanism() {
        Mechanism::CpuidTrap => {
            let site = instruction.wrapping_sub(cpuid::anchor()) as i64;
            signal == libc::SIGILL && mask.sites().contains(&site)
        }
        // SAFETY: the CPU has fetched the instruction that it raised the fault for.
        _ => signal == libc::SIGSEGV && code == SI_KERNEL && unsafe { bytes_at(instruction) } == CPUID,
    }
}

/// Makes CPUID fault in this thread and those that it starts from now on, or not; `false` if the kernel refuses.
fn set_faulting(faulting: bool) -> bool {
    // SAFETY: this call changes one flag of the thread and touches no memory.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_CPUID, c_long::from(!faulting)) == 0 }
}

fn write(descriptor: c_int, bytes: &[u8]) {
    // SAFETY: the pointer and length are those of a slice. Nothing can be done about a failure.
    let _ = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
}

/// Writes one line to standard error and ends the process.
fn die(message: std::fmt::Arguments<'_>) -> ! {
    let mut line = Line {
        text: [0; 256],
        length: 0,
    };
    // A line that is too long is cut.
    let _ = line.write_fmt(format_args!("sealab: {message}"));
    line.text[line.length] = b'\n';
    write(libc::STDERR_FILENO, &line.text[..=line.length]);
    // SAFETY: ends the process without running anything else.
    unsafe { libc::_exit(2) }
}

/// A line on the stack, with room for its end.
struct Line {
    text: [u8; 256],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.text.len() - 1 - self.length;
        let taken = text.len().min(room);
        self.text[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        if taken == text.len() {
            Ok(())
        } else {
            Err(std::fmt::Error)
        }
    }
}
