//! Standard input and output, terminals, and Ctrl-C.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::place::{Place, data, files, plain};

#[test]
fn streams_are_sealed_and_opened_without_a_folder() {
    let place = Place::new();
    let pipe = |command: &mut Command, input: Stdio| {
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    };
    let mut tar = pipe(
        Command::new("tar").args(["-C", &plain(), "-cf", "-", "."]),
        Stdio::null(),
    );
    let mut seal = pipe(
        &mut place.command(&["seal", "-", "-", "--recipient", &data("cert.pem")]),
        tar.stdout.take().unwrap().into(),
    );
    let mut sealed = Vec::new();
    seal.stdout.take().unwrap().read_to_end(&mut sealed).unwrap();
    assert!(tar.wait().unwrap().success() && seal.wait().unwrap().success());

    fs::write(place.path("stream"), &sealed).unwrap();
    fs::create_dir(place.path("untarred")).unwrap();
    let input = || Stdio::from(File::open(place.path("stream")).unwrap());
    let key = data("key.der");
    let mut open = pipe(&mut place.command(&["open", "-", "-", "--key", &key]), input());
    let mut untar = pipe(
        Command::new("tar").args(["-C", place.path("untarred").to_str().unwrap(), "-xf", "-"]),
        open.stdout.take().unwrap().into(),
    );
    assert!(open.wait().unwrap().success() && untar.wait().unwrap().success());
    assert_eq!(files(&place.path("untarred")), files(Path::new(&plain())));

    // The stream is what stands in the folder's one file.
    fs::create_dir(place.path("folder")).unwrap();
    fs::copy(place.path("stream"), place.path("folder/checkpoint.sealed")).unwrap();
    place.done(&["open", "folder", "opened", "--key", &key]);
    place.done(&["verify", "stream", "--key", &key]);
    assert_eq!(files(&place.path("opened")), files(Path::new(&plain())));

    // A stream that is cut opens to no folder.
    for left in [10, sealed.len() / 2, sealed.len() - 1] {
        fs::write(place.path("stream"), &sealed[..left]).unwrap();
        let before = place.names();
        let output = place
            .command(&["open", "-", "cut", "--key", &key])
            .stdin(input())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{left}: {output:?}");
        assert_eq!(place.names(), before, "{left}");
    }
}

#[test]
fn a_cut_archive_is_not_sealed() {
    let place = Place::new();
    let output = Command::new("tar")
        .args(["-C", &plain(), "-cf", "-", "."])
        .output()
        .unwrap();
    let whole = output.stdout;
    // To the end of the last entry: what is left is whole but for the end of the archive.
    let end = whole
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        .next_multiple_of(512);
    for (left, told) in [
        (end, "the end of the archive"),
        (end + 512, "the end of the archive"),
        (end - 600, ", byte "),
    ] {
        fs::write(place.path("archive"), &whole[..left]).unwrap();
        let before = place.names();
        let output = place
            .command(&["seal", "-", "sealed", "--recipient", &data("cert.pem")])
            .stdin(File::open(place.path("archive")).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{left}: {output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(", byte ") && text.contains(told), "{left}: {text}");
        assert_eq!(place.names(), before, "{left}");
    }
}

/// Ends `command` with SIGINT once `begun` says so.
fn interrupt(mut command: Command, begun: impl Fn() -> bool) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !begun() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "ended before it was interrupted"
        );
        thread::sleep(Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    child.wait_with_output().unwrap()
}

fn partial(place: &Place) -> bool {
    place.names().iter().any(|name| name.ends_with(".partial"))
}

#[test]
fn an_interrupted_command_leaves_nothing() {
    let place = Place::new();
    // Long work: 16 GiB of holes in a set whose pagemap has them.
    fs::create_dir(place.path("large")).unwrap();
    for (name, bytes) in files(Path::new(&plain())) {
        if !name.starts_with("pagemap-") && !name.starts_with("pages-") {
            fs::write(place.path("large").join(name), bytes).unwrap();
        }
    }
    // pagemap_head { pages_id: 1 }, pagemap_entry { vaddr: 0x1000, nr_pages: 4194304, flags: 4 }.
    let pagemap = [
        &[0x19, 0x43, 0x56, 0x54, 0x25, 0x40, 0x08, 0x56, 2, 0, 0, 0, 8, 1][..],
        &[10, 0, 0, 0, 8, 0x80, 0x20, 16, 0x80, 0x80, 0x80, 2, 32, 4],
    ]
    .concat();
    fs::write(place.path("large/pagemap-4.img"), pagemap).unwrap();
    File::create(place.path("large/pages-1.img"))
        .unwrap()
        .set_len(16 << 30)
        .unwrap();
    let cert = data("cert.pem");
    let before = place.names();
    let seal = place.command(&[
        "seal",
        "large",
        "x",
        "--format",
        "criu-pr2297",
        "--recipient",
        &cert,
    ]);
    let ended = interrupt(seal, || partial(&place));
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert_eq!(String::from_utf8(ended.stderr).unwrap().lines().count(), 1);
    assert_eq!(place.names(), before);

    // A stream that does not go on.
    let (input, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[0; 1]).unwrap();
    let mut seal = place.command(&["seal", "-", "x", "--recipient", &cert]);
    seal.stdin(input);
    let ended = interrupt(seal, || partial(&place));
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert_eq!(place.names(), before);
}

#[test]
fn progress_is_for_terminals() {
    let place = Place::new();
    // `script` gives the program a terminal.
    let command = format!(
        "{} checkpoint seal {} sealed --recipient {}",
        env!("CARGO_BIN_EXE_sealab"),
        plain(),
        data("cert.pem")
    );
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(place.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("sealing: 0 MiB"), "{text:?}");
    assert!(text.contains("\r\x1b[Ksealed as sealed-checkpoint"), "{text:?}");
    // Elsewhere every call that succeeds is held to say nothing on standard error.
}
