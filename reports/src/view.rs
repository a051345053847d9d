//! How the cells of a scenario are laid out: what runs along the axis, what makes the rows, what the colours tell apart,
//! and what needs a panel of its own. It follows from what varies, not from the scenario's name.

use std::collections::{HashMap, HashSet};

use sealab_record::Cell;

use crate::dimension::{Dimension, Order, Value};
use crate::numbers::{Unit, figure};

/// More colours than this cannot be told apart.
pub(crate) const MAX_COLOURS: usize = 8;

/// The cells of one scenario that count the same thing, laid out.
pub(crate) struct View<'a> {
    /// What is counted.
    pub(crate) unit: Unit<'a>,
    /// The dimension along the axis of a line plot; without one, the figures are dots.
    pub(crate) along: Option<Dimension>,
    /// The rows of a dot plot and of its table, the facets of a line plot.
    pub(crate) rows: Dimension,
    /// What the colours tell apart.
    pub(crate) colours: Option<Dimension>,
    /// One plot and one table each.
    pub(crate) panels: Vec<Panel<'a>>,
    /// What all cells share.
    pub(crate) constants: Vec<(Dimension, Value<'a>)>,
}

/// Cells that share all but the axis, the row and the colour.
pub(crate) struct Panel<'a> {
    /// What they share and others do not; empty if there is one panel.
    pub(crate) label: String,
    /// The cells, in the record's order.
    pub(crate) cells: Vec<&'a Cell>,
}

/// The layouts of a scenario: one for each thing that its cells count.
pub(crate) fn views<'a>(cells: &[&'a Cell], order: &Order<'_>) -> Vec<View<'a>> {
    by_unit(cells)
        .into_iter()
        .map(|(unit, cells)| view(unit, &cells, order))
        .collect()
}

/// The part of a cell's coordinates that says what is counted, so that a cell without a figure finds its kin.
type Kin<'a> = (&'a str, &'a str, &'a str, Value<'a>);

fn by_unit<'a>(cells: &[&'a Cell]) -> Vec<(Unit<'a>, Vec<&'a Cell>)> {
    let kin = |cell: &'a Cell| -> Kin<'a> {
        (
            &cell.plane,
            &cell.format,
            &cell.workload,
            Dimension::Operation.value(cell),
        )
    };
    let mut units: Vec<Unit<'a>> = Vec::new();
    let mut units_of_kin: HashMap<Kin<'a>, Unit<'a>> = HashMap::new();
    for cell in cells {
        if let Some((unit, _)) = figure(cell) {
            if !units.contains(&unit) {
                units.push(unit);
            }
            units_of_kin.entry(kin(cell)).or_insert(unit);
        }
    }
    if units.is_empty() {
        units.push(Unit::BytesPerSecond);
    }
    let fallback = units[0];
    let mut grouped: Vec<(Unit<'a>, Vec<&'a Cell>)> =
        units.into_iter().map(|unit| (unit, Vec::new())).collect();
    for cell in cells {
        let unit = figure(cell).map_or_else(
            || units_of_kin.get(&kin(cell)).copied().unwrap_or(fallback),
            |(unit, _)| unit,
        );
        if let Some((_, cells)) = grouped.iter_mut().find(|(known, _)| *known == unit) {
            cells.push(cell);
        }
    }
    grouped
}

