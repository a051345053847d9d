//! The table behind a plot: rows by columns of cells.

use std::collections::HashMap;

use sealab_record::{Cell, CellStatus};

use crate::dimension::{Dimension, Order, Value};
use crate::numbers::{figure, spread, status_word};
use crate::view::View;

/// A table of cells.
pub(crate) struct Pivot<'a> {
    /// The headings over the row labels.
    pub(crate) headings: Vec<&'static str>,
    /// The columns' labels.
    pub(crate) columns: Vec<String>,
    /// Each row's labels and its cells, one a column.
    pub(crate) rows: Vec<(Vec<String>, Vec<Option<&'a Cell>>)>,
}

/// The table of `cells`, which are a panel of `view`. `None` if it would be mostly holes; the full list of cells stands in
/// for it then.
pub(crate) fn pivot<'a>(view: &View<'a>, cells: &[&'a Cell], order: &Order<'_>) -> Option<Pivot<'a>> {
    let across = view.along.or(view.colours).unwrap_or(match view.rows {
        Dimension::CpuProfile => Dimension::Engine,
        _ => Dimension::CpuProfile,
    });
    let mut down = vec![view.rows];
    down.extend(view.colours.filter(|colours| *colours != across));
    let columns = order.values(across, cells);
    let row_values: Vec<Vec<Value<'_>>> = down
        .iter()
        .map(|dimension| order.values(*dimension, cells))
        .collect();
    let height: usize = row_values.iter().map(Vec::len).product();
    if height.saturating_mul(columns.len()) > cells.len().saturating_mul(8) + 64 {
        return None;
    }
    let mut found: HashMap<Vec<Value<'_>>, &'a Cell> = HashMap::new();
    for cell in cells {
        let key = down
            .iter()
            .chain([&across])
            .map(|dimension| dimension.value(cell))
            .collect();
        found.entry(key).or_insert(cell);
    }
    let mut rows = Vec::new();
    for row in product(&row_values) {
        let entries: Vec<Option<&'a Cell>> = columns
            .iter()
            .map(|column| {
                let mut key = row.clone();
                key.push(*column);
                found.get(&key).copied()
            })
            .collect();
        if entries.iter().any(Option::is_some) {
            let labels = down
                .iter()
                .zip(&row)
                .map(|(dimension, value)| dimension.short(*value))
                .collect();
            rows.push((labels, entries));
        }
    }
    Some(Pivot {
        headings: down.iter().map(|dimension| dimension.name()).collect(),
        columns: columns
            .iter()
            .map(|column| match across {
                Dimension::Threads => across.phrase(*column),
                _ => across.short(*column),
            })
            .collect(),
        rows,
    })
}

/// The cell in a few characters: `10.2 GB/s ±0.8 %`, with a leading `? ` if it is suspect, or its status.
pub(crate) fn brief(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else {
        return String::new();
    };
    match figure(cell) {
        Some((unit, figure)) => {
            let value = unit.short(figure.median);
            // In front, so that the figures of a column stay aligned.
            let mark = if cell.status == CellStatus::Suspect {
                "? "
            } else {
                ""
            };
            format!("{mark}{value} {}", spread(&figure))
        }
        None => status_word(cell.status).to_owned(),
    }
}

fn product<'a>(values: &[Vec<Value<'a>>]) -> Vec<Vec<Value<'a>>> {
    values.iter().fold(vec![Vec::new()], |rows, next| {
        rows.iter()
            .flat_map(|row| {
                next.iter().map(move |value| {
                    let mut row = row.clone();
                    row.push(*value);
                    row
                })
            })
            .collect()
    })
}
