//! Real processes: their memory is taken whole, and none of them is left.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use sealab_memory::{Capture, Workload, WorkloadError, capture};

/// Tells the re-executed test binary what to do: `hold:MARK`, where MARK also tells its processes apart.
const ROLE: &str = "SEALAB_MEMORY_TEST_ROLE";
const HELD: usize = 8 << 20;
/// Two pages of the test binary that the role maps privately; it changes the first one's first byte.
const FILE_AT: u64 = 1 << 20;

/// Not a test of its own: the process whose memory is taken. It fills 8 MiB with a pattern and waits.
#[test]
fn role() {
    let Ok(role) = env::var(ROLE) else { return };
    if let Some(yaml) = role.strip_prefix("capture:") {
        let _ = run(yaml, &AtomicBool::new(false));
        return;
    }
    let mut held: Vec<u8> = Vec::with_capacity(HELD);
    for page in 0..HELD / 4096 {
        held.extend_from_slice(&pattern(page, &role));
    }
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that is there.
    let reserved = unsafe {
        // As sanitizers and language runtimes do: 16 TiB of addresses, nothing of it resident.
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        mmap_anonymous(std::ptr::null_mut(), 1 << 44, ProtFlags::empty(), flags)
    };
    assert!(reserved.is_ok());
    let file = fs::File::open(env::current_exe().expect("this binary")).expect("open");
    // SAFETY: as above; nobody writes to the file of a running program.
    let mapped = unsafe {
        let (access, pages) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        mmap(std::ptr::null_mut(), 2 * 4096, access, pages, &file, FILE_AT)
    };
    let mapped = mapped.expect("mmap").cast::<u8>();
    // SAFETY: both bytes lie in the mapping, which is readable and writable and not shared with anybody.
    unsafe {
        mapped.write_volatile(!mapped.read_volatile());
        mapped.add(4096).read_volatile();
    }
    loop {
        thread::sleep(Duration::from_secs(600));
        std::hint::black_box(&held);
    }
}

fn pattern(page: usize, role: &str) -> [u8; 4096] {
    let mut bytes = [0; 4096];
    for (to, from) in bytes
        .iter_mut()
        .zip(format!("page {page} of {role}").bytes().cycle())
    {
        *to = from;
    }
    bytes
}

fn mark(name: &str) -> String {
    format!("{name}-{}", process::id())
}

