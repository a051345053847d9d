//! Pipes of programs, with what they spend.
//!
//! GNU time starts each program and reports it: a process that is started by this one straight away inherits this one's
//! peak of memory, which the kernel then reports as its own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::needs;
use crate::CriuError;
use crate::bounded::{self, Output, failed, last_lines, until, words};

/// What the programs of a pipe have spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    /// Of all, user and system time.
    pub(super) cpu_seconds: f64,
    /// Of all, added up.
    pub(super) peak_bytes: u64,
}

/// A program with its arguments.
pub(super) type Words = Vec<std::ffi::OsString>;

/// Where a pipe begins or ends.
pub(super) enum End<'a> {
    /// A file.
    File(&'a Path),
    /// The programs see to it themselves.
    Own,
}

/// Runs `programs`, each reading what the one before writes, in `place`, where the reports go too.
pub(super) fn pipe(
    programs: &[Words],
    (from, to): (End<'_>, End<'_>),
    place: &Path,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<Spent, CriuError> {
    let time = needs("time", "time")?;
    let mut input = match from {
        End::File(path) => File::open(path).map_err(CriuError::at(path))?.into(),
        End::Own => Stdio::null(),
    };
    let reports: Vec<PathBuf> = (0..programs.len())
        .map(|index| place.join(format!("report-{index}")))
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
                End::File(path) if is_last => File::create_new(path).map_err(CriuError::at(path))?.into(),
                End::Own if is_last => Stdio::null(),
                _ => Stdio::piped(),
            })
            .stderr(stderr.stdio()?)
            .env("GNUPGHOME", place.join("gnupg"))
            .env("LC_ALL", "C.UTF-8")
            .process_group(0);
        let name = words
            .first()
            .map_or_else(String::new, |word| word.display().to_string());
        let mut child = command.spawn().map_err(|error| failed(&name, &error))?;
        input = child.stdout.take().map_or_else(Stdio::null, Into::into);
        running.0.push((name, child, stderr));
    }
    drop(input);
    for (name, child, stderr) in &mut running.0 {
        let status = until(name, limit, cancelled, || Ok(child.try_wait().ok().flatten()))?;
        if !status.success() {
            return Err(CriuError::Failed {
                what: name.clone(),
                status: words(status),
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
        let text = fs::read_to_string(report).map_err(CriuError::at(report))?;
        let numbers: Vec<f64> = text
            .split_ascii_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [user, system, kibibytes] = numbers[..] else {
            return Err(CriuError::Failed {
                what: "GNU time".to_owned(),
                status: "a report that is none".to_owned(),
                message: last_lines(&text),
            });
        };
        spent.cpu_seconds += user + system;
        spent.peak_bytes += kibibytes as u64 * 1024;
        fs::remove_file(report).map_err(CriuError::at(report))?;
    }
    Ok(spent)
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

/// That a folder holds what another holds, byte for byte.
pub(super) fn same(
    wanted: &Path,
    found: &Path,
    who: &str,
    limit: Duration,
    cancelled: &AtomicBool,
) -> Result<(), CriuError> {
    let mut command = Command::new("diff");
    command
        .args(["--recursive", "--no-dereference", "--brief", "--"])
        .arg(wanted)
        .arg(found);
    bounded::run(
        &mut command,
        &format!("comparing what {who} gave back"),
        limit,
        cancelled,
    )
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_set_that_came_back_changed_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&a, &b] {
            fs::create_dir(path).expect("a folder");
            fs::write(path.join("pages-1.img"), [0; 5000]).expect("a file");
        }
        let limit = Duration::from_secs(20);
        same(&a, &b, "tar", limit, &NEVER).expect("the same");
        fs::write(b.join("pages-1.img"), [1; 5000]).expect("a file");
        same(&a, &b, "tar", limit, &NEVER).expect_err("another byte");
        fs::write(b.join("pages-1.img"), [0; 5000]).expect("a file");
        fs::write(b.join("more"), "").expect("a file");
        same(&a, &b, "tar", limit, &NEVER).expect_err("another file");
    }

    #[test]
    fn a_pipe_fails_where_one_of_its_programs_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let words = |script: &str| ["sh", "-c", script].map(Into::into).to_vec();
        let run = |name: &str, programs: &[Words]| {
            let ends = (End::Own, End::File(&folder.path().join(name)));
            pipe(programs, ends, folder.path(), Duration::from_secs(20), &NEVER)
        };
        if let Err(CriuError::Unavailable(reason)) = needs("time", "time") {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "pipes did not run: {reason}"
            );
            println!("NOT RUN: pipes: {reason}");
            return;
        }
        let spent = run("good", &[words("echo abc"), words("tr a-c A-C")]).expect("a pipe");
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
