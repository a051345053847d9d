//! What the AES instructions buy, and how near the engines come to the limit.

use maud::{Markup, html};
use sealab_record::{CellStatus, Run};

use crate::dimension::{Dimension, Order, Value};
use crate::findings::{Buys, Findings, buys};
use crate::limit::LimitRow;
use crate::numbers::{counted, figure, percent, significant, status_word, times};
use crate::plot::{Bar, BarRow, Bars, DotRow, Dots, Lane, Mark, bars, dots};
use crate::ratio::{PROFILE_PAIRS, Ratio, Ratios};
use crate::reference::{LIMIT_FORMAT, XTS_FORMAT};

use super::figure::{Legend, framed, trimmed};

/// Slots of the pairs, apart from those of the CPU profiles, whose colours mean something else.
const PAIR_SLOT: usize = 4;

/// The ratios between CPU profiles.
pub(super) fn instructions(run: &Run, findings: &Findings<'_>, order: &Order<'_>, ratios: &Ratios) -> Markup {
    let Some(main) = &findings.buys else {
        return html! {
            p {
                "Nothing to compare: this needs an engine with figures under two of the CPU profiles native, aes-ni, no-aes and baseline."
            }
        };
    };
    let others: Vec<Buys<'_>> = findings
        .groups
        .iter()
        .filter(|group| group.cells.first().is_none_or(|cell| cell.format != LIMIT_FORMAT))
        .filter_map(|group| buys(group, order, ratios))
        .filter(|other| (other.scenario, &other.label) != (main.scenario, &main.label))
        .collect();
    let command = run
        .scenarios
        .iter()
        .find(|scenario| scenario.name == main.scenario)
        .map_or("", |scenario| scenario.command.as_str());
    let legend: Legend = main
        .pairs
        .iter()
        .map(|index| (PAIR_SLOT + index, pair_name(*index)))
        .collect();
    html! {
        p {
            "Each engine against itself with instructions hidden from it: "
            b { "no-aes" } " hides the AES instructions and what builds on them and leaves SSSE3 and AVX2, so vectorised software can show what it does; "
            b { "baseline" } " leaves plain x86-64 alone. "
            b { "aes-ni / no-aes" } " is what AES-NI itself buys; " b { "native / no-aes" } " adds the wider VAES where the CPU has it."
        }
        div.figures {
            (framed(
                &format!("{}: {}", main.scenario, main.label),
                &legend,
                |width| dots(&Dots {
                    title: "What AES instructions buy, as a ratio for each engine",
                    description: "Ratio of medians with the low and high end of its 95 % bootstrap interval; the line is 1, no gain.",
                    rows: ratio_rows(main),
                    also: &[],
                    reference: Some(1.0),
                    tick: &|value| format!("{}×", trimmed(times(value).trim_end_matches('×'))),
                }, width),
                &html! {
                    "Ratio of medians, whiskers from low to high of its 95 % bootstrap interval, hollow where it spans 1 or a side is suspect. "
                    (samples(findings)) ". The line is 1: no gain. "
                    @if !command.is_empty() { "Again: " code { (command) } }
                },
                &ratio_table(std::slice::from_ref(main), false),
            ))
        }
        @if !others.is_empty() {
            details {
                summary { "The same ratios for " (counted(others.len(), "other group of cells", "other groups of cells")) }
                (ratio_table(&others, true))
            }
        }
    }
}

pub(crate) fn pair_name(index: usize) -> String {
    let (fast, slow) = PROFILE_PAIRS[index];
    format!("{fast} / {slow}")
}

fn samples(findings: &Findings<'_>) -> String {
    let cells = findings.buys.iter().flat_map(|buys| {
        findings
            .groups
            .iter()
            .filter(|group| group.label() == buys.label)
            .flat_map(|group| group.cells.iter().copied())
            .filter(|cell| cell.scenario == buys.scenario)
    });
    super::figure::sample_counts(cells.collect::<Vec<_>>().into_iter())
}

fn ratio_rows(buys: &Buys<'_>) -> Vec<DotRow> {
    buys.rows
        .iter()
        .map(|row| DotRow {
            label: row.engine.to_owned(),
            lanes: buys
                .pairs
                .iter()
                .zip(&row.ratios)
                .map(|(index, ratio)| match ratio {
                    Some(ratio) => {
                        let (low, high) = ratio.interval.map_or((ratio.ratio, ratio.ratio), |interval| {
                            (interval.low, interval.high)
                        });
                        Lane::Mark(Mark {
                            slot: PAIR_SLOT + index,
                            value: ratio.ratio,
                            low,
                            high,
                            text: times(ratio.ratio),
                            hollow: ratio.spans_one() || row.suspect,
                        })
                    }
                    None => Lane::Note {
                        series: pair_name(*index),
                        word: "no figure",
                    },
                })
                .collect(),
        })
        .collect()
}

