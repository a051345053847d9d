//! tpm2-tools see what we see, and a restart changes nothing.

use std::fs;

use sealab_tpm::{AuthValue, TpmCounter};
use sealab_volume::counter::TrustedCounter;

use super::machine::{Machine, at, secret, secret_option};

const INDEX: u32 = 0x0180_0001;

fn read_by_tool(machine: &Machine, index: u32) -> u64 {
    let secret = secret_option();
    let number = machine.tool(&format!("tpm2_nvread {index:#x} -C {index:#x} -P {secret}"));
    u64::from_be_bytes(number.try_into().unwrap())
}

#[test]
fn tools_read_the_number_and_the_attributes() {
    let Some(machine) = Machine::new("tools_read_the_number_and_the_attributes") else {
        return;
    };
    let counter = machine.create(INDEX);
    let first = counter.value().unwrap();
    for next in first + 1..first + 4 {
        assert_eq!(counter.advance().unwrap(), next);
        assert_eq!(counter.value().unwrap(), next);
    }
    assert!(
        counter.name().contains("0x01800001") && counter.name().contains("socket"),
        "{}",
        counter.name()
    );
    drop(counter);
    assert_eq!(read_by_tool(&machine, INDEX), first + 3);
    let public = String::from_utf8(machine.tool("tpm2_nvreadpublic 0x1800001")).unwrap();
    let friendly = public
        .lines()
        .find(|line| line.contains("friendly: auth"))
        .unwrap();
    let mut attributes: Vec<_> = friendly.rsplit(' ').next().unwrap().split('|').collect();
    attributes.sort_unstable();
    assert_eq!(
        attributes,
        ["authread", "authwrite", "no_da", "nt=0x1", "written"],
        "{public}"
    );
    assert!(public.contains("size: 8"), "{public}");

    let secret = secret_option();
    machine.tool(&format!("tpm2_nvincrement {INDEX:#x} -C {INDEX:#x} -P {secret}"));
    assert_eq!(machine.value(INDEX), first + 4);
}

#[test]
fn a_counter_that_tools_made_is_opened_with_and_without_a_value() {
    let Some(machine) = Machine::new("a_counter_that_tools_made_is_opened_with_and_without_a_value") else {
        return;
    };
    let secret_option = secret_option();
    let define = "tpm2_nvdefine -C o -s 8 -a nt=counter|authread|authwrite|ownerread|ownerwrite";
    machine.tool(&format!("{define} -p {secret_option} {INDEX:#x}"));
    machine.tool(&format!("tpm2_nvincrement {INDEX:#x} -C o"));
    let counter = machine.open(INDEX).unwrap();
    let number = counter.advance().unwrap();
    assert!(!counter.name().contains("not authenticated"));
    drop(counter);
    assert_eq!(read_by_tool(&machine, INDEX), number);

    machine.tool(&format!("{define} 0x1800002"));
    machine.tool("tpm2_nvincrement 0x1800002 -C o");
    let counter = TpmCounter::open(machine.transport(), at(0x0180_0002), AuthValue::default()).unwrap();
    counter.advance().unwrap();
    assert!(counter.name().contains("not authenticated"));
}

#[test]
fn the_number_outlives_power_cuts() {
    let Some(mut machine) = Machine::new("the_number_outlives_power_cuts") else {
        return;
    };
    let mut number = machine.create(INDEX).value().unwrap();
    for _ in 0..3 {
        let counter = machine.open(INDEX).unwrap();
        number += 1;
        assert_eq!(counter.advance().unwrap(), number);
        // No TPM2_Shutdown; what was loaded is gone.
        machine.restart();
        assert!(
            counter.value().is_err(),
            "an answer over a connection that is gone"
        );
        drop(counter);
        assert_eq!(machine.value(INDEX), number);
    }
}

#[test]
fn a_counter_made_anew_begins_above_all_that_there_were() {
    let Some(machine) = Machine::new("a_counter_made_anew_begins_above_all_that_there_were") else {
        return;
    };
    let counter = machine.create(INDEX);
    let last = (0..5).map(|_| counter.advance().unwrap()).last().unwrap();
    drop(counter);
    TpmCounter::remove(machine.transport(), at(INDEX), &AuthValue::default()).unwrap();
    assert!(machine.open(INDEX).is_err());
    let counter = machine.create(INDEX);
    assert!(counter.value().unwrap() > last);
}

#[test]
fn sessions_are_not_left_behind() {
    let Some(machine) = Machine::new("sessions_are_not_left_behind") else {
        return;
    };
    drop(machine.create(INDEX));
    // More than any TPM has room for; neither do wrong values lock it.
    for _ in 0..70 {
        machine.value(INDEX);
        let wrong = AuthValue::new(b"wrong").unwrap();
        assert!(TpmCounter::open(machine.transport(), at(INDEX), wrong).is_err());
    }
    assert!(machine.tool("tpm2_getcap handles-loaded-session").is_empty());
}

/// The limit of a TPM in software, shown and not passed over: its state is a file.
#[test]
fn who_restores_a_software_tpms_state_sets_the_number_back() {
    let Some(mut machine) = Machine::new("who_restores_a_software_tpms_state_sets_the_number_back") else {
        return;
    };
    let before = machine.create(INDEX).value().unwrap();
    machine.stop();
    let state = machine.state();
    assert!(!state.is_empty());
    machine.start("not-need-init,startup-clear");
    assert_eq!(machine.open(INDEX).unwrap().advance().unwrap(), before + 1);
    machine.stop();
    for (path, content) in state {
        fs::write(path, content).unwrap();
    }
    machine.start("not-need-init,startup-clear");
    assert_eq!(
        machine.value(INDEX),
        before,
        "swtpm keeps its number elsewhere too: the documented limit is gone"
    );
}

#[test]
fn the_owner_makes_and_removes() {
    let Some(machine) = Machine::new("the_owner_makes_and_removes") else {
        return;
    };
    machine.tool("tpm2_changeauth -c owner the-owner");
    let owner = AuthValue::new(b"the-owner").unwrap();
    let nobody = AuthValue::default();
    let error = TpmCounter::create(machine.transport(), at(INDEX), secret(), &nobody)
        .err()
        .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("TPM2_NV_DefineSpace") && message.contains("another authorization value"),
        "{message}"
    );
    drop(TpmCounter::create(machine.transport(), at(INDEX), secret(), &owner).unwrap());
    assert!(TpmCounter::remove(machine.transport(), at(INDEX), &nobody).is_err());
    machine.value(INDEX);
    TpmCounter::remove(machine.transport(), at(INDEX), &owner).unwrap();
    assert!(machine.open(INDEX).is_err());
}