/// The shell words that run this binary in a role.
fn in_role(role: &str) -> Vec<String> {
    let binary = env::current_exe().expect("this binary");
    [
        "env",
        &format!("{ROLE}={role}"),
        binary.to_str().expect("a path of text"),
        "--exact",
        "role",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn yaml(command: &[String], rest: &str) -> String {
    let command = serde_json::to_string(command).expect("words");
    format!("process: {{command: {command}, {rest}}}")
}

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

fn run(yaml: &str, cancelled: &AtomicBool) -> Result<Capture, WorkloadError> {
    match serde_saphyr::from_str(yaml).expect(yaml) {
        Workload::Process(process) => capture(&process, cancelled),
        other => panic!("{other}"),
    }
}

/// Processes that run (zombies do not) and whose command line or environment has `mark` in it.
fn running(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let path = entry.path();
        let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
        let dead = stat
            .rsplit(") ")
            .next()
            .is_some_and(|state| state.starts_with(['Z', 'X']));
        let marked = ["cmdline", "environ"].iter().any(|file| {
            let text = fs::read(path.join(file)).unwrap_or_default();
            memchr::memmem::find(&text, mark.as_bytes()).is_some()
        });
        if marked && !dead {
            found.push(stat);
        }
    }
    found
}

fn assert_none_is_left(mark: &str) {
    assert_eq!(running(mark), [""; 0]);
}

fn pages(capture: &Capture) -> HashSet<&[u8]> {
    capture.bytes.chunks_exact(capture.page_bytes).collect()
}

/// How many of the pattern's pages are in the capture; the allocator may place them at any offset within pages.
fn found(capture: &Capture, role: &str) -> usize {
    (0..HELD / 4096)
        .filter(|page| {
            let pattern = pattern(*page, role);
            memchr::memmem::find(&capture.bytes, &pattern[..2048]).is_some()
        })
        .count()
}

#[test]
fn the_memory_of_a_process_is_taken_whole() {
    let role = mark("hold:whole");
    let capture = run(&yaml(&in_role(&role), "settle: 1500ms"), &AtomicBool::new(false)).expect("capture");
    assert_none_is_left(&role);
    let held = HELD / 4096;
    // The pieces that straddle a gap between runs of pages may be missing; there are few.
    assert!(
        found(&capture, &role) >= held - 2,
        "{} of {held}",
        found(&capture, &role)
    );
    assert_eq!(capture.bytes.len() % capture.page_bytes, 0);
    assert_eq!(
        capture.taken_pages,
        (capture.bytes.len() / capture.page_bytes) as u64
    );
    assert_eq!(
        capture.resident_pages,
        capture.taken_pages + capture.unreadable_pages
    );
    assert_eq!(capture.pids.len(), 1);
    assert!(capture.regions > 3, "{}", capture.regions);
    // Of a private mapping of a file the changed page is the process's own, the other one the file's.
    let binary = fs::read(env::current_exe().expect("this binary")).expect("read");
    let (changed, unchanged) = binary[FILE_AT as usize..][..2 * 4096].split_at(4096);
    let mut changed = changed.to_vec();
    changed[0] = !changed[0];
    assert!(pages(&capture).contains(&changed[..]));
    assert!(!pages(&capture).contains(unchanged));
    let zero = vec![0; capture.page_bytes];
    let zeros = capture
        .bytes
        .chunks_exact(capture.page_bytes)
        .filter(|page| **page == zero[..])
        .count();
    assert_eq!(capture.zero_pages, zeros as u64);
}

#[test]
fn children_and_what_has_left_the_group_are_taken_and_killed_too() {
    let (child, daemon) = (mark("hold:child"), mark("hold:daemon"));
    let script = format!(
        "{} >/dev/null & (setsid {} >/dev/null & ) ; wait",
        in_role(&child).join(" "),
        in_role(&daemon).join(" ")
    );
    let command = words(&["sh", "-c", &script]);
    let capture = run(&yaml(&command, "settle: 2s"), &AtomicBool::new(false)).expect("capture");
    assert_none_is_left(&child);
    assert_none_is_left(&daemon);
    assert_eq!(capture.pids.len(), 3, "{:?}", capture.pids);
    for role in [&child, &daemon] {
        assert!(found(&capture, role) >= HELD / 4096 - 2, "{role}");
    }
}

#[test]
fn the_limit_holds() {
    let role = mark("hold:limit");
    let yaml = yaml(&in_role(&role), "settle: 1s, limit: 1000000");
    let capture = run(&yaml, &AtomicBool::new(false)).expect("capture");
    assert_none_is_left(&role);
    assert_eq!(
        capture.bytes.len(),
        1_000_000 / capture.page_bytes * capture.page_bytes
    );
    assert!(capture.resident_pages > capture.taken_pages + 1000);
    let workload: Workload = serde_saphyr::from_str(&yaml).expect("yaml");
    let prepared = workload.prepare(&AtomicBool::new(false)).expect("prepare");
    let mut out = vec![0; prepared.len()];
    prepared.write_to(&mut out).expect("write");
    assert_eq!(out, prepared.capture().expect("capture").bytes);
    assert!(
        prepared.notes()[1].starts_with("the limit left out "),
        "{:?}",
        prepared.notes()
    );
    assert_none_is_left(&role);
}

#[test]
fn a_program_that_ends_is_told_with_its_last_words() {
    let mark = mark("ends");
    let script = format!(
        "sleep 600.{} & seq 100000 >&2; echo no memory for {mark} >&2; exit 3",
        process::id()
    );
    let error = run(
        &yaml(&words(&["sh", "-c", &script]), "settle: 1min"),
        &AtomicBool::new(false),
    )
    .expect_err("the program ends");
    let text = error.to_string();
    for said in [
        "sh ended with exit status 3",
        "after 60s",
        "100000 | no memory for",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(text.len() < 2600, "{}", text.len());
    assert_none_is_left(&mark);
    assert_none_is_left(&format!("600.{}", process::id()));
    let error = run(
        &yaml(&words(&["sh", "-c", "kill -9 $$"]), "settle: 1min"),
        &AtomicBool::new(false),
    );
    let text = error.expect_err("killed").to_string();
    assert!(text.contains("sh ended with signal 9 before"), "{text}");
    let long = words(&["sh", "-c", "head -c 99999 /dev/zero | tr '\\0' x >&2; exit 4"]);
    let error = run(&yaml(&long, "settle: 1min"), &AtomicBool::new(false)).expect_err("ends");
    let words = error.to_string();
    assert!(words.contains("status 4") && words.contains("xxx"), "{words}");
    assert!(words.len() < 2600, "{}", words.len());
}

#[test]
fn a_program_that_cannot_be_started_is_told() {
    let say = |program: &str| {
        let error = run(&yaml(&words(&[program]), "settle: 1s"), &AtomicBool::new(false));
        error.expect_err(program).to_string()
    };
    assert_eq!(
        say("no-such-program-of-sealab"),
        "no-such-program-of-sealab is not installed, or is not on the PATH"
    );
    let directory = tempfile::tempdir().expect("tempdir");
    let plain = directory.path().join("plain");
    fs::write(&plain, "not a program").expect("write");
    assert!(say(plain.to_str().expect("text")).contains("plain cannot be started: "));
    let lost = directory.path().join("memhog");
    assert!(say(lost.to_str().expect("text")).ends_with("memhog is not installed (Debian package numactl)"));
}

#[test]
fn cancelling_ends_the_wait_and_the_program() {
    let role = mark("hold:cancel");
    let yaml = yaml(&in_role(&role), "settle: 5min");
    let (cancelled, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while running(&role).is_empty() && !ended.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
            cancelled.store(true, Ordering::Relaxed);
        });
        let result = run(&yaml, &cancelled);
        ended.store(true, Ordering::Relaxed);
        let error = result.expect_err("cancelled");
        assert!(matches!(error, WorkloadError::Cancelled), "{error}");
    });
    assert_none_is_left(&role);
}

