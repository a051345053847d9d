//! The exports of a conformance run that programs and terminals read.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]

#[path = "conformance_fixture/mod.rs"]
mod fixture;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sealab_record::{Conformance, Verdict};
use sealab_report::{conformance_json, conformance_terminal, write_conformance};
use serde_json::Value;

struct Exports {
    json: String,
    junit: String,
    markdown: String,
}

fn exports(run: &Conformance) -> Exports {
    let folder = tempfile::tempdir().unwrap();
    let written = write_conformance(run, folder.path()).unwrap();
    Exports {
        json: fs::read_to_string(written.json).unwrap(),
        junit: fs::read_to_string(written.junit).unwrap(),
        markdown: fs::read_to_string(written.markdown).unwrap(),
    }
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// How many of `rows` have each verdict, under the summary's names.
fn counted<'a>(rows: impl Iterator<Item = &'a Value>) -> BTreeMap<&'static str, usize> {
    let names = [
        ("pass", "passed"),
        ("fail", "failed"),
        ("skipped", "skipped"),
        ("unsupported", "unsupported"),
        ("crash", "crashed"),
        ("hang", "hung"),
    ];
    let mut counts: BTreeMap<&str, usize> = names.map(|(_, name)| (name, 0)).into();
    for row in rows {
        let verdict = row["verdict"].as_str().unwrap();
        let (_, name) = names.iter().find(|(id, _)| *id == verdict).unwrap();
        *counts.get_mut(name).unwrap() += 1;
    }
    counts
}

fn summary(value: &Value) -> BTreeMap<&str, usize> {
    let members = value.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.as_str(), count(value)))
        .collect()
}

#[test]
fn json_has_a_row_for_every_verdict_and_counts_that_agree() {
    for run in [fixture::small(), fixture::hostile(), fixture::large()] {
        let text = exports(&run).json;
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["schema"], "sealab-conformance/1");
        let rows = json["results"].as_array().unwrap();
        let cases: usize = run.suites.iter().map(|suite| suite.cases.len()).sum();
        assert_eq!(rows.len(), cases * run.implementations.len());
        assert_eq!(summary(&json["summary"]), counted(rows.iter()));
        let implementations = json["implementations"].as_array().unwrap();
        assert_eq!(implementations.len(), run.implementations.len());
        for (place, entry) in implementations.iter().enumerate() {
            let own = &rows[place * cases..(place + 1) * cases];
            for row in own {
                for key in ["implementation", "version", "cpu_profile"] {
                    assert_eq!(row[key], entry[key]);
                }
            }
            assert_eq!(summary(&entry["summary"]), counted(own.iter()));
        }
        let lines: Vec<&str> = text
            .lines()
            .skip_while(|line| *line != "\"results\": [")
            .collect();
        assert_eq!(lines.len(), rows.len() + 3, "one row a line");
    }
}

#[test]
fn json_rows_say_what_became_of_each_case() {
    let run = fixture::small();
    let json: Value = serde_json::from_str(&exports(&run).json).unwrap();
    let rows = json["results"].as_array().unwrap();
    let row = |implementation: &str, profile: &str, suite: &str, case: u32| {
        rows.iter()
            .find(|row| {
                row["implementation"] == implementation
                    && row["cpu_profile"] == profile
                    && row["suite"] == suite
                    && row["case"] == case
            })
            .unwrap()
    };
    let fail = row("openssl", "no-aes", "xts-lengths", 7);
    assert_eq!(fail["verdict"], "fail");
    assert_eq!(fail["reason"], "ct differs");
    assert_eq!(fail["operation"], "encrypt");
    assert_eq!((&fail["value"], count(&fail["at"])), (&Value::from("ct"), 499));
    assert!(fail["expected"].as_str().unwrap().contains("4bd01177"));
    assert!(fail["actual"].as_str().unwrap().contains("4b2e98cc"));
    assert_eq!(
        fail["repeat"],
        "sealab conform --suite xts-lengths --case 7 --engine openssl --cpu no-aes"
    );
    let crash = row("openssl", "no-aes", "xts-lengths", 11);
    assert_eq!(
        (&crash["verdict"], &crash["expected"]),
        (&Value::from("crash"), &Value::Null)
    );
    let pass = row("openssl", "native", "gcm-nist", 1);
    assert_eq!(
        (&pass["verdict"], &pass["reason"]),
        (&Value::from("pass"), &Value::Null)
    );
    assert!(pass.as_object().unwrap().contains_key("reason") && pass.get("repeat").is_none());
    // One remark stands for two cases in a row, and for no third.
    for (case, reason) in [
        (3, Value::Null),
        (5, "no such nonce".into()),
        (7, "no such nonce".into()),
    ] {
        assert_eq!(
            row("ring", "native", "gcm-nist", case)["reason"],
            reason,
            "{case}"
        );
    }
    assert_eq!(
        row("java", "native", "gcm-nist", 7)["reason"],
        "java: no such program"
    );
    assert_eq!(json["suites"][0]["left_out"][1]["count"], 1_400);
    assert_eq!(json["implementations"][4]["available"], false);
    assert_eq!(json["implementations"][4]["reason"], "java: no such program");
}

