//! Where the figures come from: CPU profiles with their evidence, the machine, and the commands.

use maud::{Markup, html};
use sealab_record::Run;

use crate::machine::machine_facts;
use crate::shell::shell_line;

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
            @for fact in machine_facts(&run.machine) { div { dt { (fact.name) } dd { (fact.value) } } }
        }
        @if !run.machine.mitigations.is_empty() {
            details {
                summary { "Mitigations of CPU vulnerabilities" }
                dl { @for (name, state) in &run.machine.mitigations { div { dt { (name) } dd { (state) } } } }
            }
        }
    }
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
