//! The bench on its formats, and on formats with a hole that was put there.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_checkpoint::pr2297::CIPHER_FILE;

use super::format::{Asking, Layout, Part, Problem, Sealing};
use super::keyring::OpeningKey;
use super::*;
use crate::files::{self, Files};
use crate::{Expectations, Finding, Verdict, attack};

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
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

/// Findings on `format` for some acts.
fn findings<'a>(format: impl CheckpointFormat + 'a, acts: &[&str]) -> Vec<Finding> {
    let target: Box<dyn Target + 'a> = Box::new(Checkpoint::new(Box::new(format)).unwrap());
    run(&[target], &|act| acts.contains(&act.id))
}

fn verdict(findings: &[Finding], act: &str) -> Verdict {
    findings.iter().find(|one| one.attack == act).unwrap().verdict
}

/// Each format in a test of its own would make keys and subjects as often, so they share one.
#[test]
fn every_verdict_is_the_expected_one() {
    let engine = engine();
    let targets = targets(engine.as_ref(), &|_| true).unwrap();
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
    // Formats are listed as they are.
    let formats: Vec<FormatUnderAttack> = targets.iter().map(|target| target.format()).collect();
    assert_eq!(formats, known());
}

/// The three holes that the pull request is known for, by what was seen.
#[test]
fn the_known_holes_come_out_with_their_places() {
    let engine = engine();
    let format = pr2297::Pr2297 {
        engine: engine.as_ref(),
    };
    let findings = findings(
        format,
        &["swap-pages-of-processes", "canary-ghost-large", "equal-pages"],
    );
    let detail = |act| &findings.iter().find(|one| one.attack == act).unwrap().detail;
    assert_eq!(verdict(&findings, "swap-pages-of-processes"), Verdict::Undetected);
    assert!(detail("swap-pages-of-processes").contains("handed out false: pages-1.img from byte 0 on"));
    assert_eq!(verdict(&findings, "canary-ghost-large"), Verdict::Leaks);
    assert!(detail("canary-ghost-large").contains("ghost-file-5eed2.img"));
    assert_eq!(verdict(&findings, "equal-pages"), Verdict::Leaks);
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

/// A format with one thing about it changed; all else goes to the format within.
struct Wrapped<'a, F> {
    inner: F,
    hole: Hole<'a>,
}

type Open<'a> = dyn Fn(&Path, &Asking<'_>, &mut Files) -> Result<(), Problem> + 'a;

enum Hole<'a> {
    /// The reader.
    Open(&'a Open<'a>),
    /// What is written beside what the format writes.
    Beside(&'static str, fn(&Files) -> Vec<u8>),
}

impl<F: CheckpointFormat> CheckpointFormat for Wrapped<'_, F> {
    fn format(&self) -> FormatUnderAttack {
        self.inner.format()
    }

    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        self.inner.seal(plain, sealed, with)?;
        if let Hole::Beside(name, bytes) = self.hole {
            std::fs::write(sealed.join(name), bytes(&files::read(plain)?))?;
        }
        Ok(())
    }

    fn open(&self, sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem> {
        match self.hole {
            Hole::Open(open) => open(sealed, asking, handed_out),
            Hole::Beside(name, _) => {
                // The reader does not know the file.
                let mut files = files::read(sealed)?;
                files.remove(name);
                let without = sealed.with_extension("without");
                files::write(&without, &files)?;
                let opened = self.inner.open(&without, asking, handed_out);
                std::fs::remove_dir_all(&without)?;
                opened
            }
        }
    }

    fn layout(&self, sealed: &Files, key: &OpeningKey) -> Result<Layout, Problem> {
        self.inner.layout(sealed, key)
    }
}

/// A reader of the pull request's format that opens with whatever digest the pages have.
#[test]
fn a_reader_that_skips_the_digest_is_found_out() {
    let engine = engine();
    let inner = || pr2297::Pr2297 {
        engine: engine.as_ref(),
    };
    // The peer's order of work without its last step.
    let peer = peer::Peer {
        engine: engine.as_ref(),
    };
    let skips = |sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files| match peer
        .open(sealed, asking, handed_out)
    {
        Err(problem) if problem.to_string() == "HMAC mismatch" => Ok(()),
        opened => opened,
    };
    let acts = ["flip-pages", "swap-pages", "flip-core"];
    let honest = findings(inner(), &acts);
    assert!(honest.iter().all(Finding::is_expected), "{honest:?}");
    let hole = Hole::Open(&skips);
    let found = findings(Wrapped { inner: inner(), hole }, &acts);
    assert_eq!(verdict(&found, "flip-pages"), Verdict::Undetected);
    assert_eq!(verdict(&found, "swap-pages"), Verdict::Undetected);
    let unexpected: Vec<&str> = found
        .iter()
        .filter(|one| !one.is_expected())
        .map(|one| one.attack)
        .collect();
    assert_eq!(unexpected, ["flip-pages", "swap-pages"]);
}

