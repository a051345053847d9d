//! The workload on SQLite on a volume.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_engine_aws_lc::CANDIDATE;
use sealab_tpcc::sqlite::{JournalMode, Sqlite};
use sealab_tpcc::{
    Backend, CONDITIONS, CountedVolume, Driver, Finding, Kind, Limit, Loading, Tpcc, TpccError, check, load,
};
use sealab_volume::Volume;
use sealab_volume::format::{VolumeFormat, format};
use sealab_volume::store::{CountingStore, Fault, FaultyStore, MemoryStore, Operation, Store};

static NEVER: AtomicBool = AtomicBool::new(false);

const SMALL: Tpcc = Tpcc {
    threads: 2,
    tables: 1,
    scale: 2,
    loading: Loading::Reduced,
    seed: 1,
};

/// A volume of 64 MiB in the format `id` on `store`, which is as large as the format asks.
fn volume(id: &str, store: impl FnOnce(u64) -> Arc<dyn Store>) -> Arc<dyn Volume> {
    let format: &dyn VolumeFormat = format(id).unwrap();
    let store = store(format.store_bytes(64 << 20));
    let engine = || Arc::from((CANDIDATE.open)().unwrap());
    let owner = format.make(engine(), store.clone(), &mut |_| Ok(())).unwrap();
    Arc::from(owner.open(engine(), store).unwrap())
}

const NONE: [u32; 0] = [];

fn in_memory(bytes: u64) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(bytes))
}

fn loaded(volume: Arc<dyn Volume>, mode: JournalMode, tpcc: &Tpcc) -> Sqlite {
    let sqlite = Sqlite::create(volume, mode, tpcc.tables).unwrap();
    load(tpcc, &sqlite, &NEVER).unwrap();
    sqlite
}

fn broken(findings: &[Finding]) -> Vec<u32> {
    let broken = findings.iter().filter(|finding| !finding.held());
    broken.map(|finding| finding.condition.number).collect()
}

#[test]
fn it_runs_on_every_kind_of_volume_and_stays_consistent_and_is_found_again() {
    for (id, mode) in [
        ("plain", JournalMode::Wal),
        ("luks2-xts", JournalMode::Wal),
        ("luks2-gcm-journal", JournalMode::Wal),
        ("luks2-xts", JournalMode::Delete),
    ] {
        let volume = volume(id, in_memory);
        let sqlite = loaded(volume.clone(), mode, &SMALL);
        assert_eq!(broken(&check(&SMALL, &sqlite).unwrap()), NONE, "{id} at first");
        let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
        let outcome = driver.run(&sqlite, Limit::Transactions(600), &NEVER).unwrap();
        drop(driver);
        let findings = check(&SMALL, &sqlite).unwrap();
        assert_eq!(findings.len(), 12);
        assert_eq!(broken(&findings), NONE, "{id}");
        assert_eq!(outcome.all.transactions + outcome.effects.rollbacks, 600);
        let orders = |sqlite: &Sqlite| {
            let mut session = sqlite.session().unwrap();
            session.query("SELECT COUNT(*) FROM orders1", &[]).unwrap()
        };
        let before = orders(&sqlite);
        let expected = 2 * 10 * 60 + outcome.of(Kind::NewOrder).transactions;
        assert_eq!(before, [[expected.into()]], "{id}");
        sqlite.close().unwrap();
        let again = Sqlite::open(volume, mode, 1).unwrap();
        assert_eq!(orders(&again), before, "{id}");
        assert_eq!(broken(&check(&SMALL, &again).unwrap()), NONE);
    }
}

