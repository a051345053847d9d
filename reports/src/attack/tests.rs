//! Exports of small runs.

use sealab_attack_record::{Act, AttackRun, Finding, FormatUnderAttack, Guarantee, Verdict};

use super::*;

const PLANE: &str = "checkpoint";

/// Two formats and two acts: one verdict is not as expected, one has nothing expected.
fn run() -> AttackRun {
    let format = |id| FormatUnderAttack {
        plane: PLANE,
        id,
        description: "Read by a <reader>.",
    };
    let act = |id, guarantee| Act {
        plane: PLANE,
        id,
        guarantee,
        what: "Does something.",
    };
    let finding = |format, act: &Act, verdict, expected| Finding {
        plane: PLANE,
        format,
        attack: act.id,
        guarantee: act.guarantee,
        verdict,
        expected,
        detail: "a <script>alert(1)</script> | *b*\u{1b}[31m".to_owned(),
        reason: "Because.".to_owned(),
    };
    let acts = vec![
        act("look", Guarantee::Confidentiality),
        act("flip", Guarantee::Integrity),
    ];
    let (look, flip) = (&acts[0], &acts[1]);
    AttackRun {
        sealab_version: "1".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        command: vec!["sealab".to_owned(), "attack".to_owned(), "a b".to_owned()],
        engine: "an engine".to_owned(),
        formats: vec![format("one"), format("two")],
        findings: vec![
            finding("one", look, Verdict::Leaks, Some(Verdict::Leaks)),
            finding(
                "one",
                flip,
                Verdict::DetectedAfterUse,
                Some(Verdict::DetectedBeforeUse),
            ),
            finding("two", look, Verdict::Refused, Some(Verdict::Refused)),
            finding("two", flip, Verdict::NotApplicable, None),
        ],
        acts,
    }
}

#[test]
fn json_has_the_stable_members() {
    let value: serde_json::Value = serde_json::from_str(&attack_json(&run())).unwrap();
    let first = &value[0];
    for (name, expected) in [
        ("format", "one"),
        ("attack", "look"),
        ("guarantee", "confidentiality"),
        ("verdict", "leaks"),
        ("expected", "leaks"),
    ] {
        assert_eq!(first[name], expected, "{name}");
    }
    assert_eq!(value[1]["verdict"], "detected-after-use");
    assert!(value[3]["expected"].is_null());
    assert_eq!(value.as_array().unwrap().len(), 4);
}

#[test]
fn the_terminal_shows_the_matrix_and_marks_what_is_not_expected() {
    let text = attack_terminal(&run());
    for line in [
        "look    LEAKS  refused",
        "flip  ! AFTER      ! -",
        "confidentiality  LEAKS 1/1  holds 1",
        "integrity        AFTER 1/1        -",
        "! one, flip: detected-after-use, expected detected-before-use",
        "! two, flip: not-applicable, nothing was expected",
        "2 of 4 verdicts differ from what was expected.",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn planes_are_told_apart() {
    let mut run = run();
    let mut other = run.clone();
    other.formats.truncate(1);
    other.formats[0].plane = "volume";
    other.acts.iter_mut().for_each(|act| act.plane = "volume");
    other.findings.retain(|finding| finding.format == "one");
    for finding in &mut other.findings {
        (finding.plane, finding.verdict) = ("volume", Verdict::Undetected);
    }
    run.formats.extend(other.formats);
    run.acts.extend(other.acts);
    run.findings.extend(other.findings);
    let text = attack_terminal(&run);
    let (first, second) = text.split_once("volume\n").expect("a heading");
    assert!(first.contains("look    LEAKS  refused"), "{text}");
    assert!(second.contains("look  ! UNDETECTED\n"), "{text}");
    let text = markdown::markdown(&run);
    for heading in ["## Guarantees, checkpoint", "## Acts, volume"] {
        assert!(text.contains(heading), "{text}");
    }
    let page = html::html(&run);
    assert!(page.contains("<h3>Plane volume</h3>"));
    assert!(page.contains("href=\"#volume-one-look\""));
}

#[test]
fn details_cannot_become_markup() {
    let page = html::html(&run());
    assert!(page.contains("a &lt;script&gt;alert(1)&lt;/script&gt; | *b*\u{fffd}[31m"));
    assert!(!page.contains("<script"));
    let text = markdown::markdown(&run());
    assert!(
        text.contains(r"a &lt;script&gt;alert(1)&lt;/script&gt; \| \*b\*"),
        "{text}"
    );
    assert!(!text.contains("<script"));
}

#[test]
fn the_page_leads_from_each_verdict_to_its_detail() {
    let page = html::html(&run());
    for id in [
        "checkpoint-one-look",
        "checkpoint-one-flip",
        "checkpoint-two-look",
    ] {
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
        assert!(page.contains(&format!("<tr id=\"{id}\">")), "{id}");
    }
    assert!(page.contains("cell after surprise"));
    assert!(page.contains("class=\"headline disagree\""));
}

#[test]
fn a_run_as_expected_says_so_and_an_empty_one_does_not() {
    let mut run = run();
    for finding in &mut run.findings {
        finding.expected = Some(finding.verdict);
    }
    assert!(attack_terminal(&run).contains("Every verdict is the expected one: 4 verdicts."));
    assert!(html::html(&run).contains("class=\"headline agree\""));
    assert!(!markdown::markdown(&run).contains("Not as expected"));
    run.findings.clear();
    assert!(attack_terminal(&run).contains("Nothing was attacked."));
    assert!(html::html(&run).contains("class=\"headline nothing\""));
}
