//! A CPU profile file gives distinct profiles that can be imposed, or is refused with its place.

use std::collections::HashSet;

use sealab_cpu::Profiles;

use crate::{place, refusal};

const FILE: &str = "profiles.yaml";

/// Whether `data` is accepted; panics where anything is out of bounds.
pub(crate) fn check(data: &[u8]) -> bool {
    // A file that is not UTF-8 is refused when it is read.
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let profiles = match Profiles::parse(text, FILE) {
        Ok(profiles) => profiles,
        Err(error) => {
            let message = error.to_string();
            refusal::is_one_line(&message);
            place::is_told(&message, FILE, text);
            return false;
        }
    };
    assert!(profiles.iter().next().is_some(), "no profile");
    let mut ids = HashSet::new();
    for profile in profiles.iter() {
        let id = profile.id();
        let in_form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!((1..=32).contains(&id.len()) && id.bytes().all(in_form), "{id:?}");
        assert!(ids.insert(id), "{id:?} is there twice");
        assert!(
            profiles.get(id).is_some_and(|found| std::ptr::eq(found, profile)),
            "{id:?}"
        );
        let hidden: HashSet<&String> = profile.hides().iter().collect();
        assert_eq!(hidden.len(), profile.hides().len(), "{id} hides a feature twice");
        for feature in hidden {
            let in_form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(!feature.is_empty() && feature.bytes().all(in_form), "{feature:?}");
        }
    }
    true
}
