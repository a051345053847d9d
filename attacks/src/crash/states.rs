//! The states of a store that a power cut can leave.
//!
//! A sync makes durable what was written before it. Of the writes since the last one, each sector of 512 bytes may be on
//! the disk or not, whatever their order; where two were to be written to one place and both are, the later one is there.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::model::Progress;
use super::record::Event;
use crate::overlay::{Overlay, Pages};

/// What a disk writes whole, in bytes.
const SECTOR_BYTES: usize = 512;

/// All states that a recording has, numbered.
pub(super) struct States<'a> {
    image: &'a Arc<Vec<u8>>,
    events: &'a [Event],
    epochs: Vec<Epoch>,
    /// Cuts worth a look: behind a write or a step.
    cuts: Vec<usize>,
    /// How many states there are to look at.
    pub(super) count: u64,
    /// Whether that is all of them.
    pub(super) exhaustive: bool,
    seed: u64,
}

/// What happens between two syncs.
struct Epoch {
    /// The first event behind the sync, and the next sync or the end.
    start: usize,
    end: usize,
    /// What is durable when it begins.
    durable: Pages,
    /// How many sectors are written in it.
    sectors: u32,
}

/// What a power cut left.
pub(super) struct State {
    pub(super) store: Overlay,
    /// What the owner kept of the volume then.
    pub(super) trusted: Option<u64>,
    pub(super) progress: Progress,
    /// How it came about.
    pub(super) cut: String,
}

impl<'a> States<'a> {
    /// All states of `events` on `image`, if they are no more than `most`; otherwise so many of them by chance.
    pub(super) fn new(image: &'a Arc<Vec<u8>>, events: &'a [Event], most: u64, seed: u64) -> Self {
        let mut epochs = Vec::new();
        let durable = Overlay::new(image);
        let (mut start, mut sectors) = (0, 0);
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Write { offset, data } => sectors += pieces(*offset, data.len()).count() as u32,
                Event::Synced => {
                    let before = durable.pages();
                    for (offset, data) in writes(&events[start..at]) {
                        durable.put(offset as usize, data);
                    }
                    epochs.push(Epoch {
                        start,
                        end: at,
                        durable: before,
                        sectors,
                    });
                    (start, sectors) = (at + 1, 0);
                }
                _ => {}
            }
        }
        epochs.push(Epoch {
            start,
            end: events.len(),
            durable: durable.pages(),
            sectors,
        });
        let all = epochs.iter().try_fold(0u64, |all, epoch| {
            all.checked_add(1u64.checked_shl(epoch.sectors)?)
        });
        let exhaustive = all.is_some_and(|all| all <= most);
        let worth = |at: &usize| matches!(events[at - 1], Event::Write { .. } | Event::Done(_));
        Self {
            image,
            events,
            epochs,
            cuts: (1..=events.len()).filter(worth).collect(),
            count: if exhaustive { all.unwrap_or(most) } else { most },
            exhaustive,
            seed,
        }
    }

    /// The state of that number, below the count.
    pub(super) fn state(&self, number: u64) -> State {
        if self.exhaustive {
            self.numbered(number)
        } else {
            self.drawn(number)
        }
    }

    /// Every set of an epoch's sectors at its end: a cut before the end leaves one of them too.
    fn numbered(&self, mut number: u64) -> State {
        let mut epochs = self.epochs.iter();
        let mut epoch = &self.epochs[0];
        for next in epochs.by_ref() {
            epoch = next;
            let states = 1u64 << epoch.sectors;
            if number < states {
                break;
            }
            number -= states;
        }
        let mut sector = 0;
        self.left(epoch, epoch.end, |_, _| {
            let kept = number >> sector & 1 == 1;
            sector += 1;
            kept
        })
    }

    fn drawn(&self, number: u64) -> State {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        chance.set_stream(number);
        // Half of the cuts come right before a sync, when most is pending.
        let cut = match (chance.next_u32() % 2, self.cuts.len()) {
            (0, cuts) if cuts > 0 => self.cuts[below(&mut chance, cuts)],
            _ => self.epochs[below(&mut chance, self.epochs.len())].end,
        };
        let at = self.epochs.partition_point(|epoch| epoch.end < cut);
        let epoch = &self.epochs[at.min(self.epochs.len() - 1)];
        let pending = writes(&self.events[epoch.start..cut.max(epoch.start)]).count();
        // One of the writes is lost or torn in its own way, the last one as often as all others.
        let one = match chance.next_u32() % 2 {
            0 => below(&mut chance, pending.max(1)),
            _ => pending.saturating_sub(1),
        };
        let torn = below(&mut chance, 9);
        let mut whole = false;
        let mut last = usize::MAX;
        // Each kind of loss finds other faults: caches that write in order, that write back what they like, that lose one.
        let kind = below(&mut chance, 9);
        self.left(epoch, cut, |write, sector| {
            let coin = chance.next_u32() % 2 == 0;
            if write != last {
                (whole, last) = (coin, write);
            }
            match kind {
                0 => write < one || write == one && sector < torn,
                1 => whole,
                2 | 3 if write == one => coin,
                2 | 3 => whole,
                4 => coin,
                5 => write != one,
                6 => write == one,
                7 => write != one || sector < torn,
                _ => write != one || coin,
            }
        })
    }

    /// What is left of an epoch that was cut short: the sectors that `kept` says, given the number of the write and that of
    /// the sector in it.
    fn left(&self, epoch: &Epoch, cut: usize, mut kept: impl FnMut(usize, usize) -> bool) -> State {
        let store = Overlay::with(self.image, epoch.durable.clone());
        let (mut sectors, mut of) = (0, 0);
        for (write, (offset, data)) in writes(&self.events[epoch.start..cut.max(epoch.start)]).enumerate() {
            for (sector, piece) in pieces(offset, data.len()).enumerate() {
                of += 1;
                if kept(write, sector) {
                    sectors += 1;
                    let start = offset as usize + piece.start;
                    store.put(start, &data[piece]);
                }
            }
        }
        let (mut begun, mut done, mut trusted) = (0, 0, None);
        for event in &self.events[..cut] {
            match event {
                Event::Begun(step) => begun = step + 1,
                Event::Done(step) => done = step + 1,
                Event::Trusted(number) => trusted = Some(*number),
                _ => {}
            }
        }
        State {
            store,
            trusted,
            progress: Progress { begun, done },
            cut: format!("cut in step {begun}, {sectors} of {of} pending sectors written"),
        }
    }
}

fn writes(events: &[Event]) -> impl Iterator<Item = (u64, &[u8])> {
    events.iter().filter_map(|event| match event {
        Event::Write { offset, data } => Some((*offset, data.as_slice())),
        _ => None,
    })
}

/// The sectors of a write, as ranges of its data.
fn pieces(offset: u64, bytes: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let ahead = (SECTOR_BYTES as u64 - offset % SECTOR_BYTES as u64) as usize;
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = if start == 0 { ahead } else { start + SECTOR_BYTES };
        let piece = start..end.min(bytes);
        start = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    // The bias is below 2^-32 for the bounds here.
    ((u128::from(chance.next_u64()) * bound as u128) >> 64) as usize
}
