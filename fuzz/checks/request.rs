//! Requests of the harness protocol: each line is answered by one line with its identifier.

use sealab_harness::{EngineImplementation, KeysImplementation, serve};
use serde_json::Value;

/// Whether some line of `data` was answered with values; panics where a line is not answered, or not by an object.
pub(crate) fn check(data: &[u8]) -> bool {
    let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().expect("RustCrypto runs everywhere");
    let mut engine = EngineImplementation::new(&*engine, "RustCrypto");
    let mut keys = KeysImplementation::new("0".to_owned());
    let mut values = false;
    for implementation in [&mut engine as &mut dyn sealab_harness::Implementation, &mut keys] {
        let mut output = Vec::new();
        serve(implementation, data, &mut output).expect("a buffer takes every answer");
        let lines =
            data.split(|byte| *byte == b'\n').count() - usize::from(data.ends_with(b"\n") || data.is_empty());
        let answers: Vec<&[u8]> = output.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(answers.len(), lines);
        for (answer, line) in answers.iter().zip(data.split(|byte| *byte == b'\n')) {
            let answer: Value = serde_json::from_slice(answer).expect("an answer is JSON");
            let asked: Option<Value> = serde_json::from_slice(line).ok();
            let id = asked
                .as_ref()
                .and_then(|asked| asked.get("id"))
                .cloned()
                .unwrap_or(Value::Null);
            assert_eq!(answer["id"], id);
            let kinds = ["error", "unsupported"]
                .iter()
                .filter(|kind| answer.get(**kind).is_some())
                .count();
            let members = answer.as_object().expect("an answer is an object").len();
            assert!(kinds <= 1 && (kinds == 0 || members == 2), "{answer}");
            values |= kinds == 0 && answer.get("protocol").is_none();
        }
    }
    values
}
