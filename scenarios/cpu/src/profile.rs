//! CPU profiles, and those that come with Sealab.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::feature::Feature;
use crate::profile_file::{self, ProfileError};

const SHIPPED: &str = include_str!("../../cpu-profiles.yaml");
const SHIPPED_NAME: &str = "scenarios/cpu-profiles.yaml";

/// A set of CPU profiles with distinct identifiers.
#[derive(Clone, Debug)]
pub struct Profiles {
    profiles: Vec<Profile>,
}

/// The CPU features that a process is not to see.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) hides: Vec<String>,
    pub(crate) features: Vec<&'static Feature>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) switches: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) common: Arc<Common>,
}

/// What all profiles of a file share.
#[derive(Debug)]
pub(crate) struct Common {
    /// Engines whose library is not linked into the executable.
    pub(crate) opened_at_run_time: BTreeSet<String>,
    /// Every environment variable that some profile sets.
    pub(crate) variables: BTreeSet<String>,
}

impl Profiles {
    /// The profiles that come with Sealab.
    pub fn shipped() -> Result<Self, ProfileError> {
        Self::parse(SHIPPED, SHIPPED_NAME)
    }

    /// Parses the text of a profiles file; `file` names it in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, ProfileError> {
        profile_file::parse(text, file).map(|profiles| Self { profiles })
    }

    /// The profile of that identifier.
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == id)
    }

    /// The profiles in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter()
    }
}

impl Profile {
    /// The stable identifier, as in scenario files and records.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One line for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The features that it hides, as the kernel names them.
    pub fn hides(&self) -> &[String] {
        &self.hides
    }

    /// Whether it hides the feature of that name.
    pub fn hides_feature(&self, name: &str) -> bool {
        self.hides.iter().any(|hidden| hidden == name)
    }

    pub(crate) fn features(&self) -> &[&'static Feature] {
        &self.features
    }

    /// What is set for every engine, for the C library's sake.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The library's own switches, if it has some for this profile.
    pub(crate) fn switches(&self, engine: &str) -> Option<&BTreeMap<String, String>> {
        self.switches.get(engine)
    }

    /// Whether the engine's library is opened at run time, out of the executable's reach.
    pub(crate) fn is_opened_at_run_time(&self, engine: &str) -> bool {
        self.common.opened_at_run_time.contains(engine)
    }

    /// What a process must not inherit from whoever started the run.
    pub(crate) fn variables(&self) -> &BTreeSet<String> {
        &self.common.variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{FEATURES, Register};

    #[test]
    fn the_shipped_profiles_hide_what_they_stand_for() {
        let profiles = Profiles::shipped().unwrap();
        let ids: Vec<_> = profiles.iter().map(Profile::id).collect();
        assert_eq!(ids, ["native", "aes-ni", "no-aes", "baseline"]);
        let [native, aes_ni, no_aes, baseline] = [0, 1, 2, 3].map(|index| profiles.get(ids[index]).unwrap());
        assert!(native.hides().is_empty());
        for name in ["aes", "pclmulqdq", "avx2", "ssse3"] {
            assert!(!aes_ni.hides_feature(name), "{name}");
        }
        for name in ["ssse3", "avx2", "sha_ni"] {
            assert!(!no_aes.hides_feature(name), "{name}");
        }
        for name in ["vaes", "vpclmulqdq", "gfni"].into_iter().chain(avx512()) {
            assert!(aes_ni.hides_feature(name) && no_aes.hides_feature(name), "{name}");
        }
        assert!(no_aes.hides_feature("aes") && no_aes.hides_feature("pclmulqdq"));
        let missing: Vec<_> = FEATURES
            .iter()
            .filter(|feature| !baseline.hides_feature(feature.name))
            .collect();
        assert!(missing.is_empty(), "baseline shows {missing:?}");
    }

    /// A field of `OPENSSL_ia32cap` as the bits that it takes away; an empty one takes none.
    fn taken(field: &str) -> u64 {
        if field.is_empty() {
            0
        } else {
            u64::from_str_radix(field.strip_prefix("~0x").unwrap(), 16).unwrap()
        }
    }

    #[test]
    fn openssl_is_told_what_the_mask_would_tell_it() {
        let profiles = Profiles::shipped().unwrap();
        let words = [
            [(1, None, Register::Edx), (1, None, Register::Ecx)],
            [(7, Some(0), Register::Ebx), (7, Some(0), Register::Ecx)],
            [(7, Some(0), Register::Edx), (7, Some(1), Register::Eax)],
            [(7, Some(1), Register::Edx), (7, Some(1), Register::Ebx)],
        ];
        for profile in profiles.iter().filter(|profile| !profile.hides().is_empty()) {
            // AWS-LC and OpenSSL 3.0 know two fields; OpenSSL 3.5 and later know more, and zero what is missing.
            for (engine, fields) in [("openssl", 4), ("aws-lc", 2), ("system-openssl", 2)] {
                let value = &profile.switches(engine).unwrap()["OPENSSL_ia32cap"];
                let found: Vec<u64> = value.split(':').map(taken).collect();
                assert!(found.len() >= fields, "{} {engine}", profile.id());
                for (pair, found) in words.iter().zip(found).take(fields) {
                    let hidden = |(leaf, subleaf, register)| {
                        let flags = profile.features().iter().map(|feature| feature.flag);
                        flags
                            .filter(|flag| {
                                (flag.leaf, flag.subleaf, flag.register) == (leaf, subleaf, register)
                            })
                            .fold(0, |bits, flag| bits | u64::from(flag.bits))
                    };
                    let expected = hidden(pair[0]) | hidden(pair[1]) << 32;
                    // x86-64-v1 hides whole registers at once.
                    let holds =
                        found == expected || (profile.id() == "baseline" && found & expected == expected);
                    assert!(
                        holds,
                        "{} {engine}: {found:#x} is not {expected:#x}",
                        profile.id()
                    );
                }
            }
        }
    }

    fn avx512() -> impl Iterator<Item = &'static str> {
        FEATURES
            .iter()
            .map(|feature| feature.name)
            .filter(|name| name.starts_with("avx512") || *name == "avx10")
    }
}
