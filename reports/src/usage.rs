//! Which format gives which use what it needs, by what attacks showed, and at what cost.

use maud::{Markup, html};
use sealab_record::{Cell, Evidence, Run, UseRecord};

use crate::numbers::times;
use crate::printable::one_line;
use crate::ratio::Ratios;
use crate::stacks::{VOLUME_PLANE, plain_of};

/// The matrix of one scenario.
pub(crate) struct Usage<'a> {
    pub(crate) scenario: &'a str,
    uses: Vec<&'a UseRecord>,
    /// In the order in which they were attacked.
    formats: Vec<&'a str>,
    evidence: Vec<&'a Evidence>,
    cells: Vec<&'a Cell>,
}

/// What a format gives a use.
pub(crate) struct Verdict<'a> {
    /// The guarantees that it needs and did not get, each with the first act that broke it; none where nothing tested it.
    pub(crate) lacks: Vec<(&'a str, Option<&'a str>)>,
    /// How fast it is beside the plain volume.
    pub(crate) speed: Option<f64>,
}

impl Verdict<'_> {
    /// `all, 0.61×`; `lacks freshness, anonymity, 0.9×`.
    pub(crate) fn text(&self) -> String {
        let gives = if self.lacks.is_empty() {
            "all".to_owned()
        } else {
            let names: Vec<String> = self
                .lacks
                .iter()
                .map(|(guarantee, act)| match act {
                    Some(_) => one_line(guarantee),
                    None => format!("{} (not tested)", one_line(guarantee)),
                })
                .collect();
            format!("lacks {}", names.join(", "))
        };
        match self.speed {
            Some(speed) => format!("{gives}; {}", times(speed)),
            None => gives,
        }
    }
}

/// The scenarios of a run that have uses.
pub(crate) fn usages(run: &Run) -> Vec<Usage<'_>> {
    let mut all: Vec<Usage<'_>> = Vec::new();
    for one in &run.uses {
        if let Some(known) = all.iter_mut().find(|usage| usage.scenario == one.scenario) {
            known.uses.push(one);
            continue;
        }
        let evidence: Vec<&Evidence> = run
            .evidence
            .iter()
            .filter(|found| found.scenario == one.scenario)
            .collect();
        let mut formats: Vec<&str> = Vec::new();
        for found in &evidence {
            if !formats.contains(&found.format.as_str()) {
                formats.push(&found.format);
            }
        }
        all.push(Usage {
            scenario: &one.scenario,
            uses: vec![one],
            formats,
            evidence,
            cells: run
                .cells
                .iter()
                .filter(|cell| cell.scenario == one.scenario && cell.plane == VOLUME_PLANE)
                .collect(),
        });
    }
    all
}

impl<'a> Usage<'a> {
    /// The acts that tested `guarantee` on `format`, and the first that broke it.
    fn tested(&self, format: &str, guarantee: &str) -> (usize, Option<&'a Evidence>) {
        let acts: Vec<&'a Evidence> = self
            .evidence
            .iter()
            .copied()
            .filter(|found| found.format == format && found.guarantee == guarantee && found.applies)
            .collect();
        (acts.len(), acts.into_iter().find(|found| !found.holds))
    }

    fn verdict(&self, format: &str, one: &'a UseRecord, ratios: &Ratios) -> Verdict<'a> {
        let lacks = one
            .needs
            .iter()
            .filter_map(|need| match self.tested(format, need) {
                (0, _) => Some((need.as_str(), None)),
                (_, Some(broken)) => Some((need.as_str(), Some(broken.attack.as_str()))),
                (_, None) => None,
            })
            .collect();
        let of_use = |cell: &&&Cell| {
            cell.workload == one.workload
                && cell.unit_bytes == one.unit_bytes
                && cell.threads == one.threads
                && cell.operation == one.operation
        };
        let cells: Vec<&Cell> = self.cells.iter().filter(of_use).copied().collect();
        let speed = plain_of(&cells).and_then(|plain| {
            let cell = cells.iter().find(|cell| {
                cell.format == format && cell.engine == plain.engine && cell.cpu_profile == plain.cpu_profile
            })?;
            ratios.of(cell, plain).map(|ratio| ratio.ratio)
        });
        Verdict { lacks, speed }
    }

    /// Headings and rows: a format each, a use each.
    pub(crate) fn matrix(&self, ratios: &Ratios) -> (Vec<String>, Vec<Vec<String>>) {
        let headings = ["format".to_owned()]
            .into_iter()
            .chain(self.uses.iter().map(|one| one_line(&one.name)));
        let rows = self.formats.iter().map(|format| {
            let verdicts = self
                .uses
                .iter()
                .map(|one| self.verdict(format, one, ratios).text());
            [one_line(format)].into_iter().chain(verdicts).collect()
        });
        (headings.collect(), rows.collect())
    }

    /// Headings and rows: a format each, a guarantee each.
    pub(crate) fn guarantees(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut names: Vec<&str> = Vec::new();
        for found in &self.evidence {
            if !names.contains(&found.guarantee.as_str()) {
                names.push(&found.guarantee);
            }
        }
        let headings = ["format".to_owned()]
            .into_iter()
            .chain(names.iter().map(|name| one_line(name)))
            .collect();
        let rows = self
            .formats
            .iter()
            .map(|format| {
                let texts = names.iter().map(|name| match self.tested(format, name) {
                    (0, _) => "nothing to test".to_owned(),
                    (acts, None) => format!("held, {}", crate::numbers::counted(acts, "act", "acts")),
                    (_, Some(broken)) => {
                        format!("{} by {}", one_line(&broken.verdict), one_line(&broken.attack))
                    }
                });
                [one_line(format)].into_iter().chain(texts).collect()
            })
            .collect();
        (headings, rows)
    }

    /// Which formats give which uses all that they need.
    pub(crate) fn sentences(&self, ratios: &Ratios) -> Vec<String> {
        let sentence = |one: &&'a UseRecord| {
            let fit: Vec<String> = self
                .formats
                .iter()
                .filter_map(|format| {
                    let verdict = self.verdict(format, one, ratios);
                    let speed = verdict
                        .speed
                        .map_or_else(String::new, |speed| format!(" ({})", times(speed)));
                    verdict
                        .lacks
                        .is_empty()
                        .then(|| format!("{}{speed}", one_line(format)))
                })
                .collect();
            let who = if fit.is_empty() {
                "no format that was attacked gives all of it".to_owned()
            } else {
                format!("given by {}", fit.join(", "))
            };
            format!(
                "{} needs {}: {who}.",
                one_line(&one.name),
                one_line(&one.needs.join(", "))
            )
        };
        self.uses.iter().map(sentence).collect()
    }
}

/// The matrices of a scenario in the page; nothing if it has no uses.
pub(crate) fn usage_html(run: &Run, scenario: &str, ratios: &Ratios) -> Markup {
    let all = usages(run);
    let Some(usage) = all.iter().find(|usage| usage.scenario == scenario) else {
        return html! {};
    };
    let (uses, guarantees) = (usage.matrix(ratios), usage.guarantees());
    html! {
        dl {
            @for one in &usage.uses {
                dt { (one_line(&one.name)) }
                dd { (one_line(&one.description)) " Needs " (one_line(&one.needs.join(", "))) ". Cost: " (one_line(&one.workload)) "." }
            }
        }
        (matrix("What each format gives each use, and its speed beside the plain volume", &uses))
        (matrix("Each guarantee by the attacks that tested it", &guarantees))
    }
}

fn matrix(caption: &str, (headings, rows): &(Vec<String>, Vec<Vec<String>>)) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, text) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { (text) } } @else { td.prose { (text) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
