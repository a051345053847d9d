//! What verdicts are expected, as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Act, AttackError, Target, Verdict};

const SHIPPED: &str = include_str!("../expected.yaml");

/// The expected verdict, with its reason, of each format and act.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// By plane, format and act.
    verdicts: BTreeMap<(String, String, String), (Verdict, String)>,
}

/// Acts that come out alike for one format, for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    plane: String,
    format: String,
    verdict: Verdict,
    because: String,
    acts: Vec<String>,
}

impl Expectations {
    /// Those that the lab ships with.
    ///
    /// # Errors
    /// [`AttackError::Expectations`].
    pub fn shipped() -> Result<Self, AttackError> {
        Self::parse(SHIPPED)
    }

    /// Reads them from YAML: a list of groups of `plane`, `format`, `verdict`, `because` and `acts`.
    ///
    /// # Errors
    /// [`AttackError::Expectations`]: no such YAML, or a format and act with two verdicts.
    pub fn parse(text: &str) -> Result<Self, AttackError> {
        let wrong = |text: String| AttackError::Expectations(text);
        let groups: Vec<Group> = serde_saphyr::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut verdicts = BTreeMap::new();
        for group in groups {
            if group.because.trim().is_empty() {
                return Err(wrong(format!("{}: a group of acts has no reason", group.format)));
            }
            for act in group.acts {
                let key = (group.plane.clone(), group.format.clone(), act);
                let expected = (group.verdict, group.because.trim().to_owned());
                if verdicts.insert(key.clone(), expected).is_some() {
                    return Err(wrong(format!("{}: the act {} stands twice", key.1, key.2)));
                }
            }
        }
        Ok(Self { verdicts })
    }

    /// The expected verdict on `act` for `format`, and why.
    pub fn of(&self, format: &str, act: &Act) -> Option<(Verdict, &str)> {
        let key = (act.plane.to_owned(), format.to_owned(), act.id.to_owned());
        let (verdict, reason) = self.verdicts.get(&key)?;
        Some((*verdict, reason))
    }

    /// Expectations of formats and acts that are not among `targets`, as `format/act`.
    pub fn strangers(&self, targets: &[Box<dyn Target + '_>]) -> Vec<String> {
        let known: BTreeSet<(&str, &str, &str)> = targets
            .iter()
            .flat_map(|target| {
                let format = target.format();
                target
                    .acts()
                    .iter()
                    .map(move |act| (act.plane, format.id, act.id))
            })
            .collect();
        self.verdicts
            .keys()
            .filter(|(plane, format, act)| !known.contains(&(plane.as_str(), format.as_str(), act.as_str())))
            .map(|(_, format, act)| format!("{format}/{act}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Guarantee;

    const GROUP: &str = "- {plane: p, format: f, verdict: refused, because: So., acts: [a, b]}\n";

    #[test]
    fn expectations_are_found_by_format_and_act() {
        let expected = Expectations::parse(GROUP).unwrap();
        let act = |plane, id| Act {
            plane,
            id,
            guarantee: Guarantee::Integrity,
            what: "",
        };
        assert_eq!(expected.of("f", &act("p", "b")), Some((Verdict::Refused, "So.")));
        assert_eq!(expected.of("g", &act("p", "b")), None);
        assert_eq!(expected.of("f", &act("q", "b")), None);
        assert_eq!(expected.of("f", &act("p", "c")), None);
    }

    #[test]
    fn what_is_wrong_is_refused_and_named() {
        for (text, said) in [
            (GROUP.repeat(2), "the act a stands twice"),
            (GROUP.replace("So.", "\"\""), "no reason"),
            (GROUP.replace("refused", "fine"), "fine"),
            (GROUP.replace("because", "why"), "why"),
        ] {
            let error = Expectations::parse(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