#[test]
fn a_shared_remark_has_the_command_of_its_first_case_only() {
    let run = fixture::crashes();
    let mut text = Vec::new();
    conformance_json(&run, &mut text).unwrap();
    let json: Value = serde_json::from_slice(&text).unwrap();
    let repeats: Vec<bool> = (1..4)
        .map(|row| json["results"][row]["repeat"].is_string())
        .collect();
    assert_eq!(repeats, [true, false, false]);
    assert!(conformance_terminal(&run).contains("s cases 3 to 7: crash: it died"));
}

#[test]
fn json_says_when_it_cannot_be_written() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // The shorter one fits into a buffer and meets the error in the end only.
    for run in [fixture::small(), fixture::crashes()] {
        let error = conformance_json(&run, Full).unwrap_err();
        assert_eq!(error.to_string(), "the disk is full");
    }
}

fn attribute(node: roxmltree::Node<'_, '_>, name: &str) -> usize {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn junit_parses_and_its_counts_agree() {
    let runs = [
        fixture::small(),
        fixture::hostile(),
        fixture::large(),
        fixture::crashes(),
    ];
    for run in runs {
        let text = exports(&run).junit;
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let root = document.root_element();
        let suites: Vec<_> = root
            .children()
            .filter(|node| node.has_tag_name("testsuite"))
            .collect();
        assert_eq!(suites.len(), run.implementations.len());
        for (name, element) in [
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ] {
            let found = |node: roxmltree::Node<'_, '_>| {
                node.descendants()
                    .filter(|node| node.has_tag_name(element))
                    .count()
            };
            assert_eq!(attribute(root, name), found(root), "{name}");
            for suite in &suites {
                assert_eq!(attribute(*suite, name), found(*suite), "{name}");
            }
        }
        for (suite, implementation) in suites.iter().zip(&run.implementations) {
            let cases: Vec<_> = suite
                .children()
                .filter(|node| node.has_tag_name("testcase"))
                .collect();
            assert_eq!(cases.len(), run.suites.len());
            assert_eq!(attribute(*suite, "tests"), cases.len());
            for (case, outcome) in cases.iter().zip(&implementation.outcomes) {
                let has = |name: &str| case.children().any(|node| node.has_tag_name(name));
                let any = |verdict: Verdict| outcome.verdicts.contains(&verdict);
                assert_eq!(has("failure"), any(Verdict::Fail));
                assert_eq!(has("error"), any(Verdict::Crash) || any(Verdict::Hang));
                let answered = [Verdict::Pass, Verdict::Fail, Verdict::Crash, Verdict::Hang];
                assert_eq!(has("skipped"), !answered.into_iter().any(any));
            }
        }
    }
}

#[test]
fn junit_lists_cases_and_says_how_many_it_leaves_out() {
    let text = exports(&fixture::large()).junit;
    let document = roxmltree::Document::parse(&text).unwrap();
    let case = |class: &str, name: &str| {
        document
            .descendants()
            .find(|node| node.attribute("classname") == Some(class) && node.attribute("name") == Some(name))
            .unwrap()
    };
    let failure = case("python@native", "aes-256-gcm-wycheproof")
        .first_element_child()
        .unwrap();
    assert!(
        failure
            .attribute("message")
            .unwrap()
            .starts_with("60 of 320 cases failed; case 81: ")
    );
    let listed = failure.text().unwrap();
    assert_eq!(listed.matches("\ncase ").count(), 20);
    assert!(listed.contains("40 further cases are in conformance.json"));
    assert!(listed.contains("expected …91f0") && listed.contains("repeat   sealab conform --suite"));
    let both: Vec<_> = case("go@native", "rsa-oaep-wycheproof")
        .children()
        .filter(roxmltree::Node::is_element)
        .map(|node| (node.tag_name().name(), node.attribute("type").unwrap()))
        .collect();
    assert_eq!(both, [("failure", "fail"), ("error", "hang")]);
    let skipped = case("graviola@no-aes", "sha-256").first_element_child().unwrap();
    assert!(
        skipped
            .attribute("message")
            .unwrap()
            .starts_with("skipped: graviola refuses")
    );
    let unsupported = case("ring@native", "jwe").first_element_child().unwrap();
    assert_eq!(
        unsupported.attribute("message"),
        Some("unsupported: ring has no jwe")
    );
}

/// The table row of `text` that begins with `label`, split into cells.
fn table_row<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let begin = format!("| {label} | ");
    let line = text.lines().find(|line| line.starts_with(&begin)).unwrap();
    line.trim_matches('|').split(" | ").map(str::trim).collect()
}

