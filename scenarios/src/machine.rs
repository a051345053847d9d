//! What is known of the machine, read from the kernel's files. What a file does not tell is left empty.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity};
use sealab_record::Machine;

/// Features that bear on the figures, in the kernel's words for x86 and Arm.
const TELLING_FEATURES: &[&str] = &[
    "adx",
    "aes",
    "asimd",
    "avx",
    "avx2",
    "avx512bw",
    "avx512f",
    "avx512vl",
    "bmi2",
    "cpuid_fault",
    "gfni",
    "pclmulqdq",
    "pmull",
    "sha2",
    "sha_ni",
    "sse2",
    "sse4_1",
    "ssse3",
    "sve",
    "sve2",
    "vaes",
    "vpclmulqdq",
];

/// The CPUs that this process may run on, as they were when first asked for: a pinned thread would see its own alone.
pub(crate) fn allowed_cpus() -> &'static [usize] {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    ALLOWED.get_or_init(|| {
        let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
    })
}

/// How many CPUs this process may run on, at least 1.
pub fn cpus() -> usize {
    // A quota may allow fewer than the affinity shows.
    let quota = std::thread::available_parallelism().map_or(1, usize::from);
    allowed_cpus().len().clamp(1, quota)
}

/// CPU time that the hypervisor gave to others, and CPU time in all, in ticks since the machine started.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    steal: u64,
    total: u64,
}

impl Ticks {
    pub(crate) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let counts: Vec<u64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .filter_map(|count| count.parse().ok())
            .collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user time already.
        Some(Self {
            steal: *counts.get(7)?,
            total: counts.iter().take(8).sum(),
        })
    }

    pub(crate) fn steal_share_since(self, earlier: Self) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|total| *total > 0)?;
        Some(self.steal.saturating_sub(earlier.steal) as f64 / total as f64)
    }
}

/// The one-minute load average.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0)
}

/// The machine as it is now.
pub fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo
            .lines()
            .find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let features = field("flags").or_else(|| field("Features")).unwrap_or_default();
    let mut cpu_features: Vec<String> = features
        .split_whitespace()
        .filter(|feature| TELLING_FEATURES.contains(feature))
        .map(str::to_owned)
        .collect();
    cpu_features.sort();
    let uname = rustix::system::uname();
    let load = load_average();
    Machine {
        cpu_model: field("model name").unwrap_or_else(|| "unknown".to_owned()),
        architecture: std::env::consts::ARCH.to_owned(),
        cpu_features,
        cpus: cpus(),
        caches: caches(),
        memory_bytes: memory("MemTotal:").unwrap_or(0),
        kernel: format!(
            "{} {}",
            uname.sysname().to_string_lossy(),
            uname.release().to_string_lossy()
        ),
        operating_system: operating_system(),
        hypervisor: hypervisor(&features),
        mitigations: mitigations(),
        governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        load_average: [load, load],
        steal_share: None,
    }
}

fn line(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn caches() -> BTreeMap<String, u64> {
    let mut caches = BTreeMap::new();
    for index in 0..8 {
        let base = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
        let read = |name: &str| line(format!("{base}/{name}"));
        let (Some(level), Some(kind), Some(size)) = (read("level"), read("type"), read("size")) else {
            break;
        };
        let suffix = match kind.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        if let Some(kibibytes) = size
            .strip_suffix('K')
            .and_then(|number| number.parse::<u64>().ok())
        {
            caches.insert(format!("L{level}{suffix}"), kibibytes << 10);
        }
    }
    caches
}

/// Memory that can be had without taking it from others, in bytes.
pub(crate) fn available_memory() -> Option<u64> {
    memory("MemAvailable:")
}

fn memory(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix(field))?;
    let number = kibibytes.trim().strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? << 10)
}

fn operating_system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim_matches('"').to_owned())
}

fn hypervisor(features: &str) -> Option<String> {
    let named = line("/sys/hypervisor/type").or_else(|| line("/sys/class/dmi/id/sys_vendor"));
    let virtual_machine = features.split_whitespace().any(|feature| feature == "hypervisor");
    virtual_machine.then(|| named.unwrap_or_else(|| "unnamed".to_owned()))
}

fn mitigations() -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir("/sys/devices/system/cpu/vulnerabilities") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, line(entry.path())?)))
        .filter(|(_, state)| state != "Not affected")
        .collect()
}
