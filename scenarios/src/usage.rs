//! What this process has spent, all threads together, also those that have ended.

/// CPU time and context switches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) involuntary_switches: u64,
}

impl Usage {
    /// So far.
    pub(crate) fn now() -> Self {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to a structure of the type that the call fills.
        let done = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        // SAFETY: all zeroes is a value of this structure, and the call writes whole fields.
        let usage = unsafe { usage.assume_init() };
        if done != 0 {
            return Self::default();
        }
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
        Self {
            cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            involuntary_switches: u64::try_from(usage.ru_nivcsw).unwrap_or(0),
        }
    }

    /// What was spent since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_seconds: (self.cpu_seconds - earlier.cpu_seconds).max(0.0),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(earlier.involuntary_switches),
        }
    }
}

/// What is and was resident of this process, in bytes; nothing where the kernel does not say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
}

/// Has the peak begin anew at what is resident now. Where the kernel does not do that, the peak is that of the whole process.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The memory of this process.
pub(crate) fn memory() -> Option<Memory> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    Some(Memory {
        resident_bytes: kibibytes("VmRSS:")? << 10,
        peak_bytes: kibibytes("VmHWM:")? << 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_given_back_stays_in_the_peak() {
        const BYTES: usize = 64 << 20;
        let before = memory().expect("Linux says");
        drop(std::hint::black_box(vec![1_u8; BYTES]));
        let after = memory().expect("Linux says");
        assert!(
            after.peak_bytes >= before.resident_bytes + BYTES as u64 * 9 / 10,
            "{before:?} {after:?}"
        );
        assert!(
            after.peak_bytes >= after.resident_bytes + BYTES as u64 / 2,
            "{after:?}"
        );
    }

    #[test]
    fn threads_that_have_ended_count() {
        let before = Usage::now();
        let spin = || {
            let begun = std::time::Instant::now();
            while begun.elapsed().as_millis() < 30 {
                std::hint::black_box(1 + 1);
            }
        };
        std::thread::spawn(spin).join().expect("a thread that ends");
        let spent = Usage::now().since(before);
        assert!(spent.cpu_seconds > 0.0, "{spent:?}");
    }
}
