//! What is no counter, or not ours, is refused with what would be right.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use sealab_tpm::{AuthValue, SocketTransport, TpmCounter, Transport};

use super::machine::{Machine, at, secret, secret_option};

const INDEX: u32 = 0x0180_0001;

fn refused(machine: &Machine, index: u32, parts: &[&str]) {
    let message = machine.open(index).err().expect("not refused").to_string();
    for part in parts.iter().chain(&["socket"]) {
        assert!(message.contains(part), "{message}: does not say {part}");
    }
}

#[test]
fn a_missing_index_and_another_value_are_refused() {
    let Some(machine) = Machine::new("a_missing_index_and_another_value_are_refused") else {
        return;
    };
    refused(
        &machine,
        INDEX,
        &[
            "TPM2_NV_ReadPublic",
            "0x01800001",
            "nothing at this handle",
            "make the counter",
        ],
    );
    drop(machine.create(INDEX));
    for wrong in [&b""[..], b"wrong"] {
        let wrong = AuthValue::new(wrong).unwrap();
        let error = TpmCounter::open(machine.transport(), at(INDEX), wrong)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("0x01800001") && error.contains("another authorization value"),
            "{error}"
        );
    }
    let again = TpmCounter::create(machine.transport(), at(INDEX), secret(), &AuthValue::default());
    let error = again.err().unwrap().to_string();
    assert!(
        error.contains("0x01800001") && error.contains("already"),
        "{error}"
    );
    machine.value(INDEX);
}

#[test]
fn an_index_of_another_kind_is_refused_and_stays() {
    let Some(machine) = Machine::new("an_index_of_another_kind_is_refused_and_stays") else {
        return;
    };
    let secret = secret_option();
    for (index, size, attributes, part) in [
        (0x0180_0001, 8, "authread|authwrite", "no counter"),
        (0x0180_0002, 32, "nt=extend|authread|authwrite", "no counter"),
        (0x0180_0003, 8, "nt=counter|orderly|authread|authwrite", "orderly"),
        (
            0x0180_0004,
            8,
            "nt=counter|ownerread|authwrite",
            "authread and authwrite",
        ),
        (
            0x0180_0005,
            8,
            "nt=counter|authread|ownerwrite",
            "authread and authwrite",
        ),
        (0x0180_0006, 8, "nt=counter|authread|authwrite", "never advanced"),
    ] {
        machine.tool(&format!(
            "tpm2_nvdefine -C o -s {size} -a {attributes} -p {secret} {index:#x}"
        ));
        refused(
            &machine,
            index,
            &[&format!("{index:#010x}"), part, "attributes 0x"],
        );
        let removed = TpmCounter::remove(machine.transport(), at(index), &AuthValue::default());
        assert_eq!(removed.is_ok(), attributes.contains("counter"), "{attributes}");
    }
    let left = String::from_utf8(machine.tool("tpm2_getcap handles-nv-index")).unwrap();
    assert_eq!(
        left.split_whitespace().collect::<Vec<_>>(),
        ["-", "0x1800001", "-", "0x1800002"]
    );
}

#[test]
fn an_index_named_by_another_hash_is_refused() {
    let Some(machine) = Machine::new("an_index_named_by_another_hash_is_refused") else {
        return;
    };
    machine.tool(&format!(
        "tpm2_nvdefine -C o -g sha384 -s 8 -a nt=counter|authread|authwrite -p {} {INDEX:#x}",
        secret_option()
    ));
    refused(&machine, INDEX, &["0x000c", "SHA-256"]);
}

#[test]
fn a_tpm_that_was_not_started_is_named() {
    let Some(machine) = Machine::with_flags("a_tpm_that_was_not_started_is_named", "not-need-init") else {
        return;
    };
    refused(&machine, INDEX, &["0x100", "not started", "startup-clear"]);
}

/// The error of one command to a peer that sends `answer`, takes the command, and closes.
fn against(answer: &'static [u8]) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut command = [0; 14];
        stream.read_exact(&mut command).unwrap();
        stream.write_all(answer).unwrap();
    });
    let transport = Box::new(SocketTransport::unix(&path).unwrap());
    let error = TpmCounter::open(transport, at(INDEX), AuthValue::default())
        .err()
        .unwrap();
    peer.join().unwrap();
    error.to_string()
}

#[test]
fn sockets_that_are_no_tpms_are_refused() {
    assert!(against(b"").contains("TPM2_NV_ReadPublic"));
    assert!(against(b"\x80\x01\x00\x00\x10\x01\0\0\0\0").contains("4097 bytes; 10 to 4096"));
    assert!(against(b"\x80\x01\x00\x00\x00\x09\0\0\0\0").contains("9 bytes; 10 to 4096"));
    assert!(against(b"\x80\x02\x00\x00\x00\x0a\0\0\0\0").contains("0x8002 at offset 0 in place of 0x8001"));
    assert!(against(b"HTTP/1.1 400 Bad Request\r\n").contains("bytes; 10 to 4096"));

    let folder = tempfile::TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    let error = SocketTransport::unix(&missing).err().unwrap().to_string();
    assert!(error.contains(missing.to_str().unwrap()), "{error}");
}

#[test]
fn a_socket_is_not_used_after_half_an_exchange() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"\x80\x01\x00\x00\x00\x05\0\0\0\0").unwrap();
        // What a later command would take for its answer.
        stream.write_all(b"\x80\x01\x00\x00\x00\x0a\0\0\0\0").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut transport = SocketTransport::unix(&path).unwrap();
    assert!(transport.transmit(b"command").is_err());
    assert!(
        transport
            .transmit(b"command")
            .unwrap_err()
            .to_string()
            .contains("connect again")
    );
    drop(transport);
    peer.join().unwrap();
}
