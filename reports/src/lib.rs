//! Reports of Sealab, made from run records: HTML, Markdown, CSV.
