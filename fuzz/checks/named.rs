//! A file with its name: the name is the first line, and the rest is the content.

/// The name and the content; `None` if no file of a set can have that name.
pub(crate) fn split(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let name = std::str::from_utf8(&data[..end]).ok()?;
    match sealab_checkpoint::image::check_name(name) {
        Ok(()) => Some((name, &data[end + 1..])),
        Err(error) => {
            crate::refusal::is_one_line(&error.to_string());
            None
        }
    }
}
