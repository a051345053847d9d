//! Texts that harnesses gave, fit to be shown: printable, on one line, of bounded length.

use crate::printable::{one_line, printable, shortened};
use crate::shell::shell_line;

/// A name of an implementation, CPU profile, suite, algorithm or operation.
pub(super) fn name(text: &str) -> String {
    line(text, 48)
}

/// A sentence: a reason, a source, a code path.
pub(super) fn sentence(text: &str) -> String {
    line(text, 400)
}

/// A value, hexadecimal; records have it cut already.
pub(super) fn value(text: &str) -> String {
    line(text, 512)
}

/// A command line. White space within quotes has a meaning, so only line feeds change.
pub(super) fn command(text: &str) -> String {
    shortened(&printable(text.replace('\n', " ")), 4000)
}

/// The words as a shell would read them back.
pub(super) fn command_line(words: &[String]) -> String {
    command(&shell_line(words))
}

fn line(text: &str, length: usize) -> String {
    shortened(&printable(one_line(text)), length)
}
