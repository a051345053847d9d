//! Why cases were not asked or could not be answered, and why implementations could not be had.

use std::collections::HashMap;

use sealab_record::{Conformance, Implementation, Verdict};

use super::row::all_rows;

/// One reason for which cases were skipped or are unsupported.
pub(super) struct Reason<'a> {
    pub(super) verdict: Verdict,
    pub(super) reason: &'a str,
    /// How many verdicts it stands for.
    pub(super) count: usize,
    /// Whose, in the run's order.
    pub(super) names: Vec<&'a str>,
}

/// The reasons of all cases that were skipped or are unsupported; skipped before unsupported, frequent before rare.
/// Implementations that could not be had at all are left to [`unavailable`].
pub(super) fn reasons(run: &Conformance) -> Vec<Reason<'_>> {
    let mut found: Vec<Reason<'_>> = Vec::new();
    let mut places: HashMap<(Verdict, &str), usize> = HashMap::new();
    let left = all_rows(run).filter(|row| {
        row.implementation.unavailable.is_none()
            && matches!(row.verdict, Verdict::Skipped | Verdict::Unsupported)
    });
    for row in left {
        let reason = row.reason().unwrap_or_default();
        let place = *places.entry((row.verdict, reason)).or_insert_with(|| {
            found.push(Reason {
                verdict: row.verdict,
                reason,
                count: 0,
                names: Vec::new(),
            });
            found.len() - 1
        });
        let entry = &mut found[place];
        entry.count += 1;
        // Rows of an implementation follow each other, so looking at the last is enough for most.
        let name = row.implementation.name.as_str();
        if entry.names.last() != Some(&name) && !entry.names.contains(&name) {
            entry.names.push(name);
        }
    }
    found.sort_by_key(|reason| (reason.verdict, std::cmp::Reverse(reason.count)));
    found
}

/// Implementations that could not be had, for one reason.
pub(super) struct Unavailable<'a> {
    pub(super) reason: &'a str,
    /// Whether this machine could have what is missing.
    pub(super) missing: bool,
    pub(super) implementations: Vec<&'a Implementation>,
}

impl Unavailable<'_> {
    /// `graviola (no-aes, baseline), java`: each with its CPU profiles, if there are any to tell apart.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<(&str, Vec<String>)> = Vec::new();
        for implementation in &self.implementations {
            let profile = super::bounded::name(&implementation.cpu_profile);
            match names.last_mut() {
                Some((name, profiles)) if *name == implementation.name => profiles.push(profile),
                _ => names.push((&implementation.name, vec![profile])),
            }
        }
        names
            .into_iter()
            .map(|(name, profiles)| format!("{} ({})", super::bounded::name(name), profiles.join(", ")))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The implementations that could not be had; what this machine could have comes first.
pub(super) fn unavailable(run: &Conformance) -> Vec<Unavailable<'_>> {
    let mut found: Vec<Unavailable<'_>> = Vec::new();
    for implementation in &run.implementations {
        let Some(reason) = &implementation.unavailable else {
            continue;
        };
        let missing = implementation.missing;
        match found
            .iter_mut()
            .find(|entry| entry.reason == *reason && entry.missing == missing)
        {
            Some(entry) => entry.implementations.push(implementation),
            None => found.push(Unavailable {
                reason,
                missing,
                implementations: vec![implementation],
            }),
        }
    }
    found.sort_by_key(|entry| !entry.missing);
    found
}
