//! The matrix: implementation under CPU profile × algorithm, or × family of algorithms.

use std::collections::BTreeSet;

use sealab_record::{Conformance, ConformanceSuite, Implementation, Tally};

use super::family::Family;
use super::row::{outcomes, tally};

/// Counted verdicts, a line for each of a run's implementations.
pub(super) struct Matrix<C> {
    /// What the columns are of, in order.
    pub(super) columns: Vec<C>,
    /// One tally a column for each of [`Conformance::implementations`].
    pub(super) lines: Vec<Vec<Tally>>,
}

/// The matrix with one column a family.
pub(super) fn by_family(run: &Conformance) -> Matrix<Family> {
    matrix(run, |suite| Family::of(&suite.algorithm))
}

/// The matrix with one column an algorithm, families together.
pub(super) fn by_algorithm(run: &Conformance) -> Matrix<(Family, &str)> {
    matrix(run, |suite| {
        (Family::of(&suite.algorithm), suite.algorithm.as_str())
    })
}

fn matrix<'a, C: Copy + Ord>(run: &'a Conformance, column: impl Fn(&'a ConformanceSuite) -> C) -> Matrix<C> {
    let columns: Vec<C> = run
        .suites
        .iter()
        .map(&column)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let lines = run
        .implementations
        .iter()
        .map(|implementation| {
            let mut line = vec![Tally::default(); columns.len()];
            for (suite, outcome) in outcomes(run, implementation) {
                if let Ok(place) = columns.binary_search(&column(suite)) {
                    line[place] += tally(suite, outcome);
                }
            }
            line
        })
        .collect();
    Matrix { columns, lines }
}

/// One implementation with the CPU profiles that it ran under.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// Its places in [`Conformance::implementations`], and what stands there.
    pub(super) profiles: Vec<(usize, &'a Implementation)>,
}

/// The run's implementations by name, in order.
pub(super) fn by_name(run: &Conformance) -> Vec<Named<'_>> {
    let mut found: Vec<Named<'_>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (index, implementation) in run.implementations.iter().enumerate() {
        let name = implementation.name.as_str();
        let place = *places.entry(name).or_insert_with(|| {
            found.push(Named {
                name,
                profiles: Vec::new(),
            });
            found.len() - 1
        });
        found[place].profiles.push((index, implementation));
    }
    found
}
