//! Where in a file a refusal has its reason.

/// Asserts that `message` begins with `file`, a line of `text` and a column.
pub(crate) fn is_told(message: &str, file: &str, text: &str) {
    let rest = message.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    let mut parts = rest.unwrap_or_default().splitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok());
    let (line, column) = (number(), number());
    // YAML also breaks lines at a carriage return alone; an unfinished file is refused one line behind its last.
    let lines = text.split(['\n', '\r']).count() + 1;
    assert!(
        line.is_some_and(|line| (1..=lines).contains(&line)) && column.is_some_and(|column| column >= 1),
        "no place in {message:?}"
    );
    assert!(
        parts.next().is_some_and(|what| what.len() > 3),
        "no reason in {message:?}"
    );
}
