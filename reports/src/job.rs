//! Whole jobs and checks: what every format shows of them.

mod html;
mod text;

use sealab_record::{CHECKPOINT_PLANE, CellStatus, Check, Job, JobSample, Operation, Run, median};

use crate::numbers::{significant, size, times};

pub(crate) use html::jobs_html;
pub(crate) use text::{check_lines, sentences, table};

/// The jobs of one scenario that were done to one subject, of every size.
pub(crate) struct Panel<'a> {
    pub(crate) subject: &'a str,
    /// `checkpoint` or `layer`.
    pub(crate) plane: &'a str,
    /// By method and size, in the record's order of methods.
    pub(crate) rows: Vec<Row<'a>>,
    /// The first method that was measured: what others are set beside.
    pub(crate) baseline: Option<&'a str>,
}

/// One method with one size.
pub(crate) struct Row<'a> {
    pub(crate) method: &'a str,
    pub(crate) description: &'a str,
    pub(crate) size_bytes: u64,
    pub(crate) seal: Option<Took>,
    pub(crate) open: Option<Took>,
    /// Why there is none of them.
    pub(crate) missing: Option<(CellStatus, &'a str)>,
    /// Bytes stored for each plain byte, less one.
    pub(crate) overhead: Option<f64>,
    /// Bytes stored.
    pub(crate) stored: Option<u64>,
    /// Of them, those of manifests and configurations.
    pub(crate) metadata: Option<u64>,
}

impl Row<'_> {
    /// What the row stands for where one figure must do: what it took to seal, or to open where nothing was sealed.
    pub(crate) fn first(&self) -> Option<Took> {
        self.seal.or(self.open)
    }

    /// Bytes that went to and from a registry, in words: pushed, then pulled.
    pub(crate) fn transferred(&self) -> String {
        let bytes = [self.seal, self.open]
            .into_iter()
            .filter_map(|took| took?.transferred)
            .map(size);
        bytes.collect::<Vec<_>>().join(", ")
    }
}

/// Which of a row's jobs.
pub(crate) type Way = fn(&Row<'_>) -> Option<Took>;

/// What a job took, over its rounds.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    /// Wall-clock seconds: the least, the median, the most.
    pub(crate) wall: [f64; 3],
    /// The median of the CPU seconds.
    pub(crate) cpu: f64,
    /// The highest peak of memory, in bytes.
    pub(crate) peak: u64,
    /// The median of the bytes that went to and from a registry.
    pub(crate) transferred: Option<u64>,
    /// How many rounds.
    pub(crate) rounds: usize,
}

impl Took {
    fn of(samples: &[JobSample]) -> Option<Self> {
        let walls: Vec<f64> = samples.iter().map(|sample| sample.wall_seconds).collect();
        let cpus: Vec<f64> = samples.iter().map(|sample| sample.cpu_seconds).collect();
        let least = walls.iter().copied().min_by(f64::total_cmp)?;
        let most = walls.iter().copied().max_by(f64::total_cmp)?;
        let transferred: Vec<f64> = samples
            .iter()
            .filter_map(|sample| Some(sample.transferred_bytes? as f64))
            .collect();
        let wall = [least, median(&walls)?, most];
        let cpu = median(&cpus)?;
        (wall[1] > 0.0 && wall.iter().chain([&cpu]).all(|value| value.is_finite())).then_some(Self {
            wall,
            cpu,
            peak: samples.iter().map(|sample| sample.peak_bytes).max()?,
            transferred: median(&transferred).map(|bytes| bytes as u64),
            rounds: samples.len(),
        })
    }

    /// `1.20 s`.
    pub(crate) fn seconds(&self) -> String {
        seconds(self.wall[1])
    }

    /// `1.10 to 1.35 s`.
    pub(crate) fn spread(&self) -> String {
        format!("{} to {}", significant(self.wall[0]), seconds(self.wall[2]))
    }

    /// `0.91×`: how its median stands to another's.
    pub(crate) fn beside(&self, baseline: &Self) -> String {
        times(self.wall[1] / baseline.wall[1])
    }
}

pub(crate) fn seconds(value: f64) -> String {
    format!("{} s", significant(value))
}