fn view<'a>(unit: Unit<'a>, cells: &[&'a Cell], order: &Order<'_>) -> View<'a> {
    let counts: HashMap<Dimension, usize> = Dimension::ALL
        .into_iter()
        .map(|dimension| (dimension, distinct(dimension, cells)))
        .collect();
    let varies = |dimension: Dimension| counts[&dimension] > 1;
    // Along an axis goes what varies while all else is equal: messages whose length hangs on their workload do not.
    let fits = |dimension: &Dimension| varies(*dimension) && varies_alone(*dimension, cells);
    let along = Dimension::ALL
        .into_iter()
        .find(|dimension| matches!(dimension, Dimension::Along(_)) && fits(dimension))
        .or_else(|| {
            [Dimension::Threads, Dimension::UnitBytes]
                .into_iter()
                .filter(fits)
                .max_by_key(|dimension| counts[dimension])
        });
    // A scenario of many formats is about them, one of many engines about those.
    let [first, second] = if counts[&Dimension::Format] > counts[&Dimension::Engine] {
        [Dimension::Format, Dimension::Engine]
    } else {
        [Dimension::Engine, Dimension::Format]
    };
    let rows = [
        first,
        second,
        Dimension::Workload,
        Dimension::Plane,
        Dimension::Operation,
        Dimension::UnitBytes,
        Dimension::Threads,
        Dimension::CpuProfile,
    ]
    .into_iter()
    .find(|dimension| varies(*dimension) && Some(*dimension) != along)
    .unwrap_or(Dimension::Engine);
    let colours = [
        Dimension::CpuProfile,
        Dimension::Operation,
        Dimension::Format,
        Dimension::Threads,
        Dimension::UnitBytes,
        Dimension::Workload,
    ]
    .into_iter()
    .find(|dimension| {
        varies(*dimension)
            && counts[dimension] <= MAX_COLOURS
            && *dimension != rows
            && Some(*dimension) != along
    });
    let paneled: Vec<Dimension> = Dimension::ALL
        .into_iter()
        .filter(|dimension| {
            varies(*dimension)
                && *dimension != rows
                && Some(*dimension) != along
                && Some(*dimension) != colours
        })
        .collect();
    let constants = cells
        .first()
        .map(|cell| {
            Dimension::ALL
                .into_iter()
                .filter(|dimension| !varies(*dimension))
                .map(|dimension| (dimension, dimension.value(cell)))
                .collect()
        })
        .unwrap_or_default();
    View {
        unit,
        along,
        rows,
        colours,
        panels: panels(&paneled, cells, order),
        constants,
    }
}

fn panels<'a>(dimensions: &[Dimension], cells: &[&'a Cell], order: &Order<'_>) -> Vec<Panel<'a>> {
    let ranks: Vec<HashMap<Value<'_>, usize>> = dimensions
        .iter()
        .map(|dimension| {
            order
                .values(*dimension, cells)
                .into_iter()
                .enumerate()
                .map(|(rank, value)| (value, rank))
                .collect()
        })
        .collect();
    let mut panels: HashMap<Vec<usize>, Panel<'a>> = HashMap::new();
    for cell in cells {
        let key = dimensions
            .iter()
            .zip(&ranks)
            .map(|(dimension, ranks)| ranks[&dimension.value(cell)])
            .collect();
        let label = || {
            let phrases: Vec<String> = dimensions
                .iter()
                .map(|dimension| dimension.phrase(dimension.value(cell)))
                .collect();
            phrases.join(", ")
        };
        panels
            .entry(key)
            .or_insert_with(|| Panel {
                label: label(),
                cells: Vec::new(),
            })
            .cells
            .push(cell);
    }
    let mut sorted: Vec<(Vec<usize>, Panel<'a>)> = panels.into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    sorted.into_iter().map(|(_, panel)| panel).collect()
}

fn distinct(dimension: Dimension, cells: &[&Cell]) -> usize {
    let values: HashSet<Value<'_>> = cells.iter().map(|cell| dimension.value(cell)).collect();
    values.len()
}

fn varies_alone(dimension: Dimension, cells: &[&Cell]) -> bool {
    let mut values: HashMap<Vec<Value<'_>>, Value<'_>> = HashMap::new();
    cells.iter().any(|cell| {
        let others = Dimension::ALL
            .into_iter()
            .filter(|other| *other != dimension)
            .map(|other| other.value(cell))
            .collect();
        let value = dimension.value(cell);
        *values.entry(others).or_insert(value) != value
    })
}
