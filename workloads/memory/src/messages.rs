//! `messages`: protobuf messages with the sizes of a real checkpoint's entries.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::canary::{self, Canary};
use crate::random::Random;
use crate::{ByteSize, WorkloadError, default_seed};

mod sizes;
mod wire;

/// Protobuf messages, one after the other, `size` bytes in all.
///
/// Each message's size is that of a random entry of the set; the last one takes what is left.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Where the sizes come from.
    #[serde(default)]
    pub set: MessageSet,
    /// The length of all messages together, without their frames.
    pub size: ByteSize,
    /// How many entries of a kind there are, where it is not the set's own count: `{pagemap: 5000, fdinfo: 200}`.
    /// A large process has many more entries of some kinds than the set's small one.
    #[serde(default, skip_serializing_if = "Weights::is_empty")]
    pub weights: Weights,
    /// The seed: equal parameters with equal seeds give equal bytes.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

/// A measured distribution of entry sizes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageSet {
    /// The entries of an image set of CRIU 4.1.1 (two small processes), as `data/criu-entry-sizes.json` has them.
    #[default]
    Criu,
}

/// How often each kind of entry occurs, by the kind's name: the image file's name without its number.
#[derive(Clone, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Weights(BTreeMap<String, u32>);

impl Weights {
    /// Takes weights by kind; refuses a kind that the set does not have, and weights that leave no kind.
    pub fn new(weights: BTreeMap<String, u32>) -> Result<Self, WorkloadError> {
        let invalid = |found, expected| WorkloadError::Invalid {
            workload: "messages",
            field: "weights",
            found,
            expected,
        };
        let kinds = sizes::kinds();
        if let Some(unknown) = weights.keys().find(|kind| !kinds.contains_key(*kind)) {
            let known: Vec<&str> = kinds.keys().map(String::as_str).collect();
            let shown: String = unknown.chars().take(40).collect();
            return Err(invalid(
                format!("there is no kind {shown:?}"),
                format!("the set has {}", known.join(", ")),
            ));
        }
        if kinds.keys().all(|kind| weights.get(kind) == Some(&0)) {
            return Err(invalid(
                "every kind's weight is 0".to_owned(),
                "at least one kind needs a weight above 0".to_owned(),
            ));
        }
        Ok(Self(weights))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(BTreeMap::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The messages' lengths, and which of them carry canaries.
pub(crate) struct Layout {
    pub(crate) lengths: Vec<u32>,
    pub(crate) canaries: Vec<Canary>,
}

impl Messages {
    /// No message of one byte is a protobuf message.
    const LEAST: usize = 2;

    pub(crate) fn validate(&self) -> Result<(), WorkloadError> {
        if self.size.bytes() < Self::LEAST as u64 {
            return Err(WorkloadError::Invalid {
                workload: "messages",
                field: "size",
                found: format!("{} byte holds no protobuf message", self.size),
                expected: format!("at least {} are needed", Self::LEAST),
            });
        }
        Ok(())
    }

    /// Draws the messages' lengths; their sum is `length`.
    pub(crate) fn layout(&self, length: usize) -> Layout {
        let mut random = Random::new(self.seed, "message sizes");
        let table = sizes::Table::new(&self.weights.0);
        let mut lengths = Vec::new();
        let mut left = length;
        while left > 0 {
            let mut next = table.draw(&mut random) as usize;
            if next + Self::LEAST > left {
                next = left;
            }
            left -= next;
            lengths.push(next as u32);
        }
        let canaries = self.canaries(&lengths, length);
        Layout { lengths, canaries }
    }

    fn canaries(&self, lengths: &[u32], length: usize) -> Vec<Canary> {
        let mut random = Random::new(self.seed, "message canaries");
        let mut canaries: Vec<Canary> = Vec::new();
        let mut start = 0;
        for &message in lengths {
            // Evenly spread, each in the first message from its place on that can hold one.
            let next = canaries.len();
            if next < canary::MOST
                && start >= next * (length / canary::MOST)
                && message as usize >= wire::CANARY_MESSAGE_BYTES
            {
                canaries.push(Canary::new(&mut random, start + wire::CANARY_OFFSET));
            }
            start += message as usize;
        }
        canaries
    }

    /// Writes the messages of `layout`, which was made for `out`'s length.
    pub(crate) fn fill(&self, out: &mut [u8], layout: &Layout) {
        let mut random = Random::new(self.seed, "message content");
        let mut canaries = layout.canaries.iter().peekable();
        let mut rest = out;
        let mut start = 0;
        for &length in &layout.lengths {
            let (message, after) = std::mem::take(&mut rest).split_at_mut(length as usize);
            rest = after;
            let end = start + length as usize;
            let canary = canaries.next_if(|canary| canary.offset < end);
            wire::fill(&mut random, message, canary.map(|canary| &canary.bytes));
            start = end;
        }
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.set {
            MessageSet::Criu => write!(f, "messages {} criu", self.size)?,
        }
        for (kind, weight) in &self.weights.0 {
            write!(f, ", {weight} {kind}")?;
        }
        write!(f, ", seed {}", self.seed)
    }
}
