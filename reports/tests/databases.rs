//! What reports say of databases on volumes.

mod fixture;

use sealab_record::{Cell, Operation, Rate, Traffic, TransactionKind, Transactions, median_interval};
use sealab_report::{html, markdown};

fn kind(id: &str, committed: u64) -> TransactionKind {
    TransactionKind {
        id: id.to_owned(),
        committed,
        p50_seconds: 0.0021,
        p95_seconds: 0.0432,
        p99_seconds: 0.0999,
    }
}

/// A database's cell with samples around `rate`.
fn cell(template: &Cell, format: &str, rate: f64) -> Cell {
    let samples: Vec<f64> = (0..8)
        .map(|index| rate * (1.0 + f64::from(index) * 1e-4))
        .collect();
    Cell {
        plane: "volume".to_owned(),
        format: format.to_owned(),
        workload: "tpcc-like, SQLite".to_owned(),
        operation: Operation::Mixed,
        unit_bytes: 4096,
        threads: 2,
        throughput_bytes_per_s: None,
        rate: median_interval(&samples).map(|figure| Rate {
            unit: "transactions/s".to_owned(),
            figure,
        }),
        samples,
        traffic: Some(Traffic {
            user_read: 0,
            user_written: 1000,
            flushes: 190,
            store_read: 0,
            store_written: 3217,
            syncs: 190,
        }),
        transactions: Some(Transactions {
            database: "SQLite <3>".to_owned(),
            all: kind("all", 200),
            kinds: vec![kind("new-order", 90), kind("payment", 110)],
            rollbacks: 2,
            order_lines: 900,
            remote_order_lines: 9,
            payments: 110,
            remote_payments: 17,
            retries: 0,
            seconds: 2.0,
            cpu_seconds: 0.7,
            conditions_held: 12,
        }),
        ..template.clone()
    }
}

#[test]
fn databases_stand_beside_the_plain_volume_with_what_a_commit_took() {
    let mut run = fixture::full();
    assert!(!html(&run).contains("like TPC-C") && !markdown(&run).contains("like TPC-C"));
    let template = run.cells[0].clone();
    run.cells
        .extend([("plain", 100.0), ("luks2-gcm", 80.0)].map(|(id, rate)| cell(&template, id, rate)));
    let text = markdown(&run);
    let row = |name: &str| {
        let of = |line: &&str| line.starts_with(name) && line.contains("0.950");
        text.lines().find(of).expect("a row").to_owned()
    };
    let plain = row("| plain");
    assert!(
        plain.contains("| 100 (100 to 100) |  | 2.10 ms | 43.2 ms | 99.9 ms | 0.950 | 3.22× | 3.50 ms |"),
        "{plain}"
    );
    let sealed = row("| luks2-gcm");
    assert!(sealed.contains("| 80.0 (80.0 to 80.0) | 0.80"), "{sealed}");
    let page = html(&run);
    for said in [
        "like TPC-C, not TPC-C",
        "SQLite &lt;3&gt;",
        "43.2 ms",
        "9 of 900 order lines and 17 of 110 payments remote",
        "12 consistency conditions hold",
        "new-order",
        "45.0",
    ] {
        assert!(page.contains(said), "{said}");
    }
}