#[test]
fn the_mix_and_its_exceptions_really_happen() {
    let sqlite = loaded(volume("plain", in_memory), JournalMode::Wal, &SMALL);
    let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
    driver.run(&sqlite, Limit::Transactions(50), &NEVER).unwrap();
    driver.forget();
    let outcome = driver.run(&sqlite, Limit::Transactions(6000), &NEVER).unwrap();
    let shares = [0.45 * 0.99, 0.43, 0.04, 0.04, 0.04];
    for (kind, share) in Kind::ALL.iter().zip(shares) {
        let done = outcome.of(*kind).transactions as f64 / 6000.0;
        assert!((done - share).abs() < 0.025, "{kind}: {done}");
        let latency = outcome.of(*kind).latency;
        assert!(
            Duration::ZERO < latency.p50 && latency.p50 <= latency.p99,
            "{kind}: {latency:?}"
        );
    }
    let effects = outcome.effects;
    let of = |part: u64, whole: u64| part as f64 / whole as f64;
    assert!((10..60).contains(&effects.rollbacks), "{effects:?}");
    assert_eq!(effects.payments, outcome.of(Kind::Payment).transactions);
    assert!(
        (of(effects.remote_payments, effects.payments) - 0.15).abs() < 0.03,
        "{effects:?}"
    );
    assert!(
        (of(effects.remote_lines, effects.lines) - 0.01).abs() < 0.004,
        "{effects:?}"
    );
    let new_orders = outcome.of(Kind::NewOrder).transactions;
    assert!((of(effects.lines, new_orders) - 10.0).abs() < 0.5, "{effects:?}");
    assert!(effects.deliveries > 0 && effects.retries == 0, "{effects:?}");
    assert!(outcome.per_second() > 0.0 && outcome.cpu_seconds > 0.0);
    assert_eq!(driver.total(), outcome);
    let more = driver.run(&sqlite, Limit::Transactions(50), &NEVER).unwrap();
    let total = driver.total();
    assert_eq!(
        total.all.transactions,
        outcome.all.transactions + more.all.transactions
    );
    assert_eq!(total.elapsed, outcome.elapsed + more.elapsed);
}

#[test]
fn nothing_is_remote_with_one_warehouse_and_sets_are_apart() {
    let tpcc = Tpcc {
        scale: 1,
        tables: 2,
        ..SMALL
    };
    let sqlite = loaded(volume("plain", in_memory), JournalMode::Wal, &tpcc);
    let mut driver = Driver::new(&tpcc, &sqlite).unwrap();
    let outcome = driver.run(&sqlite, Limit::Transactions(500), &NEVER).unwrap();
    assert_eq!(
        (outcome.effects.remote_lines, outcome.effects.remote_payments),
        (0, 0)
    );
    let mut session = sqlite.session().unwrap();
    for set in ["orders1", "orders2"] {
        let rows = session
            .query(&format!("SELECT COUNT(*) FROM {set}"), &[])
            .unwrap();
        assert!(rows[0][0] != 600_u64.into(), "{set} has new orders");
    }
    drop(session);
    let findings = check(&tpcc, &sqlite).unwrap();
    assert_eq!(findings.len(), 24);
    assert_eq!(broken(&findings), NONE);
}

