//! Characters that must never reach a reader: controls steer terminals and break XML, bidirectional overrides make text
//! read as what it is not.

/// `text` with every such character but the line feed replaced by U+FFFD.
pub(crate) fn printable(text: String) -> String {
    if text.chars().any(is_unprintable) {
        text.chars()
            .map(|c| if is_unprintable(c) { '\u{fffd}' } else { c })
            .collect()
    } else {
        text
    }
}

/// `text` on one line: each run of white space becomes one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `length` characters of `text`, with an ellipsis where some are left out.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn is_unprintable(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_overrides_go_and_text_stays() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\u{202e}c\nµ–é".to_owned()),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\nµ–é"
        );
    }

    #[test]
    fn lines_are_joined_and_cut_at_characters() {
        assert_eq!(one_line(" a\n\tb  c "), "a b c");
        assert_eq!(shortened("äöüß", 4), "äöüß");
        assert_eq!(shortened("äöü ß", 4), "äöü…");
        assert_eq!(shortened("äö üß", 4), "äö…");
    }
}
