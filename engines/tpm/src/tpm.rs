//! Questions to a TPM and its answers, as far as they are authentic.

use std::thread::sleep;
use std::time::Duration;

use crate::auth::AuthValue;
use crate::command::Command;
use crate::error::TpmError;
use crate::response::{self, Failure, Reader};
use crate::response_code::is_to_be_sent_again;
use crate::session::{Accepted, Nonce, Session, response_hash};
use crate::transport::Transport;

/// How often a command is sent to a TPM that says that it is busy. The waits double from a millisecond on to 8 seconds in
/// all.
const SENDINGS: u32 = 14;

/// A TPM with a session that is kept from command to command, as starting one costs as much as a read.
pub(crate) struct Tpm {
    transport: Box<dyn Transport>,
    session: Option<Session>,
}

impl Tpm {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Self {
        let session = None;
        Self { transport, session }
    }

    pub(crate) fn name(&self) -> String {
        self.transport.name()
    }

    /// The parameters of the answer to a command that nobody authorizes. **They are not authenticated.**
    pub(crate) fn ask(&mut self, command: &Command, subject: &str) -> Result<Vec<u8>, TpmError> {
        let answer = self.send(command, None)?;
        let parsed = response::parse(&answer, false, false);
        parsed
            .map(|response| response.parameters.to_vec())
            .map_err(|failure| self.error(command, subject, failure))
    }

    /// The parameters of the answer to a command that `auth` authorizes, which only who knows `auth` can have given, and
    /// only to this very command.
    pub(crate) fn ask_authorized(
        &mut self,
        command: &Command,
        subject: &str,
        auth: &AuthValue,
    ) -> Result<Vec<u8>, TpmError> {
        let nonce = Nonce::new()?;
        let session = match self.session.take() {
            Some(session) => session,
            None => self.start_session()?,
        };
        let area = session.authorize(&nonce, &command.parameter_hash(), auth);
        let answer = match self.send(command, Some(&area)) {
            Ok(answer) => answer,
            Err(error) => {
                self.flush(&session);
                return Err(error);
            }
        };
        let parsed = response::parse(&answer, false, true);
        let (parameters, authorization) = match parsed {
            Ok(response::Response {
                parameters,
                authorization: Some(authorization),
                ..
            }) => (parameters, authorization),
            Ok(_) => unreachable!("asked for an answer with an authorization"),
            Err(failure) => {
                self.flush(&session);
                return Err(self.error(command, subject, failure));
            }
        };
        let hash = response_hash(command.code, parameters);
        match session.accept(&nonce, &hash, auth, &authorization) {
            Accepted::Yes(session) => self.session = Some(session),
            Accepted::Last => {}
            Accepted::No(session) => {
                self.flush(&session);
                return Err(TpmError::NotAuthentic {
                    tpm: self.name(),
                    command: command.code.name,
                });
            }
        }
        Ok(parameters.to_vec())
    }

    /// That `parameters` of the answer to `command` are what `read` takes, to their end.
    pub(crate) fn read<'a, T>(
        &self,
        command: &Command,
        parameters: &'a [u8],
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, String>,
    ) -> Result<T, TpmError> {
        let mut reader = Reader::new(parameters);
        let value = read(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map_err(|problem| self.error(command, "", Failure::Malformed(problem)))
    }

    fn start_session(&mut self) -> Result<Session, TpmError> {
        let nonce = Nonce::new()?;
        let command = Command::start_auth_session(nonce.bytes());
        let answer = self.send(&command, None)?;
        let session = response::parse(&answer, true, false).and_then(|response| {
            let mut reader = Reader::new(response.parameters);
            let nonce_tpm = reader.sized("the TPM's nonce")?;
            reader.end()?;
            Ok(Session::new(response.handle.unwrap_or_default(), nonce_tpm))
        });
        session.map_err(|failure| self.error(&command, "an HMAC session", failure))
    }

    /// Removes a session, if it is still there; who is asked has failed already.
    fn flush(&mut self, session: &Session) {
        let _ = self.send(&Command::flush_context(session.handle), None);
    }

    fn send(&mut self, command: &Command, authorization: Option<&[u8]>) -> Result<Vec<u8>, TpmError> {
        let bytes = command.bytes(authorization);
        let mut wait = Duration::from_millis(1);
        for sending in 1.. {
            let answer = self
                .transport
                .transmit(&bytes)
                .map_err(|source| TpmError::Transport {
                    tpm: self.transport.name(),
                    command: command.code.name,
                    source,
                })?;
            let busy = matches!(response::parse(&answer, false, false), Err(Failure::Code(code)) if is_to_be_sent_again(code));
            if !busy || sending == SENDINGS {
                return Ok(answer);
            }
            sleep(wait);
            wait *= 2;
        }
        unreachable!("the last sending returns")
    }

    fn error(&self, command: &Command, subject: &str, failure: Failure) -> TpmError {
        let (tpm, command) = (self.name(), command.code.name);
        match failure {
            Failure::Code(code) => TpmError::Refused {
                tpm,
                command,
                subject: subject.to_owned(),
                code,
            },
            Failure::Malformed(problem) => TpmError::Malformed {
                tpm,
                command,
                problem,
            },
        }
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.flush(&session);
        }
    }
}
