//! Real clients: what they write arrives, what they read is right, and the kernel's file systems live on it.

mod serving;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealab_nbd::Options;
use sealab_volume::Volume;
use sealab_volume::plain::Plain;
use sealab_volume::store::{CountingStore, Fault, FaultyStore, MemoryStore, Operation, Store};

use serving::Serving;

const SIZE: u64 = 64 << 20;

/// No client needs longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether all programs are there; says by name what a test cannot do without, which is a failure with `CI=true`.
fn have(test: &str, programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
        .collect();
    missing.is_empty() || not_run(test, &format!("missing: {missing:?}"))
}

fn not_run(test: &str, reason: &str) -> bool {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: {reason}"
    );
    println!("NOT RUN: {test}: {reason}");
    false
}

/// Runs a program to its end, which must come in time and be a good one; what it printed.
fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let (good, output) = attempt(program, arguments);
    assert!(good, "{program}: {output}");
    output
}

/// Runs a program to its end, which must come in time; whether it was a good one.
fn attempt<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> (bool, String) {
    let mut output = tempfile::tempfile().expect("a file");
    let file = || Stdio::from(output.try_clone().expect("a file"));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file())
        .stderr(file())
        .spawn()
        .expect(program);
    let status = wait(&mut child, program);
    std::io::Seek::rewind(&mut output).expect("a file");
    let mut text = String::new();
    output.read_to_string(&mut text).expect("text");
    (status, text)
}

fn wait(child: &mut Child, program: &str) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect(program) {
            return status.success();
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect(program);
            child.wait().expect(program);
            panic!("{program} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn plain(store: Arc<dyn Store>, block: u32) -> Arc<dyn Volume> {
    Arc::new(Plain::new(store, block, false).expect("a volume"))
}

fn serving() -> Serving {
    Serving::new(plain(Arc::new(MemoryStore::new(SIZE)), 4096), Options::default())
}

/// An image of `SIZE` bytes with data and holes.
fn image(folder: &Path) -> PathBuf {
    let path = folder.join("image.raw");
    let mut data: Vec<u8> = (0..SIZE).map(|at| ((at * 2_654_435_761) >> 13) as u8).collect();
    data[5 << 20..9 << 20].fill(0);
    data[SIZE as usize - 70_000..].fill(0);
    fs::write(&path, data).expect("an image");
    path
}

#[test]
fn nbdinfo_sees_the_export() {
    if !have("nbdinfo_sees_the_export", &["nbdinfo"]) {
        return;
    }
    let options = Options {
        name: "data".to_owned(),
        ..Options::default()
    };
    let serving = Serving::new(plain(Arc::new(MemoryStore::new(SIZE)), 4096), options);
    let about = run("nbdinfo", [serving.uri()]);
    for line in [
        "newstyle-fixed without TLS, using structured packets",
        "export-size: 67108864 (64M)",
        "can_flush: true",
        "can_fua: true",
        "can_trim: true",
        "can_zero: true",
        "can_fast_zero: false",
        "can_multi_conn: true",
        "is_read_only: false",
        "block_size_minimum: 1",
        "block_size_preferred: 4096",
        "block_size_maximum: 33554432",
    ] {
        assert!(about.contains(line), "{line} is not in {about}");
    }
    assert!(run("nbdinfo", ["--list".to_owned(), serving.uri()]).contains("export=\"data\""));
    let named = format!("nbd+unix:///data?socket={}", serving.socket.display());
    assert_eq!(run("nbdinfo", ["--size".to_owned(), named]).trim(), "67108864");
    let wrong = format!("nbd+unix:///other?socket={}", serving.socket.display());
    assert!(!attempt("nbdinfo", [wrong]).0);
}

#[test]
fn nbdcopy_copies_there_and_back_by_several_connections() {
    if !have(
        "nbdcopy_copies_there_and_back_by_several_connections",
        &["nbdcopy"],
    ) {
        return;
    }
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new(SIZE))));
    let serving = Serving::new(plain(store.clone(), 4096), Options::default());
    let image = image(serving.folder.path());
    let back = serving.folder.path().join("back.raw");
    let uri = serving.uri();
    run(
        "nbdcopy",
        ["--connections=4", "--flush", &image.display().to_string(), &uri],
    );
    assert!(store.counts().syncs > 0, "the flush did not arrive");
    run("nbdcopy", ["--connections=4", &uri, &back.display().to_string()]);
    assert!(fs::read(&image).expect("a file") == fs::read(&back).expect("a file"));
}

