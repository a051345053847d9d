//! Counters named in one word, as on a command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use sealab_tpm::CounterAddress;

use super::machine::{Machine, have};

#[test]
fn a_counter_is_made_opened_and_removed_by_its_address() {
    let Some(machine) = Machine::new("a_counter_is_made_opened_and_removed_by_its_address") else {
        return;
    };
    let secret = machine.path("secret");
    let plain = format!("swtpm:{},0x01800001", machine.socket().display());
    let address: CounterAddress = format!("{plain},auth={}", secret.display()).parse().unwrap();
    let first = address.create().unwrap().value().unwrap();
    let content = fs::read(&secret).unwrap();
    assert_eq!(content.len(), 32);
    assert_eq!(
        fs::metadata(&secret).unwrap().permissions().mode() & 0o7777,
        0o600
    );

    assert_eq!(address.open().unwrap().advance().unwrap(), first + 1);
    let error = address.create().err().unwrap().to_string();
    assert!(error.contains("already"), "{error}");
    assert_eq!(
        fs::read(&secret).unwrap(),
        content,
        "the value of a counter that is in use was replaced"
    );
    let without: CounterAddress = plain.parse().unwrap();
    assert!(without.open().is_err());

    address.remove().unwrap();
    assert!(address.open().is_err());
    // The same value serves again, and the number goes on.
    assert!(address.create().unwrap().value().unwrap() > first + 1);
    assert_eq!(fs::read(&secret).unwrap(), content);
}

#[test]
fn the_owners_value_is_in_a_file_too() {
    let Some(machine) = Machine::new("the_owners_value_is_in_a_file_too") else {
        return;
    };
    machine.tool("tpm2_changeauth -c owner the-owner");
    let (secret, owner) = (machine.path("secret"), machine.path("owner"));
    fs::write(&owner, "the-owner").unwrap();
    let plain = format!(
        "swtpm:{},0x01800001,auth={}",
        machine.socket().display(),
        secret.display()
    );
    let nobody: CounterAddress = plain.parse().unwrap();
    assert!(nobody.create().is_err());
    assert!(
        !secret.exists(),
        "the value of a counter that was not made was left"
    );
    let address: CounterAddress = format!("{plain},owner={}", owner.display()).parse().unwrap();
    drop(address.create().unwrap());
    drop(nobody.open().unwrap());
    assert!(nobody.remove().is_err());
    address.remove().unwrap();
}

#[test]
fn files_that_hold_no_value_are_refused() {
    let Some(machine) = Machine::new("files_that_hold_no_value_are_refused") else {
        return;
    };
    let secret = machine.path("secret");
    let word = format!(
        "swtpm:{},0x01800001,auth={}",
        machine.socket().display(),
        secret.display()
    );
    let address: CounterAddress = word.parse().unwrap();
    for (content, part) in [
        (vec![], "no bytes"),
        (vec![0; 8], "zero bytes only"),
        (vec![1; 33], "more than 32 bytes"),
    ] {
        fs::write(&secret, &content).unwrap();
        let error = address.create().err().unwrap().to_string();
        assert!(
            error.contains(secret.to_str().unwrap()) && error.contains(part),
            "{error}"
        );
        assert_eq!(fs::read(&secret).unwrap(), content);
    }
    let missing: CounterAddress = format!("{word}.none").parse().unwrap();
    assert!(missing.open().err().unwrap().to_string().contains("secret.none"));
}

/// Tests have no hardware; a pseudo-terminal is a character device too.
#[test]
fn a_character_device_leads_to_a_tpm() {
    let test = "a_character_device_leads_to_a_tpm";
    let Some(machine) = Machine::new(test).filter(|_| have(test, &["socat"])) else {
        return;
    };
    let (device, secret) = (machine.path("device"), machine.path("secret"));
    let mut bridge = Command::new("socat")
        .arg(format!("PTY,link={},raw,echo=0", device.display()))
        .arg(format!("UNIX-CONNECT:{}", machine.socket().display()))
        .spawn()
        .unwrap();
    for _ in 0..500 {
        if device.exists() {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    let word = format!("tpm:{},0x01800001,auth={}", device.display(), secret.display());
    let address: CounterAddress = word.parse().unwrap();
    let counted = address.create().and_then(|counter| {
        let before = counter.value()?;
        Ok((before, counter.advance()?, counter.name()))
    });
    bridge.kill().unwrap();
    bridge.wait().unwrap();
    let (before, after, name) = counted.unwrap();
    assert_eq!(after, before + 1);
    assert!(name.contains(device.to_str().unwrap()), "{name}");
    let unix = word.replace("tpm:", "swtpm:").replace("/device,", "/socket,");
    assert_eq!(
        unix.parse::<CounterAddress>()
            .unwrap()
            .open()
            .unwrap()
            .value()
            .unwrap(),
        after
    );
}
