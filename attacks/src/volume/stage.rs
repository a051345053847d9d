//! Where acts happen: a volume that was written twice, its older image, and the owner who opens it.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::OnceLock;

use sealab_attack_record::Verdict;
use sealab_blocks::{Limit, Operation, Pattern, Plan, Workload};
use sealab_engine::Engine;
use sealab_volume::format::{Owner, VolumeFormat};
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::places::{Headers, Place, Span, differences, union};
use super::reading::Reading;
use super::subject::{BLOCK_BYTES, BLOCKS, BYTES, LATER, NEWER, OLDER, content};
use crate::crash::{self, Checked, Event, Opened, Recording, RecordingStore, Step};
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// The blocks that acts work on: neighbours, ones far apart, the last.
pub(super) const CHOSEN: [u64; 5] = [3, 4, 100, 200, BLOCKS - 1];

/// How often a block is written anew to find its place: a byte stays the same by chance once in 2^32.
const REWRITES: u64 = 4;

/// The workload that the power is cut in: on few blocks with many flushes, then on many with one, more than a journal has
/// room for. So many blocks, writes, and writes to a flush.
const POWER_CUT: [(u64, u64, u64); 2] = [(12, 48, 4), (48, 96, 96)];
/// Blocks lie that far apart, so that their tags are in several sectors.
const APART: u64 = 5;

/// What the owner of a volume keeps, and its store.
pub(super) type Made = (Arc<dyn Owner>, Image);

/// What a store held at a time.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) bytes: Arc<Vec<u8>>,
    /// What the owner kept of the volume then.
    pub(super) trusted: Option<u64>,
}

impl Deref for Image {
    type Target = Arc<Vec<u8>>;

    fn deref(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }
}

/// One format with what is attacked.
pub(super) struct Stage {
    format: &'static dyn VolumeFormat,
    engine: Arc<dyn Engine>,
    plan: crash::Plan,
    owner: Arc<dyn Owner>,
    /// The store with the newer snapshot, closed.
    pub(super) image: Image,
    /// The store when it held the older one.
    pub(super) older: Image,
    /// The size of the volume.
    size: u64,
    pub(super) headers: Headers,
    /// Where the chosen blocks stand.
    pub(super) places: Vec<Place>,
    checked: OnceLock<Checked>,
}

impl Stage {
    /// Makes the volume, writes it, and holds what comes back against what was written.
    pub(super) fn new(
        format: &'static dyn VolumeFormat,
        engine: Arc<dyn Engine>,
        plan: crash::Plan,
    ) -> Result<Self, AttackError> {
        let first = if format.writable() { OLDER } else { NEWER };
        let (owner, made) = make(format, &engine, &mut |volume| fill(volume, first))?;
        let mut stage = Self {
            format,
            engine,
            plan,
            owner,
            image: made.clone(),
            older: made.clone(),
            size: 0,
            headers: Headers::of(&made),
            places: Vec::new(),
            checked: OnceLock::new(),
        };
        if format.writable() {
            stage.older = stage.written(&made, |_| Ok(()))?;
            stage.image = stage.written(&stage.older, |volume| fill(volume, NEWER))?;
        } else {
            // Another volume: what is for reading only is made anew to be changed.
            stage.older = make(format, &stage.engine, &mut |volume| fill(volume, OLDER))?.1;
        }
        stage.control()?;
        stage.places = stage.find_places()?;
        Ok(stage)
    }

    pub(super) fn writable(&self) -> bool {
        self.format.writable()
    }

    pub(super) fn failure(&self, step: &'static str, detail: impl std::fmt::Display) -> AttackError {
        failure(self.format, step, detail)
    }

    /// What a block of the volume holds.
    pub(super) fn truth(block: u64) -> Vec<u8> {
        content(NEWER, block)
    }

