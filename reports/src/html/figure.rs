//! Figures: the plot of a panel with its legend, caption and table.

use maud::{Markup, PreEscaped, html};
use sealab_record::{Cell, CellStatus};

use crate::dimension::{Dimension, Order, Value};
use crate::numbers::{Unit, counted, figure, status_word, times};
use crate::pivot::pivot;
use crate::plot::{DotRow, Dots, Facet, Lane, Lines, Mark, Point, Series, Width, dots, legend_mark, lines};
use crate::ratio::Ratios;
use crate::view::{Panel, View};

use super::table::pivot_table;

/// A plot with more rows is cut; its table is not.
const MAX_ROWS: usize = 48;

/// One series of a legend: its slot and its name.
pub(super) type Legend = Vec<(usize, String)>;

/// A figure of given parts: the plot for wide and for narrow screens, and what is said and shown below it.
pub(super) fn framed(
    label: &str,
    legend: &Legend,
    plot: impl Fn(Width) -> Option<String>,
    caption: &Markup,
    table: &Markup,
) -> Markup {
    html! {
        figure {
            div.drawing {
                @if !label.is_empty() { p.label { (label) } }
                (legend_list(legend))
                @for width in Width::ALL {
                    @if let Some(svg) = plot(width) { (PreEscaped(svg)) }
                }
                figcaption { (caption) }
            }
            div.data { (table) }
        }
    }
}

fn legend_list(legend: &Legend) -> Markup {
    html! {
        @if legend.len() > 1 {
            ul.legend {
                @for (slot, name) in legend { li { (PreEscaped(legend_mark(*slot))) (name) } }
            }
        }
    }
}

/// How many samples the cells with figures have: `12 samples a cell`, `9 to 12 samples a cell`.
pub(super) fn sample_counts<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> String {
    let counts = cells
        .filter(|cell| figure(cell).is_some())
        .map(|cell| cell.samples.len());
    match (counts.clone().min(), counts.max()) {
        (Some(least), Some(most)) if least == most => {
            format!("{} a cell", counted(least, "sample", "samples"))
        }
        (Some(least), Some(most)) => format!("{least} to {most} samples a cell"),
        _ => "no samples".to_owned(),
    }
}

/// What the panels of a view have in common when they are drawn.
pub(super) struct Drawing<'d, 'a> {
    pub(super) view: &'d View<'a>,
    pub(super) order: &'d Order<'a>,
    pub(super) ratios: &'d Ratios,
    /// The scenario's title.
    pub(super) title: &'d str,
    /// The command that measures it again.
    pub(super) command: &'d str,
    /// All of the view's figures, so that the panels' axes agree.
    pub(super) values: &'d [f64],
    /// The colours of the series.
    pub(super) slots: &'d [Value<'a>],
}