/// What breaks each condition, and which are broken by it.
const BREAKS: [(&str, &[u32]); 13] = [
    ("UPDATE warehouse1 SET w_ytd = w_ytd + 1 WHERE w_id = 1", &[1, 8]),
    (
        "UPDATE district1 SET d_next_o_id = d_next_o_id + 1 WHERE d_id = 3 AND d_w_id = 2",
        &[2],
    ),
    (
        "DELETE FROM new_orders1 WHERE no_o_id = 50 AND no_d_id = 1 AND no_w_id = 1",
        &[3, 5, 11],
    ),
    (
        "DELETE FROM order_line1 WHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id = 1 AND ol_number = 1",
        &[4, 6],
    ),
    (
        "UPDATE orders1 SET o_carrier_id = NULL WHERE o_w_id = 1 AND o_d_id = 1 AND o_id = 1",
        &[5, 7],
    ),
    (
        "DELETE FROM orders1 WHERE o_w_id = 1 AND o_d_id = 1 AND o_id = 50",
        &[4, 5, 11],
    ),
    (
        "UPDATE orders1 SET o_ol_cnt = o_ol_cnt + (CASE o_id WHEN 1 THEN 1 ELSE -1 END) \
         WHERE o_w_id = 1 AND o_d_id = 1 AND o_id <= 2",
        &[6],
    ),
    (
        "UPDATE order_line1 SET ol_delivery_d = NULL WHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id = 1",
        &[7],
    ),
    (
        "UPDATE history1 SET h_w_id = 2 WHERE h_w_id = 1 AND h_d_id = 1 AND h_c_id = 1",
        &[8, 9],
    ),
    (
        "UPDATE district1 SET d_ytd = d_ytd + (CASE d_id WHEN 1 THEN 1 ELSE -1 END) \
         WHERE d_w_id = 1 AND d_id <= 2",
        &[9],
    ),
    (
        "UPDATE customer1 SET c_balance = c_balance + 1, c_ytd_payment = c_ytd_payment - 1 \
         WHERE c_id = 1 AND c_d_id = 1 AND c_w_id = 1",
        &[10],
    ),
    (
        "UPDATE customer1 SET c_delivery_cnt = 1 WHERE c_id = 1 AND c_d_id = 1 AND c_w_id = 1",
        &[11],
    ),
    (
        "UPDATE customer1 SET c_ytd_payment = 7 WHERE c_id = 1 AND c_d_id = 1 AND c_w_id = 1",
        &[12],
    ),
];

#[test]
fn each_condition_fails_on_what_breaks_it_and_on_nothing_else() {
    let sqlite = loaded(volume("plain", in_memory), JournalMode::Wal, &SMALL);
    let mut seen = std::collections::BTreeSet::<u32>::new();
    for (sql, expected) in BREAKS {
        // A copy of the table is put back afterwards, since the conditions are asked for in a session of their own.
        let table = sql
            .split([' '])
            .find(|word| word.ends_with('1') && word.len() > 4)
            .unwrap();
        let mut session = sqlite.session().unwrap();
        session
            .execute(&format!("CREATE TABLE kept AS SELECT * FROM {table}"), &[])
            .unwrap();
        assert!(session.execute(sql, &[]).unwrap() >= 1, "{sql}");
        assert_eq!(broken(&check(&SMALL, &sqlite).unwrap()), expected, "{sql}");
        for back in [
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} SELECT * FROM kept"),
        ] {
            session.execute(&back, &[]).unwrap();
        }
        session.execute("DROP TABLE kept", &[]).unwrap();
        seen.extend(expected);
    }
    assert_eq!(seen.len(), CONDITIONS.len());
    assert_eq!(broken(&check(&SMALL, &sqlite).unwrap()), NONE);
}

/// The sync of a commit fails: the transaction is an error, and what was committed before is there.
#[test]
fn a_commit_whose_sync_fails_is_an_error_and_is_not_counted() {
    for mode in [JournalMode::Wal, JournalMode::Delete] {
        for fault in [
            Fault::Once(io::ErrorKind::Other),
            Fault::FromNowOn(io::ErrorKind::Other),
        ] {
            let mut faulty = None;
            let volume = volume("luks2-xts", |bytes| {
                let store = Arc::new(FaultyStore::new(in_memory(bytes)));
                faulty = Some(store.clone());
                store
            });
            let faulty = faulty.unwrap();
            let sqlite = loaded(volume.clone(), mode, &SMALL);
            let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
            let syncs = faulty.calls(Operation::Sync);
            let before = driver.run(&sqlite, Limit::Transactions(40), &NEVER).unwrap();
            let writing: u64 = [Kind::NewOrder, Kind::Payment, Kind::Delivery]
                .map(|kind| before.of(kind).transactions)
                .iter()
                .sum();
            assert!(
                faulty.calls(Operation::Sync) - syncs >= writing,
                "a sync for each commit"
            );
            faulty.fail(Operation::Sync, 5, fault);
            let error = driver.run(&sqlite, Limit::Transactions(200), &NEVER).unwrap_err();
            assert!(matches!(error, TpccError::Database { .. }), "{error}");
            let message = error.to_string();
            assert!(
                message.contains("I/O") && message.contains("syncing"),
                "{message}"
            );
            // Nothing is written any more, though the store would sync again.
            let again = driver.run(&sqlite, Limit::Transactions(50), &NEVER);
            assert!(matches!(again, Err(TpccError::Database { .. })), "{again:?}");
            drop((driver, sqlite));
            faulty.restore_power();
            let sqlite = Sqlite::open(volume, mode, 1).unwrap();
            assert_eq!(broken(&check(&SMALL, &sqlite).unwrap()), NONE, "{mode} {fault:?}");
        }
    }
}

