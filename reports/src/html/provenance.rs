//! Where the figures come from: CPU profiles with their evidence, the machine, and the commands.

use maud::{Markup, html};
use sealab_record::Run;

use crate::numbers::{counted, percent, significant, size};

/// Every CPU profile, and every engine under it with mechanism, code path and evidence.
pub(super) fn profiles(run: &Run) -> Markup {
    html! {
        @if run.cpu_profiles.is_empty() && run.engines.is_empty() { p { "The record names none." } }
        @if !run.cpu_profiles.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="CPU profiles" {
                table {
                    thead { tr { th scope="col" { "CPU profile" } th scope="col" { "meaning" } th scope="col" { "hides" } } }
                    tbody {
                        @for profile in &run.cpu_profiles {
                            tr {
                                th scope="row" { (profile.id) }
                                td.prose { (profile.description) }
                                td.reason { @if profile.hides.is_empty() { "nothing" } @else { (profile.hides.join(", ")) } }
                            }
                        }
                    }
                }
            }
        }
        @if !run.engines.is_empty() {
            h3 { "What each engine's process said" }
            p { "Each engine ran in a process of its own under each CPU profile. The code path is the library's own word; the evidence is what the process saw." }
            (code_paths(run))
            @for engine in engine_ids(run) {
                (engine_evidence(run, engine))
            }
        }
    }
}

fn engine_ids(run: &Run) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    run.engines
        .iter()
        .map(|engine| engine.id.as_str())
        .filter(|id| seen.insert(*id))
        .collect()
}

/// Every engine's code path under every CPU profile.
fn code_paths(run: &Run) -> Markup {
    let mut profiles: Vec<&str> = Vec::new();
    let mut found = std::collections::HashMap::new();
    for engine in &run.engines {
        if !profiles.contains(&engine.cpu_profile.as_str()) {
            profiles.push(&engine.cpu_profile);
        }
        found
            .entry((engine.id.as_str(), engine.cpu_profile.as_str()))
            .or_insert(engine);
    }
    // A record with more is no matrix; the lists below have it all.
    if profiles.len() > 12 {
        return html! {};
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Code paths" {
            table {
                thead { tr { th scope="col" { "engine" } @for profile in &profiles { th scope="col" { (profile) } } } }
                tbody {
                    @for id in engine_ids(run) {
                        tr {
                            th scope="row" { (id) }
                            @for profile in &profiles {
                                td.path {
                                    @match found.get(&(id, *profile)) {
                                        Some(engine) if engine.available => (engine.code_path),
                                        Some(_) => span.status.unavailable { "unavailable" },
                                        None => "",
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn engine_evidence(run: &Run, id: &str) -> Markup {
    let records: Vec<_> = run.engines.iter().filter(|engine| engine.id == id).collect();
    let available = records.iter().filter(|engine| engine.available).count();
    let library = records
        .iter()
        .find(|engine| !engine.version.is_empty())
        .or(records.first());
    html! {
        details {
            summary {
                b { (id) }
                @if let Some(engine) = library { ": " (engine.library) " " (engine.version) }
                @if available < records.len() {
                    " " span.status.unavailable { "unavailable under " (records.len() - available) " of " (records.len()) }
                }
            }
            div.scroll tabindex="0" role="region" aria-label={ "Evidence of " (id) } {
                table {
                    thead {
                        tr {
                            th scope="col" { "CPU profile" } th scope="col" { "mechanism" } th scope="col" { "code path" }
                            th scope="col" { "AES instructions" } th scope="col" { "evidence" }
                        }
                    }
                    tbody {
                        @for engine in &records {
                            tr {
                                th scope="row" { (engine.cpu_profile) }
                                td { @if engine.mechanism.is_empty() { "not imposed" } @else { (engine.mechanism) } }
                                @if engine.available {
                                    td.reason { (engine.code_path) }
                                    td { @if engine.hardware_aes { "yes" } @else { "no" } }
                                } @else {
                                    td.reason colspan="2" { span.status.unavailable { "unavailable" } ": " (engine.reason.as_deref().unwrap_or("no reason recorded")) }
                                }
                                td.prose {
                                    @if !engine.evidence.is_empty() { ul.compact { @for finding in &engine.evidence { li { (finding) } } } }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(engine) = library.filter(|engine| !engine.primitives.is_empty()) {
                p.meta { "Implements " (engine.primitives.join(", ")) "." }
            }
        }
    }
}

/// The machine.
pub(super) fn machine(run: &Run) -> Markup {
    html! {
        dl {
            @for (name, value) in machine_facts(run) { div { dt { (name) } dd { (value) } } }
        }
        @if !run.machine.mitigations.is_empty() {
            details {
                summary { "Mitigations of CPU vulnerabilities" }
                dl { @for (name, state) in &run.machine.mitigations { div { dt { (name) } dd { (state) } } } }
            }
        }
    }
}

/// What is known of the machine, name and value.
pub(crate) fn machine_facts(run: &Run) -> Vec<(&'static str, String)> {
    let machine = &run.machine;
    let caches: Vec<String> = machine
        .caches
        .iter()
        .map(|(name, bytes)| format!("{name} {}", size(*bytes)))
        .collect();
    let memory = if machine.memory_bytes > 0 {
        size(machine.memory_bytes)
    } else {
        String::new()
    };
    let mut facts = vec![
        ("CPU", machine.cpu_model.clone()),
        ("Architecture", machine.architecture.clone()),
        (
            "CPUs for the run",
            counted(machine.cpus, "logical CPU", "logical CPUs"),
        ),
        ("CPU features", machine.cpu_features.join(", ")),
        ("Caches", caches.join(", ")),
        ("Memory", memory),
        ("Operating system", machine.operating_system.clone()),
        ("Kernel", machine.kernel.clone()),
        (
            "Hypervisor",
            machine
                .hypervisor
                .clone()
                .unwrap_or_else(|| "none known".to_owned()),
        ),
        (
            "Frequency governor",
            machine
                .governor
                .clone()
                .unwrap_or_else(|| "none known".to_owned()),
        ),
        (
            "Load average",
            format!(
                "{} at the beginning, {} at the end",
                significant(machine.load_average[0]),
                significant(machine.load_average[1])
            ),
        ),
        (
            "CPU time given to others",
            machine
                .steal_share
                .map_or_else(|| "not known".to_owned(), percent),
        ),
    ];
    facts.retain(|(_, value)| !value.trim().is_empty());
    facts
}

/// How to have each figure again.
pub(super) fn commands(run: &Run) -> Markup {
    html! {
        @if run.command.is_empty() && run.scenarios.is_empty() { p { "The record names no command." } }
        @if !run.command.is_empty() {
            p { "The whole run:" }
            pre { code { (shell_line(&run.command)) } }
        }
        @if !run.scenarios.is_empty() {
            p { "One scenario at a time:" }
            dl {
                @for scenario in &run.scenarios {
                    div {
                        dt { (scenario.name) }
                        dd {
                            pre { code { (scenario.command) } }
                            span.meta { "scenario file SHA-256 " span.hash { (scenario.sha256) } }
                        }
                    }
                }
            }
        }
    }
}

/// The words as a shell would read them back.
pub(crate) fn shell_line(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c))
    };
    words
        .iter()
        .map(|word| {
            if plain(word) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
