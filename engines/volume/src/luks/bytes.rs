//! Fields of a binary header: big-endian numbers and text padded with zeroes.

use super::Refusal;
use super::error::quoted;

/// The `N` bytes at `offset`, which the caller knows to be there.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[offset..offset + N]);
    array
}

/// The text in a field, without its padding. All before the first zero must be printable.
pub(super) fn text<'a>(field: &'a [u8], offset: u64, name: &str) -> Result<&'a str, Refusal> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let text = &field[..end];
    match str::from_utf8(text) {
        Ok(text) if !text.contains(char::is_control) => Ok(text),
        _ => Err(Refusal::new(
            offset,
            name,
            quoted(&String::from_utf8_lossy(text)),
            "printable UTF-8",
        )),
    }
}

/// Writes `text` into `field` and pads it; the caller knows that it fits.
pub(super) fn put_text(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
    field[text.len()..].fill(0);
}
