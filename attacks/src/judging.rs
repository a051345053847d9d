//! From what a reader handed out to a verdict.

use sealab_attack_record::Verdict;

use crate::files::Files;

/// What a reader did with what the adversary left it.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What it had handed out when it ended.
    pub(crate) handed_out: Files,
    /// Why it refused, if it did.
    pub(crate) refusal: Option<String>,
}

impl Reading {
    /// The verdict on a change to sealed bytes whose plaintext is `truth`.
    pub(crate) fn of_change(&self, truth: &Files) -> Verdict {
        match &self.refusal {
            Some(_) if false_bytes(&self.handed_out, truth).is_some() => Verdict::DetectedAfterUse,
            Some(_) => Verdict::DetectedBeforeUse,
            None if self.handed_out == *truth => Verdict::Refused,
            None => Verdict::Undetected,
        }
    }

    /// The verdict on an offer that an honest reader must not take.
    pub(crate) fn of_offer(&self) -> Verdict {
        match &self.refusal {
            Some(_) if self.handed_out.values().any(|bytes| !bytes.is_empty()) => Verdict::DetectedAfterUse,
            Some(_) => Verdict::Refused,
            None => Verdict::Undetected,
        }
    }

    /// The verdict on an attempt to read `truth` without its key.
    pub(crate) fn of_reading(&self, truth: &Files) -> Verdict {
        let told = |name: &String, bytes: &Vec<u8>| {
            !bytes.is_empty() && truth.get(name).is_some_and(|whole| whole.starts_with(bytes))
        };
        if self.handed_out.iter().any(|(name, bytes)| told(name, bytes)) {
            Verdict::Leaks
        } else {
            Verdict::Refused
        }
    }
}

/// The first file of `handed_out` that is no beginning of the true one, with the place.
pub(crate) fn false_bytes(handed_out: &Files, truth: &Files) -> Option<String> {
    handed_out.iter().find_map(|(name, bytes)| {
        let Some(whole) = truth.get(name) else {
            return Some(format!("{name}, which was never sealed"));
        };
        let differs = bytes.iter().zip(whole).position(|(a, b)| a != b);
        match differs {
            Some(at) => Some(format!("{name} from byte {at} on")),
            None if bytes.len() > whole.len() => Some(format!("{name} from byte {} on", whole.len())),
            None => None,
        }
    })
}

/// The first way in which `handed_out` is not `truth`.
pub(crate) fn difference(handed_out: &Files, truth: &Files) -> Option<String> {
    false_bytes(handed_out, truth).or_else(|| {
        truth.iter().find_map(|(name, whole)| match handed_out.get(name) {
            None => Some(format!("{name} is missing")),
            Some(bytes) if bytes.len() < whole.len() => {
                Some(format!("{name} ends at byte {} of {}", bytes.len(), whole.len()))
            }
            Some(_) => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(content: &[(&str, &str)]) -> Files {
        let files = content.iter();
        files
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    fn reading(content: &[(&str, &str)], refused: bool) -> Reading {
        Reading {
            handed_out: files(content),
            refusal: refused.then(String::new),
        }
    }

    #[test]
    fn a_change_is_judged_by_what_was_handed_out_before_the_refusal() {
        let truth = files(&[("a", "true"), ("b", "too")]);
        for (content, refused, verdict) in [
            (&[][..], true, Verdict::DetectedBeforeUse),
            (&[("a", "tr")], true, Verdict::DetectedBeforeUse),
            (&[("a", "true"), ("b", "")], true, Verdict::DetectedBeforeUse),
            (&[("a", "tx")], true, Verdict::DetectedAfterUse),
            (&[("a", "truer")], true, Verdict::DetectedAfterUse),
            (&[("c", "")], true, Verdict::DetectedAfterUse),
            (&[("a", "true"), ("b", "too")], false, Verdict::Refused),
            (&[("a", "true")], false, Verdict::Undetected),
            (&[("a", "true"), ("b", "to")], false, Verdict::Undetected),
            (&[("a", "trux"), ("b", "too")], false, Verdict::Undetected),
            (&[], false, Verdict::Undetected),
        ] {
            assert_eq!(
                reading(content, refused).of_change(&truth),
                verdict,
                "{content:?}"
            );
        }
    }

    #[test]
    fn an_offer_is_refused_only_with_empty_hands() {
        assert_eq!(reading(&[], true).of_offer(), Verdict::Refused);
        assert_eq!(reading(&[("a", "x")], true).of_offer(), Verdict::DetectedAfterUse);
        assert_eq!(reading(&[], false).of_offer(), Verdict::Undetected);
    }

    #[test]
    fn reading_without_the_key_leaks_as_soon_as_it_tells_the_truth() {
        let truth = files(&[("a", "true")]);
        assert_eq!(reading(&[("a", "tr")], true).of_reading(&truth), Verdict::Leaks);
        assert_eq!(
            reading(&[("a", "xy")], false).of_reading(&truth),
            Verdict::Refused
        );
        assert_eq!(reading(&[("a", "")], true).of_reading(&truth), Verdict::Refused);
    }

    #[test]
    fn differences_name_the_place() {
        let truth = files(&[("a", "true")]);
        assert_eq!(difference(&truth, &truth), None);
        for (content, text) in [
            (&[("a", "trua")][..], "a from byte 3 on"),
            (&[("a", "tr")], "a ends at byte 2 of 4"),
            (&[], "a is missing"),
        ] {
            assert_eq!(difference(&files(content), &truth).unwrap(), text);
        }
    }
}
