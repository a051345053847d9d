//! Sealed logs: their counters, what happens when a server is killed or the disk is full, and what is refused.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::place::{Place, SIZE, Served, content, done, has, nbdcopy, refused, sealab, text};

/// The cheapest key derivation that there is.
const CHEAP: [&str; 4] = ["--iterations", "4", "--pbkdf-memory", "32KiB"];
const PATIENCE: Duration = Duration::from_secs(60);
const WRONG: &str = "sealab: no key is available with this passphrase\n";

/// A log in `log` with its counter in `counter`.
struct Log {
    place: Place,
    file: String,
    pass: String,
    counter: String,
}

impl Log {
    fn new(size: &str) -> Self {
        let place = Place::new();
        let log = Self {
            file: place.text("log"),
            pass: place.text("pass"),
            counter: format!("file:{}", place.text("counter")),
            place,
        };
        let output = sealab(&log.creating(&["--size", size, "--counter", &log.counter]));
        assert_eq!(
            (output.status.code(), &*text(&output.stderr)),
            (Some(0), ""),
            "{}",
            text(&output.stderr)
        );
        log
    }

    fn creating<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["create", &self.file, "--format", "sealed-log"];
        arguments.extend(["--passphrase-file", &self.pass]);
        arguments.extend(CHEAP);
        arguments.extend(more);
        arguments
    }

    /// `sealab volume check` with every block.
    fn checking<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["check", &self.file, "--all", "--passphrase-file", &self.pass];
        arguments.extend(more);
        arguments
    }

    fn check(&self) {
        let said = done(&self.checking(&["--counter", &self.counter]));
        assert!(
            said.contains("the header holds") && said.contains("every block can be read"),
            "{said}"
        );
    }

    fn serve(&self, more: &[&str]) -> Served {
        let mut arguments = vec!["--passphrase-file", &self.pass, "--counter", &self.counter];
        arguments.extend(more);
        self.place.serve("log", &arguments)
    }

    /// What a client reads of it.
    fn content(&self) -> Vec<u8> {
        let served = self.serve(&["--read-only"]);
        nbdcopy(&served.uri, &self.place.text("back"));
        served.end();
        let back = fs::read(self.place.path("back")).unwrap();
        fs::remove_file(self.place.path("back")).unwrap();
        back
    }

    /// Has a client write `content` from the beginning on, and flush it.
    fn write(&self, content: &[u8]) {
        fs::write(self.place.path("content"), content).unwrap();
        let served = self.serve(&[]);
        nbdcopy(&self.place.text("content"), &served.uri);
        served.end();
    }

    fn counted(&self) -> u64 {
        let number = fs::read_to_string(self.place.path("counter")).unwrap();
        number.trim().parse().unwrap()
    }
}

