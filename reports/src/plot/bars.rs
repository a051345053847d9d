//! Horizontal bars from zero, for shares.

use plotters::prelude::*;

use super::Width;
use super::canvas::{Area, Failure, Ink, Side, draw, fitted, line, text, text_width};
use super::scale::Scale;

const LANE: i32 = 14;
const GAP: i32 = 9;
const LABEL: u32 = 12;
const SMALL: u32 = 11;
const AXIS: i32 = 22;

/// A bar plot.
pub(crate) struct Bars<'a> {
    /// For readers who do not see it.
    pub(crate) title: &'a str,
    /// What a bar means.
    pub(crate) description: &'a str,
    pub(crate) rows: Vec<BarRow>,
    /// A value to draw a line at.
    pub(crate) reference: Option<f64>,
    /// The text of a value on the axis.
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

/// One row.
pub(crate) struct BarRow {
    pub(crate) label: String,
    pub(crate) bars: Vec<Bar>,
}

/// One bar, or the reason why there is none.
pub(crate) struct Bar {
    pub(crate) slot: usize,
    pub(crate) value: Option<f64>,
    pub(crate) text: String,
}

/// The plot as SVG; `None` if there is nothing to draw.
pub(crate) fn bars(plot: &Bars<'_>, width: Width) -> Option<String> {
    let values = plot
        .rows
        .iter()
        .flat_map(|row| &row.bars)
        .filter_map(|bar| bar.value.filter(|value| value.is_finite()));
    let high = values.chain(plot.reference).max_by(f64::total_cmp)?;
    let scale = Scale::linear_to(high.max(1e-3) * 1.02);
    let rows: i32 = plot
        .rows
        .iter()
        .map(|row| row.bars.len() as i32 * LANE + GAP)
        .sum();
    draw(
        width,
        (rows + AXIS + 4) as u32,
        plot.title,
        plot.description,
        |area| drawn(plot, &scale, area),
    )
}

fn drawn(plot: &Bars<'_>, scale: &Scale, area: &Area<'_>) -> Result<(), Failure> {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (width as i32, height as i32);
    let widest = plot
        .rows
        .iter()
        .map(|row| text_width(&row.label, LABEL))
        .max()
        .unwrap_or(0);
    let left = (widest + 10).min(width * 46 / 100);
    let bottom = height - AXIS;
    let room = plot
        .rows
        .iter()
        .flat_map(|row| &row.bars)
        .map(|bar| text_width(&bar.text, SMALL))
        .max()
        .unwrap_or(0)
        .min((width - left) / 2);
    let mut chart = ChartBuilder::on(area);
    chart
        .set_label_area_size(LabelAreaPosition::Left, left)
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS)
        .margin_right(room + 8);
    let chart = chart.build_cartesian_2d(scale.range(), 0.0..1.0)?;
    let x = |value: f64| {
        chart
            .plotting_area()
            .map_coordinate(&(scale.coordinate(value), 0.0))
            .0
    };
    for tick in scale.ticks(((width - left - room) / 56).max(2) as usize) {
        line(area, (x(tick), 0), (x(tick), bottom), Ink::Grid, 1)?;
        let label = (plot.tick)(tick);
        text(
            area,
            &label,
            (x(tick), bottom + 12),
            Side::Center,
            SMALL,
            Ink::Muted,
        )?;
    }
    if let Some(reference) = plot.reference {
        line(area, (x(reference), 0), (x(reference), bottom), Ink::Muted, 1)?;
    }
    let mut top = 2;
    for (index, row) in plot.rows.iter().enumerate() {
        let tall = row.bars.len() as i32 * LANE;
        if index > 0 {
            line(area, (0, top - 1), (width, top - 1), Ink::Grid, 1)?;
        }
        top += GAP / 2;
        let label = fitted(&row.label, left - 8, LABEL);
        text(
            area,
            &label,
            (left - 8, top + tall / 2),
            Side::Left,
            LABEL,
            Ink::Text,
        )?;
        for (lane, bar) in row.bars.iter().enumerate() {
            let y = top + lane as i32 * LANE;
            let (at, ink) = match bar.value {
                Some(value) => (x(value), Ink::Text),
                None => (x(0.0), Ink::Muted),
            };
            if bar.value.is_some() {
                let color = Ink::Series(bar.slot).color();
                area.draw(&Rectangle::new(
                    [(x(0.0), y + 2), (at, y + LANE - 2)],
                    color.filled(),
                ))?;
            }
            let room = width - at - 6;
            let label = fitted(&bar.text, room, SMALL);
            text(area, &label, (at + 6, y + LANE / 2), Side::Right, SMALL, ink)?;
        }
        top += tall + GAP - GAP / 2;
    }
    Ok(())
}
