//! Where a scenario is wrong, and what would be right.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::RangeInclusive;

use sealab_record::brief;
use serde_saphyr::{Location, Spanned};

use crate::ScenarioError;
use crate::selection::Selection;

/// Where errors are.
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
}

impl Place<'_> {
    pub(crate) fn error(&self, location: Location, message: String) -> ScenarioError {
        let (line, column) = (location.line().max(1), location.column().max(1));
        ScenarioError::Invalid {
            file: self.file.to_owned(),
            line,
            column,
            message: brief(&message),
        }
    }

    pub(crate) fn name(&self, name: &Spanned<String>) -> Result<(), ScenarioError> {
        let text = name.value.as_bytes();
        let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        if !text.is_empty() && text.len() <= 64 && text[0] != b'-' && text.iter().all(fits) {
            return Ok(());
        }
        let message = format!(
            "the name is {:?}; it must be 1 to 64 of a-z, 0-9 and -, not beginning with -",
            name.value
        );
        Err(self.error(name.referenced, message))
    }

    pub(crate) fn range(
        &self,
        what: &str,
        value: &Spanned<i64>,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ScenarioError> {
        if let Some(fits) = u32::try_from(value.value)
            .ok()
            .filter(|number| range.contains(number))
        {
            return Ok(fits);
        }
        let message = format!(
            "{what} is {}; it must be {} to {}",
            value.value,
            range.start(),
            range.end()
        );
        Err(self.error(value.referenced, message))
    }

    pub(crate) fn known<W: AsRef<str> + Clone>(
        &self,
        what: &str,
        word: &Spanned<String>,
        words: &[W],
    ) -> Result<W, ScenarioError> {
        words
            .iter()
            .find(|known| known.as_ref() == word.value)
            .cloned()
            .ok_or_else(|| {
                let known: Vec<_> = words.iter().map(AsRef::as_ref).collect();
                let message = format!("unknown {what} {:?}; there are {}", word.value, known.join(", "));
                self.error(word.referenced, message)
            })
    }

    pub(crate) fn filled<T>(&self, what: &str, list: &[T], location: Location) -> Result<(), ScenarioError> {
        if list.is_empty() {
            return Err(self.error(location, format!("{what} is empty; it needs at least one entry")));
        }
        Ok(())
    }

    pub(crate) fn distinct<T: Eq + Hash + Display>(
        &self,
        what: &str,
        list: &[Spanned<T>],
    ) -> Result<(), ScenarioError> {
        let mut seen = HashSet::new();
        match list.iter().find(|entry| !seen.insert(&entry.value)) {
            Some(twice) => Err(self.error(twice.referenced, format!("{what} {} stands twice", twice.value))),
            None => Ok(()),
        }
    }

    pub(crate) fn selected<W: AsRef<str> + Clone>(
        &self,
        what: &str,
        selection: &Selection<String>,
        words: &[W],
        location: Location,
    ) -> Result<Vec<W>, ScenarioError> {
        match selection {
            Selection::All => Ok(words.to_vec()),
            Selection::These(list) => {
                self.filled(&format!("the list of {what}s"), list, location)?;
                self.distinct(what, list)?;
                list.iter().map(|word| self.known(what, word, words)).collect()
            }
        }
    }
}
