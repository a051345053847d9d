//! Somebody between us and the TPM, who sees all and changes what it likes.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use sealab_tpm::{AuthValue, TpmCounter, Transport};
use sealab_volume::counter::TrustedCounter;

use super::machine::{Machine, at, secret};

const INDEX: u32 = 0x0180_0001;
const NV_INCREMENT: u32 = 0x134;
const NV_READ: u32 = 0x14e;
const NV_READ_PUBLIC: u32 = 0x169;
const BUSY: &[u8] = &[0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22];

/// What the interposer does to an answer; it is given the command's code, and the TPM's answer when it asks for it.
type Act = Box<dyn FnMut(u32, &mut dyn FnMut() -> Vec<u8>) -> Vec<u8> + Send>;

#[derive(Clone)]
struct Interposer(Arc<Mutex<Inside>>);

struct Inside {
    tpm: Box<dyn Transport>,
    act: Option<Act>,
    /// Every answer of the TPM, by its command's code.
    recorded: Vec<(u32, Vec<u8>)>,
}

impl Transport for Interposer {
    fn name(&self) -> String {
        "an interposer".to_owned()
    }

    fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        let mut inside = self.0.lock().unwrap();
        let Inside { tpm, act, recorded } = &mut *inside;
        let code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        let mut ask = || {
            let answer = tpm.transmit(command).unwrap();
            recorded.push((code, answer.clone()));
            answer
        };
        Ok(match act {
            Some(act) => act(code, &mut ask),
            None => ask(),
        })
    }
}

impl Interposer {
    fn new(tpm: Box<dyn Transport>) -> Self {
        let (act, recorded) = (None, Vec::new());
        Self(Arc::new(Mutex::new(Inside { tpm, act, recorded })))
    }

    fn acts(&self, act: impl FnMut(u32, &mut dyn FnMut() -> Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.0.lock().unwrap().act = Some(Box::new(act));
    }

    fn passes(&self) {
        self.0.lock().unwrap().act = None;
    }

    fn recorded(&self, code: u32) -> Vec<u8> {
        let inside = self.0.lock().unwrap();
        let of_code = inside.recorded.iter().find(|(other, _)| *other == code);
        of_code.unwrap().1.clone()
    }

    /// An answer of before in place of every further one to `code`; the TPM gets the command or does not.
    fn replays(&self, code: u32, forwards: bool) {
        let old = self.recorded(code);
        self.acts(move |this, ask| {
            if this != code {
                return ask();
            }
            if forwards {
                ask();
            }
            old.clone()
        });
    }
}

/// A counter behind an interposer that has seen a few commands.
fn watched(machine: &Machine) -> (TpmCounter, Interposer) {
    drop(machine.create(INDEX));
    let interposer = Interposer::new(machine.transport());
    let counter = TpmCounter::open(Box::new(interposer.clone()), at(INDEX), secret()).unwrap();
    counter.advance().unwrap();
    (counter, interposer)
}

fn is_not_authentic(result: io::Result<u64>, command: &str) {
    let error = result.expect_err("taken for the TPM's answer").to_string();
    assert!(
        error.contains(command) && error.contains("not authentic"),
        "{error}"
    );
}

#[test]
fn a_recorded_number_is_refused() {
    let Some(machine) = Machine::new("a_recorded_number_is_refused") else {
        return;
    };
    let (counter, interposer) = watched(&machine);
    let number = counter.value().unwrap();
    for forwards in [true, false] {
        interposer.replays(NV_READ, forwards);
        is_not_authentic(counter.value(), "TPM2_NV_Read");
        interposer.passes();
        assert_eq!(counter.value().unwrap(), number);
    }
    // At the next opening too, in whose session everything is new.
    drop(counter);
    interposer.replays(NV_READ, true);
    let opened = TpmCounter::open(Box::new(interposer), at(INDEX), secret());
    let error = opened.err().expect("taken for the TPM's answer").to_string();
    assert!(error.contains("not authentic"), "{error}");
}

#[test]
fn an_advance_that_did_not_happen_is_refused() {
    let Some(machine) = Machine::new("an_advance_that_did_not_happen_is_refused") else {
        return;
    };
    let (counter, interposer) = watched(&machine);
    let number = counter.value().unwrap();
    interposer.replays(NV_INCREMENT, false);
    is_not_authentic(counter.advance(), "TPM2_NV_Increment");
    interposer.passes();
    assert_eq!(counter.value().unwrap(), number);
    assert_eq!(counter.advance().unwrap(), number + 1);
}

#[test]
fn every_changed_byte_of_a_number_is_refused() {
    let Some(machine) = Machine::new("every_changed_byte_of_a_number_is_refused") else {
        return;
    };
    let (counter, interposer) = watched(&machine);
    let number = counter.value().unwrap();
    let length = interposer.recorded(NV_READ).len();
    for place in 0..length {
        interposer.acts(move |code, ask| {
            let mut answer = ask();
            if code == NV_READ {
                answer[place] ^= 1;
            }
            answer
        });
        assert!(counter.value().is_err(), "byte {place} changed");
        interposer.acts(move |code, ask| {
            let mut answer = ask();
            if code == NV_READ {
                answer.truncate(place);
            }
            answer
        });
        assert!(counter.value().is_err(), "{place} bytes");
    }
    interposer.passes();
    assert_eq!(counter.value().unwrap(), number);
}

#[test]
fn another_index_does_not_answer_in_its_place() {
    let Some(machine) = Machine::new("another_index_does_not_answer_in_its_place") else {
        return;
    };
    // The same authorization value, so that only the name tells them apart.
    drop(machine.create(0x0180_0002));
    let (counter, interposer) = watched(&machine);
    let swapped = {
        let inside = interposer.0.clone();
        move |command: &[u8]| {
            let mut command = command.to_vec();
            for handle in [10..14, 14..18] {
                command[handle].copy_from_slice(&0x0180_0002u32.to_be_bytes());
            }
            inside.lock().unwrap().tpm.transmit(&command).unwrap()
        }
    };
    struct Swap<F>(F, Interposer);
    impl<F: Fn(&[u8]) -> Vec<u8> + Send> Transport for Swap<F> {
        fn name(&self) -> String {
            "a swap".to_owned()
        }
        fn transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
            match u32::from_be_bytes(command[6..10].try_into().unwrap()) {
                NV_READ => Ok((self.0)(command)),
                _ => self.1.transmit(command),
            }
        }
    }
    drop(counter);
    let opened = TpmCounter::open(Box::new(Swap(swapped, interposer)), at(INDEX), secret());
    let error = opened
        .err()
        .expect("another index's number was taken")
        .to_string();
    assert!(error.contains("TPM2_NV_Read"), "{error}");
}

