//! A block trace is read, and its text read again is the same trace; or it is refused with its line.

use sealab_blocks::trace::{Operation, Trace};

use crate::refusal;

/// Whether `data` is a trace.
pub(crate) fn check(data: &[u8]) -> bool {
    let trace = match Trace::read(data) {
        Ok(trace) => trace,
        Err(error) => {
            let message = error.to_string();
            refusal::is_one_line(&message);
            let line = message
                .strip_prefix("line ")
                .and_then(|rest| rest.split_once(": "));
            let line = line.and_then(|(line, _)| line.parse::<usize>().ok());
            let lines = data.split(|byte| *byte == b'\n').count() + 1;
            assert!(
                line.is_some_and(|line| (1..=lines).contains(&line)),
                "no place in {message:?}"
            );
            return false;
        }
    };
    let mut before = 0;
    for request in trace.requests() {
        assert!(request.micros >= before);
        before = request.micros;
        assert!(request.offset + request.bytes <= trace.size());
        assert_eq!(request.bytes == 0, request.operation == Operation::Flush);
    }
    let again = Trace::read(trace.to_string().as_bytes());
    assert!(
        again.is_ok_and(|again| again == trace),
        "another trace is written"
    );
    true
}
