//! Real programs, dumped and restored by the real CRIU.

use std::env;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sealab_checkpoint::image::{Found, Kind, Memory, Place, Set, pagemaps, rewrite};
use sealab_criu::{Criu, CriuError, Program, Subject, Unavailable};

static NEVER: AtomicBool = AtomicBool::new(false);

/// The CRIU of this machine; says so where a test cannot run, which is a failure with `CI=true`.
fn criu(test: &str) -> Option<Criu> {
    match Criu::find() {
        Ok(criu) => Some(criu.with_mixture([mixture()])),
        Err(reason) => not_run(test, &reason),
    }
}

fn not_run<T>(test: &str, reason: &Unavailable) -> Option<T> {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: {reason}"
    );
    println!("NOT RUN: {test}: {reason}");
    None
}

/// The example `mixture`, which cargo builds with the tests.
fn mixture() -> PathBuf {
    let test = env::current_exe().expect("this program");
    let folder = test.parent().and_then(Path::parent).expect("the target folder");
    let program = folder.join("examples/mixture");
    assert!(
        program.exists(),
        "{} is missing: cargo builds it with all tests",
        program.display()
    );
    program
}

fn subject(program: Program, mebibytes: u64) -> Subject {
    Subject::new(program, format!("{mebibytes}MiB").parse().expect("a size"))
}

/// Every file with its bytes.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the set")
        .map(|entry| {
            let path = entry.expect("a file").path();
            (
                path.display()
                    .to_string()
                    .replace(&folder.display().to_string(), ""),
                fs::read(path).expect("its bytes"),
            )
        })
        .collect();
    files.sort();
    files
}

/// Reads all of a set; returns how many bytes of memory it holds.
fn walk(images: &Path) -> u64 {
    let set = Set::open(images).expect("a set");
    for member in set.members() {
        let mut same = Vec::new();
        rewrite(set.read(&member.name).expect(&member.name), &mut same).expect(&member.name);
        assert!(
            same == fs::read(images.join(&member.name)).expect("the file"),
            "{}",
            member.name
        );
    }
    for kind in [Kind::Inventory, Kind::Pstree, Kind::Core, Kind::Mm] {
        assert!(set.members().iter().any(|member| member.kind == kind), "{kind:?}");
    }
    let names: Vec<String> = pagemaps(&set).map(str::to_owned).collect();
    let chain = set.chain().expect("no parents");
    let mut bytes = 0;
    for name in names {
        let mut memory = Memory::open(&chain, &name).expect(&name);
        for extent in memory.extents().to_vec() {
            let Place::Stored(stored) = &extent.place else {
                continue;
            };
            bytes += stored.bytes;
            let mut page = [0; 4096];
            assert_eq!(
                memory.page(extent.address, &mut page).expect("a page"),
                Found::In(0)
            );
        }
    }
    bytes
}

