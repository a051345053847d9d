//! Plots as inline SVG, drawn by `plotters`.
//!
//! Every colour is a CSS variable of the page, so a plot follows the page into the dark; every text has its size in CSS
//! pixels and the page's font. A plot is drawn twice, for wide and for narrow screens, because a drawing that is scaled
//! down to a telephone cannot be read.

mod bars;
mod canvas;
mod dots;
mod lines;
mod scale;

pub(crate) use bars::{Bar, BarRow, Bars, bars};
pub(crate) use canvas::legend_mark;
pub(crate) use dots::{DotRow, Dots, Lane, Mark, dots};
pub(crate) use lines::{Facet, Lines, Point, Series, lines};
pub(crate) use scale::is_logarithmic;

/// The width of a drawing in CSS pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Width {
    Narrow,
    Wide,
}

impl Width {
    pub(crate) const ALL: [Self; 2] = [Self::Wide, Self::Narrow];

    fn pixels(self) -> u32 {
        match self {
            Self::Narrow => 336,
            Self::Wide => 540,
        }
    }

    /// The class that the style sheet shows or hides by the width of the screen.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Wide => "wide",
        }
    }
}
