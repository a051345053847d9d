//! The workload on real servers on a mounted volume.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sealab_engine_aws_lc::CANDIDATE;
use sealab_tpcc::server::{Kind, Server};
use sealab_tpcc::{Backend, CountedVolume, Driver, Limit, Loading, Tpcc, TpccError, Value, check, load};
use sealab_volume::format::format;
use sealab_volume::store::MemoryStore;

static NEVER: AtomicBool = AtomicBool::new(false);

const SMALL: Tpcc = Tpcc {
    threads: 3,
    tables: 1,
    scale: 2,
    loading: Loading::Reduced,
    seed: 1,
};

/// Whether the server can run here. What is missing is named; with `CI=true` that is a failure.
fn is_here(kind: Kind) -> bool {
    let Err(reason) = kind.available() else {
        return true;
    };
    not_run(kind, &reason);
    false
}

fn not_run(kind: Kind, reason: &dyn std::fmt::Display) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{kind} did not run: {reason}"
    );
    println!("NOT RUN: {kind}: {reason}");
}

/// The mounts and loop devices that servers stand on.
fn left_behind() -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let own = |line: &&str| line.contains("/sealab-db-");
    mounts.lines().filter(own).map(str::to_owned).collect()
}

fn runs_and_is_taken_down(kind: Kind) {
    if !is_here(kind) {
        return;
    }
    let format = format("luks2-xts").unwrap();
    let store = Arc::new(MemoryStore::new(format.store_bytes(512 << 20)));
    let engine = || Arc::from((CANDIDATE.open)().unwrap());
    let owner = format.make(engine(), store.clone(), &mut |_| Ok(())).unwrap();
    let volume = Arc::new(CountedVolume::new(Arc::from(
        owner.open(engine(), store).unwrap(),
    )));
    let server = match Server::start(kind, volume.clone(), &NEVER) {
        Err(TpccError::Unavailable(reason)) => return not_run(kind, &reason),
        started => started.unwrap(),
    };
    assert!(
        server.version().contains(&kind.to_string()),
        "{}",
        server.version()
    );
    load(&SMALL, &server, &NEVER).unwrap();
    let (flushes, cpu) = (volume.counts().flushes, server.other_cpu_seconds());
    let mut driver = Driver::new(&SMALL, &server).unwrap();
    let outcome = driver.run(&server, Limit::Transactions(400), &NEVER).unwrap();
    assert_eq!(outcome.all.transactions + outcome.effects.rollbacks, 400);
    assert!(outcome.effects.remote_payments > 0, "{outcome:?}");
    assert!(server.other_cpu_seconds() > cpu);
    // Commits of several clients may share one.
    assert!(
        volume.counts().flushes - flushes > 100,
        "commits reach the volume"
    );
    let findings = check(&SMALL, &server).unwrap();
    assert_eq!(findings.len(), 12);
    for finding in &findings {
        assert!(finding.held(), "{finding}");
    }
    // One that is broken is found here too.
    let mut session = server.session().unwrap();
    session
        .execute("UPDATE warehouse1 SET w_ytd = w_ytd + 1 WHERE w_id = 1", &[])
        .unwrap();
    let rows = session.query("SELECT COUNT(*) FROM history1", &[]).unwrap();
    let payments = i64::try_from(1200 + outcome.effects.payments).unwrap();
    assert_eq!(rows, [[Value::Int(payments)]]);
    drop((session, driver));
    let findings = check(&SMALL, &server).unwrap();
    let broken: Vec<u32> = findings
        .iter()
        .filter(|finding| !finding.held())
        .map(|finding| finding.condition.number)
        .collect();
    assert_eq!(broken, [1, 8]);
    server.close().unwrap();
}

/// One after the other, so that what one leaves behind is seen.
#[test]
fn servers_run_on_a_volume_and_are_taken_down() {
    for kind in [Kind::Postgresql, Kind::Mariadb] {
        runs_and_is_taken_down(kind);
        assert_eq!(left_behind(), [] as [String; 0]);
    }
    interrupted_on_the_way();
}

fn interrupted_on_the_way() {
    if !is_here(Kind::Mariadb) {
        return;
    }
    let store = Arc::new(MemoryStore::new(256 << 20));
    let volume = Arc::new(sealab_volume::plain::Plain::new(store, 4096, false).unwrap());
    let ended = Server::start(Kind::Mariadb, volume, &AtomicBool::new(true));
    match ended {
        Err(TpccError::Unavailable(reason)) => not_run(Kind::Mariadb, &reason),
        ended => assert!(matches!(ended, Err(TpccError::Interrupted))),
    }
    assert_eq!(left_behind(), [] as [String; 0]);
}