    /// Opens what is on a store as its owner does.
    pub(super) fn open(&self, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, String> {
        self.open_at(store, self.image.trusted).map(|(volume, _)| volume)
    }

    /// Opens what is on a store as its owner did when it kept `trusted` of the volume. The owner is one apart, that keeps
    /// what changes from now on.
    pub(super) fn open_at(&self, store: Arc<dyn Store>, trusted: Option<u64>) -> Result<Opened, String> {
        let apart: Option<Arc<dyn Owner>> = trusted.and_then(|number| self.owner.at(number)).map(Arc::from);
        let owner = apart.as_ref().unwrap_or(&self.owner);
        let volume = owner.open(self.engine.clone(), store);
        Ok((volume.map_err(|error| error.to_string())?, apart))
    }

    /// A volume of the same format that is somebody else's: its owner, and the store.
    pub(super) fn stranger(&self) -> Result<Made, AttackError> {
        make(self.format, &self.engine, &mut |volume| fill(volume, LATER))
    }

    /// The store of a new volume that `fill` wrote.
    pub(super) fn remade(
        &self,
        fill: &dyn Fn(&dyn Volume) -> Result<(), VolumeError>,
    ) -> Result<Image, AttackError> {
        Ok(make(self.format, &self.engine, &mut |volume| fill(volume))?.1)
    }

    /// What somebody else gets who opens the volume with what is theirs.
    pub(super) fn read_as(&self, owner: &dyn Owner) -> Reading {
        let store = Arc::new(Overlay::new(&self.image));
        let opened = owner.open(self.engine.clone(), store.clone());
        Reading::new(opened.map_err(|error| error.to_string()), &store, &Self::truth)
    }

    /// What the owner gets who opens what an adversary left.
    pub(super) fn read(&self, store: Overlay) -> Reading {
        let store = Arc::new(store);
        Reading::new(self.open(store.clone()), &store, &Self::truth)
    }

    /// Reads a changed store and adds the verdict.
    pub(super) fn try_change(&self, trials: &mut Trials, place: impl Into<String>, store: Overlay) {
        if store.size() == self.image.len() as u64 && unchanged(&store, &self.image) {
            return;
        }
        let (verdict, note) = self.read(store).of_change(&Self::truth, self.size);
        trials.add(place, verdict, note);
    }

    /// The verdict on a store whose volume should hold `truth`, for the owner who keeps `trusted` of it.
    pub(super) fn read_other(
        &self,
        store: Overlay,
        trusted: Option<u64>,
        truth: &dyn Fn(u64) -> Vec<u8>,
    ) -> (Verdict, Option<String>) {
        let store = Arc::new(store);
        let opened = self.open_at(store.clone(), trusted).map(|(volume, _)| volume);
        Reading::new(opened, &store, truth).of_change(truth, self.size)
    }

    /// The unchanged volume, on a store that records.
    pub(super) fn recorded(&self) -> Result<(Arc<RecordingStore>, Opened), AttackError> {
        let store = Arc::new(RecordingStore::new(Arc::new(Overlay::new(&self.image))));
        let opened = self.open_at(store.clone(), self.image.trusted);
        Ok((
            store,
            opened.map_err(|error| self.failure("opening the unchanged volume", error))?,
        ))
    }

    /// The store after `work` on the volume of an image, flushed, closed and opened once more.
    pub(super) fn written(
        &self,
        image: &Image,
        work: impl Fn(&dyn Volume) -> Result<(), VolumeError>,
    ) -> Result<Image, AttackError> {
        let store = Arc::new(Overlay::new(image));
        let opened = |trusted| {
            let opened = self.open_at(store.clone(), trusted);
            opened.map_err(|error| self.failure("opening the unchanged volume", error))
        };
        let kept = |owner: Option<Arc<dyn Owner>>| owner.and_then(|owner| owner.trusted());
        let (volume, owner) = opened(image.trusted)?;
        let done = work(&*volume).and_then(|()| volume.flush());
        done.map_err(|error| self.failure("writing the volume", error))?;
        drop(volume);
        let (volume, owner) = opened(kept(owner))?;
        drop(volume);
        Ok(Image {
            bytes: store.image(),
            trusted: kept(owner),
        })
    }

    /// Opens a volume that nobody changed.
    pub(super) fn opened(&self, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, AttackError> {
        self.open(store)
            .map_err(|error| self.failure("opening the unchanged volume", error))
    }

    fn control(&mut self) -> Result<(), AttackError> {
        self.size = self.opened(Arc::new(Overlay::new(&self.image)))?.size();
        let reading = self.read(Overlay::new(&self.image));
        match reading.of_change(&Self::truth, self.size) {
            (Verdict::Refused, _) => Ok(()),
            (_, note) => Err(AttackError::Control {
                format: self.format.id(),
                detail: note.unwrap_or_default(),
            }),
        }
    }

    /// Where the chosen blocks stand.
    fn find_places(&self) -> Result<Vec<Place>, AttackError> {
        if self.format.writable() {
            // With what is read when the volume is opened: what was read then may not be read again.
            let reads = |block| self.reads(block, true);
            let changed = CHOSEN.map(|block| self.changed(block));
            let changed: Vec<Vec<Span>> = changed.into_iter().collect::<Result<_, _>>()?;
            let place = |(index, block): (usize, u64)| {
                let others = changed.iter().enumerate().filter(|(other, _)| *other != index);
                let mut others: Vec<Span> = others.flat_map(|(_, spans)| spans.clone()).collect();
                others.extend(self.headers.journal.clone());
                Ok(Place::of_changes(block, &reads(block)?, &changed[index], &others))
            };
            let places: Vec<Place> = CHOSEN
                .into_iter()
                .enumerate()
                .map(place)
                .collect::<Result<_, _>>()?;
            // A block that never stands again where it stood is found by what is read for it.
            if places.iter().all(|place| !place.data.is_empty()) {
                return Ok(places);
            }
        }
        let all = CHOSEN.map(|block| self.reads(block, false));
        let all: Vec<Vec<Event>> = all.into_iter().collect::<Result<_, _>>()?;
        let place = |(index, block): (usize, u64)| {
            let others = all.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<Event> = others.flat_map(|(_, reads)| reads.clone()).collect();
            Place::of_reads(block, &all[index], &others)
        };
        Ok(CHOSEN.into_iter().enumerate().map(place).collect())
    }

    /// What is read to read a block, and to open the volume before if `opening`.
    fn reads(&self, block: u64, opening: bool) -> Result<Vec<Event>, AttackError> {
        let (store, (volume, _)) = self.recorded()?;
        if !opening {
            store.take();
        }
        let read = volume.read(block * BLOCK_BYTES as u64, &mut [0; BLOCK_BYTES]);
        read.map_err(|error| self.failure("reading the unchanged volume", error))?;
        Ok(store.take())
    }

    /// The bytes that change when a block does.
    fn changed(&self, block: u64) -> Result<Vec<Span>, AttackError> {
        let mut all = Vec::new();
        let mut before = self.image.clone();
        for number in 0..REWRITES {
            let write = |volume: &dyn Volume| {
                volume.write(block * BLOCK_BYTES as u64, &content(LATER + number, block))
            };
            let after = self.written(&before, write)?;
            all.extend(differences(&before, &after));
            before = after;
        }
        Ok(union(all))
    }

    /// What came of cutting the power in a workload; nothing if there is nothing to write.
    pub(super) fn crashed(&self) -> Result<Option<&Checked>, AttackError> {
        if !self.format.writable() {
            return Ok(None);
        }
        if let Some(checked) = self.checked.get() {
            return Ok(Some(checked));
        }
        let workload = |(blocks, writes, flush_every)| Workload {
            pattern: Pattern::Random,
            operation: Operation::Write,
            block_bytes: BLOCK_BYTES as u32,
            depth: 1,
            limit: Limit::Operations(writes),
            start: 0,
            span: blocks * BLOCK_BYTES as u64,
            flush_every: Some(flush_every),
            seed: self.plan.seed,
        };
        let planned = POWER_CUT.into_iter().flat_map(|part| Plan::new(&workload(part)));
        let steps: Vec<Step> = (LATER..)
            .zip(planned)
            .filter_map(|(number, step)| match step {
                sealab_blocks::Step::Write(block) => Some(Step::Write {
                    block: block * APART,
                    content: content(number, block),
                }),
                sealab_blocks::Step::Flush => Some(Step::Flush),
                sealab_blocks::Step::Read(_) => None,
            })
            .collect();
        let blocks = POWER_CUT.iter().map(|(blocks, ..)| *blocks).max().unwrap_or(0);
        let before: BTreeMap<u64, Vec<u8>> = (0..blocks)
            .map(|block| block * APART)
            .map(|block| (block, Self::truth(block)))
            .collect();
        let open = |store, trusted| self.open_at(store, trusted);
        let recording = Recording::new(
            self.image.bytes.clone(),
            self.image.trusted,
            before,
            &steps,
            &open,
        );
        let recording = recording.map_err(|error| self.failure("running a workload", error))?;
        let checked = recording.check(self.plan, &open);
        Ok(Some(self.checked.get_or_init(|| checked)))
    }
}

/// Makes a volume; its owner, and the store.
fn make(
    format: &dyn VolumeFormat,
    engine: &Arc<dyn Engine>,
    fill: &mut dyn FnMut(&dyn Volume) -> Result<(), VolumeError>,
) -> Result<Made, AttackError> {
    let store = Arc::new(MemoryStore::new(format.store_bytes(BYTES)));
    let owner = format
        .make(engine.clone(), store.clone(), fill)
        .map_err(|error| failure(format, "making a volume", error))?;
    let image = store
        .contents()
        .map_err(|error| failure(format, "making a volume", error))?;
    let owner: Arc<dyn Owner> = Arc::from(owner);
    let trusted = owner.trusted();
    let bytes = Arc::new(image);
    Ok((owner, Image { bytes, trusted }))
}

fn failure(format: &dyn VolumeFormat, step: &'static str, detail: impl std::fmt::Display) -> AttackError {
    AttackError::Format {
        format: format.id(),
        step,
        detail: detail.to_string(),
    }
}

fn fill(volume: &dyn Volume, snapshot: u64) -> Result<(), VolumeError> {
    (0..BLOCKS).try_for_each(|block| volume.write(block * BLOCK_BYTES as u64, &content(snapshot, block)))
}

fn unchanged(store: &Overlay, image: &[u8]) -> bool {
    let mut pages = store.pages().into_iter();
    pages.all(|(number, page)| image[number * BLOCK_BYTES..].starts_with(&page))
}

/// An outcome of one look.
pub(super) fn looked(place: &str, leaks: bool, note: String) -> Outcome {
    let mut trials = Trials::default();
    trials.add(place, seen(leaks), Some(note));
    trials.outcome("")
}

/// What an adversary gets who looks.
pub(super) fn seen(leaks: bool) -> Verdict {
    if leaks { Verdict::Leaks } else { Verdict::Refused }
}
