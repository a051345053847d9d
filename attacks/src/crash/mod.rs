//! Power cuts: a workload is recorded, and every state that a cut could leave is opened and held against a model.
//!
//! [`Recording::new`] runs the [`Step`]s of a workload on a volume and keeps what was asked of the store beneath;
//! [`Recording::check`] makes the states, all of them if they are few, a number of them by chance if not, and says which
//! [`Promise`]s were broken. A state has the same number for the same workload and seed whatever keys were used, so a
//! violation can be looked at again: [`Recording::check_one`].

mod model;
mod record;
mod states;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::thread;

use sealab_volume::Volume;
use sealab_volume::format::Owner;
use sealab_volume::store::Store;

pub use model::{BLOCK_BYTES, Model, Progress, Step};
pub use record::{Event, RecordingStore};
use states::States;

use crate::overlay::Overlay;

/// How many states of which recording are looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// So many states at most.
    pub states: u64,
    /// Draws those that are looked at, where there are more.
    pub seed: u64,
}

/// What a volume may promise for a power cut.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Promise {
    /// What was written before the last completed flush is there.
    Durability,
    /// A block is as it was or as it was to be.
    BlockAtomicity,
    /// All blocks together are as the last completed flush left them, or as a later one would have.
    FlushAtomicity,
}

/// Opens what a power cut left for the owner as it was then; the error is what the volume said. The number is what the
/// owner kept of the volume ([`Owner::trusted`]).
pub type Open<'a> = dyn Fn(Arc<dyn Store>, Option<u64>) -> Result<Opened, String> + Sync + 'a;

/// An open volume, and its owner, if it keeps something that changes with the volume.
pub type Opened = (Box<dyn Volume>, Option<Arc<dyn Owner>>);

/// A workload as it was run.
pub struct Recording {
    image: Arc<Vec<u8>>,
    events: Vec<Event>,
    model: Model,
}

/// What came of looking at states.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// How many states were looked at.
    pub states: u64,
    /// Whether those were all.
    pub exhaustive: bool,
    /// The seed that they were drawn with.
    pub seed: u64,
    /// What was not kept. Nothing about a promise that was kept in every state.
    pub broken: BTreeMap<Promise, Violations>,
}

/// The states in which a promise was not kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Violations {
    /// How many there are.
    pub states: u64,
    /// In how many the volume gave out what it should not have; in the others it gave errors.
    pub silent: u64,
    /// The worst, the silent ones first, the one with the lowest number first.
    pub first: Option<Violation>,
}

/// A state in which a promise was not kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The state's number.
    pub state: u64,
    /// Whether the volume gave errors and no false content.
    pub noticed: bool,
    /// How the state came about, and what was found.
    pub what: String,
}

impl Recording {
    /// Runs `steps` on the volume that `open` finds on `image`, of which the owner keeps `trusted`, whose blocks have the content `before`: at least all that
    /// the steps write.
    ///
    /// # Errors
    /// What the volume said when it was opened or would not do a step.
    pub fn new(
        image: Arc<Vec<u8>>,
        trusted: Option<u64>,
        before: BTreeMap<u64, Vec<u8>>,
        steps: &[Step],
        open: &Open<'_>,
    ) -> Result<Self, String> {
        let store = Arc::new(RecordingStore::new(Arc::new(Overlay::new(&image))));
        trusted
            .into_iter()
            .for_each(|number| store.mark(Event::Trusted(number)));
        let (volume, owner) = open(store.clone(), trusted)?;
        owner.into_iter().for_each(|owner| store.watch(owner));
        for (number, step) in steps.iter().enumerate() {
            store.mark(Event::Begun(number));
            let done = match step {
                Step::Write { block, content } => volume.write(block * BLOCK_BYTES as u64, content),
                Step::Flush => volume.flush(),
            };
            done.map_err(|error| error.to_string())?;
            store.mark(Event::Done(number));
        }
        drop(volume);
        Ok(Self {
            image,
            events: store.take(),
            model: Model::new(before, steps),
        })
    }

    /// Looks at the states that `plan` says.
    pub fn check(&self, plan: Plan, open: &Open<'_>) -> Checked {
        let states = States::new(&self.image, &self.events, plan.states, plan.seed);
        let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
        let mut all = Checked {
            states: states.count,
            exhaustive: states.exhaustive,
            seed: plan.seed,
            broken: BTreeMap::new(),
        };
        let parts: Vec<Checked> = thread::scope(|scope| {
            let share = states.count.div_ceil(threads).max(1);
            let starts = (0..states.count).step_by(share as usize);
            let parts: Vec<_> = starts
                .map(|start| {
                    let numbers = start..states.count.min(start + share);
                    let states = &states;
                    scope.spawn(move || self.part(states, numbers, open))
                })
                .collect();
            let joined = parts.into_iter().map(|part| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined.collect()
        });
        for part in parts {
            for (promise, violations) in part.broken {
                let all = all.broken.entry(promise).or_default();
                all.states += violations.states;
                all.silent += violations.silent;
                if let Some(violation) = violations.first {
                    all.offer(violation);
                }
            }
        }
        all
    }

    /// Looks at one state of those that `plan` says, by its number.
    pub fn check_one(&self, plan: Plan, number: u64, open: &Open<'_>) -> Checked {
        let states = States::new(&self.image, &self.events, plan.states, plan.seed);
        let number = number.min(states.count.saturating_sub(1));
        self.part(&states, number..number + 1, open)
    }

    fn part(&self, states: &States<'_>, numbers: Range<u64>, open: &Open<'_>) -> Checked {
        let mut checked = Checked {
            states: numbers.end - numbers.start,
            ..Checked::default()
        };
        for number in numbers {
            let state = states.state(number);
            let broken = match open(Arc::new(state.store), state.trusted) {
                Ok((volume, _)) => self.model.check(&*volume, state.progress),
                Err(error) => [
                    Promise::Durability,
                    Promise::BlockAtomicity,
                    Promise::FlushAtomicity,
                ]
                .map(|promise| model::Broken {
                    promise,
                    noticed: true,
                    what: format!("the volume does not open: {error}"),
                })
                .to_vec(),
            };
            let mut worst: BTreeMap<Promise, &model::Broken> = BTreeMap::new();
            for one in &broken {
                let known = worst.entry(one.promise).or_insert(one);
                if known.noticed && !one.noticed {
                    *known = one;
                }
            }
            for (promise, one) in worst {
                let violations = checked.broken.entry(promise).or_default();
                violations.states += 1;
                violations.silent += u64::from(!one.noticed);
                violations.offer(Violation {
                    state: number,
                    noticed: one.noticed,
                    what: format!("{}: {}", state.cut, one.what),
                });
            }
        }
        checked
    }
}

impl Violations {
    /// Keeps `other` if it is the first of its kind.
    fn offer(&mut self, other: Violation) {
        let order = |one: &Violation| (one.noticed, one.state);
        if self
            .first
            .as_ref()
            .is_none_or(|first| order(&other) < order(first))
        {
            self.first = Some(other);
        }
    }
}