fn ratio_table(groups: &[Buys<'_>], named: bool) -> Markup {
    let mut pairs: Vec<usize> = groups
        .iter()
        .flat_map(|buys| buys.pairs.iter().copied())
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Ratios between CPU profiles" {
            table {
                caption { "Ratio of medians (95 % bootstrap interval)" }
                thead {
                    tr {
                        @if named { th scope="col" { "scenario" } th scope="col" { "cells" } }
                        th scope="col" { "engine" }
                        @for pair in &pairs { th.number scope="col" { (pair_name(*pair)) } }
                    }
                }
                tbody {
                    @for buys in groups {
                        @for row in &buys.rows {
                            tr {
                                @if named { td { (buys.scenario) } td { (buys.label) } }
                                th scope="row" { (row.engine) @if row.suspect { " " span.status.suspect { "suspect" } } }
                                @for pair in &pairs {
                                    td.number {
                                        @if let Some(ratio) = buys.pairs.iter().position(|own| own == pair).and_then(|column| row.ratios[column]) {
                                            (ratio_entry(&ratio))
                                        } @else {
                                            span.interval { "no figure" }
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
}

fn ratio_entry(ratio: &Ratio) -> Markup {
    html! {
        (times(ratio.ratio)) " "
        span.interval {
            @if let Some(interval) = ratio.interval {
                "(" (significant(interval.low)) " to " (significant(interval.high)) ")"
            } @else {
                "(no interval: too many samples)"
            }
        }
        @if ratio.spans_one() { " " span.spans { "spans 1" } }
    }
}

/// The raw block rate beside the engines.
pub(super) fn limit(findings: &Findings<'_>, order: &Order<'_>) -> Markup {
    let Some(limit) = &findings.limit else {
        return html! {
            p {
                "Not shown: this needs " code { (XTS_FORMAT) } " and the probe " code { (LIMIT_FORMAT) }
                " with figures in one run."
            }
        };
    };
    let xts: Vec<_> = limit.rows.iter().map(|row| row.xts).collect();
    let profiles = order.values(Dimension::CpuProfile, &xts);
    let engines = order.values(Dimension::Engine, &xts);
    let find = |engine: &Value<'_>, profile: &Value<'_>| -> Option<&LimitRow<'_>> {
        limit.rows.iter().find(|row| {
            Value::Text(&row.xts.engine) == *engine && Value::Text(&row.xts.cpu_profile) == *profile
        })
    };
    let legend: Legend = profiles
        .iter()
        .enumerate()
        .map(|(slot, profile)| (slot, Dimension::CpuProfile.short(*profile)))
        .collect();
    let rows = || -> Vec<BarRow> {
        engines
            .iter()
            .map(|engine| BarRow {
                label: Dimension::Engine.short(*engine),
                bars: profiles
                    .iter()
                    .enumerate()
                    .filter_map(|(slot, profile)| {
                        let row = find(engine, profile)?;
                        let name = Dimension::CpuProfile.short(*profile);
                        Some(Bar {
                            slot,
                            value: row.share.map(|share| share.ratio),
                            text: row.share.map_or_else(
                                || match row.xts.status {
                                    CellStatus::Measured | CellStatus::Suspect => {
                                        format!("{name}: no raw rate")
                                    }
                                    status => format!("{name}: {}", status_word(status)),
                                },
                                |share| percent(share.ratio),
                            ),
                        })
                    })
                    .collect(),
            })
            .collect()
    };
    html! {
        p {
            "No AES mode can pass the rate of the raw AES-256 block cipher over independent blocks. XTS enciphers one block more a unit for the tweak, so 4 KiB units reach at best 256 / 257 of it. The limit under a CPU profile is the highest raw rate that any engine showed; a share above 100 % means that an engine's XTS is faster than every probe."
        }
        div.figures {
            (framed(
                &format!("{XTS_FORMAT} as a share of the raw AES-256 block rate"),
                &legend,
                |width| bars(&Bars {
                    title: "AES-256-XTS as a share of the raw AES-256 block rate",
                    description: "One bar an engine and CPU profile; the line is 100 %, the limit.",
                    rows: rows(),
                    reference: Some(1.0),
                    tick: &|value| format!("{} %", trimmed(&significant(value * 100.0))),
                }, width),
                &html! {
                    "Ratio of medians; low and high of its 95 % bootstrap interval are in the table. The line is the limit. "
                    (super::figure::sample_counts(xts.iter().copied())) "."
                },
                &html! {
                    div.scroll tabindex="0" role="region" aria-label="The limit" {
                        table {
                            caption { "The highest raw rate under each CPU profile" }
                            thead { tr { th scope="col" { "CPU profile" } th scope="col" { "engine" } th.number scope="col" { (LIMIT_FORMAT) } } }
                            tbody {
                                @for cell in &limit.best {
                                    tr {
                                        th scope="row" { (cell.cpu_profile) }
                                        td { (cell.engine) }
                                        td.number { @if let Some((unit, figure)) = figure(cell) { (unit.with_interval(&figure)) } }
                                    }
                                }
                            }
                        }
                    }
                    details {
                        summary { "Shares with intervals" }
                        div.scroll tabindex="0" role="region" aria-label="Shares of the limit" {
                            table {
                                thead {
                                    tr {
                                        th scope="col" { "engine" } th scope="col" { "CPU profile" }
                                        th.number scope="col" { (XTS_FORMAT) } th.number scope="col" { "own raw rate" }
                                        th.number scope="col" { "share of the limit" }
                                    }
                                }
                                tbody {
                                    @for engine in &engines {
                                        @for row in profiles.iter().filter_map(|profile| find(engine, profile)) {
                                            tr {
                                                th scope="row" { (row.xts.engine) }
                                                td { (row.xts.cpu_profile) }
                                                td.number { (rate(Some(row.xts))) }
                                                td.number { (rate(row.own)) }
                                                td.number { @if let Some(share) = &row.share { (share_text(share)) } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                },
            ))
        }
    }
}

fn rate(cell: Option<&sealab_record::Cell>) -> String {
    cell.map_or_else(String::new, |cell| match figure(cell) {
        Some((unit, figure)) => unit.value(figure.median),
        None => status_word(cell.status).to_owned(),
    })
}

fn share_text(share: &Ratio) -> String {
    match share.interval {
        Some(interval) => format!(
            "{} ({} to {})",
            percent(share.ratio),
            significant(interval.low * 100.0),
            significant(interval.high * 100.0)
        ),
        None => percent(share.ratio),
    }
}
