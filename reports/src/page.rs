//! A self-contained page: no script, nothing fetched, and a content security policy that forbids both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::printable::printable;

/// What every page is styled with.
const STYLE: &str = include_str!("page/style.css");

/// What pages differ in.
pub(crate) struct Page<'a> {
    /// The heading; the title of the document is this with `started`.
    pub(crate) heading: &'a str,
    /// When the run began.
    pub(crate) started: &'a str,
    /// What its style sheet has beyond that of every page.
    pub(crate) style: &'a str,
    /// Below the heading.
    pub(crate) about: Markup,
    /// Before the table of contents.
    pub(crate) found: Markup,
    /// Id, title and body of each section.
    pub(crate) sections: Vec<(&'static str, &'static str, Markup)>,
}

impl Page<'_> {
    /// The page as HTML, printable throughout.
    pub(crate) fn html(&self) -> String {
        let style = [STYLE, self.style].concat();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(&style));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (self.heading) ", " (self.started) }
                    style { (PreEscaped(&style)) }
                }
                body {
                    header {
                        h1 { (self.heading) }
                        (self.about)
                    }
                    main {
                        (self.found)
                        nav aria-label="Sections" {
                            ul {
                                @for (id, title, _) in &self.sections {
                                    li { a href={ "#" (id) } { (title) } }
                                }
                            }
                        }
                        @for (id, title, body) in &self.sections {
                            section id=(id) {
                                h2 { (title) }
                                (body)
                            }
                        }
                    }
                }
            }
        };
        printable(page.into_string())
    }
}

/// Nothing may be fetched or run; the one style sheet is named by its hash, so not even a style could be slipped in.
fn policy(style: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}
