//! The headline: what a run found, in a few sentences.

use std::collections::HashMap;

use sealab_record::{Cell, CellStatus, Run};

use crate::dimension::{Dimension, Order, Value, operation_word};
use crate::limit::{Limit, limit};
use crate::numbers::{Unit, counted, figure, percent, significant, status_word, times};
use crate::printable::one_line;
use crate::ratio::{PROFILE_PAIRS, Ratio, Ratios};
use crate::reference::{Group, XTS_FORMAT, groups, reference};

/// What a run found.
pub(crate) struct Findings<'a> {
    /// The headline, sentence by sentence.
    pub(crate) sentences: Vec<String>,
    /// What a reader must know before trusting the figures.
    pub(crate) cautions: Vec<String>,
    /// The groups of the run.
    pub(crate) groups: Vec<Group<'a>>,
    /// What the AES instructions buy in the headline's group.
    pub(crate) buys: Option<Buys<'a>>,
    /// The limit beside the headline's group.
    pub(crate) limit: Option<Limit<'a>>,
}

/// The ratios between CPU profiles of one group.
pub(crate) struct Buys<'a> {
    /// The scenario.
    pub(crate) scenario: &'a str,
    /// What was measured.
    pub(crate) label: String,
    /// The pairs of CPU profiles that the run has, as indices into [`PROFILE_PAIRS`].
    pub(crate) pairs: Vec<usize>,
    /// Each engine with its ratio for each of `pairs`.
    pub(crate) rows: Vec<BuysRow<'a>>,
}

/// One engine's ratios.
pub(crate) struct BuysRow<'a> {
    pub(crate) engine: &'a str,
    /// One a pair; absent where a side has no figure.
    pub(crate) ratios: Vec<Option<Ratio>>,
    /// Whether a side of any ratio is suspect.
    pub(crate) suspect: bool,
}

/// The ratios between CPU profiles within `group`; `None` if it has no pair of them with figures.
pub(crate) fn buys<'a>(group: &Group<'a>, order: &Order<'_>, ratios: &Ratios) -> Option<Buys<'a>> {
    let profiles = order.values(Dimension::CpuProfile, &group.cells);
    let has = |profile: &str| profiles.contains(&Value::Text(profile));
    let pairs: Vec<usize> = (0..PROFILE_PAIRS.len())
        .filter(|index| has(PROFILE_PAIRS[*index].0) && has(PROFILE_PAIRS[*index].1))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let mut rows = Vec::new();
    for engine in order.values(Dimension::Engine, &group.cells) {
        let Value::Text(engine) = engine else { continue };
        let mut suspect = false;
        let found = pairs
            .iter()
            .map(|index| {
                let (fast, slow) = PROFILE_PAIRS[*index];
                let (fast, slow) = (group.cell(engine, fast)?, group.cell(engine, slow)?);
                let ratio = ratios.of(fast, slow)?;
                suspect |= [fast, slow].iter().any(|cell| cell.status == CellStatus::Suspect);
                Some(ratio)
            })
            .collect();
        rows.push(BuysRow {
            engine,
            ratios: found,
            suspect,
        });
    }
    let scenario = group.cells.first().map_or("", |cell| cell.scenario.as_str());
    rows.iter()
        .any(|row| row.ratios.iter().any(Option::is_some))
        .then(|| Buys {
            scenario,
            label: group.label(),
            pairs,
            rows,
        })
}

/// What `run` found.
pub(crate) fn findings<'a>(run: &'a Run, order: &Order<'_>, ratios: &Ratios) -> Findings<'a> {
    let groups = groups(run);
    let mut sentences = Vec::new();
    let mut found = (None, None);
    if let Some(group) = reference(&groups) {
        let profiles = order.values(Dimension::CpuProfile, &group.cells);
        let ranking = profiles
            .iter()
            .map(|profile| ranked(group, *profile))
            .find(|cells| !cells.is_empty())
            .unwrap_or_default();
        if let Some(best) = ranking.first() {
            sentences.extend(fastest(run, group, &ranking, ratios));
            let buys = buys(group, order, ratios);
            sentences.extend(buys.as_ref().and_then(|buys| instructions(buys, best)));
            let limit = limit(&groups, group, order, ratios);
            sentences.extend(limit.as_ref().and_then(|limit| nearness(limit, best)));
            found = (buys, limit);
        }
    }
    let stacks = crate::stacks::stacks(run, ratios);
    sentences.extend(stacks.iter().filter_map(crate::stacks::Stacks::sentence));
    for usage in crate::usage::usages(run) {
        sentences.extend(usage.sentences(ratios));
    }
    if sentences.is_empty() && !run.cells.is_empty() {
        sentences.push("No cell of this run has a figure. The reasons are listed below.".to_owned());
    }
    sentences.extend(crate::job::sentences(run));
    if sentences.is_empty() {
        sentences.push("This run has no cells: nothing was planned, so nothing was measured.".to_owned());
    }
    let (buys, limit) = found;
    Findings {
        sentences,
        cautions: cautions(run),
        groups,
        buys,
        limit,
    }
}

