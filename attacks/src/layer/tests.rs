//! The bench on its formats, and on formats with a hole that was put there.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::format::{Parts, Problem};
use super::image::Image;
use super::keyring::Key;
use super::*;
use crate::files::Files;
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

/// Findings on a format for some acts.
fn findings<'a>(format: impl LayerFormat + 'a, acts: &[&str]) -> HashMap<&'static str, Finding> {
    let target: Box<dyn Target + 'a> = Box::new(Layers::new(Box::new(format)).unwrap());
    let found = run(&[target], &|act| acts.contains(&act.id));
    assert_eq!(found.len(), acts.len());
    found.into_iter().map(|one| (one.attack, one)).collect()
}

/// Whether every reader is here; says which are not, which is a failure with `CI=true`.
fn absent(test: &str) -> Vec<&'static str> {
    let missing = missing();
    for (format, reason) in &missing {
        println!("NOT RUN: {test}: {format}: {reason}");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{format}: {reason}");
    }
    missing.into_iter().map(|(format, _)| format).collect()
}

#[test]
fn every_verdict_is_the_expected_one() {
    let engine = engine();
    let absent = absent("every_verdict_is_the_expected_one");
    let here = |id: &str| !absent.contains(&id);
    let targets = targets(engine.as_ref(), &here).unwrap();
    let findings = run(&targets, &|_| true);
    let mut formats = known();
    formats.retain(|format| here(format.id));
    assert_eq!(findings.len(), formats.len() * ACTS.len());
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
    let found: Vec<FormatUnderAttack> = targets.iter().map(|target| target.format()).collect();
    assert_eq!(found, formats);
    // Each act comes out in more than one way, or it would tell formats nothing. These are what no format here closes.
    let open = ["size-of-layers", "restore-image", "plain-image", "stranger-image"];
    for act in acts().iter().filter(|act| !open.contains(&act.id)) {
        let of_act = findings.iter().filter(|one| one.attack == act.id);
        let verdicts: BTreeSet<Verdict> = of_act.map(|one| one.verdict).collect();
        assert!(verdicts.len() > 1, "{}: {verdicts:?}", act.id);
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
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.act.id.chars().all(plain), "{}", one.act.id);
        assert!(one.act.what.ends_with('.'), "{}", one.act.id);
    }
}

/// What Nydus's cipher is known for, by what was seen.
#[test]
fn the_known_faults_of_nydus_come_out_with_their_places() {
    let engine = engine();
    let acts = ["equal-blocks", "chunk-of-18-bytes", "swap-chunks"];
    let found = findings(
        nydus::Nydus {
            engine: engine.as_ref(),
            validates: false,
        },
        &acts,
    );
    // A block for each whole chunk behind the first, in each of two layers.
    let detail = &found["equal-blocks"].detail;
    assert!(detail.contains("in the bytes: 10 runs of 16 bytes"), "{detail}");
    let detail = &found["chunk-of-18-bytes"].detail;
    for said in [
        "3 of 5 undetected: 00 78 90, 05 78 90, 0f 78 90",
        "2 of 5 detected-before-use: the chunk's padding is 16 bytes long",
    ] {
        assert!(detail.contains(said), "{detail}");
    }
    let detail = &found["swap-chunks"].detail;
    assert!(detail.contains("layer 0 from byte 0 on"), "{detail}");
}

/// What containers/ocicrypt's order of work is known for.
#[test]
fn a_stream_is_given_out_before_its_code_is_compared() {
    let engine = engine();
    let format = peer::Peer {
        engine: engine.as_ref(),
    };
    let found = findings(format, &["flip-ciphertext", "append"]);
    let detail = &found["flip-ciphertext"].detail;
    // The last of 8 places is held back with the last 10 KiB.
    assert!(detail.contains("14 of 16 detected-after-use") && detail.contains("2 of 16 detected-before-use"));
    let detail = &found["append"].detail;
    // So is the one byte behind the end of either.
    assert!(detail.contains("4 of 6 detected-after-use"), "{detail}");
    assert!(detail.contains("2 of 6 detected-before-use"), "{detail}");
}

