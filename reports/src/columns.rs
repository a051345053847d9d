//! Text and tables in the columns of a terminal, at most [`WIDTH`] of them. A wide character takes two.

use unicode_width::UnicodeWidthStr;

use crate::printable::{one_line, printable};

const WIDTH: usize = 100;
/// Labels and headings are cut to this.
pub(crate) const LABEL: usize = 24;

/// A table: rows have labels to their left and entries that are aligned to the right.
pub(crate) struct Table {
    /// What the labels are, one for each of a row's.
    pub(crate) headings: Vec<String>,
    /// The labels of each row.
    pub(crate) labels: Vec<Vec<String>>,
    /// Each column's heading and its entries, one a row.
    pub(crate) columns: Vec<(String, Vec<String>)>,
}

impl Table {
    /// The table in lines that begin with `indent`. Columns that do not fit beside each other go into further blocks, each
    /// with the labels again.
    pub(crate) fn blocks(&self, indent: &str) -> Vec<String> {
        let label_widths: Vec<usize> = self
            .headings
            .iter()
            .enumerate()
            .map(|(place, heading)| widest(heading, self.labels.iter().map(|row| &row[place])))
            .collect();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .map(|(heading, entries)| widest(heading, entries.iter()))
            .collect();
        let label_width: usize = indent.width() + label_widths.iter().map(|width| width + 2).sum::<usize>();
        let mut blocks = Vec::new();
        let mut first = 0;
        while first < widths.len() {
            let mut used = label_width + widths[first];
            let mut last = first + 1;
            while last < widths.len() && used + 2 + widths[last] <= WIDTH {
                used += 2 + widths[last];
                last += 1;
            }
            let mut block = String::new();
            let mut line = |labels: &[String], entries: &mut dyn Iterator<Item = &String>| {
                let mut line = indent.to_owned();
                for (label, width) in labels.iter().zip(&label_widths) {
                    line.push_str(label);
                    line.push_str(&" ".repeat(width - label.width() + 2));
                }
                for (entry, width) in entries.zip(&widths[first..last]) {
                    line.push_str(&" ".repeat(width - entry.width()));
                    line.push_str(entry);
                    line.push_str("  ");
                }
                block.push_str(line.trim_end());
                block.push('\n');
            };
            let columns = &self.columns[first..last];
            line(&self.headings, &mut columns.iter().map(|(heading, _)| heading));
            for (row, labels) in self.labels.iter().enumerate() {
                line(labels, &mut columns.iter().map(|(_, entries)| &entries[row]));
            }
            blocks.push(block);
            first = last;
        }
        blocks
    }
}

fn widest<'a>(heading: &str, others: impl Iterator<Item = &'a String>) -> usize {
    others.map(|text| text.width()).fold(heading.width(), usize::max)
}

/// `text` cut to `width` columns, with an ellipsis where some is left out.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = printable(one_line(text));
    if text.width() <= width {
        return text;
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

/// Writes `words` in lines of at most [`WIDTH`] columns; a word that is longer is broken.
pub(crate) fn wrapped(text: &mut String, first: &str, others: &str, words: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in printable(one_line(words)).split(' ') {
        if !empty && line.width() + 1 + word.width() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = others.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        empty = false;
        for c in word.chars() {
            line.push(c);
            // A wide character may reach beyond the edge where a narrow one would not.
            if line.width() > WIDTH {
                line.pop();
                text.push_str(&line);
                text.push('\n');
                line = others.to_owned();
                line.push(c);
            }
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_with_its_ellipsis() {
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcde", 4), "abc…");
        // Each of these takes two columns.
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn words_are_broken_only_where_a_line_cannot_hold_them() {
        let mut text = String::new();
        wrapped(
            &mut text,
            "- ",
            "  ",
            &format!("{} {}", "a".repeat(97), "b".repeat(99)),
        );
        let lines: Vec<String> = vec![
            format!("- {}", "a".repeat(97)),
            format!("  {}", "b".repeat(98)),
            "  b".to_owned(),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }
}
