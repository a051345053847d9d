//! The profiles file: YAML, unknown keys refused, every error with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use crate::feature::{FEATURES, Feature, feature};
use crate::mask;
use crate::profile::{Common, Profile};

/// A larger file is refused before it is parsed.
const MAX_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 16;
const MAX_EVENTS: usize = 20_000;

/// What is wrong with a profiles file.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ProfileError {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What was found and what would be right.
    pub message: String,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfilesFile {
    #[serde(default)]
    opened_at_run_time: BTreeSet<String>,
    profiles: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    description: String,
    #[serde(default)]
    hides: Vec<Spanned<String>>,
    #[serde(default)]
    environment: Variables,
    #[serde(default)]
    switches: BTreeMap<String, Variables>,
}

type Variables = BTreeMap<String, Spanned<String>>;

/// The profiles of the file's text; `file` names it in errors.
pub(crate) fn parse(text: &str, file: &str) -> Result<Vec<Profile>, ProfileError> {
    profiles(text).map_err(|Wrong { location, message }| ProfileError {
        file: file.to_owned(),
        line: location.line().max(1),
        column: location.column().max(1),
        message: brief(&message),
    })
}

struct Wrong {
    location: Location,
    message: String,
}

fn wrong(location: Location, message: String) -> Wrong {
    Wrong { location, message }
}

fn profiles(text: &str) -> Result<Vec<Profile>, Wrong> {
    if text.len() > MAX_BYTES {
        return Err(wrong(
            Location::UNKNOWN,
            format!("the file is larger than {} KiB", MAX_BYTES >> 10),
        ));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_events: MAX_EVENTS },
        with_snippet: false,
        strict_booleans: true,
    };
    let file: ProfilesFile = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        wrong(
            error.location().unwrap_or(Location::UNKNOWN),
            without_place(&error.to_string()),
        )
    })?;
    if file.profiles.is_empty() {
        return Err(wrong(
            Location::UNKNOWN,
            "profiles is empty; name one at least".to_owned(),
        ));
    }
    let variables = file
        .profiles
        .iter()
        .flat_map(|entry| entry.switches.values().chain([&entry.environment]))
        .flat_map(|variables| variables.keys().cloned())
        .collect();
    let common = Arc::new(Common {
        opened_at_run_time: file.opened_at_run_time,
        variables,
    });
    let mut profiles: Vec<Profile> = Vec::new();
    for entry in file.profiles {
        let place = entry.id.referenced;
        let profile = entry.check(&common)?;
        if profiles.iter().any(|known| known.id == profile.id) {
            return Err(wrong(
                place,
                format!("a second profile {:?}; identifiers must be distinct", profile.id),
            ));
        }
        profiles.push(profile);
    }
    Ok(profiles)
}

/// The first line of the parser's message, without the place that is printed in front of it.
fn without_place(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ")
        .map_or(line, |(before, _)| before)
        .to_owned()
}

/// `text` on one printable line, its middle left out where it quotes a long value.
fn brief(text: &str) -> String {
    const BEGIN: usize = 400;
    const END: usize = 1600;
    let printable = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let length = text.chars().count();
    if length <= BEGIN + END {
        return text.chars().map(printable).collect();
    }
    let begin = text.chars().take(BEGIN);
    let end = text.chars().skip(length - END);
    begin.chain(" … ".chars()).chain(end).map(printable).collect()
}

impl Entry {
    fn check(self, common: &Arc<Common>) -> Result<Profile, Wrong> {
        let Self {
            id,
            description,
            hides,
            environment,
            switches,
        } = self;
        let in_form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&id.value.len()) || !id.value.bytes().all(in_form) {
            let found = &id.value;
            let message = format!("the identifier {found:?} must be 1 to 32 of a-z, 0-9 and -");
            return Err(wrong(id.referenced, message));
        }
        let mut features: Vec<&'static Feature> = Vec::new();
        for name in &hides {
            let Some(feature) = feature(&name.value) else {
                let known: Vec<_> = FEATURES.iter().map(|feature| feature.name).collect();
                let message = format!(
                    "unknown CPU feature {:?}; known are: {}",
                    name.value,
                    known.join(", ")
                );
                return Err(wrong(name.referenced, message));
            };
            if features.contains(&feature) {
                return Err(wrong(
                    name.referenced,
                    format!("{:?} is hidden twice", name.value),
                ));
            }
            features.push(feature);
        }
        let set = switches.values().chain([&environment]).flatten();
        for (name, value) in set {
            let in_form = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let message = if features.is_empty() {
                format!("{name} is set by a profile that hides nothing; such a profile changes nothing")
            } else if name.is_empty() || !name.bytes().all(in_form) || name == mask::VARIABLE {
                format!("{name:?} must be the name of an environment variable, of A-Z, a-z, 0-9 and _")
            } else if value.value.contains('\0') {
                format!("the value of {name} contains a zero byte")
            } else {
                continue;
            };
            return Err(wrong(value.referenced, message));
        }
        let plain = |variables: Variables| {
            variables
                .into_iter()
                .map(|(name, value)| (name, value.value))
                .collect()
        };
        Ok(Profile {
            id: id.value,
            description,
            hides: hides.into_iter().map(|name| name.value).collect(),
            features,
            environment: plain(environment),
            switches: switches
                .into_iter()
                .map(|(engine, variables)| (engine, plain(variables)))
                .collect(),
            common: Arc::clone(common),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, "p.yaml").unwrap_err().to_string()
    }

    #[test]
    fn every_error_has_its_place() {
        for (text, expected) in [
            ("profiles: []\n", "p.yaml:1:1: profiles is empty"),
            (
                "profiles:\n  - id: a\n    description: d\n    hide: [aes]\n",
                "p.yaml:4:5: unknown field `hide`",
            ),
            (
                "profiles:\n  - id: a\n    description: d\n    hides:\n      - eas\n",
                "p.yaml:5:9: unknown CPU feature",
            ),
            (
                "profiles:\n  - id: a\n    description: d\n    hides: [aes, aes]\n",
                "p.yaml:4:18: \"aes\" is hidden twice",
            ),
            (
                "profiles:\n  - {id: a, description: d}\n  - {id: a, description: d}\n",
                "p.yaml:3:10: a second profile \"a\"",
            ),
            (
                "profiles:\n  - id: A b\n    description: d\n",
                "p.yaml:2:9: the identifier \"A b\"",
            ),
            (
                "profiles:\n  - id: a\n    description: d\n    environment: {X: y}\n",
                "p.yaml:4:22: X is set by a profile that hides nothing",
            ),
            (
                "profiles:\n  - id: a\n    description: d\n    hides: [aes]\n    switches: {openssl: {A=B: y}}\n",
                "p.yaml:5:31: \"A=B\" must be the name",
            ),
        ] {
            let found = error(text);
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
        assert!(error("profiles:\n  - id: [").starts_with("p.yaml:2:"));
        assert!(error(&"[".repeat(100_000)).starts_with("p.yaml:1:"));
        assert!(error(&" ".repeat(MAX_BYTES + 1)).contains("larger than 1024 KiB"));
    }
}
