//! What the page holds, for records of every shape.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]

mod fixture;

use std::collections::BTreeSet;

use fixture::ENGINES;
use sealab_record::{Cell, CellStatus, Run, ratio_interval};
use sealab_report::{csv, html, markdown, terminal};

/// Every element of the page, by the name in its opening tag.
fn elements(page: &str) -> BTreeSet<String> {
    page.split('<')
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

fn svgs(page: &str) -> Vec<&str> {
    page.split("<svg")
        .skip(1)
        .map(|rest| rest.split_once("</svg>").expect("every drawing ends").0)
        .collect()
}

fn cell<'a>(run: &'a Run, format: &str, engine: &str, cpu_profile: &str) -> &'a Cell {
    run.cells
        .iter()
        .find(|cell| cell.format == format && cell.engine == engine && cell.cpu_profile == cpu_profile)
        .unwrap()
}

/// The numbers in `text`, in order.
fn numbers(text: &str) -> Vec<f64> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect()
}

fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let rest = page.split_once(&format!("<section id=\"{id}\">")).unwrap().1;
    rest.split("<h2>").nth(1).unwrap()
}

#[test]
fn hostile_texts_are_never_markup() {
    let ours = elements(&html(&fixture::full()));
    let hostile = html(&fixture::hostile());
    let foreign: Vec<_> = elements(&hostile).difference(&ours).cloned().collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(
        hostile.contains("&lt;script&gt;alert(1)"),
        "the text itself is shown"
    );
    assert!(!hostile.contains(['\u{1b}', '\u{202e}', '\r']));
    // A text that looks like a placeholder of a colour stays a text.
    assert!(hostile.contains("&quot;#010200&quot;"));
    let text = markdown(&fixture::hostile());
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("[a](b)"));
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']));
    let text = terminal(&fixture::hostile());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    for run in [fixture::full(), fixture::later(), fixture::empty()] {
        let page = html(&run);
        for word in [
            "http:", "https:", "url(", "@import", " src=", "<link", "<script", "<object", "<iframe",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        for target in page.split("href=\"").skip(1) {
            let id = target
                .split('"')
                .next()
                .unwrap()
                .strip_prefix('#')
                .expect("a place on the page");
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
        assert!(
            !page.contains(" style=\""),
            "a style attribute would need a laxer policy"
        );
    }
}

#[test]
fn drawings_are_well_formed_and_described() {
    for run in [
        fixture::full(),
        fixture::later(),
        fixture::hostile(),
        fixture::large(),
    ] {
        let page = html(&run);
        let drawings = svgs(&page);
        assert!(drawings.len() > 10);
        for drawing in drawings {
            let text = format!("<svg{drawing}</svg>");
            let document =
                roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let root = document.root_element();
            if root.attribute("aria-hidden").is_none() {
                for name in ["title", "desc"] {
                    let child = root.children().find(|child| child.has_tag_name(name)).unwrap();
                    assert!(child.text().is_some_and(|text| !text.trim().is_empty()), "{name}");
                }
            }
            for attribute in root.descendants().flat_map(|node| node.attributes()) {
                assert!(
                    !attribute.value().starts_with('#'),
                    "a colour that no style sheet sets: {attribute:?}"
                );
                assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"));
            }
        }
    }
}

#[test]
fn every_status_and_reason_is_seen_everywhere() {
    let run = fixture::full();
    let statuses = [
        (CellStatus::Measured, "measured"),
        (CellStatus::Suspect, "suspect"),
        (CellStatus::Failed, "failed"),
        (CellStatus::Unavailable, "unavailable"),
        (CellStatus::Unsupported, "unsupported"),
    ];
    let page = html(&run);
    let tables: usize = statuses
        .iter()
        .map(|(status, word)| {
            let cells = run.cells.iter().filter(|cell| cell.status == *status).count();
            assert!(cells > 0, "the fixture has {word} cells");
            let rows = page
                .split("<table class=\"cells\">")
                .skip(1)
                .map(|table| {
                    let table = table.split("</table>").next().unwrap();
                    table
                        .matches(&format!("<td><span class=\"status {word}\">"))
                        .count()
                })
                .sum::<usize>();
            assert_eq!(rows, cells, "{word}");
            for text in [&page, &markdown(&run), &terminal(&run)] {
                assert!(text.contains(&format!("{cells} {word}")), "{cells} {word}");
            }
            rows
        })
        .sum();
    assert_eq!(tables, run.cells.len());
    let mut reasons: Vec<&str> = run
        .cells
        .iter()
        .filter_map(|cell| cell.reason.as_deref())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), 4);
    for reason in reasons {
        assert!(page.contains(reason), "{reason}");
        assert!(markdown(&run).contains(reason), "{reason}");
        let words = terminal(&run).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(reason), "{reason}");
    }
}