/// qemu-io with these commands on what is served.
fn qemu_io(served: &Served, commands: &[String]) -> Child {
    let mut qemu_io = Command::new("qemu-io");
    for command in commands {
        qemu_io.args(["-c", command]);
    }
    qemu_io
        // Writes without FUA, so that only a flush is one.
        .args(["-t", "writeback", "-f", "raw", &served.uri])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The one line of warning of a command that does what it is asked.
fn warned(arguments: &[&str]) -> String {
    refused(arguments, 0)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_log_is_made_served_checked_and_shown() {
    if !has("nbdcopy", "libnbd-bin") {
        return;
    }
    let log = Log::new("16MiB");
    assert_eq!(log.counted(), 0);
    log.write(&content());
    assert!(log.counted() >= 2, "a session and a flush are not counted");
    assert!(log.content().starts_with(&content()));
    log.check();

    let shown: Value = serde_json::from_str(&done(&["show", &log.file, "--json"])).unwrap();
    let volume = shown["volume_bytes"].as_u64().unwrap();
    assert_eq!(
        (shown["format"].as_str(), shown["counted"].as_bool()),
        (Some("sealed-log"), Some(true))
    );
    assert_eq!(volume, log.content().len() as u64);
    assert_eq!(shown["keyslots"], serde_json::json!([0]));
    assert_eq!(shown["headers"][1]["offset"], 4096);
    assert_eq!(
        shown["log"]["offset"].as_u64().unwrap() + shown["log"]["bytes"].as_u64().unwrap(),
        16 << 20
    );
    let lines = done(&["show", &log.file]);
    for part in [
        "sealed log",
        &volume.to_string(),
        "counts its commits",
        shown["uuid"].as_str().unwrap(),
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    let served = log.serve(&["--index-memory", "1MiB", "--direct"]);
    nbdcopy(&log.place.text("content"), &served.uri);
    served.end();
    log.check();
}

#[test]
fn an_older_state_is_refused_unless_that_is_accepted() {
    if !has("nbdcopy", "libnbd-bin") {
        return;
    }
    let log = Log::new("16MiB");
    log.write(&content());
    let old = fs::read(&log.file).unwrap();
    log.write(&[7; SIZE]);
    log.check();
    fs::write(&log.file, old).unwrap();
    let message = refused(&log.checking(&["--counter", &log.counter]), 1);
    assert!(message.contains("an older state was put back"), "{message}");
    let mut serve = vec!["serve", &log.file, "--passphrase-file", &log.pass];
    let socket = log.place.text("socket");
    serve.extend(["--socket", &socket, "--counter", &log.counter]);
    assert!(refused(&serve, 1).contains("an older state was put back"));

    let message = refused(&log.checking(&[]), 2);
    assert!(message.contains("none was given"), "{message}");
    assert_eq!(refused(&log.checking(&["--counter", "none"]), 2), message);
    let message = warned(&log.checking(&["--accept-rollback"]));
    assert!(
        message.contains("whether an older state was put back"),
        "{message}"
    );
    let arguments = ["--passphrase-file", &log.pass, "--accept-rollback", "--read-only"];
    let served = log.place.serve("log", &arguments);
    nbdcopy(&served.uri, &log.place.text("back"));
    served.end();
    assert!(fs::read(log.place.path("back")).unwrap().starts_with(&content()));
}

#[test]
fn only_its_own_counter_opens_a_log_and_one_opener_at_a_time() {
    if !has("nbdcopy", "libnbd-bin") {
        return;
    }
    let log = Log::new("16MiB");
    log.write(&content());
    let other = format!("file:{}", log.place.text("other"));
    assert!(refused(&log.checking(&["--counter", &other]), 2).contains("other"));
    fs::write(log.place.path("other"), "0\n").unwrap();
    let message = refused(&log.checking(&["--counter", &other]), 2);
    assert!(message.contains("another volume's counter"), "{message}");
    let output = sealab(&log.checking(&["--counter", "nowhere:x"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("tpm:DEVICE,INDEX"));

    let served = log.serve(&[]);
    let copy = log.place.text("copy");
    fs::copy(&log.file, &copy).unwrap();
    let message = refused(&log.checking(&["--counter", &log.counter]), 2);
    assert!(message.contains("another program has it open"), "{message}");
    let second = [
        "check",
        &copy,
        "--passphrase-file",
        &log.pass,
        "--counter",
        &log.counter,
    ];
    let message = refused(&second, 2);
    assert!(
        message.contains("another process has this counter open"),
        "{message}"
    );
    served.end();
    log.check();

    // It has no counter, and takes none.
    fs::remove_file(&log.file).unwrap();
    let message = warned(&log.creating(&["--size", "16MiB", "--counter", "none"]));
    assert!(message.contains("no freshness"), "{message}");
    done(&log.checking(&[]));
    done(&log.checking(&["--counter", "none"]));
    let message = refused(&log.checking(&["--counter", &other]), 2);
    assert!(message.contains("without a counter"), "{message}");
    assert!(done(&["show", &log.file]).contains("none: an older state"));
}

#[test]
fn what_does_not_belong_to_a_log_is_refused_and_nothing_is_left() {
    let place = Place::new();
    let [file, pass, counter] = ["log", "pass", "counter"].map(|name| place.text(name));
    let counter = format!("file:{counter}");
    let log = Log {
        place,
        file,
        pass,
        counter,
    };
    let before = log.place.names();
    let wanted = ["--size", "16MiB", "--counter", log.counter.as_str()];
    for (more, said) in [
        (vec!["--sector-size", "4096"], "--sector-size"),
        (vec!["--cipher", "aes-xts"], "--cipher"),
        (vec!["--integrity", "aead"], "--integrity"),
        (vec!["--label", "mine"], "--label"),
        (vec!["--header", "header"], "--header"),
        (vec!["--pbkdf", "pbkdf2"], "pbkdf"),
    ] {
        let mut arguments = wanted.to_vec();
        arguments.extend(more);
        let mut arguments = log.creating(&arguments);
        if said == "pbkdf" {
            arguments.retain(|word| !CHEAP[2..].contains(word));
        }
        let message = refused(&arguments, 2);
        assert!(message.contains(said), "{message}");
        assert_eq!(log.place.names(), before, "{said}");
    }
    for (more, said) in [
        (vec!["--size", "16MiB"], "--counter"),
        (vec!["--counter", &log.counter], "--size"),
        (vec!["--size", "64KiB", "--counter", &log.counter], "at least"),
        (
            vec!["--size", "16MiB", "--counter", "file:/nowhere/at/all"],
            "/nowhere",
        ),
        (
            vec!["--size", "16MiB", "--counter", "tpm:/dev/null,0x01800001"],
            "auth=FILE",
        ),
    ] {
        let message = refused(&log.creating(&more), 2);
        assert!(message.contains(said), "{message}");
        assert_eq!(log.place.names(), before, "{said}");
    }
    let arguments = log.creating(&wanted);
    done(&arguments);
    for (more, said) in [
        (vec!["--header", "header"], "--header"),
        (vec!["--root-hash", "00"], "--root-hash"),
        (vec!["--integrity-no-journal"], "--integrity-no-journal"),
        (vec!["--repair"], "--repair"),
    ] {
        let mut arguments = vec!["--format", "sealed-log", "--counter", &log.counter];
        arguments.extend(more);
        let message = refused(&log.checking(&arguments), 2);
        assert!(message.contains(said), "{message}");
    }
    let socket = log.place.text("socket");
    let mut serve = vec![
        "serve",
        &log.file,
        "--passphrase-file",
        &log.pass,
        "--socket",
        &socket,
    ];
    serve.extend(["--counter", &log.counter, "--allow-discards"]);
    assert!(refused(&serve, 2).contains("--allow-discards"));

    // A demand for freshness that the format cannot meet is not passed over.
    let plain = log.place.text("plain");
    let mut create = vec!["create", &plain, "--format", "plain", "--size", "1MiB"];
    create.extend(["--counter", &log.counter]);
    assert!(refused(&create, 2).contains("--counter"));
    create.truncate(6);
    done(&create);
    for more in [vec!["--counter", &log.counter], vec!["--accept-rollback"]] {
        let mut check = vec!["check", &plain, "--format", "plain"];
        check.extend(more);
        assert!(refused(&check, 2).contains("--counter"));
    }
    let mut serve = vec!["serve", &plain, "--format", "plain", "--socket", &socket];
    serve.extend(["--index-memory", "1MiB"]);
    assert!(refused(&serve, 2).contains("--index-memory"));
}

#[test]
fn a_counter_that_is_there_is_taken_and_said_so() {
    let log = Log::new("16MiB");
    fs::remove_file(&log.file).unwrap();
    fs::write(log.place.path("counter"), "41\n").unwrap();
    let wanted = ["--size", "16MiB", "--counter", log.counter.as_str()];
    let message = warned(&log.creating(&wanted));
    assert!(message.contains("was there already"), "{message}");
    log.check();
    // It is not ours to remove when the making fails.
    let too_small = ["--size", "64KiB", "--counter", log.counter.as_str()];
    fs::remove_file(&log.file).unwrap();
    let output = sealab(&log.creating(&too_small));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(log.counted(), 41);
    assert!(!Path::new(&log.file).exists());
}

#[test]
fn keys_are_added_and_removed() {
    let log = Log::new("16MiB");
    fs::write(log.place.path("other"), "another").unwrap();
    let other = log.place.text("other");
    let mut add = vec!["add-key", &log.file, "--passphrase-file", &log.pass];
    add.extend(["--new-passphrase-file", &other]);
    add.extend(CHEAP);
    assert!(done(&add).contains("keyslot 1"));
    let opens = |key: &str| {
        sealab(&[
            "check",
            &log.file,
            "--passphrase-file",
            key,
            "--counter",
            &log.counter,
        ])
        .status
        .code()
    };
    assert_eq!((opens(&log.pass), opens(&other)), (Some(0), Some(0)));
    let remove = |key: &str, keyslot: &str| {
        [
            "remove-key",
            &log.file,
            "--passphrase-file",
            key,
            "--keyslot",
            keyslot,
        ]
        .map(str::to_owned)
    };
    let call = |arguments: [String; 6], code: i32| {
        let arguments = arguments.each_ref().map(String::as_str);
        refused(&arguments, code)
    };
    assert!(call(remove(&log.pass, "0"), 2).contains("another keyslot"));
    assert_eq!(call(remove(&other, "0"), 0), "");
    assert_eq!((opens(&log.pass), opens(&other)), (Some(2), Some(0)));
    let [wrong, more] = [remove(&log.pass, "1"), remove(&log.pass, "0")];
    assert_eq!(
        (call(wrong, 2), call(more, 2)),
        (WRONG.to_owned(), WRONG.to_owned())
    );
    assert_eq!(refused(&log.checking(&["--counter", &log.counter]), 2), WRONG);
    assert_eq!(refused(&add, 2), WRONG);
    let shown: Value = serde_json::from_str(&done(&["show", &log.file, "--json"])).unwrap();
    assert_eq!(shown["keyslots"], serde_json::json!([1]));
}

#[test]
fn what_was_changed_is_told() {
    if !has("nbdcopy", "libnbd-bin") {
        return;
    }
    let log = Log::new("16MiB");
    log.write(&content());
    let whole = fs::read(&log.file).unwrap();
    let shown: Value = serde_json::from_str(&done(&["show", &log.file, "--json"])).unwrap();
    let offset = |part: &Value| part["offset"].as_u64().unwrap() as usize;
    let check = log.checking(&["--counter", &log.counter]);
    let changed = |places: &[usize]| {
        let mut bytes = whole.clone();
        for place in places {
            bytes[*place] ^= 1;
        }
        fs::write(&log.file, bytes).unwrap();
        let output = sealab(&check);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    // The magic of the first copy; then something behind it; then both.
    for (places, part) in [
        (vec![0], "first copy of the header is broken"),
        (vec![4096 + 1050], "differ"),
        (vec![47, 4096 + 47], "header"),
        (vec![3000, 4096 + 3000], "header was changed"),
        (
            vec![
                offset(&shown["superblocks"][0]) + 40,
                offset(&shown["superblocks"][1]) + 40,
            ],
            "neither superblock",
        ),
    ] {
        let (code, said) = changed(&places);
        // What is no header at all is a wrong file rather than a changed one.
        assert_eq!(
            code,
            Some(if places[0] == 47 { 2 } else { 1 }),
            "{places:?}: {said}"
        );
        assert!(said.contains(part), "{said}");
    }
    // A block of what was written, of which there is much.
    let log_begin = offset(&shown["log"]);
    let used = (log_begin..whole.len()).step_by(4096);
    let used: Vec<usize> = used.filter(|at| whole[*at..*at + 4096] != [0; 4096]).collect();
    assert!(used.len() >= SIZE / 4096);
    let (code, said) = changed(&[used[100] + 9]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not authentic"), "{said}");
    assert_eq!(changed(&[]).0, Some(0));
}

#[test]
fn what_was_flushed_outlives_a_server_that_is_killed() {
    if !has("nbdcopy", "libnbd-bin") || !has("qemu-io", "qemu-utils") {
        return;
    }
    let log = Log::new("64MiB");
    // One flush after another.
    const PIECE: usize = 64 << 10;
    let served = log.serve(&[]);
    let opened = log.counted();
    let commands: Vec<String> = (1..=250)
        .flat_map(|number| [format!("write -P {number} 0 {PIECE}"), "flush".to_owned()])
        .collect();
    let mut writer = qemu_io(&served, &commands);
    until("nothing is flushed", || log.counted() >= opened + 20);
    let flushed = log.counted() - opened;
    assert!(
        writer.try_wait().unwrap().is_none(),
        "it was not killed in the midst"
    );
    drop(served);
    writer.wait().unwrap();
    log.check();
    let back = log.content();
    assert!(u64::from(back[0]) >= flushed, "{} after {flushed}", back[0]);
    assert!(
        back[..PIECE].iter().all(|byte| *byte == back[0]),
        "a flush is there in part"
    );

    // Much without a flush, over what was flushed.
    log.write(&content());
    let served = log.serve(&[]);
    let file = File::open(&log.file).unwrap();
    let allocated = || file.metadata().unwrap().blocks() * 512;
    let before = allocated();
    let mut writer = qemu_io(&served, &vec![format!("write -P 9 0 {SIZE}"); 2000]);
    until("nothing is written", || allocated() > before + (4 << 20));
    assert!(
        writer.try_wait().unwrap().is_none(),
        "it was not killed in the midst"
    );
    drop(served);
    writer.wait().unwrap();
    log.check();
    assert!(log.content().starts_with(&content()));
}

/// A small file system of its own, gone with its test.
struct Disk(PathBuf);

impl Disk {
    fn new(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=12M", "none"])
            .arg(&folder)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "a tmpfs cannot be mounted"
        );
        println!("NOT RUN: a tmpfs cannot be mounted, which only root may do");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_flushed_stays() {
    if !has("nbdcopy", "libnbd-bin") || !has("qemu-io", "qemu-utils") {
        return;
    }
    let place = Place::new();
    let Some(disk) = Disk::new(place.path("disk")) else {
        return;
    };
    let log = Log {
        file: place.text("disk/log"),
        pass: place.text("pass"),
        counter: format!("file:{}", place.text("counter")),
        place,
    };
    done(&log.creating(&["--size", "64MiB", "--counter", &log.counter]));
    let serve = |more: &[&str]| {
        let mut arguments = vec!["--passphrase-file", &log.pass, "--counter", &log.counter];
        arguments.extend(more);
        log.place.serve("disk/log", &arguments)
    };
    let back = |served: &Served| {
        nbdcopy(&served.uri, &log.place.text("back"));
        let back = fs::read(log.place.path("back")).unwrap();
        assert!(back.starts_with(&content()));
    };
    fs::write(log.place.path("content"), content()).unwrap();
    let served = serve(&[]);
    nbdcopy(&log.place.text("content"), &served.uri);
    served.end();
    let served = serve(&[]);
    let filler = disk.0.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let write = ["write -P 9 8M 4M".to_owned(), "flush".to_owned()];
    assert!(
        !qemu_io(&served, &write).wait().unwrap().success(),
        "4 MiB went onto a full disk"
    );
    back(&served);
    assert_eq!(served.ended(), Some(2));
    drop(file);
    fs::remove_file(&filler).unwrap();
    log.check();
    let served = serve(&[]);
    assert!(qemu_io(&served, &write).wait().unwrap().success());
    back(&served);
    served.end();
    log.check();
}

#[test]
fn a_counter_in_a_tpm_is_made_and_counts() {
    if !has("nbdcopy", "libnbd-bin") || !has("swtpm", "swtpm") {
        return;
    }
    struct Running(Child);
    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let place = Place::new();
    let [tpm, auth] = ["tpm", "auth"].map(|name| place.text(name));
    fs::create_dir(place.path("state")).unwrap();
    let running = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
        .args(["--tpmstate", &format!("dir={}", place.text("state"))])
        .args(["--ctrl", &format!("type=unixio,path={tpm}.ctrl")])
        .args(["--server", &format!("type=unixio,path={tpm}")])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(running);
    until("swtpm does not come up", || Path::new(&tpm).exists());
    let log = Log {
        file: place.text("log"),
        pass: place.text("pass"),
        counter: format!("swtpm:{tpm},0x01800001,auth={auth}"),
        place,
    };
    done(&log.creating(&["--size", "16MiB", "--counter", &log.counter]));
    assert_eq!(fs::metadata(&auth).unwrap().len(), 32);
    log.write(&content());
    let old = fs::read(&log.file).unwrap();
    log.write(&[7; SIZE]);
    log.check();
    fs::write(&log.file, old).unwrap();
    let message = refused(&log.checking(&["--counter", &log.counter]), 1);
    assert!(message.contains("an older state was put back"), "{message}");
    // The same counter for another volume.
    fs::remove_file(&log.file).unwrap();
    let wanted = ["--size", "16MiB", "--counter", log.counter.as_str()];
    let message = warned(&log.creating(&wanted));
    assert!(message.contains("was there already"), "{message}");
    log.check();
}
