//! The socket's file: whose it is, what it replaces, and that it goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use sealab_nbd::{ListenError, Listener};

/// Every name in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_listener() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = Listener::unix(&path).expect("a socket");
    assert_eq!(
        fs::metadata(&path).expect("a socket").permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(names(folder.path()), ["socket"], "nothing else stays");
    UnixStream::connect(&path).expect("someone listens");
    assert!(listener.address().is_none());
    drop(listener);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_socket_nobody_listens_on_is_replaced_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path).expect("a stale socket"));
    assert!(path.exists());
    let listener = Listener::unix(&path).expect("its place");
    assert!(matches!(Listener::unix(&path), Err(ListenError::InUse { .. })));
    UnixStream::connect(&path).expect("the first still listens");
    // What another has put in its place stays when the listener goes.
    fs::remove_file(&path).expect("removed");
    let _other = UnixListener::bind(&path).expect("another");
    drop(listener);
    UnixStream::connect(&path).expect("the other listens");
}

#[test]
fn one_of_many_that_replace_the_same_stale_socket_gets_its_place() {
    const SERVERS: usize = 8;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    for round in 0..50 {
        drop(UnixListener::bind(&path).expect("a stale socket"));
        let together = Barrier::new(SERVERS);
        let outcomes: Vec<_> = thread::scope(|scope| {
            let begin = || {
                together.wait();
                Listener::unix(&path)
            };
            let servers: Vec<_> = (0..SERVERS).map(|_| scope.spawn(begin)).collect();
            servers
                .into_iter()
                .map(|server| server.join().expect("no panic"))
                .collect()
        });
        let (listening, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(listening.len(), 1, "round {round}");
        for error in refused {
            assert!(matches!(error, Err(ListenError::InUse { .. })), "round {round}");
        }
        UnixStream::connect(&path).expect("the one listens");
        drop(listening);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn no_file_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk.img");
    fs::write(&path, "precious").expect("a file");
    assert!(matches!(
        Listener::unix(&path),
        Err(ListenError::NotASocket { .. })
    ));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    assert!(matches!(
        Listener::unix(&link),
        Err(ListenError::NotASocket { .. })
    ));
    assert_eq!(fs::read_to_string(&path).expect("the file"), "precious");
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink(folder.path().join("nothing"), &dangling).expect("a link");
    assert!(matches!(
        Listener::unix(&dangling),
        Err(ListenError::NotASocket { .. })
    ));
}

#[test]
fn paths_too_long_for_clients_and_missing_folders_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s".repeat(107));
    assert!(matches!(
        Listener::unix(&path),
        Err(ListenError::PathLength { most: 107, .. })
    ));
    let longest = folder
        .path()
        .join("s".repeat(107 - folder.path().as_os_str().len() - 1));
    let _listener = Listener::unix(&longest).expect("a path of 107 bytes");
    UnixStream::connect(&longest).expect("clients can connect");
    let missing = folder.path().join("missing/socket");
    let error = Listener::unix(&missing).map(|_| ()).expect_err("no folder");
    assert!(error.to_string().contains("missing/socket"), "{error}");
}

#[test]
fn only_loopback_addresses_are_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "[::ffff:10.0.0.1]:0"] {
        let refused = Listener::tcp(address.parse().expect("an address"));
        assert!(
            matches!(refused, Err(ListenError::NotLoopback { .. })),
            "{address}"
        );
    }
    let listener = Listener::tcp("127.0.0.1:0".parse().expect("an address")).expect("loopback");
    let address = listener.address().expect("an address");
    assert!(address.ip().is_loopback() && address.port() != 0);
    std::net::TcpStream::connect(address).expect("someone listens");
}