#[test]
fn ratios_are_those_of_the_samples() {
    let run = fixture::full();
    let page = html(&run);
    let part = section(&page, "instructions");
    for (engine, _, _) in ENGINES
        .iter()
        .filter(|(engine, ..)| !["ring", "graviola", "libgcrypt"].contains(engine))
    {
        let row = part
            .split(&format!("<th scope=\"row\">{engine}</th>"))
            .nth(1)
            .unwrap();
        let found = numbers(row.split("</tr>").next().unwrap());
        let expected: Vec<f64> = [("native", "no-aes"), ("aes-ni", "no-aes"), ("native", "baseline")]
            .into_iter()
            .flat_map(|(fast, slow)| {
                let of = |profile| &cell(&run, "aes-256-xts", engine, profile).samples;
                let interval = ratio_interval(of(fast), of(slow)).unwrap();
                [interval.ratio, interval.low, interval.high]
            })
            .collect();
        assert_eq!(found.len(), expected.len(), "{engine}: {found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found / expected - 1.0).abs() < 0.005,
                "{engine}: {found} for {expected}"
            );
        }
    }
    let share = ratio_interval(
        &cell(&run, "aes-256-xts", "rustcrypto", "native").samples,
        &cell(&run, "aes-256-block", "rustcrypto", "native").samples,
    )
    .unwrap();
    let sentence = page.split("The limit: ").nth(1).unwrap();
    let sentence = sentence
        .split("reaches ")
        .nth(1)
        .unwrap()
        .split(" of the raw")
        .next()
        .unwrap();
    let found = numbers(sentence);
    assert!(
        (found[0] / (share.ratio * 100.0) - 1.0).abs() < 0.005,
        "{sentence}"
    );
    assert!((found[2] / (share.low * 100.0) - 1.0).abs() < 0.005, "{sentence}");
}

#[test]
fn a_ratio_that_tells_nothing_says_so() {
    let mut run = fixture::full();
    let samples = cell(&run, "aes-256-xts", "rustcrypto", "no-aes").samples.clone();
    for cell in &mut run.cells {
        if cell.engine == "rustcrypto" && cell.format == "aes-256-xts" && cell.cpu_profile == "native" {
            cell.samples = samples.iter().rev().copied().collect();
        }
    }
    let page = html(&run);
    // The groups below it are of other formats, some of which the instructions do not help.
    let main = |page: &str| {
        let part = section(page, "instructions");
        part.split("<details>").next().unwrap().to_owned()
    };
    assert_eq!(main(&page).matches("spans 1</span>").count(), 1);
    assert!(markdown(&run).contains("spans 1"));
    assert_eq!(main(&html(&fixture::full())).matches("spans 1</span>").count(), 0);
}

#[test]
fn suspect_figures_make_no_headline() {
    let mut run = fixture::full();
    for cell in &mut run.cells {
        if cell.engine == "rustcrypto" {
            cell.status = CellStatus::Suspect;
        }
    }
    let headline = html(&run).split("</section>").next().unwrap().to_owned();
    assert!(headline.contains("CPU profile native is aws-lc"), "{headline}");
}

