//! What every refusal owes its reader.

/// Asserts that `message` is one printable line of bearable length.
pub(crate) fn is_one_line(message: &str) {
    assert!(!message.is_empty(), "a refusal that says nothing");
    let control = message.chars().find(|c| c.is_control());
    assert_eq!(control, None, "a control character in {message:?}");
    let length = message.chars().count();
    assert!(length <= 4096, "{length} characters of refusal");
}