impl<'a> Drawing<'_, 'a> {
    /// The figure of `panel`: a plot if there are two figures to compare, the table always.
    pub(super) fn figure(&self, panel: &Panel<'a>) -> Markup {
        let figures = panel.cells.iter().filter(|cell| figure(cell).is_some()).count();
        let label = &panel.label;
        let table = match pivot(self.view, &panel.cells, self.order) {
            Some(pivot) => {
                let caption = format!("{} {label}", self.title);
                let table = pivot_table(&pivot, caption.trim());
                // A plot that stands alone leaves room for its table beside it.
                let open = self.view.panels.len() == 1 && pivot.rows.len() <= 16;
                if figures < 2 {
                    table
                } else {
                    html! { details open[open] { summary { "Figures" } (table) } }
                }
            }
            None => html! { p.meta { "The figures are in the list of all cells below." } },
        };
        if figures < 2 {
            return html! {
                div.lone {
                    @if !label.is_empty() { p.label { (label) } }
                    (table)
                }
            };
        }
        let used = self
            .view
            .colours
            .map_or(Vec::new(), |dimension| self.order.values(dimension, &panel.cells));
        let legend: Legend = used
            .into_iter()
            .filter_map(|value| {
                let dimension = self.view.colours?;
                Some((self.slot(value)?, dimension.phrase(value)))
            })
            .collect();
        let caption = html! {
            (self.meaning()) " " (sample_counts(panel.cells.iter().copied())) ". "
            @if self.is_log() { "Logarithmic axis. " }
            @if self.cut(panel) { "The first " (MAX_ROWS) " rows; the table has all. " }
            @if !self.command.is_empty() { "Again: " code { (self.command) } }
        };
        let title = format!("{} {label}", self.title);
        framed(
            label,
            &legend,
            |width| match self.view.along {
                Some(along) => self.lines(panel, along, title.trim(), width),
                None => self.dots(panel, title.trim(), width),
            },
            &caption,
            &table,
        )
    }

    fn meaning(&self) -> &'static str {
        match self.view.along {
            Some(Dimension::Threads) => {
                "Speed-up over the fewest threads: ratio of medians, whiskers from low to high of its 95 % bootstrap \
                 interval; the dashed line is growth in step with the threads."
            }
            _ => "Median, whiskers from low to high of its 95 % bootstrap interval;",
        }
    }

    fn is_log(&self) -> bool {
        let valid = self.values.iter().copied().filter(|value| *value > 0.0);
        let least = valid.clone().min_by(f64::total_cmp).unwrap_or(1.0);
        let most = valid.max_by(f64::total_cmp).unwrap_or(1.0);
        self.view.along != Some(Dimension::Threads) && crate::plot::is_logarithmic(least, most)
    }

    fn cut(&self, panel: &Panel<'a>) -> bool {
        self.order.values(self.view.rows, &panel.cells).len() > MAX_ROWS
    }

    fn slot(&self, value: Value<'_>) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == value)
    }

    fn tick(&self, value: f64) -> String {
        let text = self.view.unit.value(value);
        match self.view.unit {
            // Round numbers need no digits after the point.
            Unit::BytesPerSecond => match text.split_once(' ') {
                Some((number, unit)) => format!("{} {unit}", trimmed(number)),
                None => text,
            },
            Unit::Named(_) => trimmed(&crate::numbers::significant(value)),
        }
    }

    fn rows(&self, panel: &Panel<'a>) -> Vec<(String, Vec<&'a Cell>)> {
        let dimension = self.view.rows;
        let mut rows: Vec<(Value<'a>, Vec<&'a Cell>)> = self
            .order
            .values(dimension, &panel.cells)
            .into_iter()
            .take(MAX_ROWS)
            .map(|value| (value, Vec::new()))
            .collect();
        let places: std::collections::HashMap<Value<'a>, usize> = rows
            .iter()
            .enumerate()
            .map(|(place, (value, _))| (*value, place))
            .collect();
        for cell in &panel.cells {
            if let Some(place) = places.get(&dimension.value(cell)) {
                rows[*place].1.push(cell);
            }
        }
        rows.into_iter()
            .map(|(value, cells)| (dimension.short(value), cells))
            .collect()
    }

    fn dots(&self, panel: &Panel<'a>, title: &str, width: Width) -> Option<String> {
        let columns: Vec<Option<Value<'a>>> = match self.view.colours {
            Some(dimension) => self
                .order
                .values(dimension, &panel.cells)
                .into_iter()
                .map(Some)
                .collect(),
            None => vec![None],
        };
        let rows = self
            .rows(panel)
            .into_iter()
            .map(|(label, cells)| DotRow {
                label,
                lanes: columns
                    .iter()
                    .map(|column| {
                        let found = cells.iter().find(|cell| match (column, self.view.colours) {
                            (Some(value), Some(dimension)) => dimension.value(cell) == *value,
                            _ => true,
                        });
                        found.map_or(Lane::Empty, |cell| self.lane(cell))
                    })
                    .collect(),
            })
            .collect();
        dots(
            &Dots {
                title,
                description: self.meaning(),
                rows,
                also: self.values,
                reference: None,
                tick: &|value| self.tick(value),
            },
            width,
        )
    }

    fn lane(&self, cell: &Cell) -> Lane {
        match figure(cell) {
            Some((unit, figure)) => Lane::Mark(Mark {
                slot: self
                    .view
                    .colours
                    .and_then(|dimension| self.slot(dimension.value(cell)))
                    .unwrap_or(0),
                value: figure.median,
                low: figure.low,
                high: figure.high,
                text: unit.short(figure.median),
                hollow: cell.status == CellStatus::Suspect,
            }),
            None => Lane::Note {
                series: self
                    .view
                    .colours
                    .map_or_else(String::new, |dimension| dimension.phrase(dimension.value(cell))),
                word: status_word(cell.status),
            },
        }
    }

    fn lines(&self, panel: &Panel<'a>, along: Dimension, title: &str, width: Width) -> Option<String> {
        let scaling = along == Dimension::Threads;
        let values = self.order.values(along, &panel.cells);
        let steps: Vec<(f64, String)> = values
            .iter()
            .filter_map(|value| Some((Dimension::position(*value, &values)?, along.short(*value))))
            .collect();
        let facets = self
            .rows(panel)
            .into_iter()
            .map(|(label, cells)| {
                let series: Vec<Series> = self
                    .series(&cells)
                    .into_iter()
                    .map(|(slot, cells)| Series {
                        slot,
                        points: self.points(&cells, along, &values, scaling),
                    })
                    .filter(|series| !series.points.is_empty())
                    .collect();
                let note = cells
                    .first()
                    .filter(|_| series.is_empty())
                    .map(|cell| status_word(cell.status).to_owned());
                Facet { label, series, note }
            })
            .collect();
        lines(
            &Lines {
                title,
                description: self.meaning(),
                facets,
                along: &steps,
                ideal: scaling,
                also: if scaling { &[] } else { self.values },
                tick: &|value| {
                    if scaling {
                        format!("{}×", trimmed(times(value).trim_end_matches('×')))
                    } else {
                        self.tick(value)
                    }
                },
            },
            width,
        )
    }

    fn series<'c>(&self, cells: &[&'c Cell]) -> Vec<(usize, Vec<&'c Cell>)> {
        let Some(dimension) = self.view.colours else {
            return vec![(0, cells.to_vec())];
        };
        self.order
            .values(dimension, cells)
            .into_iter()
            .filter_map(|value| {
                let cells = cells
                    .iter()
                    .copied()
                    .filter(|cell| dimension.value(cell) == value)
                    .collect();
                Some((self.slot(value)?, cells))
            })
            .collect()
    }

    fn points(&self, cells: &[&Cell], along: Dimension, values: &[Value<'_>], scaling: bool) -> Vec<Point> {
        let mut cells: Vec<(f64, &Cell)> = cells
            .iter()
            .filter(|cell| figure(cell).is_some_and(|(_, figure)| figure.median > 0.0))
            .filter_map(|cell| Some((Dimension::position(along.value(cell), values)?, *cell)))
            .collect();
        cells.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let first = cells.first().map(|(_, cell)| *cell);
        cells
            .iter()
            .filter_map(|(along, cell)| {
                let (value, low, high) = if scaling {
                    let ratio = self.ratios.of(cell, first?)?;
                    let (low, high) = ratio.interval.map_or((ratio.ratio, ratio.ratio), |interval| {
                        (interval.low, interval.high)
                    });
                    (ratio.ratio, low, high)
                } else {
                    let (_, figure) = figure(cell)?;
                    (figure.median, figure.low, figure.high)
                };
                Some(Point {
                    along: *along,
                    value,
                    low,
                    high,
                    hollow: cell.status == CellStatus::Suspect,
                })
            })
            .collect()
    }
}

/// `5.00` as `5`, `2.50` as `2.5`.
pub(super) fn trimmed(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number.to_owned()
    }
}
