//! What came of a comparison of methods.

use std::collections::BTreeMap;

use sealab_programs::Spent;

use crate::ImagesError;

/// One way of one method, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The method's name.
    pub method: &'static str,
    /// What was measured.
    pub way: Way,
    /// Which round it was, from 0.
    pub round: u32,
    /// Bytes of the image as it is without encryption, with its manifest.
    pub plain_bytes: u64,
    /// Bytes that were stored for it, with its manifest.
    pub stored_bytes: u64,
    /// Of them, those of manifests, configurations and indexes; none where that was not looked for.
    pub metadata_bytes: Option<u64>,
    /// Bytes that went to and from the registry, in both directions, with HTTP's own; none without a registry.
    pub transferred_bytes: Option<u64>,
    /// From the start to the end of the program, in seconds.
    pub wall_seconds: f64,
    /// CPU time of the program, in seconds; counted in hundredths.
    pub cpu_seconds: f64,
    /// The peak resident memory of the program, in bytes.
    pub peak_bytes: u64,
}

/// Into the sealed form or back.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Way {
    /// From the plain image to what is stored.
    Seal,
    /// From what is stored to the plain image, or to files of it.
    Open,
}

/// What came of a comparison. Methods are told by their names.
#[derive(Clone, Debug)]
pub struct Comparison<R = Row> {
    /// The figures, in the order in which they were taken.
    pub rows: Vec<R>,
    /// How each method's program names itself and its version.
    pub versions: BTreeMap<&'static str, String>,
    /// The methods that this machine cannot do, with the reason.
    pub missing: BTreeMap<&'static str, String>,
    /// The methods that failed, took too long, or did not give back what they were given, with what was found.
    pub failed: BTreeMap<&'static str, String>,
}

impl Row {
    /// A row without bytes that were transferred or told apart.
    pub(crate) fn new(
        method: &'static str,
        way: Way,
        round: u32,
        (plain_bytes, stored_bytes): (u64, u64),
        spent: Spent,
    ) -> Self {
        Self {
            method,
            way,
            round,
            plain_bytes,
            stored_bytes,
            metadata_bytes: None,
            transferred_bytes: None,
            wall_seconds: spent.wall.as_secs_f64(),
            cpu_seconds: spent.cpu_seconds,
            peak_bytes: spent.peak_bytes,
        }
    }
}

impl<R> Default for Comparison<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            versions: BTreeMap::new(),
            missing: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }
}

impl<R> Comparison<R> {
    /// Has each of `contenders` take its turn in each of `rounds`, forwards and backwards in turn, so that drift of the
    /// machine hits all alike. One that fails has no further turns.
    pub(crate) fn turns<P>(
        &mut self,
        rounds: u32,
        contenders: &mut [(&'static str, P)],
        mut turn: impl FnMut(u32, &mut P) -> Result<Vec<R>, ImagesError>,
    ) -> Result<(), ImagesError> {
        for round in 0..rounds {
            for place in 0..contenders.len() {
                let last = contenders.len() - 1;
                let (name, contender) = &mut contenders[if round % 2 == 0 { place } else { last - place }];
                if self.failed.contains_key(name) || self.missing.contains_key(name) {
                    continue;
                }
                match turn(round, contender) {
                    Ok(rows) => self.rows.extend(rows),
                    Err(error) => self.fail(name, &error)?,
                }
            }
        }
        Ok(())
    }

    /// Writes down that a method failed or cannot be done, unless all of it was ended.
    pub(crate) fn fail(&mut self, name: &'static str, error: &ImagesError) -> Result<(), ImagesError> {
        if error.is_interruption() {
            return Err(sealab_programs::ProgramError::Interrupted.into());
        }
        let list = if error.is_unavailable() {
            &mut self.missing
        } else {
            &mut self.failed
        };
        list.insert(name, error.to_string());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_forwards_and_backwards_without_those_that_failed() {
        let mut comparison = Comparison::<(u32, char)>::default();
        let mut contenders = [("a", 'a'), ("b", 'b'), ("c", 'c')];
        let wrong = || ImagesError::Wrong {
            place: "b".to_owned(),
            found: "nothing".to_owned(),
            expected: "something".to_owned(),
        };
        let turn = |round, name: &mut char| {
            if *name == 'b' && round == 1 {
                Err(wrong())
            } else {
                Ok(vec![(round, *name)])
            }
        };
        comparison.turns(3, &mut contenders, turn).expect("turns");
        let rows = [
            (0, 'a'),
            (0, 'b'),
            (0, 'c'),
            (1, 'c'),
            (1, 'a'),
            (2, 'a'),
            (2, 'c'),
        ];
        assert_eq!(comparison.rows, rows);
        assert_eq!(comparison.failed["b"], "b: nothing; right would be something");
        let ended = |_, _: &mut char| Err(sealab_programs::ProgramError::Interrupted.into());
        let ended = comparison.turns(1, &mut contenders, ended);
        assert!(ended.expect_err("ended").is_interruption());
    }

    #[test]
    fn what_is_missing_is_told_apart_from_what_fails() {
        let mut comparison = Comparison::<()>::default();
        let missing = sealab_programs::ProgramError::Missing {
            program: "skopeo",
            package: "skopeo",
        };
        comparison
            .fail("skopeo", &missing.into())
            .expect("no interruption");
        assert_eq!(
            comparison.missing["skopeo"],
            "skopeo is not installed (Debian's package skopeo)"
        );
        let turn = |_, (): &mut ()| Ok(vec![()]);
        comparison.turns(1, &mut [("skopeo", ())], turn).expect("turns");
        assert!(comparison.failed.is_empty() && comparison.rows.is_empty());
    }
}
