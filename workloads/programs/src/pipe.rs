//! Pipes of programs, with what they spend.
//!
//! GNU time starts each program and reports it: a process that is started by this one straight away inherits this one's
//! peak of memory, which the kernel then reports as its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::ProgramError;
use crate::bounded::{self, Output, last_lines, needs, until};

/// What the programs of a pipe have spent.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// From the start of the first to the end of all.
    pub wall: Duration,
    /// User and system time of all, in seconds; GNU time counts it in hundredths.
    pub cpu_seconds: f64,
    /// The peak resident memory of each, added up, in bytes (`ru_maxrss`).
    pub peak_bytes: u64,
}

/// A program with its arguments.
pub type Words = Vec<OsString>;

/// Where a pipe begins or ends.
pub enum End<'a> {
    /// A file.
    File(&'a Path),
    /// The programs see to it themselves.
    Own,
}

/// The words of a command line.
pub fn words<const N: usize>(words: [&str; N]) -> Words {
    words.map(OsString::from).to_vec()
}

/// Where and how programs are measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Where the reports of GNU time go, which are removed again.
    pub place: &'a Path,
    /// Variables that all programs get beside those of this process.
    pub environment: &'a [(&'a str, PathBuf)],
    /// How long each may take.
    pub limit: Duration,
    /// Ends it early when it is set.
    pub cancelled: &'a AtomicBool,
}

impl Measured<'_> {
    /// Runs `programs`, each reading what the one before writes.
    ///
    /// # Errors
    /// GNU time is missing, one of them fails or takes too long, or it was cancelled. All have ended then.
    pub fn pipe(&self, programs: &[Words], (from, to): (End<'_>, End<'_>)) -> Result<Spent, ProgramError> {
        let time = needs("time", "time")?;
        let mut input = match from {
            End::File(path) => File::open(path).map_err(ProgramError::at(path))?.into(),
            End::Own => Stdio::null(),
        };
        let reports: Vec<PathBuf> = (0..programs.len())
            .map(|index| self.place.join(format!("report-{index}")))
            .collect();
        let mut running = Group(Vec::new());
        let begun = Instant::now();
        for (index, words) in programs.iter().enumerate() {
            let is_last = index + 1 == programs.len();
            let stderr = Output::new()?;
            let mut command = Command::new(&time);
            command
                .args(["--quiet", "--format", "%U %S %M", "--output"])
                .arg(&reports[index])
                .args(words)
                .stdin(input)
                .stdout(match &to {
                    End::File(path) if is_last => {
                        File::create_new(path).map_err(ProgramError::at(path))?.into()
                    }
                    End::Own if is_last => Stdio::null(),
                    _ => Stdio::piped(),
                })
                .stderr(stderr.stdio()?)
                .env("LC_ALL", "C.UTF-8")
                .envs(self.environment.iter().map(|(name, value)| (name, value)))
                .process_group(0);
            let name = words
                .first()
                .map_or_else(String::new, |word| word.display().to_string());
            let mut child = command.spawn().map_err(|error| ProgramError::of(&name, &error))?;
            input = child.stdout.take().map_or_else(Stdio::null, Into::into);
            running.0.push((name, child, stderr));
        }
        drop(input);
        for (name, child, stderr) in &mut running.0 {
            let status = until(name, self.limit, self.cancelled, || {
                Ok::<_, ProgramError>(child.try_wait().ok().flatten())
            })?;
            if !status.success() {
                return Err(ProgramError::Failed {
                    what: name.clone(),
                    status: bounded::words(status),
                    message: last_lines(&stderr.text()),
                });
            }
        }
        let mut spent = Spent {
            wall: begun.elapsed(),
            cpu_seconds: 0.0,
            peak_bytes: 0,
        };
        for report in &reports {
            let text = fs::read_to_string(report).map_err(ProgramError::at(report))?;
            let numbers: Vec<f64> = text
                .split_ascii_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect();
            let [user, system, kibibytes] = numbers[..] else {
                return Err(ProgramError::Failed {
                    what: "GNU time".to_owned(),
                    status: "a report that is none".to_owned(),
                    message: last_lines(&text),
                });
            };
            spent.cpu_seconds += user + system;
            spent.peak_bytes += kibibytes as u64 * 1024;
            fs::remove_file(report).map_err(ProgramError::at(report))?;
        }
        Ok(spent)
    }
}

/// The programs of a pipe, which are killed when this is dropped before they have ended.
struct Group(Vec<(String, Child, Output)>);

impl Drop for Group {
    fn drop(&mut self) {
        for (_, child, _) in &mut self.0 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                continue;
            }
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_pipe_fails_where_one_of_its_programs_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let words = |script: &str| words(["sh", "-c", script]);
        let measured = Measured {
            place: folder.path(),
            environment: &[("WORD", "abc".into())],
            limit: Duration::from_secs(20),
            cancelled: &NEVER,
        };
        let run = |name: &str, programs: &[Words]| {
            measured.pipe(programs, (End::Own, End::File(&folder.path().join(name))))
        };
        if let Err(reason) = needs("time", "time") {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "pipes did not run: {reason}"
            );
            println!("NOT RUN: pipes: {reason}");
            return;
        }
        let spent = run("good", &[words("echo $WORD"), words("tr a-c A-C")]).expect("a pipe");
        assert!(spent.peak_bytes > 0, "{spent:?}");
        assert_eq!(
            fs::read_to_string(folder.path().join("good")).expect("the output"),
            "ABC\n"
        );
        let error =
            run("bad", &[words("echo abc; echo reason >&2; exit 5"), words("cat")]).expect_err("exit 5");
        assert_eq!(error.to_string(), "sh failed with exit status 5: reason");
    }
}
