//! What is told of cells on volumes besides their speed, as plots with their tables.

use maud::{Markup, html};
use sealab_record::Cell;

use crate::counted::{Counted, counted};
use crate::dimension::{Dimension, Order};
use crate::plot::{Facet, Lines, Point, Series, Width, lines};
use crate::printable::one_line;

use super::figure::framed;

/// A plot and a table for each; nothing if no cell of the scenario stands along a setting.
pub(super) fn counted_html(cells: &[&Cell], order: &Order<'_>) -> Markup {
    let all = counted(cells, order);
    html! {
        @if !all.is_empty() {
            div.figures.stacked { @for one in &all { (figure(one)) } }
        }
    }
}

fn figure(one: &Counted<'_>) -> Markup {
    let title = one_line(&one.title());
    framed(
        &title,
        &Vec::new(),
        |width| plot(one, &title, width),
        &html! { "Along: " (one.along.name()) ". Counted, over all samples of every engine, but for times, which are medians." },
        &table(one, &title),
    )
}

fn plot(one: &Counted<'_>, title: &str, width: Width) -> Option<String> {
    let along: Vec<(f64, String)> = one
        .columns
        .iter()
        .filter_map(|column| {
            let position = Dimension::position(*column, &one.columns)?;
            Some((position, one.along.short(*column)))
        })
        .collect();
    let facets = one
        .rows
        .iter()
        .map(|(format, values)| {
            let points: Vec<Point> = one
                .columns
                .iter()
                .zip(values)
                .filter_map(|(column, value)| {
                    let value = (*value).filter(|value| *value > 0.0)?;
                    Some(Point {
                        along: Dimension::position(*column, &one.columns)?,
                        value,
                        low: value,
                        high: value,
                        hollow: false,
                    })
                })
                .collect();
            let none = points.is_empty();
            Facet {
                label: one_line(format),
                series: if none {
                    Vec::new()
                } else {
                    vec![Series { slot: 0, points }]
                },
                note: none.then(|| "no figure".to_owned()),
            }
        })
        .collect();
    lines(
        &Lines {
            title,
            description: "One facet a format.",
            facets,
            along: &along,
            ideal: false,
            also: &[],
            tick: &|value| one.measure.text(value),
        },
        width,
    )
}

fn table(one: &Counted<'_>, title: &str) -> Markup {
    html! {
        details open {
            summary { "Figures" }
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    caption { (title) }
                    thead { tr {
                        @for (index, heading) in one.headings().iter().enumerate() {
                            th.number[index > 0] scope="col" { (heading) }
                        }
                    } }
                    tbody {
                        @for row in one.texts() {
                            tr {
                                @for (index, text) in row.iter().enumerate() {
                                    @if index == 0 { th scope="row" { (text) } } @else { td.number { (text) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