#[test]
fn markdown_has_the_matrix() {
    let text = exports(&fixture::small()).markdown;
    assert_eq!(
        table_row(&text, "implementation @ CPU profile"),
        ["implementation @ CPU profile", "XTS", "GCM"]
    );
    assert_eq!(table_row(&text, "openssl @ native")[1..], ["**9, 1 fail**", "4"]);
    assert_eq!(
        table_row(&text, "openssl @ no-aes")[1..],
        ["**8, 1 fail, 1 crash**", "**3, 1 hang**"]
    );
    assert_eq!(
        table_row(&text, "ring @ native")[1..],
        ["unsupported", "2, 2 unsupported"]
    );
    assert_eq!(table_row(&text, "java @ native")[1..], ["skipped", "skipped"]);
    for part in [
        "**1 of 2 implementations disagree with the vectors; wrong verdicts: 4 of 32.**",
        "xts-lengths case 7: **fail** under native, no-aes: ct differs",
        "expected `…91f0c3a1b2035e4bd0",
        "actual `…91f0c3a1b2035e4b2e",
        "`sealab conform --suite xts-lengths --case 7 --engine openssl --cpu native`",
        "java (native, no-aes): **missing here:** java: no such program",
        "20 verdicts unsupported (ring): ring has no AES-XTS",
        "1,400: not in the sample",
        "Synthetic CPU",
        "| ring @ native | libring | 1.2.3 | cpuid-faulting | AES-NI, PCLMULQDQ |",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (_, machine) = text.split_once("## The machine").unwrap();
    assert_eq!(table_row(machine, "Hypervisor"), ["Hypervisor", "kvm"]);
    assert!(
        !machine.contains("Load average"),
        "what bears on speed alone: {machine}"
    );
}

#[test]
fn suites_of_one_family_are_counted_together() {
    let text = exports(&fixture::large()).markdown;
    let cells = table_row(&text, "openssl @ qemu-Nehalem");
    assert_eq!(cells[1..4], ["**1,297, 3 fail, 6 unsupported**", "1,260", "410"]);
}

#[test]
fn wrong_cases_without_a_remark_are_listed_too() {
    let mut run = fixture::crashes();
    let outcome = &mut run.implementations[0].outcomes[0];
    outcome.remarks.clear();
    outcome.verdicts = [
        Verdict::Fail,
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Fail,
        Verdict::Pass,
    ]
    .to_vec();
    let text = conformance_terminal(&run);
    assert!(text.contains("  s case 1: no reason was recorded\n"), "{text}");
    assert!(
        text.contains("  s cases 5 to 7: no reason was recorded\n"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&exports(&run).json).unwrap();
    assert_eq!(json["results"][0]["reason"], "no reason was recorded");
}

#[test]
fn tables_keep_their_columns_and_texts_are_no_markup() {
    let text = exports(&fixture::hostile()).markdown;
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("[a](b)"));
    assert!(text.contains("&lt;script&gt;"), "the text itself is shown");
    for table in text.split("\n\n").filter(|part| part.starts_with("| ")) {
        let bars: BTreeSet<usize> = table
            .lines()
            .map(|line| line.matches('|').count() - line.matches("\\|").count())
            .collect();
        assert_eq!(bars.len(), 1, "{table}");
    }
}

#[test]
fn hostile_texts_are_bounded_and_steer_nothing() {
    let run = fixture::hostile();
    let texts = exports(&run);
    let terminal = conformance_terminal(&run);
    for (name, text) in [
        ("junit", &texts.junit),
        ("markdown", &texts.markdown),
        ("terminal", &terminal),
    ] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{name}");
        assert!(!text.contains(['\u{202e}', '\u{ffff}']), "{name}");
    }
    let machine = |line: &&str| line.starts_with("\"machine\"");
    for line in texts.json.lines().filter(|line| !machine(line)) {
        assert!(
            !line.contains(['\u{202e}', '\u{ffff}']) && !line.contains("\\u0000"),
            "{line}"
        );
        assert!(line.len() < 16 << 10, "{} bytes", line.len());
    }
    // Each of many remarks holds a megabyte.
    for text in [&texts.json, &texts.junit, &texts.markdown, &terminal] {
        assert!(text.len() < 256 << 10, "{} bytes", text.len());
    }
}

