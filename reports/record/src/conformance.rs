//! What a conformance run found: implementation × suite × CPU profile.

use crate::Machine;

/// The version of the format of the JSON export.
pub const CONFORMANCE_SCHEMA: &str = "sealab-conformance/1";

/// One conformance run.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// Sealab's own version.
    pub sealab_version: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// When the run ended, RFC 3339 in UTC.
    pub finished: String,
    /// The command line that makes the run again.
    pub command: Vec<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The suites, in order.
    pub suites: Vec<ConformanceSuite>,
    /// Each implementation under each CPU profile, in order.
    pub implementations: Vec<Implementation>,
}

/// One vector file.
#[derive(Clone, Debug)]
pub struct ConformanceSuite {
    /// Its name.
    pub name: String,
    /// What its vectors are of.
    pub algorithm: String,
    /// Where its values come from.
    pub source: String,
    /// Under which terms they stand.
    pub licence: String,
    /// Tests of the source that are not in the suite: how many, and why.
    pub left_out: Vec<(u64, String)>,
    /// The cases' numbers, in order.
    pub cases: Vec<u32>,
}

/// One implementation under one CPU profile, with what became of it.
#[derive(Clone, Debug)]
pub struct Implementation {
    /// The engine's or harness's identifier.
    pub name: String,
    /// The library that does the cryptography.
    pub library: String,
    /// The library's version, as it says itself; empty if it could not be asked.
    pub version: String,
    /// The CPU profile, or `qemu-MODEL` for an emulated CPU.
    pub cpu_profile: String,
    /// How the profile was imposed: `none`, `cpuid-faulting`, `cpuid-trap`, `library-switches`, `qemu-user`; empty if
    /// not at all.
    pub mechanism: String,
    /// Which code of the library runs there, in its own words; may be empty.
    pub code_path: String,
    /// Why it could not be asked at all.
    pub unavailable: Option<String>,
    /// Whether `unavailable` is for want of something that this machine could have (a program, a library, a built
    /// harness), rather than by the nature of implementation and profile.
    pub missing: bool,
    /// What became of each suite, in the order of [`Conformance::suites`].
    pub outcomes: Vec<SuiteOutcome>,
}

/// One suite through one implementation under one CPU profile.
#[derive(Clone, Debug, Default)]
pub struct SuiteOutcome {
    /// The verdict of each case, in the order of [`ConformanceSuite::cases`].
    pub verdicts: Vec<Verdict>,
    /// More about the cases that did not pass, in the cases' order. One remark may stand for several cases in a row.
    pub remarks: Vec<Remark>,
}

/// Why cases did not pass.
#[derive(Clone, Debug, Default)]
pub struct Remark {
    /// The first case, as an index into the suite's cases.
    pub first: usize,
    /// How many cases in a row it is about.
    pub count: usize,
    /// The reason, in one line.
    pub reason: String,
    /// What differs, where something was answered.
    pub difference: Option<Difference>,
    /// The command that repeats the first of the cases alone; empty where nothing failed.
    pub repeat: String,
}

/// A wrong answer beside the right one.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The operation (`encrypt`, `open`, …).
    pub operation: String,
    /// The value that differs (`ct`, `tag`, …).
    pub value: String,
    /// The first byte that differs, counted from 0.
    pub at: usize,
    /// The right value, hexadecimal, cut to a readable length around the difference.
    pub expected: String,
    /// What was answered, cut alike.
    pub actual: String,
}

/// What became of one case.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// The process ended before it answered.
    Crash,
    /// A wrong answer.
    Fail,
    /// No answer in time.
    Hang,
    /// Every answer was right.
    Pass,
    /// It was not asked.
    Skipped,
    /// The implementation has no such algorithm, size or direction.
    Unsupported,
}

impl Verdict {
    /// The stable text form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Fail => "fail",
            Self::Hang => "hang",
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Unsupported => "unsupported",
        }
    }
}

/// How many cases came to each verdict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that were not asked.
    pub skipped: usize,
    /// Cases that the implementation does not have.
    pub unsupported: usize,
    /// Cases in which the process ended.
    pub crashed: usize,
    /// Cases in which no answer came in time.
    pub hung: usize,
}

impl Tally {
    /// Counts `verdicts`.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Crash => &mut tally.crashed,
                Verdict::Fail => &mut tally.failed,
                Verdict::Hang => &mut tally.hung,
                Verdict::Pass => &mut tally.passed,
                Verdict::Skipped => &mut tally.skipped,
                Verdict::Unsupported => &mut tally.unsupported,
            } += 1;
        }
        tally
    }

    /// Cases that did not hold: failed, crashed or hung.
    pub fn wrong(&self) -> usize {
        self.failed + self.crashed + self.hung
    }

    /// All cases.
    pub fn total(&self) -> usize {
        self.passed + self.skipped + self.unsupported + self.wrong()
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unsupported += other.unsupported;
        self.crashed += other.crashed;
        self.hung += other.hung;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut sum, tally| {
            sum += tally;
            sum
        })
    }
}

impl Conformance {
    /// The verdicts of the whole run.
    pub fn tally(&self) -> Tally {
        Tally::of(self.implementations.iter().flat_map(Implementation::verdicts))
    }
}

impl Implementation {
    /// The verdicts of all its cases.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.outcomes.iter().flat_map(|outcome| &outcome.verdicts)
    }

    /// The verdicts of all its cases, counted.
    pub fn tally(&self) -> Tally {
        Tally::of(self.verdicts())
    }
}

impl SuiteOutcome {
    /// The remark on the case of that index, if there is one.
    pub fn remark(&self, index: usize) -> Option<&Remark> {
        let after = self.remarks.partition_point(|remark| remark.first <= index);
        self.remarks[..after]
            .last()
            .filter(|remark| index - remark.first < remark.count)
    }
}