#[test]
fn records_of_every_shape_have_a_report() {
    let mut one = fixture::full();
    one.cells.truncate(1);
    let none = fixture::unavailable(fixture::full());
    assert!(html(&fixture::empty()).contains("This run has no cells"));
    assert!(terminal(&fixture::empty()).contains("This run has no cells"));
    assert!(markdown(&fixture::empty()).contains("This run has no cells"));
    let page = html(&one);
    assert!(page.contains("Every cell (1)") && page.contains("10.2 GB/s"));
    assert!(!page.contains("<svg class=\"plot wide\"") || page.contains("Bytes added"));
    let page = html(&none);
    assert!(page.contains("No cell of this run has a figure") && page.contains("no such machine"));
    assert_eq!(
        page.matches("<svg class=\"plot").count(),
        0,
        "there is nothing to draw"
    );
    assert!(terminal(&none).contains("no such machine"));
    let large = fixture::large();
    let page = html(&large);
    let rows: usize = page
        .split("<table class=\"cells\">")
        .skip(1)
        .map(|table| table.split("</table>").next().unwrap().matches("<tr>").count() - 1)
        .sum();
    assert_eq!(rows, large.cells.len());
}

#[test]
fn a_record_of_cells_that_share_nothing_stays_small() {
    let mut run = fixture::full();
    let template = run.cells[0].clone();
    run.cells = (0..2000)
        .map(|index| Cell {
            engine: format!("engine {index}"),
            cpu_profile: format!("profile {index}"),
            ..template.clone()
        })
        .collect();
    let mut sizes = run.clone();
    for (index, cell) in sizes.cells.iter_mut().enumerate() {
        cell.unit_bytes = index as u64 + 1;
        cell.cpu_profile = "native".to_owned();
    }
    // One engine has two units, which makes the unit an axis.
    sizes.cells.push(Cell {
        unit_bytes: 77,
        ..sizes.cells[0].clone()
    });
    for run in [run, sizes] {
        let page = html(&run);
        assert!(page.len() < 8 << 20, "{} bytes", page.len());
        assert!(page.contains("<td>engine 1999</td>"));
        assert!(terminal(&run).len() < 1 << 20);
    }
}

#[test]
fn numbers_that_are_none_are_not_shown_as_figures() {
    let mut run = fixture::full();
    for (cell, value) in run
        .cells
        .iter_mut()
        .zip([f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 1e-300])
    {
        cell.throughput_bytes_per_s = Some(sealab_record::Figure {
            median: value,
            low: value,
            high: value,
        });
        cell.samples = vec![value; 3];
    }
    for text in [html(&run), markdown(&run), terminal(&run), csv(&run)] {
        assert!(
            !text.contains("NaN") && !text.contains("inf "),
            "a figure that is no number"
        );
    }
}

#[test]
fn what_varies_decides_the_plot() {
    let page = html(&fixture::later());
    let scenario = |name: &str| {
        let rest = page.split_once(&format!("<h3>{name}</h3>")).unwrap().1;
        rest.split("<h3>").next().unwrap().to_owned()
    };
    let volume = scenario("volume-tpcc");
    assert!(volume.contains("<polyline") && volume.contains("growth in step with the threads"));
    assert!(volume.contains("transactions/s"));
    let blocks = scenario("volume-blocks");
    assert!(blocks.contains("plain bytes a second") && blocks.contains("requests/s"));
    let label = |drawing: &&str| drawing.contains("text-anchor=\"end\"") && drawing.contains("luks2-inte");
    assert_eq!(
        svgs(&blocks).iter().filter(|drawing| label(drawing)).count(),
        4,
        "dots in rows, two wide, two narrow"
    );
    assert!(!blocks.contains("growth in step"));
    let layer = scenario("layer-encrypt");
    let run = fixture::later();
    let median = run
        .cells
        .iter()
        .find(|cell| cell.plane == "layer")
        .unwrap()
        .throughput_bytes_per_s
        .unwrap()
        .median;
    assert!(!layer.contains("class=\"plot") && layer.contains(&format!("{:.0} MB/s", median / 1e6)));
    assert!(scenario("key-release").contains("releases/s"));
    let page = html(&fixture::full());
    assert!(
        !page
            .split_once("<h3>protobuf-messages</h3>")
            .unwrap()
            .1
            .split("<h3>")
            .next()
            .unwrap()
            .contains("points=\"NaN")
    );
}
