//! What is told of cells on volumes besides their speed, along the setting that their scenario is about: the bytes that
//! reach the store, the syncs, the memory, the time to open.

use sealab_record::{Cell, CellStatus, Traffic};

use crate::dimension::{Dimension, Order, Value};
use crate::job::seconds;
use crate::numbers::{Unit, figure, significant, size, times};

/// One measure of the cells that are alike but for their format and the setting.
pub(crate) struct Counted<'a> {
    pub(crate) measure: Measure,
    /// What the cells share, if there are others.
    pub(crate) label: String,
    pub(crate) along: Dimension,
    /// The setting's values, ascending.
    pub(crate) columns: Vec<Value<'a>>,
    /// A format each, with its value in every column.
    pub(crate) rows: Vec<(&'a str, Vec<Option<f64>>)>,
}

/// What is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    Written,
    Syncs,
    Memory,
    Opening,
}

impl Measure {
    const ALL: [Self; 4] = [Self::Opening, Self::Memory, Self::Written, Self::Syncs];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Written => "Bytes written to the store for each byte written to the volume",
            Self::Syncs => "Syncs of the store for each flush of the volume",
            Self::Memory => "Memory: the process's peak, less what it had before the volume was made",
            Self::Opening => "Time to open, up to the first block read",
        }
    }

    /// A value as it stands in a table.
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Self::Written => times(value),
            Self::Syncs => significant(value),
            Self::Memory => size(value.max(0.0) as u64),
            Self::Opening if value < 1.0 => format!("{} ms", significant(value * 1e3)),
            Self::Opening => seconds(value),
        }
    }

    /// Over all of `cells`, which differ in engine and CPU profile alone.
    fn of(self, cells: &[&Cell]) -> Option<f64> {
        match self {
            Self::Written => {
                let traffic = traffic(cells);
                share(traffic.store_written, traffic.user_written)
            }
            Self::Syncs => {
                let traffic = traffic(cells);
                share(traffic.syncs, traffic.flushes)
            }
            Self::Memory => {
                let memory = cells.iter().filter_map(|cell| cell.memory);
                let taken = memory.map(|memory| memory.peak_bytes.saturating_sub(memory.before_bytes));
                taken.max().map(|bytes| bytes as f64)
            }
            Self::Opening => {
                let opened = cells
                    .iter()
                    .filter_map(|cell| figure(cell))
                    .filter(|(unit, figure)| *unit == Unit::Named("openings/s") && figure.median > 0.0)
                    .map(|(_, figure)| figure.median.recip());
                opened.min_by(f64::total_cmp)
            }
        }
    }
}

fn traffic(cells: &[&Cell]) -> Traffic {
    let measured = cells.iter().filter(|cell| cell.status == CellStatus::Measured);
    let mut sum = Traffic::default();
    measured
        .filter_map(|cell| cell.traffic)
        .for_each(|traffic| sum += traffic);
    sum
}

fn share(of: u64, to: u64) -> Option<f64> {
    (to > 0).then(|| of as f64 / to as f64)
}

/// What is told of `cells`, those of one scenario.
pub(crate) fn counted<'a>(cells: &[&'a Cell], order: &Order<'_>) -> Vec<Counted<'a>> {
    let mut groups: Vec<(Dimension, Vec<&'a Cell>)> = Vec::new();
    for cell in cells {
        let Some(along) = &cell.along else { continue };
        let along = Dimension::Along(along.setting);
        let same = |(known, others): &&mut (Dimension, Vec<&'a Cell>)| {
            *known == along && others.first().is_some_and(|other| shared(other) == shared(cell))
        };
        match groups.iter_mut().find(same) {
            Some((_, cells)) => cells.push(cell),
            None => groups.push((along, vec![cell])),
        }
    }
    let several = groups.len() > 1;
    let mut all = Vec::new();
    for (along, cells) in &groups {
        let columns = order.values(*along, cells);
        let mut formats: Vec<&str> = Vec::new();
        for cell in cells {
            if !formats.contains(&cell.format.as_str()) {
                formats.push(&cell.format);
            }
        }
        for measure in Measure::ALL {
            let value = |format: &str, column: &Value<'_>| {
                let of = |cell: &&&Cell| cell.format == format && along.value(cell) == *column;
                let cells: Vec<&Cell> = cells.iter().filter(of).copied().collect();
                measure.of(&cells)
            };
            let rows: Vec<(&str, Vec<Option<f64>>)> = formats
                .iter()
                .map(|format| {
                    (
                        *format,
                        columns.iter().map(|column| value(format, column)).collect(),
                    )
                })
                .collect();
            if columns.len() > 1 && rows.iter().any(|(_, values)| values.iter().any(Option::is_some)) {
                let label = cells
                    .first()
                    .filter(|_| several)
                    .map_or_else(String::new, |cell| {
                        let phrases = SHARED.map(|dimension| dimension.phrase(dimension.value(cell)));
                        phrases.join(", ")
                    });
                all.push(Counted {
                    measure,
                    label,
                    along: *along,
                    columns: columns.clone(),
                    rows,
                });
            }
        }
    }
    all
}

/// What the cells of one group share.
const SHARED: [Dimension; 4] = [
    Dimension::Workload,
    Dimension::Operation,
    Dimension::UnitBytes,
    Dimension::Threads,
];

fn shared(cell: &Cell) -> [Value<'_>; 4] {
    SHARED.map(|dimension| dimension.value(cell))
}

impl Counted<'_> {
    /// What it is, in a line.
    pub(crate) fn title(&self) -> String {
        match self.label.as_str() {
            "" => self.measure.title().to_owned(),
            label => format!("{} ({label})", self.measure.title()),
        }
    }

    /// The headings of the table.
    pub(crate) fn headings(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|column| self.along.phrase(*column));
        ["format".to_owned()].into_iter().chain(columns).collect()
    }

    /// The lines of the table.
    pub(crate) fn texts(&self) -> Vec<Vec<String>> {
        let rows = self.rows.iter().map(|(format, values)| {
            let text = |value: &Option<f64>| value.map_or_else(String::new, |value| self.measure.text(value));
            [crate::printable::one_line(format)]
                .into_iter()
                .chain(values.iter().map(text))
                .collect()
        });
        rows.collect()
    }
}
