//! Command lines.

/// The words as a shell would read them back.
pub(crate) fn shell_line(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c))
    };
    words
        .iter()
        .map(|word| {
            if plain(word) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_others() {
        let words = ["sealab", "--out=a/b", "", "two words", "it's", "$HOME;"].map(str::to_owned);
        assert_eq!(
            shell_line(&words),
            r"sealab --out=a/b '' 'two words' 'it'\''s' '$HOME;'"
        );
    }
}