#[test]
fn qemu_img_converts_compares_and_checks() {
    if !have("qemu_img_converts_compares_and_checks", &["qemu-img"]) {
        return;
    }
    let serving = serving();
    let image = image(serving.folder.path()).display().to_string();
    let uri = serving.uri();
    run(
        "qemu-img",
        ["convert", "-n", "-f", "raw", "-O", "raw", &image, &uri],
    );
    run("qemu-img", ["compare", "-f", "raw", "-F", "raw", &image, &uri]);
    // Its own format on the export, with metadata writes of every size.
    let backing = serving.folder.path().join("small.raw");
    File::create(&backing)
        .expect("a file")
        .set_len(8 << 20)
        .expect("a size");
    run("qemu-img", ["create", "-f", "qcow2", &uri, "8M"]);
    run(
        "qemu-io",
        ["-f", "qcow2", "-c", "write -P 7 1M 100k", "-c", "flush", &uri],
    );
    run("qemu-img", ["check", "-f", "qcow2", &uri]);
    assert!(
        !attempt(
            "qemu-img",
            [
                "compare",
                "-f",
                "raw",
                "-F",
                "qcow2",
                &backing.display().to_string(),
                &uri
            ]
        )
        .0
    );
    run("qemu-io", ["-f", "qcow2", "-c", "write -z 1M 100k", &uri]);
    run(
        "qemu-img",
        [
            "compare",
            "-f",
            "raw",
            "-F",
            "qcow2",
            &backing.display().to_string(),
            &uri,
        ],
    );
}

#[test]
fn qemu_io_writes_patterns_zeroes_and_trims() {
    if !have("qemu_io_writes_patterns_zeroes_and_trims", &["qemu-io"]) {
        return;
    }
    let serving = serving();
    let all = [
        "write -P 0x5a 0 1M",
        "write -P 0xa5 -f 512 512",
        "aio_write -P 0x11 3M 2M",
        "aio_write -P 0x22 6M 31k",
        "aio_flush",
        "read -P 0x5a 0 512",
        "read -P 0xa5 512 512",
        "read -P 0x5a 1024 1047552",
        "read -P 0x11 3M 2M",
        "read -P 0x22 6M 31k",
        "write -z 4096 65536",
        "write -z -u 3M 1536",
        "read -P 0 4096 65536",
        "read -P 0 3M 1536",
        "read -P 0x11 3147264 512",
        "discard 0 1M",
        "flush",
    ];
    let mut arguments = vec!["-f".to_owned(), "raw".to_owned()];
    for command in all {
        arguments.extend(["-c".to_owned(), command.to_owned()]);
    }
    arguments.push(serving.uri());
    let output = run("qemu-io", &arguments);
    assert!(
        !output.contains("Pattern verification failed") && !output.contains("failed:"),
        "{output}"
    );
    // It would say so: the same with one pattern wrong.
    let wrong = run_any("qemu-io", ["-f", "raw", "-c", "read -P 1 6M 31k", &serving.uri()]);
    assert!(wrong.contains("Pattern verification failed"), "{wrong}");
}

fn run_any<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> String {
    attempt(program, arguments).1
}

#[test]
fn qemu_io_is_told_of_errors_and_goes_on() {
    if !have("qemu_io_is_told_of_errors_and_goes_on", &["qemu-io"]) {
        return;
    }
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(SIZE))));
    let serving = Serving::new(plain(store.clone(), 512), Options::default());
    store.fail(Operation::Write, 2, Fault::Once(std::io::ErrorKind::StorageFull));
    let output = run_any(
        "qemu-io",
        [
            "-f",
            "raw",
            "-c",
            "write -P 1 0 64k",
            "-c",
            "write -P 2 1M 64k",
            "-c",
            "read -P 1 0 64k",
            &serving.uri(),
        ],
    );
    assert!(output.contains("No space left on device"), "{output}");
    assert!(output.contains("read 65536/65536"), "{output}");
    let fixed = Options {
        read_only: true,
        ..Options::default()
    };
    let serving = Serving::new(plain(Arc::new(MemoryStore::new(SIZE)), 512), fixed);
    assert!(!attempt("qemu-io", ["-f", "raw", "-c", "write 0 512", &serving.uri()]).0);
    run(
        "qemu-io",
        ["-r", "-f", "raw", "-c", "read -P 0 0 512", &serving.uri()],
    );
}

#[test]
fn fio_verifies_what_it_wrote() {
    if !have("fio_verifies_what_it_wrote", &["fio"]) {
        return;
    }
    for volume_block in [512, 4096] {
        let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new(SIZE))));
        let serving = Serving::new(plain(store.clone(), volume_block), Options::default());
        for (pattern, block) in [
            ("randwrite", "512"),
            ("randwrite", "4k"),
            ("write", "128k"),
            ("randrw", "1k-64k"),
        ] {
            let output = run(
                "fio",
                [
                    "--name=verify".to_owned(),
                    "--ioengine=nbd".to_owned(),
                    format!("--uri={}", serving.uri()),
                    format!("--rw={pattern}"),
                    match block.contains('-') {
                        true => format!("--bsrange={block}"),
                        false => format!("--bs={block}"),
                    },
                    "--size=8M".to_owned(),
                    "--iodepth=16".to_owned(),
                    "--fsync=100".to_owned(),
                    "--verify=crc32c".to_owned(),
                    "--do_verify=1".to_owned(),
                    "--verify_fatal=1".to_owned(),
                    "--verify_state_save=0".to_owned(),
                ],
            );
            assert!(output.contains("err= 0"), "{output}");
        }
        assert!(store.counts().syncs > 0, "no flush arrived");
    }
}

