//! The page of a conformance run.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]

#[path = "conformance_fixture/mod.rs"]
mod fixture;

use std::collections::BTreeSet;
use std::fs;

use sealab_record::{Conformance, Verdict};
use sealab_report::write_conformance;

fn page(run: &Conformance) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::read_to_string(write_conformance(run, folder.path()).unwrap().html).unwrap()
}

fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let rest = page.split_once(&format!("<section id=\"{id}\">")).unwrap().1;
    rest.split_once("</section>").unwrap().0
}

/// Every element of the page, by the name in its opening tag.
fn elements(page: &str) -> BTreeSet<String> {
    page.split('<')
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

#[test]
fn every_failing_case_is_shown_with_the_command_that_repeats_it() {
    let run = fixture::large();
    let page = page(&run);
    let shown = section(&page, "disagreements");
    let mut seen = 0;
    for implementation in &run.implementations {
        for (suite, outcome) in run.suites.iter().zip(&implementation.outcomes) {
            for (index, verdict) in outcome.verdicts.iter().enumerate() {
                if !matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Hang) {
                    continue;
                }
                seen += 1;
                let heading = format!("{}<br>case {}</th>", suite.name, suite.cases[index]);
                assert!(shown.contains(&heading), "{heading}");
                let repeat = &outcome.remark(index).unwrap().repeat;
                assert!(shown.contains(&format!("<code>{repeat}</code>")), "{repeat}");
            }
        }
    }
    assert_eq!(seen, 74);
    assert!(shown.contains("4b<mark>d0</mark>1177") && shown.contains("4b<mark>2e</mark>98cc"));
}

#[test]
fn the_headline_tells_who_disagrees_on_what() {
    let page_of_large = page(&fixture::large());
    let (before, _) = page_of_large.split_once("<section id=\"matrix\">").unwrap();
    assert!(before.contains("5 of 15 implementations disagree with the vectors"));
    assert!(before.contains("<b>openssl</b>, aes-256-xts</a>: 3 fail under qemu-Nehalem"));
    assert!(before.contains("class=\"tile failed\"><b>72</b>"));
    assert!(before.contains("class=\"tile crashed\"><b>1</b>"));
    assert!(before.contains("Caution: java could not be had"));
    let mut clean = fixture::passes();
    clean.implementations.truncate(3);
    let page_of_clean = page(&clean);
    assert!(page_of_clean.contains("class=\"headline agree\"") && page_of_clean.contains("No disagreement"));
    assert!(page_of_clean.contains("class=\"tile failed none\"><b>0</b>"));
    assert!(!page_of_clean.contains("class=\"cell wrong\""));
}

#[test]
fn the_matrix_marks_what_is_wrong_in_words_and_links_to_it() {
    let page = page(&fixture::small());
    let matrix = section(&page, "matrix");
    let cells: Vec<&str> = matrix
        .split("<td class=\"cell ")
        .skip(1)
        .map(|rest| rest.split_once("</td>").unwrap().0)
        .collect();
    let wrong: Vec<&&str> = cells.iter().filter(|cell| cell.starts_with("wrong")).collect();
    assert_eq!(wrong.len(), 2, "{cells:?}");
    assert!(wrong[0].contains("href=\"#wrong-0\">✗ 2 wrong</a>"), "{wrong:?}");
    assert!(
        wrong[1].contains("href=\"#wrong-1\">✗ 1 hang</a><small>in 1 of 2</small>"),
        "{wrong:?}"
    );
    assert!(cells.contains(&"partial\">2<small>of 4</small>"));
    assert!(
        cells
            .iter()
            .any(|cell| cell.starts_with("unsupported\"><span title=\"unsupported\""))
    );
    assert_eq!(
        cells.iter().filter(|cell| **cell == "skipped\">skipped").count(),
        2
    );
    // Under its own CPU profile each count is that profile's.
    let implementations = section(&page, "implementations");
    assert!(implementations.contains("✗ 1 fail</a>") && implementations.contains("✗ 2 wrong</a>"));
    assert!(implementations.contains("cpuid-faulting") && implementations.contains("AES-NI, PCLMULQDQ"));
    let suites = section(&page, "suites");
    assert!(suites.contains("Wycheproof, testvectors_v1") && suites.contains("1,400: not in the sample"));
    let left = section(&page, "left");
    assert!(left.contains("java (native, no-aes)") && left.contains("ring has no AES-XTS"));
}

#[test]
fn many_disagreements_are_bounded_and_the_rest_counted() {
    let suites = vec![fixture::suite("s", "sha-256", 5_000)];
    let implementations = vec![fixture::implementation("c", "native", &suites)];
    let mut run = fixture::run(suites, implementations);
    for case in 0..5_000 {
        fixture::mark(
            &mut run,
            |_| true,
            "s",
            (case, 1),
            Verdict::Fail,
            "digest differs",
        );
    }
    let page = page(&run);
    assert!(page.contains("4,900 further ones are in conformance.json"));
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn hostile_texts_are_never_markup() {
    let ours = elements(&page(&fixture::small()));
    let hostile = page(&fixture::hostile());
    let foreign: Vec<_> = elements(&hostile).difference(&ours).cloned().collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(
        hostile.contains("&lt;script&gt;alert(1)"),
        "the text itself is shown"
    );
    assert!(hostile.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!hostile.contains(['\u{202e}', '\u{ffff}']));
    assert!(hostile.len() < 256 << 10, "{} bytes", hostile.len());
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    for run in [fixture::small(), fixture::hostile(), fixture::large()] {
        let page = page(&run);
        for word in [
            "http:", "https:", "url(", "@import", " src=\"", "<link", "<script", "<object", "<iframe",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        let ids: Vec<&str> = page
            .split(" id=\"")
            .skip(1)
            .map(|rest| rest.split_once('"').unwrap().0)
            .collect();
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "an id stands twice"
        );
        for target in page.split("href=\"").skip(1) {
            let id = target
                .split('"')
                .next()
                .unwrap()
                .strip_prefix('#')
                .expect("a place on the page");
            assert!(ids.contains(&id), "{id}");
        }
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
        assert!(
            !page.contains(" style=\""),
            "a style attribute would need a laxer policy"
        );
    }
}
