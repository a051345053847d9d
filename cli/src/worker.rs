//! `sealab worker`: one engine under one CPU profile, over the harness protocol or for measurements.

use std::io;
use std::process::ExitCode;

use sealab_cpu::{Profile, Profiles};
use sealab_engine::{Candidate, Engine};
use sealab_harness::{Answer, EngineImplementation, Facts, Implementation, KeysImplementation, Request};

use crate::arguments::WorkerArguments;
use crate::candidates::{CANDIDATES, KEYS, candidate};
use crate::failure::Failure;
use crate::{Done, engines};

pub(crate) fn worker(arguments: &WorkerArguments) -> Done {
    let profiles = Profiles::shipped()?;
    let profile = engines::profile(&profiles, &arguments.cpu)?;
    if arguments.engine == KEYS && !arguments.measure {
        keys(profile)?;
        return Ok(ExitCode::SUCCESS);
    }
    let candidate = candidate(&arguments.engine).ok_or_else(|| Failure::Unknown {
        what: "engine",
        found: arguments.engine.clone(),
        known: CANDIDATES
            .iter()
            .map(|known| known.id)
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    if arguments.measure {
        sealab_scenario::work(candidate, profile)?;
    } else {
        conform(candidate, profile)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The lab's own key wrapping, over AWS-LC.
fn keys(profile: &Profile) -> io::Result<()> {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    let aws_lc = sealab_engine_aws_lc::CANDIDATE;
    match usable(&aws_lc, profile) {
        Ok(engine) => {
            let mut implementation = KeysImplementation::new(engine.version());
            sealab_harness::serve(&mut implementation, input, output)
        }
        Err(mut unusable) => sealab_harness::serve(&mut unusable, input, output),
    }
}

fn conform(candidate: &Candidate, profile: &Profile) -> io::Result<()> {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    match usable(candidate, profile) {
        Ok(engine) => {
            let mut implementation = EngineImplementation::new(&*engine, candidate.library);
            sealab_harness::serve(&mut implementation, input, output)
        }
        Err(mut unusable) => sealab_harness::serve(&mut unusable, input, output),
    }
}

/// The engine, if it can be had and the CPU profile is in force.
fn usable(candidate: &Candidate, profile: &Profile) -> Result<Box<dyn Engine>, Unusable> {
    let contradictions = sealab_cpu::contradictions(profile, candidate.id);
    match contradictions.first() {
        Some(first) => Err(Unusable(format!(
            "the CPU profile {} is not in force: {first}",
            profile.id()
        ))),
        None => (candidate.open)().map_err(|error| Unusable(error.to_string())),
    }
}

/// An engine that cannot be had, with the reason.
struct Unusable(String);

impl Implementation for Unusable {
    fn facts(&self) -> Result<Facts, String> {
        Err(self.0.clone())
    }

    fn answer(&mut self, _: &Request) -> Result<Answer, Answer> {
        Err(Answer::Error(self.0.clone()))
    }
}