#[test]
fn the_program_dies_with_the_lab() {
    let (role, child) = (mark("hold:orphan"), mark("hold:orphans-child"));
    // The kernel kills the program; its child is what is easily forgotten.
    let script = format!(
        "{} >/dev/null & exec {}",
        in_role(&child).join(" "),
        in_role(&role).join(" ")
    );
    let inner = yaml(&words(&["sh", "-c", &script]), "settle: 5min");
    let mut lab = process::Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", "role"])
        .env(ROLE, format!("capture:{inner}"))
        .stdout(process::Stdio::null())
        .spawn()
        .expect("spawn");
    // The lab has the roles' words in its environment too; the subjects have one each as their own role.
    for role in [&role, &child] {
        let variable = format!("{ROLE}={role}\0");
        while running(&variable).is_empty() {
            let ended = lab.try_wait().expect("wait");
            assert!(ended.is_none(), "the lab ended: {ended:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
    lab.kill().expect("kill");
    lab.wait().expect("wait");
    // The signals may take a moment; a minute is none.
    let mut looks = 0;
    for role in [&role, &child] {
        while !running(role).is_empty() {
            looks += 1;
            assert!(looks < 6000, "{:?}", running(role));
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether `program` of Debian's `package` is installed; says so if it is not, and fails in CI.
fn installed(program: &str, package: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        let ci = env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "{program} is not installed (Debian package {package})");
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {program} is not installed (Debian package {package})"
        );
    }
    there
}

#[test]
fn memhog_itself() {
    if !installed("memhog", "numactl") {
        return;
    }
    let command = words(&["memhog", "-r999999999", "24M"]);
    let capture = run(&yaml(&command, "settle: 1s"), &AtomicBool::new(false)).expect("capture");
    let full = vec![0xff; capture.page_bytes];
    let written = capture
        .bytes
        .chunks_exact(capture.page_bytes)
        .filter(|page| **page == full[..])
        .count();
    // It is stopped in some round of writing the same bytes again.
    assert!(written * capture.page_bytes >= 24 << 20, "{written} pages");
    assert!(
        capture.taken_pages < (32 << 20) / capture.page_bytes as u64,
        "{}",
        capture.taken_pages
    );
}

#[test]
fn stress_ng_itself() {
    if !installed("stress-ng", "stress-ng") {
        return;
    }
    let command = words(&[
        "stress-ng",
        "--vm",
        "1",
        "--vm-bytes",
        "24M",
        "--vm-method",
        "rand-set",
        "--vm-keep",
    ]);
    let capture = run(&yaml(&command, "settle: 2s"), &AtomicBool::new(false)).expect("capture");
    assert!(capture.pids.len() > 1, "{:?}", capture.pids);
    for pid in &capture.pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
    // Words of one byte repeated, as the manual says of rand-set.
    let like_rand_set = |page: &&[u8]| {
        page.iter().any(|byte| *byte != page[0])
            && page
                .chunks_exact(8)
                .all(|word| word.iter().all(|byte| *byte == word[0]))
    };
    let written = capture
        .bytes
        .chunks_exact(capture.page_bytes)
        .filter(like_rand_set)
        .count();
    assert!(written * capture.page_bytes >= 20 << 20, "{written} pages");
}
