//! A vector file is read whole, or refused with its place.

use sealab_vectors::{Suite, Verdict};

use crate::refusal;

/// Whether `data` is accepted; panics where what was accepted cannot be run.
pub(crate) fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let suite = match Suite::parse(text, "folder/file.json") {
        Ok(suite) => suite,
        Err(error) => {
            let message = error.to_string();
            refusal::is_one_line(&message);
            assert!(message.starts_with("folder/file.json, "), "{message}");
            return false;
        }
    };
    assert_eq!(suite.name, "file");
    for case in &suite.cases {
        let operations = match case.verdict {
            Verdict::Valid => suite.algorithm.operations,
            Verdict::Invalid => std::slice::from_ref(suite.algorithm.refusing.expect("something to refuse")),
        };
        for operation in operations {
            for name in operation.given {
                let digest = *name == "ct" && case.values.contains_key("ctSha256");
                assert!(
                    digest || case.values.contains_key(*name),
                    "case {} lacks {name}",
                    case.id
                );
            }
        }
        let longest = case
            .values
            .values()
            .filter_map(|value| value.octets())
            .map(<[u8]>::len)
            .max();
        assert!(
            longest.unwrap_or(0) <= data.len().max(1 << 20),
            "case {}",
            case.id
        );
    }
    true
}
