//! The requests of a workload, the same for the same seed on every machine and at every depth.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::workload::{Operation, Pattern, Workload};

/// One request of a [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The block with this number is read, 0 being the first of the span.
    Read(u64),
    /// The block with this number is written.
    Write(u64),
    /// What was written is flushed.
    Flush,
}

/// The requests of a workload, in their order.
pub struct Plan {
    pattern: Pattern,
    operation: Operation,
    blocks: u64,
    left: u64,
    flush_every: Option<u64>,
    /// Writes since the last flush.
    unflushed: u64,
    next: u64,
    chance: ChaCha8Rng,
}

impl Plan {
    /// The requests of `workload`; none if its span holds no block.
    pub fn new(workload: &Workload) -> Self {
        let blocks = workload.blocks();
        Self {
            pattern: workload.pattern,
            operation: workload.operation,
            blocks,
            left: if blocks == 0 { 0 } else { workload.operations() },
            flush_every: workload.flush_every,
            unflushed: 0,
            next: 0,
            chance: ChaCha8Rng::seed_from_u64(workload.seed),
        }
    }

    /// A number below `bound`. The bias of the multiplication is below 2^-32 for the bounds here.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.chance.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.flush_every.is_some_and(|every| self.unflushed >= every) {
            self.unflushed = 0;
            return Some(Step::Flush);
        }
        self.left = self.left.checked_sub(1)?;
        let block = match self.pattern {
            Pattern::Random => self.below(self.blocks),
            Pattern::Sequential => {
                let block = self.next;
                self.next = (block + 1) % self.blocks;
                block
            }
        };
        let read = match self.operation {
            Operation::Read => true,
            Operation::Write => false,
            Operation::Mixed { read_percent } => self.below(100) < read_percent.into(),
        };
        if read {
            return Some(Step::Read(block));
        }
        self.unflushed += 1;
        Some(Step::Write(block))
    }
}
