//! What verdicts are expected, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Act, AttackError, FormatUnderAttack, Verdict};

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

    /// Expectations of formats and acts that are not among those, as `plane: format/act`.
    pub fn strangers(&self, formats: &[FormatUnderAttack], acts: &[Act]) -> Vec<String> {
        let known = |(plane, format, act): &(String, String, String)| {
            formats.iter().any(|one| one.plane == plane && one.id == format)
                && acts.iter().any(|one| one.plane == plane && one.id == act)
        };
        let strangers = self.verdicts.keys().filter(|key| !known(key));
        strangers
            .map(|(plane, format, act)| format!("{plane}: {format}/{act}"))
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
    fn nothing_is_expected_of_what_is_not_there() {
        use crate::{checkpoint, layer, volume};
        let formats = [checkpoint::known(), volume::known(), layer::known()].concat();
        let acts = [checkpoint::acts(), volume::acts(), layer::acts()].concat();
        let none: [String; 0] = [];
        assert_eq!(Expectations::shipped().unwrap().strangers(&formats, &acts), none);
        let stranger = Expectations::parse(GROUP).unwrap().strangers(&formats, &acts);
        assert_eq!(stranger, ["p: f/a", "p: f/b"]);
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
