//! The report as one self-contained page.

mod counted;
mod figure;
mod instructions;
mod provenance;
mod scenario;
mod space;
mod table;

pub(crate) use instructions::pair_name;
pub(crate) use scenario::by_scenario;
pub(crate) use space::share_text;

use maud::{Markup, html as markup};
use sealab_record::Run;

use crate::databases::databases_html;
use crate::dimension::Order;
use crate::findings::{Findings, findings, status_sentence};
use crate::numbers::{counted, size};
use crate::page::Page;
use crate::printable::one_line;
use crate::ratio::Ratios;
use crate::stacks::stacks_html;
use crate::traffic::traffic_html;

/// The report of `run` as one self-contained HTML page.
pub fn html(run: &Run) -> String {
    let order = Order::new(run);
    let ratios = Ratios::new();
    let findings = findings(run, &order, &ratios);
    let scenarios = scenario::scenarios(run, &order, &ratios);
    let sections = vec![
        (
            "instructions",
            "What AES instructions buy",
            instructions::instructions(run, &findings, &order, &ratios),
        ),
        ("limit", "The limit", instructions::limit(&findings, &order)),
        (
            "stacks",
            "Volumes beside the plain one",
            stacks_html(run, &ratios),
        ),
        ("databases", "Databases on volumes", databases_html(run, &ratios)),
        ("scenarios", "Scenarios", scenarios),
        (
            "space",
            "Space",
            markup! { (space::space(run)) (traffic_html(run)) },
        ),
        (
            "missing",
            "Without a figure, or suspect",
            table::without_figures(run),
        ),
        (
            "profiles",
            "CPU profiles and code paths",
            provenance::profiles(run),
        ),
        ("machine", "The machine", provenance::machine(run)),
        ("again", "Having the figures again", provenance::commands(run)),
        ("reading", "How to read this", reading()),
    ];
    let about = markup! {
        p.meta { (machine_line(run)) }
        p.meta { (one_line(&run.started)) " to " (one_line(&run.finished)) ", sealab " (run.sealab_version) }
    };
    let sections = sections
        .into_iter()
        // A run without volumes need not be told that it has none.
        .filter(|(id, _, markup)| !matches!(*id, "stacks" | "databases") || !markup.0.is_empty())
        .collect();
    let page = Page {
        heading: "Sealab report",
        started: &one_line(&run.started),
        style: "",
        about,
        found: headline(run, &findings),
        sections,
    };
    page.html()
}

fn machine_line(run: &Run) -> String {
    let machine = &run.machine;
    let mut parts = vec![one_line(&machine.cpu_model), one_line(&machine.architecture)];
    if machine.cpus > 0 {
        parts.push(counted(machine.cpus, "CPU", "CPUs"));
    }
    if machine.memory_bytes > 0 {
        parts.push(format!("{} memory", size(machine.memory_bytes)));
    }
    parts.push(one_line(&machine.operating_system));
    if let Some(hypervisor) = &machine.hypervisor {
        parts.push(format!("virtual ({})", one_line(hypervisor)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn headline(run: &Run, findings: &Findings<'_>) -> Markup {
    markup! {
        section.headline id="headline" aria-label="What was found" {
            ul {
                @for sentence in &findings.sentences { li { (sentence) } }
            }
            p.counts { (status_sentence(run)) "." }
            @if !findings.cautions.is_empty() {
                ul.cautions aria-label="Cautions" {
                    @for caution in &findings.cautions { li { (caution) } }
                }
            }
        }
    }
}

fn reading() -> Markup {
    markup! {
        ul {
            li { "A figure is the median of its samples. Low and high are the ends of its 95 % confidence interval, by percentile bootstrap; in plots they are the whiskers." }
            li { "A ratio is the ratio of two medians. Its interval is bootstrapped too, with rounds drawn whole, so that drift of the machine cancels. Where it spans 1 the samples do not tell which side is faster; such a ratio is drawn hollow." }
            li { "GB/s and MB/s are 10⁹ and 10⁶ plain bytes a second; KiB, MiB and GiB are 2¹⁰, 2²⁰ and 2³⁰ bytes. Figures have three significant digits; run.json and cells.csv have them all." }
            li { "Axes begin at zero; where the values span more than a factor of 20 they are logarithmic, and the caption says so." }
            li { "Suspect means that a figure was measured but contradicts its CPU profile; its mark is hollow, and no headline is built on it. Failed means that verification or measurement failed. Unavailable: the engine, profile or workload cannot be had on this machine. Unsupported: the engine does not implement it." }
        }
    }
}
