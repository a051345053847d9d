//! One subject before the vectors: its process is asked, judged, and started anew where it fails.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sealab_record::{Difference, Implementation, Remark, SuiteOutcome, Verdict};
use sealab_vectors::Suite;

use crate::ask::Ask;
use crate::introduction::{self, Introduction};
use crate::judge::{Judgement, judge, object};
use crate::process::{Heard, MAX_ANSWER_BYTES, Process};
use crate::subject::{Subject, Unavailable};

/// Requests that may be unanswered at a time, and their bytes.
const WINDOW_REQUESTS: usize = 64;
const WINDOW_BYTES: usize = 1 << 20;
/// How often a process is started anew: after so many failures in a row, or in all, the rest is skipped.
const MAX_FAILURES_IN_A_ROW: usize = 3;
const MAX_FAILURES: usize = 20;
/// How long a process may take to start; a Java machine on an emulated CPU is slow.
const STARTING: Duration = Duration::from_secs(30);
/// How often a wait looks whether the user ended the run.
const TICK: Duration = Duration::from_millis(100);
/// One subject before the vectors.
pub(crate) struct Examination<'a> {
    subject: Subject,
    suites: &'a [Suite],
    interrupted: &'a AtomicBool,
    cases: Vec<Vec<Found>>,
    implements: BTreeSet<String>,
    next_id: u64,
}

/// What is known of a case so far.
#[derive(Clone, Debug, Default)]
struct Found {
    verdict: Option<Verdict>,
    reason: String,
    difference: Option<Difference>,
}

/// How a process failed its caller.
enum Failing {
    /// On the first unanswered request.
    Request(Verdict, String),
    /// The user ended the run.
    Interrupted,
}

/// A request that is on its way.
struct Sent<'a> {
    id: u64,
    ask: Asked<'a>,
    bytes: usize,
}

/// A request of the plan, or one that an answer called for.
enum Asked<'a> {
    Planned(&'a Ask),
    Added(Box<Ask>),
}

impl Asked<'_> {
    fn get(&self) -> &Ask {
        match self {
            Self::Planned(ask) => ask,
            Self::Added(ask) => ask,
        }
    }
}

impl<'a> Examination<'a> {
    pub(crate) fn of(
        subject: Subject,
        suites: &'a [Suite],
        asks: &'a [Ask],
        interrupted: &'a AtomicBool,
    ) -> Implementation {
        let mut examination = Self {
            cases: suites
                .iter()
                .map(|suite| vec![Found::default(); suite.cases.len()])
                .collect(),
            subject,
            suites,
            interrupted,
            implements: BTreeSet::new(),
            next_id: 1,
        };
        let mut implementation = Implementation {
            name: examination.subject.name.clone(),
            library: String::new(),
            version: String::new(),
            cpu_profile: examination.subject.cpu_profile.clone(),
            mechanism: examination.subject.mechanism.clone(),
            code_path: String::new(),
            unavailable: None,
            missing: false,
            outcomes: Vec::new(),
        };
        if let Err(unavailable) = examination.examine(asks, &mut implementation) {
            implementation.unavailable = Some(unavailable.reason);
            implementation.missing = unavailable.missing;
        }
        let default = implementation.unavailable.clone();
        implementation.outcomes = examination.outcomes(asks, default.as_deref());
        implementation
    }