#[test]
fn the_terminal_shows_matrix_disagreements_and_counts() {
    let text = conformance_terminal(&fixture::small());
    let words = |begin: &str| -> Vec<&str> {
        let line = text.lines().find(|line| line.starts_with(begin)).unwrap();
        line.split("  ")
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect()
    };
    assert_eq!(
        words("implementation"),
        ["implementation", "CPU profiles", "XTS", "GCM"]
    );
    assert_eq!(
        words("openssl         native"),
        ["openssl", "native", "1 FAIL", "4"]
    );
    assert_eq!(
        words("openssl         no-aes"),
        ["openssl", "no-aes", "2 WRONG", "1 HANG"]
    );
    assert_eq!(words("ring"), ["ring", "native, no-aes", "-", "2/4"]);
    assert_eq!(
        words("openssl, aes-256-xts"),
        ["openssl, aes-256-xts: 2 wrong under native, no-aes"]
    );
    for part in [
        "  xts-lengths case 7: encrypt: ct differs\n",
        "    expected …91f0c3a1b2035e4bd0",
        "    actual   …91f0c3a1b2035e4b2e",
        "    repeat   sealab conform --suite xts-lengths --case 7 --engine openssl --cpu native\n",
        "  java (native, no-aes): java: no such program\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        text.lines().last().unwrap(),
        "28 passed, 2 failed, 1 crashed, 1 hung, 24 unsupported, 28 skipped."
    );
    for line in conformance_terminal(&fixture::large()).lines() {
        assert!(
            line.chars().count() <= 100 || line.starts_with("    repeat "),
            "{line}"
        );
    }
}

#[test]
fn a_run_without_disagreement_says_so_and_an_empty_one_claims_nothing() {
    let mut run = fixture::small();
    run.implementations.retain(|entry| entry.name == "ring");
    let text = conformance_terminal(&run);
    assert!(
        text.contains("No disagreement: 1 implementation, 4 verdicts, all as expected."),
        "{text}"
    );
    run.implementations.clear();
    let texts = exports(&run);
    assert!(texts.markdown.contains("Nothing was checked"));
    assert!(conformance_terminal(&run).contains("Nothing was checked"));
    let json: Value = serde_json::from_str(&texts.json).unwrap();
    assert_eq!(json["results"], Value::Array(Vec::new()));
    roxmltree::Document::parse(&texts.junit).unwrap();
}

#[test]
fn files_are_written_aside_and_a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_conformance(&fixture::small(), folder.path()).unwrap();
    let names: BTreeSet<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = [
        "conformance.html",
        "conformance.json",
        "conformance.md",
        "junit.xml",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
    // A file that cannot be replaced stays, and nothing half-written beside it.
    fs::remove_file(folder.path().join("junit.xml")).unwrap();
    fs::create_dir(folder.path().join("junit.xml")).unwrap();
    let error = write_conformance(&fixture::small(), folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("junit.xml: cannot be written"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    let missing = folder.path().join("missing");
    let error = write_conformance(&fixture::small(), &missing)
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing/conformance.json"), "{error}");
}
