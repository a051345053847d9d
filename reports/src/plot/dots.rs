//! Dots with whiskers: one row a label, one lane a series.

use plotters::prelude::*;

use super::Width;
use super::canvas::{Area, Failure, Ink, Side, draw, fitted, line, mark, text, text_width};
use super::scale::Scale;

const LANE: i32 = 14;
const GAP: i32 = 9;
const LABEL: u32 = 12;
const SMALL: u32 = 11;
const AXIS: i32 = 22;

/// A dot plot.
pub(crate) struct Dots<'a> {
    /// For readers who do not see it.
    pub(crate) title: &'a str,
    /// What a mark and its whisker mean.
    pub(crate) description: &'a str,
    pub(crate) rows: Vec<DotRow>,
    /// Values of other panels that the axis must hold too, so that panels can be compared.
    pub(crate) also: &'a [f64],
    /// A value to draw a line at.
    pub(crate) reference: Option<f64>,
    /// The text of a value on the axis.
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

/// One row.
pub(crate) struct DotRow {
    pub(crate) label: String,
    pub(crate) lanes: Vec<Lane>,
}

/// One series within a row.
pub(crate) enum Lane {
    /// A figure.
    Mark(Mark),
    /// Why there is no figure, and of which series.
    Note {
        /// The series; empty if there is one alone.
        series: String,
        /// The reason in a word or two.
        word: &'static str,
    },
    /// Not part of the run.
    Empty,
}

/// A figure with its interval.
pub(crate) struct Mark {
    pub(crate) slot: usize,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The value as text, written beside it.
    pub(crate) text: String,
    /// Drawn hollow: under suspicion, or telling nothing.
    pub(crate) hollow: bool,
}

impl DotRow {
    /// The lanes to draw: a row without any mark needs one line alone.
    fn drawn(&self) -> Vec<Drawn<'_>> {
        let lanes: Vec<Drawn<'_>> = self
            .lanes
            .iter()
            .map(|lane| match lane {
                Lane::Mark(mark) => Drawn::Mark(mark),
                Lane::Note { series, word } if series.is_empty() => Drawn::Text((*word).to_owned()),
                Lane::Note { series, word } => Drawn::Text(format!("{series}: {word}")),
                Lane::Empty => Drawn::Text(String::new()),
            })
            .collect();
        if lanes.iter().any(|lane| matches!(lane, Drawn::Mark(_))) {
            return lanes;
        }
        let mut words: Vec<&str> = Vec::new();
        for lane in &self.lanes {
            if let Lane::Note { word, .. } = lane
                && !words.contains(word)
            {
                words.push(word);
            }
        }
        vec![Drawn::Text(words.join(", "))]
    }
}

/// What comes to stand in a lane.
enum Drawn<'r> {
    Mark(&'r Mark),
    Text(String),
}

/// The plot as SVG; `None` if there is nothing to draw.
pub(crate) fn dots(plot: &Dots<'_>, width: Width) -> Option<String> {
    let marks = plot
        .rows
        .iter()
        .flat_map(|row| &row.lanes)
        .filter_map(|lane| match lane {
            Lane::Mark(mark) => Some([mark.value, mark.low, mark.high]),
            _ => None,
        })
        .flatten();
    let scale = Scale::holding(marks.chain(plot.also.iter().copied()).chain(plot.reference))?;
    let rows: Vec<(&str, Vec<Drawn<'_>>)> = plot
        .rows
        .iter()
        .map(|row| (row.label.as_str(), row.drawn()))
        .collect();
    let lanes: i32 = rows
        .iter()
        .map(|(_, lanes)| lanes.len() as i32 * LANE + GAP)
        .sum();
    let height = (lanes + AXIS + 4) as u32;
    draw(width, height, plot.title, plot.description, |area| {
        drawn(plot, &rows, &scale, area)
    })
}

fn drawn(
    plot: &Dots<'_>,
    rows: &[(&str, Vec<Drawn<'_>>)],
    scale: &Scale,
    area: &Area<'_>,
) -> Result<(), Failure> {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (width as i32, height as i32);
    let widest = rows
        .iter()
        .map(|(label, _)| text_width(label, LABEL))
        .max()
        .unwrap_or(0);
    let left = (widest + 10).min(width * 36 / 100);
    let bottom = height - AXIS;
    // Figures stand to the right of their marks.
    let room = rows
        .iter()
        .flat_map(|(_, lanes)| lanes)
        .map(|lane| match lane {
            Drawn::Mark(mark) => text_width(&mark.text, SMALL),
            Drawn::Text(_) => 0,
        })
        .max()
        .unwrap_or(0)
        .min(width * 24 / 100);
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
    let most = ((width - left - room) / 56).max(2) as usize;
    for tick in scale.ticks(most) {
        line(area, (x(tick), 0), (x(tick), bottom), Ink::Grid, 1)?;
        let label = (plot.tick)(tick);
        let half = text_width(&label, SMALL) / 2;
        let at = x(tick).min(width - half - 1);
        text(area, &label, (at, bottom + 12), Side::Center, SMALL, Ink::Muted)?;
    }
    if let Some(reference) = plot.reference {
        line(area, (x(reference), 0), (x(reference), bottom), Ink::Muted, 1)?;
    }
    let mut top = 2;
    for (index, (label, lanes)) in rows.iter().enumerate() {
        let tall = lanes.len() as i32 * LANE;
        if index > 0 {
            line(area, (0, top - 1), (width, top - 1), Ink::Grid, 1)?;
        }
        top += GAP / 2;
        let label = fitted(label, left - 8, LABEL);
        let middle = (left - 8, top + tall / 2);
        text(area, &label, middle, Side::Left, LABEL, Ink::Text)?;
        for (lane, found) in lanes.iter().enumerate() {
            let y = top + lane as i32 * LANE + LANE / 2;
            match found {
                Drawn::Mark(mark) => marked(area, mark, y, &x)?,
                Drawn::Text(note) => {
                    let note = fitted(note, width - left - 12, SMALL);
                    text(area, &note, (left + 6, y), Side::Right, SMALL, Ink::Muted)?;
                }
            }
        }
        top += tall + GAP - GAP / 2;
    }
    Ok(())
}

fn marked(area: &Area<'_>, found: &Mark, y: i32, x: &dyn Fn(f64) -> i32) -> Result<(), Failure> {
    let (low, high) = (x(found.low), x(found.high));
    let ink = Ink::Series(found.slot);
    line(area, (low, y), (high, y), ink, 2)?;
    for end in [low, high] {
        line(area, (end, y - 3), (end, y + 3), ink, 1)?;
    }
    mark(area, (x(found.value), y), found.slot, found.hollow)?;
    let beside = x(found.value).max(high) + 8;
    text(area, &found.text, (beside, y), Side::Right, SMALL, Ink::Text)
}