/// The power is cut in the middle of a run: every transaction that was reported is there afterwards.
#[test]
fn what_was_committed_before_a_power_cut_is_recovered() {
    for mode in [JournalMode::Wal, JournalMode::Delete] {
        let mut faulty = None;
        let volume = volume("plain", |bytes| {
            let store = Arc::new(FaultyStore::new(in_memory(bytes)));
            faulty = Some(store.clone());
            store
        });
        let faulty = faulty.unwrap();
        let sqlite = loaded(volume.clone(), mode, &SMALL);
        let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
        let before = driver.run(&sqlite, Limit::Transactions(100), &NEVER).unwrap();
        faulty.fail(Operation::Write, 100, Fault::PowerCut(1000));
        let cut = driver.run(&sqlite, Limit::Transactions(5000), &NEVER);
        assert!(matches!(cut, Err(TpccError::Database { .. })), "{cut:?}");
        // As after a crash: nothing of what these would write on their way out gets through.
        drop((driver, sqlite));
        faulty.restore_power();
        let sqlite = Sqlite::open(volume, mode, 1).unwrap();
        assert_eq!(broken(&check(&SMALL, &sqlite).unwrap()), NONE, "{mode}");
        let mut session = sqlite.session().unwrap();
        let rows = session.query("SELECT COUNT(*) FROM orders1", &[]).unwrap();
        let least = 1200 + before.of(Kind::NewOrder).transactions;
        let sealab_tpcc::Value::Int(orders) = rows[0][0] else {
            panic!("a number")
        };
        assert!(orders.unsigned_abs() > least, "{mode}: {orders} of {least}");
    }
}

#[test]
fn reads_that_fail_are_errors_too() {
    let mut faulty = None;
    let volume = volume("plain", |bytes| {
        let store = Arc::new(FaultyStore::new(in_memory(bytes)));
        faulty = Some(store.clone());
        store
    });
    let sqlite = loaded(volume, JournalMode::Wal, &SMALL);
    let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
    let fault = Fault::FromNowOn(io::ErrorKind::Other);
    faulty.unwrap().fail(Operation::Read, 1, fault);
    let error = driver.run(&sqlite, Limit::Transactions(50), &NEVER).unwrap_err();
    assert!(error.to_string().contains("I/O"), "{error}");
}

#[test]
fn a_volume_that_is_too_small_is_full_and_nothing_is_taken_for_done() {
    let store = Arc::new(MemoryStore::new(4 << 20));
    let volume = Arc::new(sealab_volume::plain::Plain::new(store, 4096, false).unwrap());
    let sqlite = Sqlite::create(volume, JournalMode::Wal, 1).unwrap();
    let error = load(&SMALL, &sqlite, &NEVER).unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
}

