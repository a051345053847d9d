//! A TPM 2.0 NV counter.

use std::io;
use std::sync::{Mutex, PoisonError};

use sealab_volume::counter::TrustedCounter;

use crate::auth::AuthValue;
use crate::command::Command;
use crate::error::TpmError;
use crate::index::NvIndex;
use crate::public_area::{COUNTER_BYTES, PublicArea, of_new_counter};
use crate::tpm::Tpm;
use crate::transport::Transport;

/// A counter in the non-volatile memory of a TPM 2.0 (an index of type TPM_NT_COUNTER).
///
/// # What it protects
/// No command sets the number back. An index that is removed and made anew begins above every counter that the TPM ever had,
/// and without the authorization value of before. Reads and advances are authorized by an HMAC session under the index's
/// authorization value, and an answer counts only with the TPM's HMAC under the same value over a nonce of ours: whoever
/// sits on the bus, the socket or in the driver can keep answers away, but cannot give an old one again, change one, or have
/// another index answer, whose name the command's HMAC does not fit.
///
/// # What it does not protect
/// - Whoever knows the authorization value can advance the counter and can answer in the TPM's place. An empty one is known
///   to all: then answers are not authenticated. A weak one can be guessed from one recorded exchange, as the session is not
///   salted.
/// - The value crosses the bus in the open when the counter is made, and never again.
/// - That there is nothing at an index, and that the TPM refuses, is not authenticated: a volume then does not open.
/// - A TPM in software (swtpm, the vTPM of a virtual machine) is as good as who keeps its state: who restores the state's
///   files sets the number back.
/// - The owner of the TPM can remove the counter, and whoever can clear the TPM can too.
pub struct TpmCounter {
    index: NvIndex,
    auth: AuthValue,
    label: String,
    state: Mutex<State>,
}

struct State {
    tpm: Tpm,
    /// The index's name: what it is, with the attributes that it was opened with.
    name: Vec<u8>,
    /// The highest number seen.
    highest: u64,
}

impl TpmCounter {
    /// Makes a counter at `index` with the authorization value `auth`, as the TPM's owner, whose own is `owner` (empty on
    /// most machines), and advances it once, which gives it a number. The number need not be low.
    ///
    /// `auth` is sent to the TPM in the open. An error where there is something at `index` already.
    pub fn create(
        transport: Box<dyn Transport>,
        index: NvIndex,
        auth: AuthValue,
        owner: &AuthValue,
    ) -> Result<Self, TpmError> {
        let mut tpm = Tpm::new(transport);
        let define = Command::nv_define_space(auth.expose(), &of_new_counter(index));
        tpm.ask_authorized(&define, &subject(index), owner)?;
        let made =
            read_public(&mut tpm, index).and_then(|public| increment(&mut tpm, index, &public.name, &auth));
        if let Err(error) = made {
            // A counter without a number is of no use, and would be in the way of the next attempt.
            let _ = undefine(&mut tpm, index, owner);
            return Err(error);
        }
        Self::begin(tpm, index, auth)
    }

    /// Opens the counter at `index`, made here or by other tools, and reads its number.
    ///
    /// Refused are an index that is no counter or never had a number, one that is not read and advanced by its authorization
    /// value, an `orderly` one, and one with another value than `auth`.
    pub fn open(transport: Box<dyn Transport>, index: NvIndex, auth: AuthValue) -> Result<Self, TpmError> {
        Self::begin(Tpm::new(transport), index, auth)
    }

    /// Removes the counter at `index` as the TPM's owner. Anything else than a counter is left there, and is an error.
    pub fn remove(transport: Box<dyn Transport>, index: NvIndex, owner: &AuthValue) -> Result<(), TpmError> {
        undefine(&mut Tpm::new(transport), index, owner)
    }

    fn begin(mut tpm: Tpm, index: NvIndex, auth: AuthValue) -> Result<Self, TpmError> {
        let public = read_public(&mut tpm, index)?;
        if let Some(problem) = public.problem() {
            return Err(unsuitable(&tpm, index, &public, problem));
        }
        let unproven = if auth.is_empty() {
            ", its answers not authenticated"
        } else {
            ""
        };
        let label = format!("the TPM NV counter {index} of {}{unproven}", tpm.name());
        let mut state = State {
            tpm,
            name: public.name,
            highest: 0,
        };
        state.read(index, &auth)?;
        let state = Mutex::new(state);
        Ok(Self {
            index,
            auth,
            label,
            state,
        })
    }
}

impl TrustedCounter for TpmCounter {
    fn name(&self) -> String {
        self.label.clone()
    }

    fn value(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.read(self.index, &self.auth)?)
    }

    fn advance(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { tpm, name, .. } = &mut *state;
        increment(tpm, self.index, name, &self.auth)?;
        // The TPM has added one for certain; to what, only a read tells.
        state.highest = state.highest.saturating_add(1);
        Ok(state.read(self.index, &self.auth)?)
    }
}

impl State {
    fn read(&mut self, index: NvIndex, auth: &AuthValue) -> Result<u64, TpmError> {
        let command = Command::nv_read(index.handle(), &self.name, COUNTER_BYTES);
        let parameters = self.tpm.ask_authorized(&command, &subject(index), auth)?;
        let data = self
            .tpm
            .read(&command, &parameters, |reader| reader.sized("the data"))?;
        let found = self.tpm.read(&command, data, |reader| reader.u64("the number"))?;
        if found < self.highest {
            return Err(TpmError::WentBack {
                tpm: self.tpm.name(),
                index: index.to_string(),
                found,
                before: self.highest,
            });
        }
        self.highest = found;
        Ok(found)
    }
}

fn subject(index: NvIndex) -> String {
    format!("index {index}")
}

/// The public area of `index`. It is not authenticated; that it is the true one shows when the TPM takes a command whose
/// HMAC covers its name.
fn read_public(tpm: &mut Tpm, index: NvIndex) -> Result<PublicArea, TpmError> {
    let command = Command::nv_read_public(index.handle());
    let parameters = tpm.ask(&command, &subject(index))?;
    PublicArea::parse(&parameters, index).map_err(|problem| TpmError::Malformed {
        tpm: tpm.name(),
        command: command.code.name,
        problem,
    })
}

fn increment(tpm: &mut Tpm, index: NvIndex, name: &[u8], auth: &AuthValue) -> Result<(), TpmError> {
    let command = Command::nv_increment(index.handle(), name);
    let parameters = tpm.ask_authorized(&command, &subject(index), auth)?;
    tpm.read(&command, &parameters, |_| Ok(()))
}

fn undefine(tpm: &mut Tpm, index: NvIndex, owner: &AuthValue) -> Result<(), TpmError> {
    let public = read_public(tpm, index)?;
    if !public.is_counter() {
        return Err(unsuitable(tpm, index, &public, "it is no counter, and stays"));
    }
    let command = Command::nv_undefine_space(index.handle(), &public.name);
    let parameters = tpm.ask_authorized(&command, &subject(index), owner)?;
    tpm.read(&command, &parameters, |_| Ok(()))
}

fn unsuitable(tpm: &Tpm, index: NvIndex, public: &PublicArea, problem: &'static str) -> TpmError {
    TpmError::Unsuitable {
        tpm: tpm.name(),
        index: index.to_string(),
        attributes: public.attributes,
        problem,
    }
}