    fn examine(&mut self, asks: &'a [Ask], implementation: &mut Implementation) -> Result<(), Unavailable> {
        let mut queue: VecDeque<Asked<'a>> = asks.iter().map(Asked::Planned).collect();
        let (mut in_a_row, mut in_all) = (0, 0);
        while !queue.is_empty() && !self.interrupted.load(Ordering::Relaxed) {
            let (mut process, facts) = self.start()?;
            if implementation.version.is_empty() {
                (
                    implementation.library,
                    implementation.version,
                    implementation.code_path,
                ) = (facts.library, facts.version, facts.description);
            }
            self.implements = facts.implements;
            self.set_aside(&mut queue);
            let answered = self.drive(&mut process, &mut queue);
            match answered {
                Ok(()) => return Ok(()),
                Err((_, Failing::Interrupted)) => return Ok(()),
                Err((answers, Failing::Request(verdict, reason))) => {
                    in_a_row = if answers == 0 { in_a_row + 1 } else { 1 };
                    in_all += 1;
                    let how = if verdict == Verdict::Crash {
                        format!("{reason}: {}", process.end())
                    } else {
                        reason
                    };
                    if let Some(ask) = queue.pop_front() {
                        let (suite, case) = (ask.get().suite, ask.get().case);
                        self.conclude(suite, case, verdict, how, None);
                        queue.retain(|ask| (ask.get().suite, ask.get().case) != (suite, case));
                    }
                    if in_a_row == MAX_FAILURES_IN_A_ROW || in_all == MAX_FAILURES {
                        let reason =
                            format!("not asked: the process failed {in_all} times, {in_a_row} in a row");
                        for ask in queue {
                            self.conclude(
                                ask.get().suite,
                                ask.get().case,
                                Verdict::Skipped,
                                reason.clone(),
                                None,
                            );
                        }
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Starts the process and asks who it is.
    fn start(&mut self) -> Result<(Process, Introduction), Unavailable> {
        let missing = |reason: String| Unavailable {
            reason,
            missing: true,
        };
        let command = self
            .subject
            .command
            .as_mut()
            .map_err(|unavailable| unavailable.clone())?;
        let mut process = Process::start(command).map_err(|error| {
            missing(format!(
                "{:?} cannot be started: {error}",
                command.get_program().to_string_lossy()
            ))
        })?;
        process.send(introduction::request().as_bytes());
        let patience = STARTING.max(self.subject.patience);
        match self.listen(&mut process, patience) {
            Some(Heard::Line(line)) => {
                let answer = object(&line, 0).map_err(|reason| missing(format!("hello: {reason}")))?;
                Introduction::read(&answer).map(|introduction| (process, introduction))
            }
            Some(Heard::TooLong) => Err(missing(too_long())),
            Some(Heard::End) => Err(missing(format!(
                "it ended before it answered hello: {}",
                process.end()
            ))),
            Some(Heard::Nothing) => Err(missing(format!("no answer to hello within {patience:?}"))),
            None => Err(missing("interrupted".to_owned())),
        }
    }

    /// Takes out of the queue what the process does not implement.
    fn set_aside(&mut self, queue: &mut VecDeque<Asked<'a>>) {
        let kept = queue.drain(..).filter_map(|ask| {
            let algorithm = self.suites[ask.get().suite].algorithm.id;
            if self.implements.contains(algorithm) {
                return Some(ask);
            }
            let found = &mut self.cases[ask.get().suite][ask.get().case];
            found.verdict = Some(Verdict::Unsupported);
            found.reason = format!("{algorithm} is not implemented");
            None
        });
        *queue = kept.collect();
    }

    /// Asks all that is in the queue, and leaves in it what the process did not answer, the request that it failed at
    /// first. The error has the number of answers that came before.
    fn drive(
        &mut self,
        process: &mut Process,
        queue: &mut VecDeque<Asked<'a>>,
    ) -> Result<(), (usize, Failing)> {
        let mut sent: VecDeque<Sent<'a>> = VecDeque::new();
        let (mut answers, mut bytes) = (0, 0);
        let mut last = None;
        let failed = loop {
            while sent.len() < WINDOW_REQUESTS
                && bytes < WINDOW_BYTES
                && process.unsent() < WINDOW_BYTES
                && let Some(ask) = queue.pop_front()
            {
                let id = self.next_id;
                self.next_id += 1;
                let line = ask.get().line(id);
                process.send(&line);
                bytes += line.len();
                sent.push_back(Sent {
                    id,
                    ask,
                    bytes: line.len(),
                });
            }
            let Some(first) = sent.front() else {
                break None;
            };
            let heard = self.listen(process, self.subject.patience);
            let failing = match heard {
                Some(Heard::Line(line)) => match judge(first.ask.get(), first.id, &line) {
                    Judgement::Broken(reason) => Failing::Request(Verdict::Fail, reason),
                    judgement => {
                        answers += 1;
                        bytes -= first.bytes;
                        last = Some((first.ask.get().suite, first.ask.get().case));
                        let added = self.record(first.ask.get(), judgement);
                        sent.pop_front();
                        if let Some(ask) = added {
                            queue.push_front(Asked::Added(Box::new(ask)));
                        }
                        continue;
                    }
                },
                Some(Heard::TooLong) => Failing::Request(Verdict::Fail, too_long()),
                Some(Heard::End) => {
                    Failing::Request(Verdict::Crash, "the process ended before it answered".to_owned())
                }
                Some(Heard::Nothing) => Failing::Request(
                    Verdict::Hang,
                    format!("no answer within {:?}", self.subject.patience),
                ),
                None => Failing::Interrupted,
            };
            break Some(failing);
        };
        match failed {
            None => {
                // An answer too many may belong to any request; the last is where it is noticed.
                if process.part()
                    && let Some((suite, case)) = last
                {
                    let reason = "output beyond what was asked".to_owned();
                    self.conclude(suite, case, Verdict::Fail, reason, None);
                }
                Ok(())
            }
            Some(failing) => {
                for unanswered in sent.into_iter().rev() {
                    queue.push_front(unanswered.ask);
                }
                Err((answers, failing))
            }
        }
    }

    /// What the process says next; nothing at all once the user has ended the run.
    fn listen(&self, process: &mut Process, patience: Duration) -> Option<Heard> {
        let deadline = Instant::now() + patience;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match process.hear(left.min(TICK)) {
                Heard::Nothing if left > TICK => {}
                heard => return Some(heard),
            }
        }
    }

    /// Takes note of a judgement; gives the request that it calls for.
    fn record(&mut self, ask: &Ask, judgement: Judgement) -> Option<Ask> {
        let found = &mut self.cases[ask.suite][ask.case];
        match judgement {
            Judgement::Right => {
                found.verdict.get_or_insert(Verdict::Pass);
            }
            Judgement::RightCiphertext(ct) => {
                let added = ask.opening(&self.suites[ask.suite], &ct);
                if added.is_none() {
                    found.verdict.get_or_insert(Verdict::Pass);
                }
                return added;
            }
            Judgement::Unsupported(reason) => {
                // It may not undo a failure; a pass in one direction alone is no pass.
                if matches!(found.verdict, None | Some(Verdict::Pass)) {
                    found.verdict = Some(Verdict::Unsupported);
                    found.reason = format!("{}: {reason}", ask.operation.name);
                }
            }
            Judgement::Wrong(reason, difference) => {
                self.conclude(ask.suite, ask.case, Verdict::Fail, reason, difference);
            }
            Judgement::Broken(reason) => self.conclude(ask.suite, ask.case, Verdict::Fail, reason, None),
        }
        None
    }

    /// The first thing that is wrong with a case stands.
    fn conclude(
        &mut self,
        suite: usize,
        case: usize,
        verdict: Verdict,
        reason: String,
        difference: Option<Difference>,
    ) {
        let found = &mut self.cases[suite][case];
        if !matches!(
            found.verdict,
            Some(Verdict::Fail | Verdict::Crash | Verdict::Hang)
        ) {
            *found = Found {
                verdict: Some(verdict),
                reason,
                difference,
            };
        }
    }

    fn outcomes(self, asks: &[Ask], unavailable: Option<&str>) -> Vec<SuiteOutcome> {
        let mut asked: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.suites.len()];
        for ask in asks {
            asked[ask.suite].insert(ask.case);
        }
        let mut outcomes = Vec::new();
        for ((suite, cases), asked) in self.suites.iter().zip(self.cases).zip(asked) {
            let mut outcome = SuiteOutcome::default();
            for (found, index) in cases
                .into_iter()
                .zip(0..)
                .filter(|(_, index)| asked.contains(index))
            {
                let found = settled(found, unavailable);
                let verdict = found.verdict.unwrap_or(Verdict::Skipped);
                let place = outcome.verdicts.len();
                outcome.verdicts.push(verdict);
                if verdict == Verdict::Pass {
                    continue;
                }
                let wrong = matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Hang);
                if let Some(before) = outcome.remarks.last_mut()
                    && !wrong
                    && before.repeat.is_empty()
                    && before.first + before.count == place
                    && outcome.verdicts[before.first] == verdict
                    && before.reason == found.reason
                {
                    before.count += 1;
                    continue;
                }
                let repeat = format!(
                    "sealab conform --suite {} --case {} {} --cpu {}",
                    suite.name, suite.cases[index].id, self.subject.arguments, self.subject.cpu_profile
                );
                outcome.remarks.push(Remark {
                    first: place,
                    count: 1,
                    reason: found.reason,
                    difference: found.difference,
                    repeat: if wrong { repeat } else { String::new() },
                });
            }
            outcomes.push(outcome);
        }
        outcomes
    }
}

/// A case that was never judged was never asked.
fn settled(found: Found, unavailable: Option<&str>) -> Found {
    if found.verdict.is_some() {
        return found;
    }
    Found {
        verdict: Some(Verdict::Skipped),
        reason: unavailable.unwrap_or("not asked").to_owned(),
        difference: None,
    }
}

fn too_long() -> String {
    format!("an answer of more than {MAX_ANSWER_BYTES} bytes")
}
