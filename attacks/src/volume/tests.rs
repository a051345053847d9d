//! The bench on its formats, and on formats with a hole that was put there.

mod power_cuts;
mod scattered;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::AtomicBool;

use sealab_engine::Primitive;
use sealab_volume::format::{Fill, FormatError, Owner, Protection, format};
use sealab_volume::store::{Slice, Store};
use sealab_volume::{Volume, VolumeError};

use super::*;
use crate::{Expectations, Finding, Verdict, attack};

fn engine() -> Arc<dyn Engine> {
    Arc::from((sealab_engine_rustcrypto::CANDIDATE.open)().unwrap())
}

fn run(targets: &[Box<dyn Target + '_>], wanted: &dyn Fn(&Act) -> bool) -> Vec<Finding> {
    let expected = Expectations::shipped().unwrap();
    attack(
        targets,
        wanted,
        &expected,
        &AtomicBool::new(false),
        &mut |_, _| {},
    )
    .unwrap()
}

/// The verdicts on a format for some acts.
fn verdicts(format: impl VolumeFormat + 'static, acts: &[&str]) -> HashMap<&'static str, Verdict> {
    let format: &'static dyn VolumeFormat = Box::leak(Box::new(format));
    let target = UnderAttack::new(format, &engine(), POWER_CUTS).unwrap();
    let found = run(&[Box::new(target)], &|act| acts.contains(&act.id));
    assert_eq!(found.len(), acts.len());
    found.into_iter().map(|one| (one.attack, one.verdict)).collect()
}

#[test]
fn every_verdict_is_the_expected_one() {
    let targets = targets(&engine(), &|_| true, POWER_CUTS).unwrap();
    let findings = run(&targets, &|_| true);
    assert_eq!(findings.len(), known().len() * ACTS.len());
    let surprises: Vec<String> = findings
        .iter()
        .filter(|one| !one.is_expected())
        .map(|one| format!("{} {}: {} ({})", one.format, one.attack, one.verdict, one.detail))
        .collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    for one in &findings {
        assert!(!one.detail.is_empty() && !one.reason.is_empty(), "{one:?}");
    }
    let formats: Vec<FormatUnderAttack> = targets.iter().map(|target| target.format()).collect();
    assert_eq!(formats, known());
    // Each act comes out in more than one way, or it would tell formats nothing. No header may name the null cipher; what
    // was flushed is there with all of them, and the checker's own tests have a volume that loses it.
    for act in acts().iter().filter(|act| {
        ![
            "null-cipher",
            "crash-durability",
            "flip-journal",
            "restore-journal",
        ]
        .contains(&act.id)
    }) {
        let of_act = findings.iter().filter(|one| one.attack == act.id);
        let verdicts: BTreeSet<Verdict> = of_act.map(|one| one.verdict).collect();
        assert!(verdicts.len() > 1, "{}: {verdicts:?}", act.id);
    }
}

#[test]
#[ignore = "the long form of the power cuts: half an hour"]
fn a_hundred_thousand_power_cuts() {
    let plan = crash::Plan {
        states: 100_000,
        seed: 2,
    };
    let expected = Expectations::shipped().unwrap();
    for target in targets(&engine(), &|_| true, plan).unwrap() {
        let format = target.format().id;
        for act in target.acts().iter().filter(|act| act.id.starts_with("crash-")) {
            let outcome = target.attempt(act.id).unwrap();
            let expected = expected.of(format, act).map(|(verdict, _)| verdict);
            assert_eq!(
                expected,
                Some(outcome.verdict),
                "{format}, {}: {}",
                act.id,
                outcome.detail
            );
        }
    }
}

#[test]
fn identifiers_are_distinct_and_fit_to_be_typed() {
    for (index, one) in ACTS.iter().enumerate() {
        assert!(
            ACTS[..index].iter().all(|other| other.act.id != one.act.id),
            "{}",
            one.act.id
        );
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(one.act.id.chars().all(plain), "{}", one.act.id);
        assert!(one.act.what.ends_with('.'), "{}", one.act.id);
    }
}

/// A format with something wrong with it.
struct Holed {
    inner: &'static dyn VolumeFormat,
    hole: Hole,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Hole {
    /// A block that is not authentic is given as zeroes.
    Forgives,
    /// It is refused, but what was not verified stays in the reader's memory.
    Spills,
    /// Everything is written in clear too, behind the volume.
    Copies,
    /// A flush does not reach the disk.
    NeverSyncs,
    /// A header that is refused is taken for one without encryption.
    TakesNull,
}

impl Holed {
    fn new(inner: &str, hole: Hole) -> Self {
        let inner = format(inner).unwrap();
        Self { inner, hole }
    }
}

impl VolumeFormat for Holed {
    fn id(&self) -> &'static str {
        "holed"
    }

    fn description(&self) -> &'static str {
        "a format with a hole"
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.inner.primitives()
    }

    fn protection(&self) -> Protection {
        self.inner.protection()
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        self.inner.store_bytes(bytes) + subject::BYTES
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let inner: Arc<dyn Store> =
            Arc::new(Slice::new(store.clone(), 0, store.size() - subject::BYTES).unwrap());
        let owner = self.inner.make(engine.clone(), inner, &mut |_| Ok(()))?;
        let owner = HoledOwner {
            owner,
            hole: self.hole,
        };
        fill(&*owner.open(engine, store)?).unwrap();
        Ok(Box::new(owner))
    }
}

struct HoledOwner {
    owner: Box<dyn Owner>,
    hole: Hole,
}

impl Owner for HoledOwner {
    fn open(&self, engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        let split = store.size().saturating_sub(subject::BYTES);
        let mut inner: Arc<dyn Store> = Arc::new(Slice::new(store.clone(), 0, split).unwrap());
        if self.hole == Hole::NeverSyncs {
            inner = Arc::new(Unsynced(inner));
        }
        let volume = match self.owner.open(engine.clone(), inner.clone()) {
            Err(_) if self.hole == Hole::TakesNull => format("plain")
                .unwrap()
                .make(engine.clone(), inner.clone(), &mut |_| Ok(()))?
                .open(engine, inner)?,
            other => other?,
        };
        Ok(Box::new(HoledVolume {
            volume,
            behind: Slice::from(store, split).unwrap(),
            hole: self.hole,
        }))
    }
}

struct HoledVolume {
    volume: Box<dyn Volume>,
    behind: Slice,
    hole: Hole,
}

impl Volume for HoledVolume {
    fn size(&self) -> u64 {
        self.volume.size()
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        match self.volume.read(offset, data) {
            Err(_) if self.hole == Hole::Forgives => {
                data.fill(0);
                Ok(())
            }
            Err(error) if self.hole == Hole::Spills => {
                data.fill(b'p');
                Err(error)
            }
            other => other,
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        if self.hole == Hole::Copies {
            self.behind.write_at(offset, data).unwrap();
        }
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.volume.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep: bool) -> Result<(), VolumeError> {
        self.volume.write_zeroes(offset, bytes, keep)
    }
}

/// A store whose syncs go nowhere.
struct Unsynced(Arc<dyn Store>);

impl Store for Unsynced {
    fn name(&self) -> String {
        self.0.name()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.0.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep: bool) -> io::Result<()> {
        self.0.write_zeroes(offset, bytes, keep)
    }
}

#[test]
fn a_reader_that_forgives_or_spills_is_caught() {
    let acts = [
        "flip-data",
        "flip-codes",
        "swap-blocks",
        "copy-block",
        "erase-block",
    ];
    for (hole, verdict) in [
        (Hole::Forgives, Verdict::Undetected),
        (Hole::Spills, Verdict::DetectedAfterUse),
    ] {
        let found = verdicts(Holed::new("luks2-gcm", hole), &acts);
        assert!(found.values().all(|one| *one == verdict), "{found:?}");
    }
}

#[test]
fn what_is_in_clear_anywhere_is_found() {
    let found = verdicts(
        Holed::new("luks2-gcm", Hole::Copies),
        &["canaries", "equal-blocks", "wrong-key"],
    );
    assert_eq!(found["canaries"], Verdict::Leaks);
    assert_eq!(found["equal-blocks"], Verdict::Leaks);
    assert_eq!(found["wrong-key"], Verdict::Refused);
}

#[test]
fn a_flush_that_does_not_reach_the_disk_is_caught() {
    for inner in ["plain", "luks2-xts", "luks2-gcm-journal"] {
        let found = verdicts(Holed::new(inner, Hole::NeverSyncs), &["crash-durability"]);
        assert!(!found["crash-durability"].holds(), "{inner}: {found:?}");
    }
}

#[test]
fn a_null_cipher_that_is_taken_is_caught() {
    for inner in ["luks1", "luks2-xts", "luks2-gcm"] {
        let found = verdicts(
            Holed::new(inner, Hole::TakesNull),
            &["null-cipher", "foreign-volume"],
        );
        assert_eq!(found["null-cipher"], Verdict::Leaks, "{inner}");
        assert_eq!(found["foreign-volume"], Verdict::Undetected, "{inner}");
    }
}