#[test]
fn a_database_finds_no_more_of_a_volume_than_it_is_given() {
    let whole = volume("luks2-xts", in_memory);
    let part = CountedVolume::first(whole.clone(), 8 << 20);
    assert!(whole.size() > 8 << 20);
    assert_eq!(part.size(), 8 << 20);
    part.write((8 << 20) - 4096, &[1; 4096]).unwrap();
    assert!(part.write(8 << 20, &[1; 4096]).is_err());
    assert!(part.read((8 << 20) - 4096, &mut [0; 8192]).is_err());
    let counts = part.counts();
    assert_eq!((counts.written_bytes, counts.read_bytes), (4096, 0));
}

/// What reaches the volume and its store is counted: a flush for each commit that wrote, and the blocks around it.
#[test]
fn flushes_and_bytes_are_counted_where_they_pass() {
    let mut counting = None;
    let volume = volume("luks2-gcm-journal", |bytes| {
        let store = Arc::new(CountingStore::new(in_memory(bytes)));
        counting = Some(store.clone());
        store
    });
    let counted = Arc::new(CountedVolume::new(volume));
    let sqlite = loaded(counted.clone(), JournalMode::Wal, &SMALL);
    let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
    let counting = counting.unwrap();
    let (asked, done, bytes) = (counted.counts(), counting.counts(), sqlite.written_bytes());
    let outcome = driver.run(&sqlite, Limit::Transactions(300), &NEVER).unwrap();
    let (asked, done) = (counted.counts() - asked, counting.counts() - done);
    let writing: u64 = [Kind::NewOrder, Kind::Payment, Kind::Delivery]
        .map(|kind| outcome.of(kind).transactions)
        .iter()
        .sum();
    assert!(
        (writing..writing * 3 / 2).contains(&asked.flushes),
        "{asked:?} for {writing}"
    );
    let bytes = sqlite.written_bytes() - bytes;
    assert!(
        asked.written_bytes >= bytes && bytes > writing * 4096,
        "{asked:?} {bytes}"
    );
    assert!(
        done.written.bytes > asked.written_bytes && done.syncs >= asked.flushes,
        "{done:?}"
    );
}

#[test]
fn a_run_ends_when_it_is_interrupted_or_over() {
    let sqlite = loaded(volume("plain", in_memory), JournalMode::Wal, &SMALL);
    let mut driver = Driver::new(&SMALL, &sqlite).unwrap();
    let ended = driver.run(
        &sqlite,
        Limit::Duration(Duration::from_secs(600)),
        &AtomicBool::new(true),
    );
    assert!(matches!(ended, Err(TpccError::Interrupted)), "{ended:?}");
    let limit = Limit::Duration(Duration::from_millis(30));
    let outcome = driver.run(&sqlite, limit, &NEVER).unwrap();
    assert!(outcome.elapsed >= Duration::from_millis(30) && outcome.all.transactions > 0);
    let stopped = load(&SMALL, &sqlite, &AtomicBool::new(true));
    assert!(stopped.is_err());
}

#[test]
fn parameters_that_make_no_workload_are_refused() {
    for tpcc in [
        Tpcc { threads: 0, ..SMALL },
        Tpcc { tables: 101, ..SMALL },
        Tpcc { scale: 0, ..SMALL },
    ] {
        assert!(matches!(tpcc.validate(), Err(TpccError::Parameter { .. })));
    }
    SMALL.validate().unwrap();
}

/// Rows of texts are letters by chance: a compressor finds little more than that they are letters.
#[test]
fn what_is_loaded_is_no_repetition() {
    let sqlite = loaded(volume("plain", in_memory), JournalMode::Wal, &SMALL);
    let mut session = sqlite.session().unwrap();
    let rows = session.query("SELECT c_data FROM customer1", &[]).unwrap();
    let text: String = rows
        .iter()
        .map(|row| match &row[0] {
            sealab_tpcc::Value::Text(text) => text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let pieces: std::collections::HashSet<&[u8]> = text.as_bytes().windows(8).collect();
    assert!(text.len() > 400_000 && pieces.len() + 100 > text.len());
}
