//! What did not hold: wrong answers, crashes and hangs, alike ones under several CPU profiles told once.

use std::collections::{BTreeSet, HashMap};

use sealab_record::{Conformance, ConformanceSuite, Difference, Implementation, Remark, Verdict};

use super::family::Family;
use super::row::{Row, all_rows};

/// Cases in a row of one suite that went wrong in one way in one implementation.
pub(super) struct Disagreement<'a> {
    pub(super) suite: &'a ConformanceSuite,
    /// The first case, as an index into the suite's.
    pub(super) first: usize,
    /// How many cases in a row.
    pub(super) count: usize,
    pub(super) verdict: Verdict,
    pub(super) reason: &'a str,
    pub(super) difference: Option<&'a Difference>,
    /// Where it was seen, with the command that repeats the first case there.
    pub(super) seen: Vec<(&'a Implementation, Option<&'a str>)>,
}

/// All that one implementation got wrong of one algorithm.
pub(super) struct Wrong<'a> {
    pub(super) name: &'a str,
    pub(super) algorithm: &'a str,
    pub(super) disagreements: Vec<Disagreement<'a>>,
    /// How many different cases went wrong.
    pub(super) cases: usize,
    /// The CPU profiles under which any did, in the run's order.
    pub(super) cpu_profiles: Vec<&'a str>,
}

impl Wrong<'_> {
    /// `3 fail`, or `1 crash`, `1 hang`; `3 wrong` where it is some of each.
    pub(super) fn short(&self) -> String {
        let mut verdicts = self.disagreements.iter().map(|disagreement| disagreement.verdict);
        let first = verdicts.next();
        let word = match first {
            Some(verdict) if verdicts.all(|other| other == verdict) => verdict.id(),
            _ => "wrong",
        };
        format!("{} {word}", crate::numbers::whole(self.cases as u64))
    }
}

impl Disagreement<'_> {
    /// `case 17`, or `cases 17 to 23`.
    pub(super) fn cases(&self) -> String {
        let number = |index: usize| self.suite.cases.get(index).copied().unwrap_or_default();
        let first = number(self.first);
        match self.count {
            0 | 1 => format!("case {first}"),
            count => format!("cases {first} to {}", number(self.first + count - 1)),
        }
    }

    /// The command that repeats it where it was seen first.
    pub(super) fn repeat(&self) -> Option<&str> {
        self.seen.iter().find_map(|(_, repeat)| *repeat)
    }
}

/// All that went wrong, by implementation (in the run's order) and algorithm (families together).
pub(super) fn wrongs(run: &Conformance) -> Vec<Wrong<'_>> {
    let mut order = HashMap::new();
    for implementation in &run.implementations {
        let next = order.len();
        order.entry(implementation.name.as_str()).or_insert(next);
    }
    let mut groups: HashMap<(&str, &str), Group<'_>> = HashMap::new();
    let mut sequence: Option<Sequence<'_>> = None;
    for row in all_rows(run).filter(|row| is_wrong(row.verdict)) {
        match &mut sequence {
            Some(sequence) if sequence.goes_on(&row) => sequence.count += 1,
            _ => {
                if let Some(ended) = sequence.replace(Sequence::new(row)) {
                    ended.into_group(&mut groups);
                }
            }
        }
    }
    if let Some(ended) = sequence {
        ended.into_group(&mut groups);
    }
    let mut wrongs: Vec<Wrong<'_>> = groups.into_values().map(Group::finish).collect();
    wrongs.sort_by_key(|wrong| {
        (
            order.get(wrong.name).copied(),
            Family::of(wrong.algorithm),
            wrong.algorithm,
        )
    });
    wrongs
}

pub(super) fn is_wrong(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Hang)
}

/// Rows that follow each other and share verdict and remark.
struct Sequence<'a> {
    row: Row<'a>,
    count: usize,
}

impl<'a> Sequence<'a> {
    fn new(row: Row<'a>) -> Self {
        Self { row, count: 1 }
    }

    fn goes_on(&self, next: &Row<'a>) -> bool {
        let same = |one: Option<&Remark>, other: Option<&Remark>| match (one, other) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (None, None) => true,
            _ => false,
        };
        std::ptr::eq(self.row.implementation, next.implementation)
            && std::ptr::eq(self.row.suite, next.suite)
            && self.row.index + self.count == next.index
            && self.row.verdict == next.verdict
            && same(self.row.remark, next.remark)
    }

    fn into_group(self, groups: &mut HashMap<(&'a str, &'a str), Group<'a>>) {
        let Row {
            implementation,
            suite,
            ..
        } = self.row;
        groups
            .entry((&implementation.name, &suite.algorithm))
            .or_insert_with(|| Group {
                wrong: Wrong {
                    name: &implementation.name,
                    algorithm: &suite.algorithm,
                    disagreements: Vec::new(),
                    cases: 0,
                    cpu_profiles: Vec::new(),
                },
                places: HashMap::new(),
                cases: BTreeSet::new(),
            })
            .add(self);
    }
}

/// What makes two sequences one disagreement.
type Likeness<'a> = (&'a str, usize, usize, Verdict, &'a str, Option<[&'a str; 4]>);

struct Group<'a> {
    wrong: Wrong<'a>,
    places: HashMap<Likeness<'a>, usize>,
    cases: BTreeSet<(&'a str, usize)>,
}

impl<'a> Group<'a> {
    fn add(&mut self, sequence: Sequence<'a>) {
        let Sequence { row, count } = sequence;
        let reason = row.reason().unwrap_or_default();
        let difference = row.remark.and_then(|remark| remark.difference.as_ref());
        let values = difference.map(|difference| {
            [
                difference.operation.as_str(),
                difference.value.as_str(),
                difference.expected.as_str(),
                difference.actual.as_str(),
            ]
        });
        let suite = row.suite.name.as_str();
        self.cases
            .extend((row.index..row.index + count).map(|index| (suite, index)));
        let profile = row.implementation.cpu_profile.as_str();
        if !self.wrong.cpu_profiles.contains(&profile) {
            self.wrong.cpu_profiles.push(profile);
        }
        let likeness = (suite, row.index, count, row.verdict, reason, values);
        let disagreements = &mut self.wrong.disagreements;
        let place = *self.places.entry(likeness).or_insert_with(|| {
            disagreements.push(Disagreement {
                suite: row.suite,
                first: row.index,
                count,
                verdict: row.verdict,
                reason,
                difference,
                seen: Vec::new(),
            });
            disagreements.len() - 1
        });
        disagreements[place].seen.push((row.implementation, row.repeat()));
    }

    fn finish(self) -> Wrong<'a> {
        Wrong {
            cases: self.cases.len(),
            ..self.wrong
        }
    }
}
