//! Two hexadecimal values beside each other, the first byte that differs marked.

use maud::{Markup, html};

/// `expected` and `actual`, one below the other.
pub(super) fn difference(expected: &str, actual: &str) -> Markup {
    let place = first_difference(expected, actual);
    html! {
        div.hex {
            span { "expected" } code { (marked(expected, place)) }
            span { "actual" } code { (marked(actual, place)) }
        }
    }
}

fn marked(value: &str, place: usize) -> Markup {
    if value.is_empty() {
        return html! { i { "nothing" } };
    }
    let byte = |index: usize| value.char_indices().nth(index).map_or(value.len(), |(at, _)| at);
    let (begin, end) = (byte(place), byte(place + 2));
    html! {
        (value[..begin])
        @if begin < end { mark { (value[begin..end]) } } @else { mark.end { "⌫ ends" } }
        (value[end..])
    }
}

/// Where the values part, in characters, at the beginning of a byte: two digits are a byte, and an ellipsis that both
/// begin with is none.
fn first_difference(expected: &str, actual: &str) -> usize {
    let digits = expected.chars().take_while(|c| !c.is_ascii_hexdigit()).count();
    let same = expected
        .chars()
        .zip(actual.chars())
        .take_while(|(one, other)| one == other)
        .count();
    match same.checked_sub(digits) {
        Some(after) => digits + after / 2 * 2,
        None => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_byte_is_marked_where_values_part() {
        let page = difference("…00a1b2c3", "…00a1bfc3").into_string();
        assert!(page.contains("…00a1<mark>b2</mark>c3"), "{page}");
        assert!(page.contains("…00a1<mark>bf</mark>c3"), "{page}");
        let page = difference("00a1", "00").into_string();
        assert!(
            page.contains("00<mark>a1</mark>") && page.contains("00<mark class=\"end\">"),
            "{page}"
        );
        let page = difference("00", "").into_string();
        assert!(
            page.contains("<mark>00</mark>") && page.contains("nothing"),
            "{page}"
        );
    }

    #[test]
    fn any_text_is_taken() {
        for (one, other) in [("äö", "äü<"), ("…", "…"), ("", ""), ("…ab", "ab"), ("abc", "abd")] {
            let page = difference(one, other).into_string();
            assert!(!page.contains("ü<") && page.contains("expected"), "{page}");
        }
    }
}
