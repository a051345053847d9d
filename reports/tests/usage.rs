//! Which format gives which use what it needs.

mod fixture;

use sealab_record::{Evidence, Operation, Run, UseRecord, median_interval};
use sealab_report::{html, markdown};

const NAME: &str = "uses";

fn evidence(format: &str, guarantee: &str, attack: &str, verdict: &str) -> Evidence {
    Evidence {
        scenario: NAME.to_owned(),
        format: format.to_owned(),
        guarantee: guarantee.to_owned(),
        attack: attack.to_owned(),
        verdict: verdict.to_owned(),
        holds: verdict == "refused",
        applies: verdict != "not-applicable",
        detail: String::new(),
    }
}

fn run() -> Run {
    let mut run = fixture::empty();
    let template = fixture::full().cells[0].clone();
    run.scenarios.push(fixture::scenario(NAME, "Uses", ""));
    for (name, needs) in [
        ("image", vec!["integrity"]),
        ("database", vec!["integrity", "freshness"]),
        ("secret", vec!["anonymity"]),
    ] {
        run.uses.push(UseRecord {
            scenario: NAME.to_owned(),
            name: name.to_owned(),
            description: format!("what {name} is"),
            needs: needs.into_iter().map(str::to_owned).collect(),
            workload: "random read".to_owned(),
            operation: Operation::Read,
            unit_bytes: 4096,
            threads: 1,
        });
    }
    run.evidence = vec![
        evidence("plain", "integrity", "flip-data", "undetected"),
        evidence("plain", "freshness", "restore-image", "undetected"),
        evidence("plain", "anonymity", "addresses", "not-applicable"),
        // One act that held does not make up for one that did not.
        evidence("sealed", "integrity", "flip-data", "refused"),
        evidence("sealed", "freshness", "restore-sector", "refused"),
        evidence("sealed", "freshness", "restore-image", "undetected"),
        evidence("sealed", "anonymity", "addresses", "not-applicable"),
    ];
    for (format, rate) in [("plain", 8e9), ("sealed", 2e9)] {
        let mut cell = template.clone();
        cell.scenario = NAME.to_owned();
        cell.plane = "volume".to_owned();
        cell.format = format.to_owned();
        cell.workload = "random read".to_owned();
        cell.operation = Operation::Read;
        (cell.unit_bytes, cell.threads) = (4096, 1);
        cell.samples = (0..8)
            .map(|index| rate * (1.0 + f64::from(index) * 1e-4))
            .collect();
        cell.throughput_bytes_per_s = median_interval(&cell.samples);
        run.cells.push(cell);
    }
    run
}

#[test]
fn a_guarantee_is_given_only_if_every_act_that_tested_it_failed() {
    let text = markdown(&run());
    let row = |start: &str| {
        let found = text.lines().filter(|line| line.starts_with(start));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let sealed = row("| sealed | ");
    assert!(
        sealed.contains(
            &"| sealed | all; 0.250× | lacks freshness; 0.250× | lacks anonymity (not tested); 0.250× |"
                .to_owned()
        ),
        "{text}"
    );
    assert!(
        sealed
            .contains(&"| sealed | held, 1 act | undetected by restore-image | nothing to test |".to_owned()),
        "{text}"
    );
    assert!(
        row("| plain | ")
            .iter()
            .any(|line| line.contains("lacks integrity, freshness; 1.00×")),
        "{text}"
    );
}

#[test]
fn the_headline_names_who_is_fit_and_who_needs_what_nobody_gives() {
    for text in [html(&run()), markdown(&run())] {
        assert!(
            text.contains("image needs integrity: given by sealed (0.250×)."),
            "{text}"
        );
        assert!(
            text.contains(
                "database needs integrity, freshness: no format that was attacked gives all of it."
            ),
            "{text}"
        );
    }
    assert!(html(&run()).contains("what database is"));
}
