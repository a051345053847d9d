//! The drawing surface: colours by role, text, marks, and the SVG that comes of it.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Width;

/// Why a drawing failed.
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;
/// Where to draw.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What a colour is for. The style sheet says what it looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ink {
    /// Text to be read.
    Text,
    /// Axis labels and notes.
    Muted,
    /// Grid lines and frames.
    Grid,
    /// The page itself.
    Paper,
    /// A series, by its slot.
    Series(usize),
}

/// The mean width of a character in ems, of the widest of the common fonts.
const EM: f64 = 0.64;

const SERIES: usize = crate::view::MAX_COLOURS;

impl Ink {
    /// A colour that stands for the role until the SVG is finished.
    pub(super) fn color(self) -> RGBColor {
        let index = match self {
            Self::Text => 0,
            Self::Muted => 1,
            Self::Grid => 2,
            Self::Paper => 3,
            Self::Series(slot) => 16 + (slot % SERIES) as u8,
        };
        RGBColor(1, 2, index)
    }

    fn placeholder(self) -> String {
        let RGBColor(red, green, blue) = self.color();
        format!("=\"#{red:02X}{green:02X}{blue:02X}\"")
    }

    fn variable(self) -> String {
        match self {
            Self::Text => "=\"var(--ink)\"".to_owned(),
            Self::Muted => "=\"var(--muted)\"".to_owned(),
            Self::Grid => "=\"var(--grid)\"".to_owned(),
            Self::Paper => "=\"var(--paper)\"".to_owned(),
            Self::Series(slot) => format!("=\"var(--series-{})\"", slot % SERIES),
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        [Self::Text, Self::Muted, Self::Grid, Self::Paper]
            .into_iter()
            .chain((0..SERIES).map(Self::Series))
    }
}

/// Draws a plot of `height` and gives its SVG, with `title` and `description` for those who do not see it. `None` if the
/// drawing failed, which leaves the reader the table.
pub(super) fn draw(
    width: Width,
    height: u32,
    title: &str,
    description: &str,
    drawing: impl FnOnce(&Area<'_>) -> Result<(), Failure>,
) -> Option<String> {
    let text = svg((width.pixels(), height), drawing)?;
    let body = text.split_once('>')?.1;
    let escape = |text: &str| maud::html! { (text) }.into_string();
    Some(format!(
        "<svg class=\"plot {}\" viewBox=\"0 0 {} {height}\" role=\"img\"><title>{}</title><desc>{}</desc>{}",
        width.class(),
        width.pixels(),
        escape(title),
        escape(description),
        body.trim_end()
    ))
}

/// The mark of a series for a legend.
pub(crate) fn legend_mark(slot: usize) -> String {
    svg((14, 12), |area| mark(area, (7, 6), slot, false))
        .and_then(|text| {
            let body = text.split_once('>')?.1.trim_end().to_owned();
            Some(format!(
                "<svg class=\"mark\" viewBox=\"0 0 14 12\" aria-hidden=\"true\">{body}"
            ))
        })
        .unwrap_or_default()
}

fn svg(size: (u32, u32), drawing: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> Option<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        drawing(&area).and_then(|()| area.present()).ok()?;
    }
    // The quotes make sure that only attributes are meant: in text they are escaped.
    for ink in Ink::all() {
        text = text.replace(&ink.placeholder(), &ink.variable());
    }
    Some(
        text.replace(" opacity=\"1\"", "")
            .replace(" font-family=\"sans-serif\"", ""),
    )
}

/// Which side of a point a text stands on.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Left,
    Center,
    Right,
}

/// Writes `text` of `size` CSS pixels at `at`, centred vertically.
pub(super) fn text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    side: Side,
    size: u32,
    ink: Ink,
) -> Result<(), Failure> {
    let anchor = match side {
        Side::Left => HPos::Right,
        Side::Center => HPos::Center,
        Side::Right => HPos::Left,
    };
    let color = ink.color();
    // The backend divides sizes by 1.24, the usual line height.
    let style = TextStyle::from(("sans-serif", f64::from(size) * 1.24).into_font())
        .color(&color)
        .pos(Pos::new(anchor, VPos::Center));
    area.draw_text(text, &style, at)
}

/// How wide `text` comes out at most, in CSS pixels.
pub(super) fn text_width(text: &str, size: u32) -> i32 {
    let width = unicode_width::UnicodeWidthStr::width(text) as f64;
    (width * f64::from(size) * EM).ceil() as i32
}

/// `text` cut to fit into `width` pixels.
pub(super) fn fitted(text: &str, width: i32, size: u32) -> String {
    let characters = (f64::from(width.max(0)) / (f64::from(size) * EM)).floor() as usize;
    crate::printable::shortened(&crate::printable::one_line(text), characters.max(2))
}

/// A straight line.
pub(super) fn line(
    area: &Area<'_>,
    from: (i32, i32),
    to: (i32, i32),
    ink: Ink,
    width: u32,
) -> Result<(), Failure> {
    area.draw(&PathElement::new([from, to], ink.color().stroke_width(width)))
}

/// The mark of a series: slots differ in shape as well as in colour. A hollow one tells nothing for certain.
pub(super) fn mark(area: &Area<'_>, (x, y): (i32, i32), slot: usize, hollow: bool) -> Result<(), Failure> {
    let color = Ink::Series(slot).color();
    let paper = Ink::Paper.color();
    let polygon = |points: Vec<(i32, i32)>| -> Result<(), Failure> {
        if hollow {
            area.draw(&Polygon::new(points.clone(), paper.filled()))?;
            let mut closed = points;
            closed.extend(closed.first().copied());
            area.draw(&PathElement::new(closed, color.stroke_width(2)))
        } else {
            area.draw(&Polygon::new(points, color.filled()))
        }
    };
    match slot % 4 {
        0 if hollow => {
            area.draw(&Circle::new((x, y), 4, paper.filled()))?;
            area.draw(&Circle::new((x, y), 4, color.stroke_width(2)))
        }
        0 => area.draw(&Circle::new((x, y), 4, color.filled())),
        1 => polygon(vec![
            (x - 4, y - 4),
            (x + 4, y - 4),
            (x + 4, y + 4),
            (x - 4, y + 4),
        ]),
        2 => polygon(vec![(x - 5, y + 4), (x, y - 5), (x + 5, y + 4)]),
        _ => polygon(vec![(x - 5, y), (x, y - 5), (x + 5, y), (x, y + 5)]),
    }
}
