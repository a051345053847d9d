//! Foreign text in Markdown (CommonMark with GitHub's tables): shown as it is, never markup.

use crate::printable::one_line;

/// `text` on one line with every character that Markdown or HTML gives a meaning written so that it has none.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// `text` as code. A code span takes everything literally, so what could end or look like markup goes another way.
/// White space stays, so `text` is to be one line.
pub(crate) fn code(text: &str) -> String {
    if text.trim().is_empty() {
        "(nothing)".to_owned()
    } else if text.contains(['`', '<', '>', '&', '|']) {
        format!("<code>{}</code>", escaped(text))
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_markdown_or_html_loses_it() {
        assert_eq!(escaped("a|b <i> &amp;\n*c*"), r"a\|b &lt;i&gt; &amp;amp; \*c\*");
    }

    #[test]
    fn code_is_literal_and_cannot_be_left() {
        assert_eq!(code("a *b*  c"), "`a *b*  c`");
        assert_eq!(code(" "), "(nothing)");
        for (text, expected) in [
            ("a`b", r"<code>a\`b</code>"),
            ("a|b", r"<code>a\|b</code>"),
            ("a<b", "<code>a&lt;b</code>"),
            ("a>b", "<code>a&gt;b</code>"),
            ("a&b", "<code>a&amp;b</code>"),
        ] {
            assert_eq!(code(text), expected);
        }
    }
}