/// How many cells have each status, for the statuses that occur.
pub(crate) fn status_counts(run: &Run) -> Vec<(CellStatus, usize)> {
    [
        CellStatus::Measured,
        CellStatus::Suspect,
        CellStatus::Failed,
        CellStatus::Unavailable,
        CellStatus::Unsupported,
    ]
    .into_iter()
    .map(|status| {
        (
            status,
            run.cells.iter().filter(|cell| cell.status == status).count(),
        )
    })
    .filter(|(_, count)| *count > 0)
    .collect()
}

/// Cells without a figure or with a suspect one, for one and the same reason.
pub(crate) struct Reason<'a> {
    pub(crate) status: CellStatus,
    pub(crate) reason: &'a str,
    /// In the record's order; never empty.
    pub(crate) cells: Vec<&'a Cell>,
}

/// Why cells have no figure or a suspect one; what needs attention most comes first.
pub(crate) fn reasons(run: &Run) -> Vec<Reason<'_>> {
    let mut places = HashMap::new();
    let mut reasons: Vec<Reason<'_>> = Vec::new();
    for cell in run
        .cells
        .iter()
        .filter(|cell| cell.status != CellStatus::Measured)
    {
        let reason = cell.reason.as_deref().unwrap_or("no reason recorded");
        let place = *places
            .entry((status_word(cell.status), reason))
            .or_insert_with(|| {
                reasons.push(Reason {
                    status: cell.status,
                    reason,
                    cells: Vec::new(),
                });
                reasons.len() - 1
            });
        reasons[place].cells.push(cell);
    }
    reasons.sort_by_key(|found| match found.status {
        CellStatus::Suspect => 0,
        CellStatus::Failed => 1,
        CellStatus::Unavailable => 2,
        CellStatus::Unsupported => 3,
        CellStatus::Measured => 4,
    });
    reasons
}

/// `120 cells: 100 measured, 20 unavailable`.
pub(crate) fn status_sentence(run: &Run) -> String {
    let counts: Vec<String> = status_counts(run)
        .into_iter()
        .map(|(status, count)| format!("{count} {}", status_word(status)))
        .collect();
    let cells = counted(run.cells.len(), "cell", "cells");
    let mut parts = Vec::new();
    if !counts.is_empty() {
        parts.push(format!("{cells}: {}", counts.join(", ")));
    }
    for (what, statuses) in [
        ("jobs", run.jobs.iter().map(|job| job.status).collect::<Vec<_>>()),
        ("steps", run.checks.iter().map(|check| check.status).collect()),
    ] {
        if !statuses.is_empty() {
            let failed = statuses
                .iter()
                .filter(|status| **status == CellStatus::Failed)
                .count();
            parts.push(format!("{} {what}: {failed} failed", statuses.len()));
        }
    }
    if parts.is_empty() {
        return cells;
    }
    parts.join("; ")
}