impl Panel<'_> {
    /// What the row's job is set beside: the baseline of its size.
    pub(crate) fn beside(&self, row: &Row<'_>, way: Way) -> Option<String> {
        let baseline = self
            .rows
            .iter()
            .find(|other| Some(other.method) == self.baseline && other.size_bytes == row.size_bytes)?;
        Some(way(row)?.beside(&way(baseline)?))
    }

    /// The sizes, ascending.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let mut sizes: Vec<u64> = self.rows.iter().map(|row| row.size_bytes).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Whether a row has what `way` takes.
    pub(crate) fn has<T>(&self, way: impl Fn(&Row<'_>) -> Option<T>) -> bool {
        self.rows.iter().any(|row| way(row).is_some())
    }

    /// Whether bytes went to and from a registry.
    pub(crate) fn has_transfers(&self) -> bool {
        self.has(|row| row.first()?.transferred)
    }

    /// What the sizes are of.
    pub(crate) fn sizes_of(&self) -> &'static str {
        if self.plane == CHECKPOINT_PLANE {
            "memory"
        } else {
            "size"
        }
    }

    /// The methods, in the record's order.
    pub(crate) fn methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !methods.contains(&row.method) {
                methods.push(row.method);
            }
        }
        methods
    }
}

/// The text of a size; sets that have none of their own say nothing.
pub(crate) fn sized(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { size(bytes) }
}

/// The jobs of `scenario`, by subject.
pub(crate) fn panels<'a>(run: &'a Run, scenario: &str) -> Vec<Panel<'a>> {
    let jobs: Vec<&Job> = run.jobs.iter().filter(|job| job.scenario == scenario).collect();
    let mut panels: Vec<Panel<'a>> = Vec::new();
    for job in &jobs {
        if panels.iter().any(|panel| panel.subject == job.subject) {
            continue;
        }
        let of_subject = || jobs.iter().copied().filter(|other| other.subject == job.subject);
        let mut rows: Vec<Row<'a>> = Vec::new();
        for one in of_subject() {
            let same = |row: &Row<'_>| row.method == one.method && row.size_bytes == one.size_bytes;
            if rows.iter().any(same) {
                continue;
            }
            let both = || {
                of_subject().filter(|other| other.method == one.method && other.size_bytes == one.size_bytes)
            };
            let took = |way: Operation| {
                let found = both().find(|other| other.operation == way)?;
                Took::of(&found.samples)
            };
            rows.push(Row {
                method: &one.method,
                description: &one.description,
                size_bytes: one.size_bytes,
                seal: took(Operation::Seal),
                open: took(Operation::Open),
                missing: both()
                    .find(|other| other.status != CellStatus::Measured)
                    .map(|other| {
                        (
                            other.status,
                            other.reason.as_deref().unwrap_or("no reason is known"),
                        )
                    }),
                overhead: one
                    .space
                    .filter(|space| space.plain_bytes > 0)
                    .map(|space| space.stored_bytes as f64 / space.plain_bytes as f64 - 1.0),
                stored: one.space.map(|space| space.stored_bytes),
                metadata: one.metadata_bytes,
            });
        }
        // Sizes of one method stand together.
        let order: Vec<&str> = rows.iter().map(|row| row.method).collect();
        let place = |method: &str| order.iter().position(|other| *other == method);
        rows.sort_by_key(|row| (place(row.method), row.size_bytes));
        let baseline = rows
            .iter()
            .find(|row| row.first().is_some())
            .map(|row| row.method);
        panels.push(Panel {
            subject: &job.subject,
            plane: &job.plane,
            rows,
            baseline,
        });
    }
    panels
}

/// The checks of `scenario`.
pub(crate) fn checks<'a>(run: &'a Run, scenario: &str) -> Vec<&'a Check> {
    run.checks
        .iter()
        .filter(|check| check.scenario == scenario)
        .collect()
}

/// What became of a check, in a word.
pub(crate) fn check_word(status: CellStatus) -> &'static str {
    match status {
        CellStatus::Measured => "held",
        other => crate::numbers::status_word(other),
    }
}
