//! What a record knows of the machine, for people.

use sealab_record::Machine;

use crate::numbers::{counted, percent, significant, size};

/// One thing that is known of a machine.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    /// Never blank. It is the record's text: neither one line nor bounded.
    pub(crate) value: String,
    /// Whether it bears on speed alone, never on what is computed.
    pub(crate) speed: bool,
}

/// What is known of `machine`.
pub(crate) fn machine_facts(machine: &Machine) -> Vec<Fact> {
    let caches: Vec<String> = machine
        .caches
        .iter()
        .map(|(name, bytes)| format!("{name} {}", size(*bytes)))
        .collect();
    let memory = match machine.memory_bytes {
        0 => String::new(),
        bytes => size(bytes),
    };
    let cpus = counted(machine.cpus, "logical CPU", "logical CPUs");
    let [first, last] = machine.load_average.map(significant);
    let load = format!("{first} at the beginning, {last} at the end");
    let steal = machine
        .steal_share
        .map_or_else(|| "not known".to_owned(), percent);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "none known".to_owned());
    let result = |name, value| Fact {
        name,
        value,
        speed: false,
    };
    let speed = |name, value| Fact {
        name,
        value,
        speed: true,
    };
    let mut facts = vec![
        result("CPU", machine.cpu_model.clone()),
        result("Architecture", machine.architecture.clone()),
        speed("CPUs for the run", cpus),
        result("CPU features", machine.cpu_features.join(", ")),
        speed("Caches", caches.join(", ")),
        speed("Memory", memory),
        result("Operating system", machine.operating_system.clone()),
        result("Kernel", machine.kernel.clone()),
        result("Hypervisor", known(&machine.hypervisor)),
        speed("Frequency governor", known(&machine.governor)),
        speed("Load average", load),
        speed("CPU time given to others", steal),
    ];
    facts.retain(|fact| !fact.value.trim().is_empty());
    facts
}