#[test]
fn a_forged_public_area_is_refused() {
    let Some(machine) = Machine::new("a_forged_public_area_is_refused") else {
        return;
    };
    let (counter, interposer) = watched(&machine);
    drop(counter);
    for place in 10..interposer.recorded(NV_READ_PUBLIC).len() {
        interposer.acts(move |code, ask| {
            let mut answer = ask();
            if code == NV_READ_PUBLIC {
                answer[place] ^= 1;
            }
            answer
        });
        let opened = TpmCounter::open(Box::new(interposer.clone()), at(INDEX), secret());
        assert!(opened.is_err(), "byte {place} changed");
    }
}

#[test]
fn an_index_made_anew_by_another_is_refused() {
    let Some(machine) = Machine::new("an_index_made_anew_by_another_is_refused") else {
        return;
    };
    let before = machine.create(INDEX).value().unwrap();
    // The owner's value is empty, so that anybody on the machine can.
    machine.tool("tpm2_nvundefine -C o 0x1800001");
    machine.tool("tpm2_nvdefine -C o -s 8 -a nt=counter|authread|authwrite|no_da -p forged 0x1800001");
    machine.tool("tpm2_nvincrement 0x1800001 -C 0x1800001 -P forged");
    let error = machine.open(INDEX).err().unwrap().to_string();
    assert!(error.contains("another authorization value"), "{error}");
    let forged = AuthValue::new(b"forged").unwrap();
    let counter = TpmCounter::open(machine.transport(), at(INDEX), forged).unwrap();
    assert!(counter.value().unwrap() > before);
}

#[test]
fn a_busy_tpm_is_asked_again_but_not_for_ever() {
    let Some(machine) = Machine::new("a_busy_tpm_is_asked_again_but_not_for_ever") else {
        return;
    };
    let (counter, interposer) = watched(&machine);
    let number = counter.value().unwrap();
    let mut left = 3;
    interposer.acts(move |_, ask| match left {
        0 => ask(),
        _ => {
            left -= 1;
            BUSY.to_vec()
        }
    });
    assert_eq!(counter.advance().unwrap(), number + 1);
    // One that only says so after it has done it: the same command is not done twice.
    let mut done = false;
    interposer.acts(move |code, ask| {
        let answer = ask();
        if code == NV_INCREMENT && !std::mem::replace(&mut done, true) {
            return BUSY.to_vec();
        }
        answer
    });
    assert!(counter.advance().is_err());
    interposer.passes();
    assert_eq!(counter.value().unwrap(), number + 2);
    interposer.acts(|_, _| BUSY.to_vec());
    let error = counter.value().unwrap_err().to_string();
    assert!(error.contains("0x922") && error.contains("busy"), "{error}");
    interposer.passes();
}

#[test]
fn a_number_that_goes_back_while_it_is_open_is_refused() {
    let Some(mut machine) = Machine::new("a_number_that_goes_back_while_it_is_open_is_refused") else {
        return;
    };
    drop(machine.create(INDEX));
    machine.stop();
    let state = machine.state();
    machine.start("not-need-init,startup-clear");
    let interposer = Interposer::new(machine.transport());
    let counter = TpmCounter::open(Box::new(interposer.clone()), at(INDEX), secret()).unwrap();
    let number = counter.advance().unwrap();
    machine.stop();
    for (path, content) in state {
        fs::write(path, content).unwrap();
    }
    machine.start("not-need-init,startup-clear");
    interposer.0.lock().unwrap().tpm = machine.transport();
    let error = counter.value().unwrap_err().to_string();
    assert!(error.contains("session is not loaded"), "{error}");
    let error = counter.value().unwrap_err().to_string();
    assert!(
        error.contains(&format!("stands at {} after {number}", number - 1)),
        "{error}"
    );
}
