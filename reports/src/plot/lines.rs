//! Lines in small facets that share their axes, so that facets can be compared.

use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::Width;
use super::canvas::{Area, Failure, Ink, Side, draw, fitted, line, mark, text, text_width};
use super::scale::Scale;

const SMALL: u32 = 11;
const TITLE: i32 = 20;
const PLOT: i32 = 120;
const AXIS: i32 = 22;
const GAP: i32 = 12;
/// Series stand beside each other by this much, so that equal ones are seen.
const DODGE: i32 = 5;

/// A line plot.
pub(crate) struct Lines<'a> {
    /// For readers who do not see it.
    pub(crate) title: &'a str,
    /// What a point and its whisker mean.
    pub(crate) description: &'a str,
    pub(crate) facets: Vec<Facet>,
    /// The values along the axis with their text, ascending.
    pub(crate) along: &'a [(f64, String)],
    /// Whether to draw growth in step with the axis, through the first value at 1.
    pub(crate) ideal: bool,
    /// Values of other panels that the vertical axis must hold too.
    pub(crate) also: &'a [f64],
    /// The text of a value on the vertical axis.
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

/// One facet.
pub(crate) struct Facet {
    pub(crate) label: String,
    pub(crate) series: Vec<Series>,
    /// Why it has no series.
    pub(crate) note: Option<String>,
}

/// One line.
pub(crate) struct Series {
    pub(crate) slot: usize,
    /// Ascending along the axis.
    pub(crate) points: Vec<Point>,
}

/// One point with its interval.
pub(crate) struct Point {
    pub(crate) along: f64,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) hollow: bool,
}

/// Where a facet lies.
struct Frame {
    left: i32,
    top: i32,
    right: i32,
    first: bool,
}

/// The plot as SVG; `None` if there is nothing to draw.
pub(crate) fn lines(plot: &Lines<'_>, width: Width) -> Option<String> {
    let points = plot
        .facets
        .iter()
        .flat_map(|facet| &facet.series)
        .flat_map(|series| &series.points)
        .flat_map(|point| [point.value, point.low, point.high]);
    let first = plot.along.first()?.0;
    let last = plot.along.last()?.0;
    let ideal = plot.ideal.then_some(last / first);
    let y = Scale::holding(points.chain(plot.also.iter().copied()).chain(ideal))?;
    let columns = match width {
        Width::Wide => 3,
        Width::Narrow => 2,
    }
    .min(plot.facets.len().max(1));
    let rows = plot.facets.len().div_ceil(columns) as i32;
    let height = rows * (TITLE + PLOT + AXIS + GAP) - GAP + 2;
    draw(width, height as u32, plot.title, plot.description, |area| {
        let (width, _) = area.dim_in_pixel();
        let gutter = y
            .ticks(5)
            .into_iter()
            .map(|tick| text_width(&(plot.tick)(tick), SMALL))
            .max()
            .unwrap_or(0)
            + 10;
        let step = (width as i32 - gutter - 4) / columns as i32;
        for (index, facet) in plot.facets.iter().enumerate() {
            let column = (index % columns) as i32;
            let frame = Frame {
                left: gutter + column * step + 4,
                top: (index / columns) as i32 * (TITLE + PLOT + AXIS + GAP) + TITLE,
                right: gutter + (column + 1) * step - 8,
                first: column == 0,
            };
            drawn(plot, facet, &frame, &y, area)?;
        }
        Ok(())
    })
}

fn drawn(
    plot: &Lines<'_>,
    facet: &Facet,
    frame: &Frame,
    scale: &Scale,
    area: &Area<'_>,
) -> Result<(), Failure> {
    let Frame { left, top, right, .. } = *frame;
    let bottom = top + PLOT;
    let label = fitted(&facet.label, right - left, 12);
    text(area, &label, (left, top - 10), Side::Right, 12, Ink::Text)?;
    // The labels at both ends stay within the facet.
    let half = |label: Option<&(f64, String)>| label.map_or(0, |(_, label)| text_width(label, SMALL) / 2);
    let dodge = |index: usize, count: usize| (2 * index as i32 - count as i32 + 1) * DODGE / 2;
    let spread = dodge(facet.series.len(), facet.series.len()) + 4;
    let (before, after) = (
        half(plot.along.first()).max(spread),
        half(plot.along.last()).max(spread),
    );
    let inner = area.clone().shrink(
        (left + before, top),
        ((right - left - before - after).max(8), PLOT),
    );
    let (first, last) = (plot.along[0].0, plot.along[plot.along.len() - 1].0);
    // Sizes double from one to the next. The ideal line is straight only where both axes are of one kind.
    let log = first > 0.0 && last / first > 4.0 && (!plot.ideal || scale.is_log());
    let horizontal = |along: f64| if log { along.log2() } else { along };
    let mut chart = ChartBuilder::on(&inner);
    let chart = chart.build_cartesian_2d(
        horizontal(first)..horizontal(last).max(horizontal(first) + 1e-9),
        scale.range(),
    )?;
    let at = |along: f64, value: f64| {
        chart
            .plotting_area()
            .map_coordinate(&(horizontal(along), scale.coordinate(value)))
    };
    for tick in scale.ticks(5) {
        let y = at(first, tick).1;
        line(area, (left, y), (right, y), Ink::Grid, 1)?;
        if frame.first {
            let label = (plot.tick)(tick);
            text(area, &label, (left - 6, y), Side::Left, SMALL, Ink::Muted)?;
        }
    }
    line(area, (left, bottom), (right, bottom), Ink::Grid, 1)?;
    // Steps that are too close for a tick or a label of their own go without.
    let (mut free, mut ticked) = (i32::MIN, i32::MIN);
    for (along, label) in plot.along {
        let x = at(*along, 1.0).0;
        let half = text_width(label, SMALL) / 2;
        if x > ticked {
            line(area, (x, bottom), (x, bottom + 3), Ink::Grid, 1)?;
            ticked = x + 2;
        }
        if x - half > free {
            text(area, label, (x, bottom + 12), Side::Center, SMALL, Ink::Muted)?;
            free = x + half + 4;
        }
    }
    if let Some(note) = &facet.note {
        let note = fitted(note, right - left, SMALL);
        let middle = ((left + right) / 2, top + PLOT / 2);
        text(area, &note, middle, Side::Center, SMALL, Ink::Muted)?;
    }
    if plot.ideal && facet.note.is_none() {
        let points: Vec<(i32, i32)> = plot
            .along
            .iter()
            .map(|(along, _)| at(*along, along / first))
            .collect();
        let style = Ink::Muted.color().stroke_width(1);
        area.draw(&DashedPathElement::new(points, 4, 3, style))?;
    }
    for (index, series) in facet.series.iter().enumerate() {
        let offset = dodge(index, facet.series.len());
        let at = |along: f64, value: f64| {
            let (x, y) = at(along, value);
            (x + offset, y)
        };
        let ink = Ink::Series(series.slot);
        let points: Vec<(i32, i32)> = series
            .points
            .iter()
            .map(|point| at(point.along, point.value))
            .collect();
        // Beside an ideal line all lines run close together.
        let stroke = if plot.ideal { 1 } else { 2 };
        area.draw(&PathElement::new(points, ink.color().stroke_width(stroke)))?;
        for point in &series.points {
            let (x, low) = at(point.along, point.low);
            let high = at(point.along, point.high).1;
            line(area, (x, low), (x, high), ink, 2)?;
            mark(area, at(point.along, point.value), series.slot, point.hollow)?;
        }
    }
    Ok(())
}