/// A reader of sealed sets that puts chunks that were swapped back where they belong, as if place were not bound.
#[test]
fn a_reader_that_ignores_the_place_of_chunks_is_found_out() {
    let engine = engine();
    let inner = || sealed::Sealed {
        engine: engine.as_ref(),
        variant: &sealed::VARIANTS[0],
    };
    let acts = ["swap-pages-of-processes", "flip-pages"];
    // What a reader without places would hand out: of chunks that are not authentic where they stand, other plaintext.
    let careless = |sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files| match inner()
        .open(sealed, asking, handed_out)
    {
        Err(problem) if problem.to_string().contains("chunk") => {
            *handed_out = subject::Subject::new(stage::NEWER).files;
            let [a, b] = [0, 1].map(subject::pages_name);
            let pages = handed_out.remove(&a).unwrap_or_default();
            let others = handed_out.insert(b, pages).unwrap_or_default();
            handed_out.insert(a, others);
            Ok(())
        }
        opened => opened,
    };
    let hole = Hole::Open(&careless);
    let found = findings(Wrapped { inner: inner(), hole }, &acts);
    assert_eq!(verdict(&found, "swap-pages-of-processes"), Verdict::Undetected);
    assert!(found.iter().all(|one| !one.is_expected()), "{found:?}");
}

/// A sealer that leaves plaintext behind, whole or with its own bytes in between.
#[test]
fn plaintext_beside_the_sealed_set_is_found() {
    let engine = engine();
    let inner = || sealed::Sealed {
        engine: engine.as_ref(),
        variant: &sealed::VARIANTS[0],
    };
    let cut: fn(&Files) -> Vec<u8> = |plain| {
        // A header before each 4096 bytes cuts two of the three canaries.
        let chunks = plain["ghost-file-5eed1.img"].chunks(4096);
        chunks.flat_map(|chunk| [&[0; 36], chunk].concat()).collect()
    };
    let hole = Hole::Beside("left-behind", cut);
    let acts = ["canary-ghost-small", "canary-ghost-large"];
    let found = findings(Wrapped { inner: inner(), hole }, &acts);
    assert_eq!(verdict(&found, "canary-ghost-small"), Verdict::Leaks);
    assert_eq!(verdict(&found, "canary-ghost-large"), Verdict::Refused);
}

/// A format that does not give back what was sealed gets no verdict at all.
#[test]
fn there_is_no_verdict_on_a_format_that_does_not_open() {
    let forgetful = |_: &Path, _: &Asking<'_>, handed_out: &mut Files| -> Result<(), Problem> {
        handed_out.clear();
        Ok(())
    };
    let refusing = |_: &Path, _: &Asking<'_>, _: &mut Files| -> Result<(), Problem> { Err("no".into()) };
    let holes: [&Open<'_>; 2] = [&forgetful, &refusing];
    for (open, said) in holes
        .into_iter()
        .zip(["is missing", "opening the unchanged set: no"])
    {
        let wrapped = Wrapped {
            inner: plain::Plain,
            hole: Hole::Open(open),
        };
        let error = Checkpoint::new(Box::new(wrapped)).err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn an_act_without_an_expectation_is_not_as_expected() {
    let engine = engine();
    let targets = targets(engine.as_ref(), &|id| id == "plain").unwrap();
    let expected = Expectations::parse("[]").unwrap();
    let wanted = |act: &Act| act.id == "numbers-in-names";
    let found = attack(
        &targets,
        &wanted,
        &expected,
        &AtomicBool::new(false),
        &mut |_, _| {},
    )
    .unwrap();
    assert_eq!(found.len(), 1);
    assert!(!found[0].is_expected() && found[0].expected.is_none());
    let interrupted = AtomicBool::new(true);
    let ended = attack(&targets, &wanted, &expected, &interrupted, &mut |_, _| {});
    assert!(matches!(ended, Err(AttackError::Interrupted)));
}

/// What the sealed format's layout says holds each part is what the reader needs for it.
#[test]
fn the_parts_of_a_sealed_set_are_found() {
    let engine = engine();
    let format = sealed::Sealed {
        engine: engine.as_ref(),
        variant: &sealed::VARIANTS[0],
    };
    let target = Checkpoint::new(Box::new(format)).unwrap();
    let layout = &target.stage.layout;
    for part in [
        Part::Header,
        Part::Inventory,
        Part::Core,
        Part::Pages,
        Part::Log,
        Part::Trailer,
    ] {
        assert!(!layout.part(part).is_empty(), "{part:?}");
    }
    // Over half a MiB of pages each: some ten chunks, and of no two processes the same throughout.
    for process in 0..subject::PIDS.len() {
        assert_eq!(layout.pages[process].len(), subject::PAGES);
        let (first, last) = (layout.page(process, 0), layout.page(process, subject::PAGES - 1));
        assert_ne!(first, last);
    }
    assert_ne!(layout.page(0, 0), layout.page(1, 0));
    assert!(!target.stage.sealed.contains_key(CIPHER_FILE));
}