fn lives_again(program: Program, mebibytes: u64) {
    let Some(criu) = criu(program.id()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let subject = subject(program, mebibytes);
    let mut frozen = match criu.dump(&subject, &images, &NEVER) {
        Err(CriuError::Unavailable(reason)) => return not_run(&subject.to_string(), &reason).unwrap_or(()),
        other => other.expect("a dump"),
    };
    let dumped = contents(&images);
    for file in fs::read_dir(&images).expect("the set").flatten() {
        assert_eq!(
            file.metadata().expect("a file").uid(),
            0,
            "{:?}",
            file.file_name()
        );
    }
    let memory = walk(&images);
    assert!(memory >= mebibytes << 20, "{memory} bytes");
    let progress = frozen
        .restore(&images, &NEVER)
        .expect("a restore")
        .goes_on(&NEVER)
        .expect("progress");
    println!("{subject}: {} MiB of memory; {}", memory >> 20, progress.0);

    let copy = folder.path().join("copy");
    fs::create_dir(&copy).expect("a folder");
    for (name, bytes) in &dumped {
        fs::write(copy.join(name.trim_start_matches('/')), bytes).expect("a file");
    }
    let progress = frozen
        .restore(&copy, &NEVER)
        .expect("a restore")
        .goes_on(&NEVER)
        .expect("progress");
    println!("{subject}, a copy: {}", progress.0);
    assert!(
        contents(&images) == dumped && contents(&copy) == dumped,
        "restoring changes a set"
    );
}

#[test]
fn memhog_lives_again() {
    lives_again(Program::Memhog, 32);
}

#[test]
fn stress_ng_lives_again() {
    lives_again(Program::StressNg, 32);
}

#[test]
fn redis_lives_again() {
    lives_again(Program::RedisServer, 16);
}

#[test]
fn postgres_lives_again() {
    lives_again(Program::Postgres, 16);
}

#[test]
fn mixture_lives_again() {
    lives_again(Program::Mixture, 24);
}

/// The check of the restored program can fail: it sees one changed byte of 24 MiB.
#[test]
fn a_changed_page_is_no_going_on() {
    let Some(criu) = criu("a changed page") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let mut frozen = criu
        .dump(&subject(Program::Mixture, 24), &images, &NEVER)
        .expect("a dump");
    let chain = Set::open(&images).expect("a set").chain().expect("no parents");
    let name = format!("pagemap-{}.img", frozen.pid());
    let memory = Memory::open(&chain, &name).expect("the memory");
    let mut longest = memory.extents().to_vec();
    longest.retain(|extent| matches!(extent.place, Place::Stored(_)));
    longest.sort_by_key(|extent| extent.pages);
    let Some(Place::Stored(stored)) = longest.last().map(|extent| &extent.place) else {
        panic!("no stored page")
    };
    let pages = fs::File::options()
        .read(true)
        .write(true)
        .open(images.join("pages-1.img"))
        .expect("pages");
    let (offset, mut byte) = (stored.offset + stored.bytes / 2 + 100, [0]);
    pages.read_exact_at(&mut byte, offset).expect("a byte");
    pages.write_all_at(&[byte[0] ^ 1], offset).expect("a byte");
    let mut thawed = frozen
        .restore(&images, &NEVER)
        .expect("CRIU does not check pages");
    let error = thawed.goes_on(&NEVER).expect_err("a changed byte");
    assert!(error.to_string().contains("changed memory"), "{error}");
}

#[test]
fn a_set_without_its_pages_is_refused_with_criu_s_reason() {
    let Some(criu) = criu("a set without pages") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    let mut frozen = criu
        .dump(&subject(Program::Mixture, 1), &images, &NEVER)
        .expect("a dump");
    fs::remove_file(images.join("pages-1.img")).expect("the pages");
    let Err(CriuError::Failed { what, message, .. }) = frozen.restore(&images, &NEVER).map(|_| ()) else {
        panic!("restored without pages")
    };
    assert_eq!(what, "criu restore");
    assert!(message.contains("pages"), "{message}");
}

#[test]
fn a_folder_that_exists_is_not_written_to() {
    let Some(criu) = criu("an existing folder") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let error = criu
        .dump(&subject(Program::Memhog, 1), folder.path(), &NEVER)
        .map(|_| ())
        .expect_err("exists");
    assert!(
        error
            .to_string()
            .starts_with(&folder.path().display().to_string()),
        "{error}"
    );
}

/// What another process of this test does; it prints the result.
#[test]
#[ignore = "started by other tests"]
fn helper() {
    let result = Criu::find().map_err(CriuError::from).and_then(|criu| {
        let images = env::var_os("SEALAB_TEST_IMAGES")
            .map(PathBuf::from)
            .expect("a folder");
        let criu = criu.with_mixture([mixture()]);
        let mut frozen = criu.dump(&subject(Program::Mixture, 64), &images, &NEVER)?;
        loop {
            frozen.restore(&images, &NEVER)?.goes_on(&NEVER)?;
        }
    });
    let Err::<(), _>(error) = result else { return };
    println!("RESULT: {error}");
}

fn helper_command(folder: &Path) -> Command {
    // A test run in the background of a shell ignores Ctrl-C, and so would what it starts.
    let mut command = Command::new("env");
    command
        .arg("--default-signal=INT")
        .arg(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "helper", "--nocapture"])
        .env("TMPDIR", folder)
        .env("SEALAB_TEST_IMAGES", folder.join("images"));
    command
}

/// Waits until `wanted` holds; that it takes too long is a failure.
fn await_that(what: &str, wanted: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !wanted() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The command lines of all processes that name the folder.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = processes.map(|entry| fs::read(entry.path().join("cmdline")).unwrap_or_default());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(&folder)).collect()
}

fn leaves_nothing(signal: Signal, moment: impl Fn(&Path) -> bool) {
    let Some(_) = criu("what is left behind") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut helper = helper_command(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the helper");
    let parts = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("the folder").flatten();
        entries.filter(|entry| entry.file_name() != "images").count()
    };
    await_that("the moment to kill the helper", || moment(folder.path()));
    assert!(parts(folder.path()) > 0, "nothing to be left");
    let pid = Pid::from_child(&helper);
    kill_process(pid, signal).expect("the helper");
    helper.wait().expect("its end");
    await_that("files are left", || parts(folder.path()) == 0);
    await_that("processes are left", || processes(folder.path()).is_empty());
}

/// Whether the program is there, in the stage before or after the dump.
fn program_lives(folder: &Path) -> bool {
    let program = mixture().display().to_string();
    processes(folder).iter().any(|line| line.starts_with(&program))
}

#[test]
fn ctrl_c_while_the_program_is_dumped_leaves_nothing() {
    leaves_nothing(Signal::INT, |folder| {
        program_lives(folder) && !folder.join("images").exists()
    });
}

#[test]
fn a_kill_while_the_program_lives_again_leaves_nothing() {
    leaves_nothing(Signal::KILL, |folder| {
        folder.join("images").exists() && program_lives(folder)
    });
}

#[test]
fn a_cancelled_dump_leaves_nothing() {
    let Some(criu) = criu("a cancelled dump") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let cancelled = AtomicBool::new(false);
    let images = folder.path().join("images");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            cancelled.store(true, Ordering::Relaxed);
        });
        let result = criu.dump(&subject(Program::Memhog, 16384), &images, &cancelled);
        assert!(
            matches!(result, Err(CriuError::Interrupted)),
            "{:?}",
            result.map(|_| ())
        );
    });
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn what_is_missing_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |command: &mut Command| {
        let output = command.output().expect("the helper");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let no_criu = told(helper_command(folder.path()).env("SEALAB_CRIU", "/bin/false"));
    if rustix::process::geteuid().is_root() {
        assert!(
            no_criu.contains("RESULT: no CRIU that works here (/bin/false:"),
            "{no_criu}"
        );
    } else {
        assert!(no_criu.contains("RESULT: not root"), "{no_criu}");
    }
}
