//! What reports say of the bytes that reach a volume's store.

mod fixture;

use sealab_record::{Along, Cell, Memory, Operation, Rate, Setting, Traffic, median_interval};
use sealab_report::{html, markdown};

#[test]
fn the_traffic_of_all_engines_is_added_up_and_set_to_what_was_asked() {
    let mut run = fixture::full();
    for text in [html(&run), markdown(&run)] {
        assert!(!text.contains("reach the store") && !text.contains("reached the store"));
    }
    // Two engines with different counts of samples: what matters is bytes to bytes.
    for (cell, factor) in run.cells.iter_mut().take(2).zip([1, 3]) {
        cell.plane = "volume".to_owned();
        cell.format = "luks2-gcm".to_owned();
        cell.workload = "random write".to_owned();
        cell.operation = Operation::Write;
        cell.unit_bytes = 4096;
        cell.threads = 1;
        cell.traffic = Some(Traffic {
            user_read: 0,
            user_written: 1000 * factor,
            flushes: 10 * factor,
            store_read: 250 * factor,
            store_written: 2020 * factor,
            syncs: 20 * factor,
        });
    }
    for text in [html(&run), markdown(&run)] {
        assert_eq!(text.matches("2.02×").count(), 1, "{text}");
        assert_eq!(text.matches("0.250×").count(), 1, "{text}");
    }
    let line = markdown(&run);
    let line = line.lines().find(|line| line.contains("2.02×")).expect("a row");
    assert_eq!(
        line,
        "| luks2-gcm | random write | write | 4 KiB | 1 | 2.02× | 0.250× | 2.00 |"
    );
}

/// A volume's cell with samples around `rate`.
fn on_volume(template: &Cell, format: &str, workload: &str, rate: f64) -> Cell {
    let samples: Vec<f64> = (0..8)
        .map(|index| rate * (1.0 + f64::from(index) * 1e-4))
        .collect();
    Cell {
        plane: "volume".to_owned(),
        format: format.to_owned(),
        workload: workload.to_owned(),
        operation: Operation::Write,
        unit_bytes: 4096,
        threads: 1,
        throughput_bytes_per_s: median_interval(&samples),
        samples,
        ..template.clone()
    }
}

#[test]
fn volumes_are_set_beside_the_plain_one_and_make_no_headline_of_engines() {
    let mut run = fixture::full();
    let template = run.cells[0].clone();
    run.jobs.clear();
    run.checks.clear();
    run.scenarios.truncate(1);
    run.cells = [
        ("plain", "random write", 8e9),
        ("luks2-xts", "random write", 4e9),
        ("luks2-gcm", "random write", 2e9),
        ("plain", "sequential write", 10e9),
        ("luks2-xts", "sequential write", 9e9),
    ]
    .map(|(format, workload, rate)| on_volume(&template, format, workload, rate))
    .to_vec();
    let text = markdown(&run);
    assert!(
        text.contains("(random write, 4 KiB; ") && text.contains("luks2-xts 0.500×, luks2-gcm 0.250×."),
        "{text}"
    );
    assert!(!text.contains("The fastest engine"), "{text}");
    let row = |format: &str| {
        text.lines()
            .find(|line| line.starts_with(&format!("| {format} |")) && line.contains('×'))
            .unwrap_or_else(|| panic!("{format}: {text}"))
            .to_owned()
    };
    assert!(row("luks2-xts").contains("0.900×"), "{}", row("luks2-xts"));
    // What was not asked of a format is no figure.
    assert!(row("luks2-gcm").contains("not asked"), "{}", row("luks2-gcm"));
    assert!(html(&run).contains("Volumes beside the plain one"));
    assert!(!html(&fixture::full()).contains("Volumes beside the plain one"));
}

#[test]
fn what_is_counted_stands_along_the_setting_of_the_scenario() {
    let mut run = fixture::full();
    let template = run.cells[0].clone();
    run.jobs.clear();
    run.checks.clear();
    run.scenarios.truncate(1);
    run.scenarios[0].name.clone_from(&template.scenario);
    let cells = [
        ("plain", 64, 1000),
        ("plain", 0, 1000),
        ("luks2-gcm", 64, 1070),
        ("luks2-gcm", 0, 1030),
    ];
    run.cells = cells
        .map(|(format, every, store_written)| Cell {
            traffic: Some(Traffic {
                user_written: 1000,
                flushes: every,
                store_written,
                syncs: 2 * every,
                ..Traffic::default()
            }),
            along: Some(Along {
                setting: Setting::FlushEvery,
                value: every,
                workload: "random write".to_owned(),
            }),
            ..on_volume(
                &template,
                format,
                &format!("random write, flush every {every}"),
                4e9,
            )
        })
        .to_vec();
    let text = markdown(&run);
    assert!(
        text.contains("| format | flush every 64 | no flushes |"),
        "{text}"
    );
    assert!(text.contains("| luks2-gcm | 1.07× | 1.03× |"), "{text}");
    // A flush that never came has no syncs.
    assert!(text.contains("| luks2-gcm | 2.00 |  |"), "{text}");
    let page = html(&run);
    assert!(page.contains("Syncs of the store for each flush of the volume"));
    assert!(
        page.contains("never</text>") || page.contains(">never<") || page.contains("never\n</text>"),
        "the axis"
    );
    assert!(!page.contains("Memory: the process"));

    for (cell, size) in run.cells.iter_mut().zip([1_u64 << 30, 1 << 40, 1 << 30, 1 << 40]) {
        cell.traffic = None;
        cell.along = Some(Along {
            setting: Setting::VolumeBytes,
            value: size,
            workload: "opening".to_owned(),
        });
        cell.memory = Some(Memory {
            before_bytes: 10 << 20,
            peak_bytes: (10 << 20) + (size >> 20),
        });
        cell.throughput_bytes_per_s = None;
        cell.rate = Some(Rate {
            unit: "openings/s".to_owned(),
            figure: median_interval(&[40.0; 8]).expect("a figure"),
        });
    }
    let text = markdown(&run);
    assert!(
        text.contains("| format | volume of 1 GiB | volume of 1 TiB |"),
        "{text}"
    );
    assert!(text.contains("| luks2-gcm | 1 KiB | 1 MiB |"), "{text}");
    assert!(text.contains("| luks2-gcm | 25.0 ms | 25.0 ms |"), "{text}");
}