fn ranked<'a>(group: &Group<'a>, profile: Value<'_>) -> Vec<&'a Cell> {
    let mut cells: Vec<(&'a Cell, f64)> = group
        .cells
        .iter()
        .filter(|cell| cell.status == CellStatus::Measured)
        .filter(|cell| Value::Text(&cell.cpu_profile) == profile)
        .filter_map(|cell| Some((*cell, figure(cell)?.1.median)))
        .collect();
    cells.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    cells.into_iter().map(|(cell, _)| cell).collect()
}

fn fastest(run: &Run, group: &Group<'_>, ranking: &[&Cell], ratios: &Ratios) -> Option<String> {
    let best = ranking.first()?;
    let (unit, value) = figure(best)?;
    let version = run
        .engines
        .iter()
        .find(|engine| engine.id == best.engine && engine.cpu_profile == best.cpu_profile)
        .map(|engine| one_line(&format!("{} {}", engine.library, engine.version)))
        .filter(|version| !version.is_empty())
        .map_or(String::new(), |version| format!(" ({version})"));
    let profile = &best.cpu_profile;
    let verb = operation_word(best.operation);
    let what = format!("to {verb} {} with {}", group.subject(), best.format);
    let speed = match unit {
        Unit::BytesPerSecond => format!(
            "{} (95 % interval {})",
            unit.value(value.median),
            unit.interval(&value)
        ),
        Unit::Named(_) => unit.with_interval(&value),
    };
    let mut sentence = format!(
        "The fastest engine {what} on {} under the CPU profile {profile} is {}{version}: {speed}.",
        counted(best.threads, "thread", "threads"),
        best.engine,
    );
    if let Some((second, ratio)) = ranking
        .get(1)
        .and_then(|second| Some((second, ratios.of(best, second)?)))
    {
        let interval = ratio.interval.map_or(String::new(), |interval| {
            format!(
                " ({} to {})",
                significant(interval.low),
                significant(interval.high)
            )
        });
        sentence.push_str(&if ratio.spans_one() {
            format!(
                " The samples do not tell it apart from {} (ratio {}{interval}).",
                second.engine,
                times(ratio.ratio)
            )
        } else {
            format!(
                " It is {}{interval} as fast as the next, {}.",
                times(ratio.ratio),
                second.engine
            )
        });
    }
    Some(one_line(&sentence))
}

fn instructions(buys: &Buys<'_>, best: &Cell) -> Option<String> {
    let mut sentences = Vec::new();
    for (column, index) in buys.pairs.iter().enumerate() {
        let (fast, slow) = PROFILE_PAIRS[*index];
        let Some(ratio) = buys
            .rows
            .iter()
            .find(|row| row.engine == best.engine)
            .and_then(|row| row.ratios[column])
        else {
            continue;
        };
        let interval = ratio.interval.map_or(String::new(), |interval| {
            format!(
                " (95 % interval {} to {})",
                significant(interval.low),
                significant(interval.high)
            )
        });
        sentences.push(if ratio.spans_one() {
            format!("{fast} cannot be told apart from {slow}{interval}")
        } else {
            format!("{fast} is {}{interval} as fast as {slow}", times(ratio.ratio))
        });
    }
    let listed = match sentences.as_slice() {
        [] => return None,
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let mut sentence = format!("What the AES instructions buy {}: {listed}.", best.engine);
    let mut others: Vec<(&str, f64)> = buys
        .rows
        .iter()
        .filter(|row| !row.suspect)
        .filter_map(|row| Some((row.engine, row.ratios[0]?.ratio)))
        .collect();
    others.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    if let ([(least, low), .., (most, high)], (fast, slow)) =
        (others.as_slice(), PROFILE_PAIRS[buys.pairs[0]])
    {
        sentence.push_str(&format!(
            " Over all engines {fast} / {slow} goes from {} ({least}) to {} ({most}).",
            times(*low),
            times(*high)
        ));
    }
    Some(one_line(&sentence))
}

fn nearness(limit: &Limit<'_>, best: &Cell) -> Option<String> {
    let row = limit
        .rows
        .iter()
        .find(|row| row.xts.engine == best.engine && row.xts.cpu_profile == best.cpu_profile)?;
    let share = row.share?;
    let probe = limit.under(&best.cpu_profile)?;
    let (unit, value) = figure(probe)?;
    let interval = share.interval.map_or(String::new(), |interval| {
        format!(
            " (95 % interval {} to {})",
            percent(interval.low),
            percent(interval.high)
        )
    });
    Some(one_line(&format!(
        "The limit: {}'s {XTS_FORMAT} reaches {}{interval} of the raw AES-256 block rate, {}, the highest that any \
         engine showed in this run ({}).",
        best.engine,
        percent(share.ratio),
        unit.value(value.median),
        probe.engine,
    )))
}

fn cautions(run: &Run) -> Vec<String> {
    let mut cautions = Vec::new();
    let count = |status| run.cells.iter().filter(|cell| cell.status == status).count();
    let suspect = count(CellStatus::Suspect);
    if suspect > 0 {
        cautions.push(format!(
            "{} under suspicion: the figure contradicts the CPU profile.",
            counted(suspect, "cell is", "cells are")
        ));
    }
    let failed = count(CellStatus::Failed);
    if failed > 0 {
        cautions.push(format!(
            "{} no figure.",
            counted(
                failed,
                "cell failed in verification or measurement and has",
                "cells failed in verification or measurement and have"
            )
        ));
    }
    let unverified = run
        .cells
        .iter()
        .filter(|cell| figure(cell).is_some() && !cell.verified)
        .count();
    if unverified > 0 {
        cautions.push(format!(
            "{} a figure without having been verified first.",
            counted(unverified, "cell has", "cells have")
        ));
    }
    let machine = &run.machine;
    if let Some(steal) = machine.steal_share.filter(|share| *share >= 0.01) {
        cautions.push(format!(
            "The hypervisor gave {} of the CPU time to others during the run.",
            percent(steal)
        ));
    }
    if machine.cpus > 0 && machine.load_average[0] > machine.cpus as f64 * 0.5 {
        cautions.push(format!(
            "The machine was busy when the run began: load average {} on {}.",
            significant(machine.load_average[0]),
            counted(machine.cpus, "CPU", "CPUs")
        ));
    }
    cautions
}
