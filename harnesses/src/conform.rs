//! The matrix: every subject is given every case.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sealab_record::Implementation;
use sealab_vectors::Suite;

use crate::ask::{Ask, asks};
use crate::examination::Examination;
use crate::subject::Subject;

/// What is to be run.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The vectors.
    pub suites: &'a [Suite],
    /// One case alone, by suite and number; all if not given.
    pub only: Option<(&'a str, u32)>,
    /// Whom they are given to.
    pub subjects: Vec<Subject>,
    /// How many subjects work at a time.
    pub jobs: usize,
    /// Set from outside to end the run.
    pub interrupted: &'a AtomicBool,
}

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Runs `plan`; `done` is called after each subject with how many are done and how many there are. The result is in the
/// order of the subjects.
pub fn conform(
    plan: Plan<'_>,
    done: &(dyn Fn(&Implementation, usize, usize) + Sync),
) -> Result<Vec<Implementation>, PlanError> {
    let asks: Vec<Ask> = plan
        .suites
        .iter()
        .enumerate()
        .flat_map(|(number, suite)| asks(number, suite))
        .filter(|ask| {
            plan.only.is_none_or(|(name, id)| {
                let suite = &plan.suites[ask.suite];
                suite.name == name && suite.cases[ask.case].id == id
            })
        })
        .collect();
    let total = plan.subjects.len();
    let results: Vec<Mutex<Option<Implementation>>> = (0..total).map(|_| Mutex::new(None)).collect();
    let subjects: Vec<Mutex<Option<Subject>>> = plan
        .subjects
        .into_iter()
        .map(|subject| Mutex::new(Some(subject)))
        .collect();
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while !plan.interrupted.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(subject) = subjects.get(index).and_then(|slot| slot.lock().ok()?.take()) else {
                return;
            };
            let result = Examination::of(subject, plan.suites, &asks, plan.interrupted);
            done(&result, finished.fetch_add(1, Ordering::Relaxed) + 1, total);
            if let Ok(mut slot) = results[index].lock() {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..plan.jobs.min(total) {
            thread::Builder::new().spawn_scoped(scope, work)?;
        }
        work();
        Ok::<_, io::Error>(())
    })?;
    if plan.interrupted.load(Ordering::Relaxed) {
        return Err(PlanError::Interrupted);
    }
    let results = results
        .into_iter()
        .filter_map(|slot| slot.into_inner().ok().flatten());
    Ok(results.collect())
}
