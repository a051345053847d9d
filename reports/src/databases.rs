//! What sealed volumes cost databases: transactions a second beside the plain volume, how long they took, and what of each
//! reached the volume and its store.

use maud::{Markup, html};
use sealab_record::{Cell, Run, TransactionKind, Transactions};

use crate::numbers::{figure, significant};
use crate::printable::one_line;
use crate::ratio::Ratios;
use crate::stacks::plain_of;

/// The headings of [`Table::rows`], and how many of them are words.
pub(crate) const HEADINGS: [&str; 9] = [
    "format",
    "transactions/s",
    "beside plain",
    "p50",
    "p95",
    "p99",
    "flushes each",
    "written",
    "CPU each",
];
/// The headings of [`Table::kinds`].
pub(crate) const KIND_HEADINGS: [&str; 6] = ["format", "kind", "transactions/s", "p50", "p95", "p99"];

/// The databases of one workload, engine and CPU profile: a format each.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) kinds: Vec<Vec<String>>,
    /// What the standard's exceptions came to, and what was checked.
    pub(crate) notes: Vec<String>,
}

/// Every workload on a database of a run, in the record's order.
pub(crate) fn databases(run: &Run, ratios: &Ratios) -> Vec<Table> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in run.cells.iter().filter(|cell| cell.transactions.is_some()) {
        let kin = |group: &&mut Vec<&Cell>| group.first().is_some_and(|first| place(first) == place(cell));
        match groups.iter_mut().find(kin) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups
        .iter()
        .filter_map(|group| Some(table(group, group.first()?, ratios)))
        .collect()
}

/// All of a cell but its format.
fn place(cell: &Cell) -> (&str, &str, &str, &str, usize) {
    (
        &cell.scenario,
        &cell.workload,
        &cell.engine,
        &cell.cpu_profile,
        cell.threads,
    )
}

fn table(cells: &[&Cell], first: &Cell, ratios: &Ratios) -> Table {
    let plain = plain_of(cells);
    let (mut rows, mut kinds, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let Some(done) = &cell.transactions else { continue };
        rows.push(row(cell, done, plain, ratios));
        kinds.extend(done.kinds.iter().map(|kind| {
            let rate = share(kind.committed as f64, done.seconds).map_or_else(String::new, significant);
            let mut row = vec![one_line(&cell.format), one_line(&kind.id), rate];
            row.extend(latencies(kind));
            row
        }));
        notes.push(note(cell, done));
    }
    let database = first.transactions.as_ref().map_or("", |done| &done.database);
    Table {
        title: one_line(&format!(
            "{}: {}, {} clients; {}, {} under {}",
            first.scenario, first.workload, first.threads, database, first.engine, first.cpu_profile
        )),
        rows,
        kinds,
        notes,
    }
}

fn row(cell: &Cell, done: &Transactions, plain: Option<&Cell>, ratios: &Ratios) -> Vec<String> {
    let rate = figure(cell).map_or_else(String::new, |(_, figure)| {
        let [median, low, high] = [figure.median, figure.low, figure.high].map(significant);
        format!("{median} ({low} to {high})")
    });
    let beside = match plain {
        Some(plain) if plain.format != cell.format => ratios
            .of(cell, plain)
            .map_or_else(String::new, |ratio| ratio.text()),
        _ => String::new(),
    };
    let committed = done.all.committed as f64;
    let traffic = cell.traffic.unwrap_or_default();
    let flushes = share(traffic.flushes as f64, committed);
    let written = share(traffic.store_written as f64, traffic.user_written as f64);
    let cpu = share(done.cpu_seconds, committed);
    let mut row = vec![one_line(&cell.format), rate, beside];
    row.extend(latencies(&done.all));
    row.push(flushes.map_or_else(String::new, significant));
    row.push(written.map_or_else(String::new, |written| format!("{}×", significant(written))));
    row.push(cpu.map_or_else(String::new, milliseconds));
    row
}

fn note(cell: &Cell, done: &Transactions) -> String {
    one_line(&format!(
        "{}: {} committed, {} rolled back, {} tried again; {} of {} order lines and {} of {} payments remote; {} \
         consistency conditions hold.",
        cell.format,
        done.all.committed,
        done.rollbacks,
        done.retries,
        done.remote_order_lines,
        done.order_lines,
        done.remote_payments,
        done.payments,
        done.conditions_held
    ))
}

fn latencies(kind: &TransactionKind) -> [String; 3] {
    [kind.p50_seconds, kind.p95_seconds, kind.p99_seconds].map(milliseconds)
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", significant(seconds * 1000.0))
}

fn share(of: f64, to: f64) -> Option<f64> {
    (to > 0.0).then(|| of / to)
}

/// The tables in the page; nothing if there are no databases.
pub(crate) fn databases_html(run: &Run, ratios: &Ratios) -> Markup {
    let all = databases(run, ratios);
    html! {
        @for table in &all {
            (grid(&table.title, &HEADINGS, 1, &table.rows))
            p.meta {
                "A workload like TPC-C, not TPC-C. Medians with 95 % bootstrap intervals; flushes of the volume and CPU time for "
                "each transaction; bytes that reached the store for each byte that the database wrote to the volume."
            }
            details {
                summary { "Each kind of transaction, and what was counted" }
                (grid(&table.title, &KIND_HEADINGS, 2, &table.kinds))
                ul { @for note in &table.notes { li { (note) } } }
            }
        }
    }
}

fn grid(title: &str, headings: &[&str], words: usize, rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                caption { (title) }
                thead { tr {
                    @for (index, heading) in headings.iter().enumerate() {
                        th.number[index >= words] scope="col" { (heading) }
                    }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, text) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { (text) } }
                                @else { td.number[index >= words] { (text) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
