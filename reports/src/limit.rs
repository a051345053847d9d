//! The limit: AES-256-XTS beside the rate of the raw AES-256 block cipher in the same run.

use sealab_record::{Cell, CellStatus};

use crate::dimension::{Dimension, Order, Value};
use crate::numbers::{Unit, figure};
use crate::ratio::{Ratio, Ratios};
use crate::reference::{Group, LIMIT_FORMAT, XTS_FORMAT};

/// The limit under each CPU profile, and how near each engine comes.
pub(crate) struct Limit<'a> {
    /// The cell with the highest raw rate under each CPU profile.
    pub(crate) best: Vec<&'a Cell>,
    /// One row an engine and CPU profile that has an XTS cell.
    pub(crate) rows: Vec<LimitRow<'a>>,
}

/// One engine under one CPU profile.
pub(crate) struct LimitRow<'a> {
    /// Its AES-256-XTS.
    pub(crate) xts: &'a Cell,
    /// Its own raw rate, if it was probed.
    pub(crate) own: Option<&'a Cell>,
    /// XTS as a share of the highest raw rate of any engine under this CPU profile.
    pub(crate) share: Option<Ratio>,
}

impl<'a> Limit<'a> {
    /// The highest raw rate under `cpu_profile`.
    pub(crate) fn under(&self, cpu_profile: &str) -> Option<&'a Cell> {
        self.best
            .iter()
            .copied()
            .find(|cell| cell.cpu_profile == cpu_profile)
    }
}

/// The limit beside `reference`; `None` if that is not AES-256-XTS or no raw rate was measured on as many threads.
pub(crate) fn limit<'a>(
    groups: &[Group<'a>],
    reference: &Group<'a>,
    order: &Order<'_>,
    ratios: &Ratios,
) -> Option<Limit<'a>> {
    let first = reference.cells.first().filter(|cell| cell.format == XTS_FORMAT)?;
    let probes: Vec<&'a Cell> = groups
        .iter()
        .flat_map(|group| group.cells.iter().copied())
        .filter(|cell| cell.format == LIMIT_FORMAT && cell.threads == first.threads)
        .collect();
    // The probe of the same scenario was interleaved with the engines; another one's was not, but is better than none.
    let (same, other): (Vec<&Cell>, Vec<&Cell>) = probes
        .into_iter()
        .partition(|cell| cell.scenario == first.scenario);
    let probes = if same.iter().any(|cell| rate(cell).is_some()) {
        same
    } else {
        other
    };
    let best: Vec<&'a Cell> = order
        .values(Dimension::CpuProfile, &reference.cells)
        .into_iter()
        .filter_map(|profile| {
            probes
                .iter()
                .copied()
                .filter(|cell| Value::Text(&cell.cpu_profile) == profile)
                .filter_map(|cell| Some((rate(cell)?, cell)))
                .max_by(|(one, _), (other, _)| one.total_cmp(other))
                .map(|(_, cell)| cell)
        })
        .collect();
    if best.is_empty() {
        return None;
    }
    let rows = reference
        .cells
        .iter()
        .map(|xts| LimitRow {
            xts,
            own: probes
                .iter()
                .copied()
                .find(|cell| cell.engine == xts.engine && cell.cpu_profile == xts.cpu_profile),
            share: best
                .iter()
                .find(|cell| cell.cpu_profile == xts.cpu_profile)
                .and_then(|cell| ratios.of(xts, cell)),
        })
        .collect();
    Some(Limit { best, rows })
}

fn rate(cell: &Cell) -> Option<f64> {
    match figure(cell)? {
        (Unit::BytesPerSecond, figure) if cell.status == CellStatus::Measured => Some(figure.median),
        _ => None,
    }
}