/// A format with one thing about it changed; all else goes to the format within.
struct Holed<'a> {
    inner: ours::Ours<'a>,
    hole: Hole,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Hole {
    /// Layers that are not authentic are handed out as if they were.
    Forgives,
    /// Where a layer is refused, what was decrypted of it stays.
    LeavesBehind,
    /// The plaintext of a layer stands in the configuration too.
    Tells,
    /// What was sealed does not come back.
    Forgets,
    /// Nothing opens.
    Refuses,
}

impl<'a> Holed<'a> {
    fn new(engine: &'a dyn Engine, id: &str, hole: Hole) -> Self {
        let variant = ours::VARIANTS
            .iter()
            .find(|variant| variant.format.id == id)
            .unwrap();
        Self {
            inner: ours::Ours::new(engine, variant),
            hole,
        }
    }
}

impl LayerFormat for Holed<'_> {
    fn format(&self) -> FormatUnderAttack {
        self.inner.format()
    }

    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem> {
        let mut sealed = self.inner.seal(layers, key, folder)?;
        if self.hole == Hole::Tells {
            sealed.config.extend(&layers["layer 1"][..64 << 10]);
        }
        Ok(sealed)
    }

    fn open(&self, sealed: &Path, key: &Key, folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
        let opened = self.inner.open(sealed, key, folder, handed_out);
        match self.hole {
            Hole::Forgives if opened.is_err() => {
                handed_out.extend(Image::read(sealed)?.layers());
                Ok(())
            }
            Hole::LeavesBehind if opened.is_err() => {
                std::fs::write(folder.join("part"), "what nobody sealed")?;
                handed_out::collect(sealed, folder, &folder.join("opened"), handed_out)?;
                opened
            }
            Hole::Forgets => {
                handed_out.remove("layer 1");
                opened
            }
            Hole::Refuses => Err("no".into()),
            _ => opened,
        }
    }

    fn parts(&self, sealed: &Image) -> Parts {
        self.inner.parts(sealed)
    }
}

#[test]
fn holes_in_readers_and_sealers_are_found_out() {
    let engine = engine();
    let acts = ["canaries", "flip-ciphertext", "public-nonce", "wrong-key"];
    for (hole, expected) in [
        (
            Hole::Forgives,
            [
                Verdict::Refused,
                Verdict::Undetected,
                Verdict::Undetected,
                Verdict::Refused,
            ],
        ),
        (
            Hole::LeavesBehind,
            [
                Verdict::Refused,
                Verdict::DetectedAfterUse,
                Verdict::DetectedAfterUse,
                Verdict::Refused,
            ],
        ),
        (
            Hole::Tells,
            [
                Verdict::Leaks,
                Verdict::DetectedBeforeUse,
                Verdict::DetectedBeforeUse,
                Verdict::Refused,
            ],
        ),
    ] {
        for format in ["ocicrypt", "chunked-aead"] {
            let found = findings(Holed::new(engine.as_ref(), format, hole), &acts);
            let verdicts = acts.map(|act| found[act].verdict);
            assert_eq!(verdicts, expected, "{format}: {found:?}");
        }
    }
}

/// A format that does not give back what was sealed gets no verdict at all.
#[test]
fn there_is_no_verdict_on_a_format_that_does_not_open() {
    let engine = engine();
    for (hole, said) in [
        (Hole::Forgets, "layer 1 is missing"),
        (Hole::Refuses, "opening the unchanged image: no"),
    ] {
        let format = Holed::new(engine.as_ref(), "ocicrypt", hole);
        let error = Layers::new(Box::new(format)).err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// Whatever an adversary did, its image is well-formed: the digests are those of the blobs.
#[test]
fn an_image_is_written_with_the_digests_that_it_has() {
    let layers = subject::layers(stage::NEWER);
    let mut image = ours::plain(&layers);
    image.entries[0].blob.push(1);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("image");
    image.write(&folder).unwrap();
    let read = Image::read(&folder).unwrap();
    assert_eq!(read.layers(), image.layers());
    assert_eq!(
        read.entries[0].descriptor.size,
        image.entries[0].blob.len() as u64
    );
    assert_eq!(
        read.entries[0].descriptor.digest,
        image::digest(&image.entries[0].blob)
    );
    assert_ne!(
        read.entries[0].descriptor.digest,
        image.entries[0].descriptor.digest
    );
}
