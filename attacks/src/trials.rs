//! Several trials of one act, and the one outcome that they come to.

use sealab_attack_record::Verdict;

use crate::Outcome;
use crate::files::Files;
use crate::judging::{Reading, difference, false_bytes};

/// The trials of one act, which differ in the place.
#[derive(Default)]
pub(crate) struct Trials {
    all: Vec<Trial>,
}

struct Trial {
    place: String,
    verdict: Verdict,
    note: Option<String>,
}

impl Trials {
    pub(crate) fn add(&mut self, place: impl Into<String>, verdict: Verdict, note: Option<String>) {
        self.all.push(Trial {
            place: place.into(),
            verdict,
            note,
        });
    }

    /// A change at `place`, as it was read.
    pub(crate) fn change(&mut self, place: impl Into<String>, reading: &Reading, truth: &Files) {
        let note = match &reading.refusal {
            Some(refusal) => {
                let found = false_bytes(&reading.handed_out, truth);
                let before = found.map(|found| format!(", after handing out false: {found}"));
                Some(format!("{refusal}{}", before.unwrap_or_default()))
            }
            None => difference(&reading.handed_out, truth).map(|found| format!("handed out false: {found}")),
        };
        self.add(place, reading.of_change(truth), note);
    }

    /// An offer, as it was read.
    pub(crate) fn offer(&mut self, place: impl Into<String>, reading: &Reading) {
        self.add(place, reading.of_offer(), reading.refusal.clone());
    }

    /// The worst verdict, and where.
    pub(crate) fn outcome(self, nothing: &str) -> Outcome {
        let Some(worst) = self.all.iter().map(|trial| trial.verdict).max() else {
            return Outcome {
                verdict: Verdict::NotApplicable,
                detail: nothing.to_owned(),
            };
        };
        let total = self.all.len();
        let mut parts = Vec::new();
        for verdict in Verdict::ALL.into_iter().rev() {
            let trials: Vec<&Trial> = self.all.iter().filter(|trial| trial.verdict == verdict).collect();
            if trials.is_empty() {
                continue;
            }
            let words = match verdict {
                // A change among others that could be seen.
                Verdict::Refused if worst != Verdict::Refused => "without effect",
                verdict => verdict.id(),
            };
            let count = match trials.len() {
                some if some < total => format!("{some} of {total} {words}: "),
                1 => String::new(),
                all => format!("all {all}: "),
            };
            // Places are told of the worst; of the rest one refusal is enough.
            let places = if verdict == worst {
                listed(&trials)
            } else {
                String::new()
            };
            let note = trials
                .iter()
                .find_map(|trial| trial.note.as_deref())
                .unwrap_or_default();
            let between = if places.is_empty() || note.is_empty() {
                ""
            } else {
                ": "
            };
            let part = format!("{count}{places}{between}{note}");
            parts.push(part.trim_end_matches(": ").to_owned());
        }
        Outcome {
            verdict: worst,
            detail: parts.join("; "),
        }
    }
}

/// The places of some trials, the first of many.
fn listed(trials: &[&Trial]) -> String {
    const LISTED: usize = 6;
    let mut places: Vec<&str> = trials.iter().map(|trial| trial.place.as_str()).collect();
    places.dedup();
    let more = match places.len().saturating_sub(LISTED) {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    places.truncate(LISTED);
    format!("{}{more}", places.join(", "))
}