/// Undoes, in reverse, what a test did to the system.
#[derive(Default)]
struct Undo(Vec<(&'static str, Vec<String>)>);

impl Undo {
    fn push(&mut self, program: &'static str, arguments: &[&str]) {
        self.0
            .push((program, arguments.iter().map(ToString::to_string).collect()));
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (program, arguments) in self.0.drain(..).rev() {
            // Whatever failed, the rest is undone too.
            let _ = Command::new(program).args(arguments).status();
        }
    }
}

#[test]
fn ext4_lives_on_it_by_nbdfuse_and_a_loop_device() {
    let test = "ext4_lives_on_it_by_nbdfuse_and_a_loop_device";
    let programs = [
        "nbdfuse",
        "losetup",
        "mkfs.ext4",
        "mount",
        "umount",
        "e2fsck",
        "fstrim",
        "fusermount3",
    ];
    if !have(test, &programs) {
        return;
    }
    if !rustix::process::geteuid().is_root() && !not_run(test, "only root mounts file systems") {
        return;
    }
    if !Path::new("/dev/fuse").exists() && !not_run(test, "there is no /dev/fuse") {
        return;
    }
    if !Path::new("/dev/loop-control").exists() && !not_run(test, "there is no /dev/loop-control") {
        return;
    }
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new(SIZE))));
    let mut serving = Serving::new(plain(store.clone(), 4096), Options::default());
    let folder = serving.folder.path().to_owned();
    let (fuse, mounted) = (folder.join("fuse"), folder.join("mounted"));
    fs::create_dir(&fuse).expect("a folder");
    fs::create_dir(&mounted).expect("a folder");
    let text = |path: &Path| path.display().to_string();

    let mut undo = Undo::default();
    let mut nbdfuse = Command::new("nbdfuse")
        .arg(&fuse)
        .arg(serving.uri())
        .spawn()
        .expect("nbdfuse");
    undo.push("fusermount3", &["-u", "-z", &text(&fuse)]);
    let file = fuse.join("nbd");
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < PATIENCE, "nbdfuse does not mount");
        std::thread::sleep(Duration::from_millis(10));
    }
    let device = run(
        "losetup",
        ["--find", "--show", "--sector-size", "4096", &text(&file)],
    );
    let device = device.trim();
    undo.push("losetup", &["--detach", device]);
    run("mkfs.ext4", ["-q", device]);
    run("mount", [device, &text(&mounted)]);
    undo.push("umount", &["--lazy", &text(&mounted)]);

    let data: Vec<u8> = (0..3_000_000_u32).map(|at| (at >> 3) as u8 ^ at as u8).collect();
    let before = store.counts().syncs;
    for number in 0..5 {
        let path = mounted.join(format!("file-{number}"));
        fs::write(&path, &data[number * 1000..]).expect("a file");
        File::open(&path).expect("a file").sync_all().expect("a sync");
    }
    assert!(store.counts().syncs >= before + 5, "syncs do not reach the store");
    fs::remove_file(mounted.join("file-0")).expect("removed");
    let before = store.counts().discarded.calls;
    run("sync", [""; 0]);
    run("fstrim", [&text(&mounted)]);
    assert!(
        store.counts().discarded.calls > before,
        "trims do not reach the store"
    );
    run("umount", [&text(&mounted)]);
    run("e2fsck", ["-f", "-n", device]);
    run("mount", [device, &text(&mounted)]);
    for number in 1..5 {
        let path = mounted.join(format!("file-{number}"));
        assert!(
            fs::read(path).expect("a file") == data[number * 1000..],
            "file {number}"
        );
    }
    run("umount", [&text(&mounted)]);
    run("losetup", ["--detach", device]);
    run("fusermount3", ["-u", &text(&fuse)]);
    undo.0.clear();
    assert!(wait(&mut nbdfuse, "nbdfuse"));
    serving.stop().expect("an orderly end");
    // What was written is on the store itself, whole.
    let path = folder.join("disk.img");
    let mut disk = vec![0; SIZE as usize];
    store.read_at(0, &mut disk).expect("the store");
    fs::write(&path, disk).expect("a file");
    run("e2fsck", ["-f", "-n", &text(&path)]);
}
