//! Keyproviders: programs that wrap and unwrap private options in a way of their own, as ocicrypt calls them
//! (docs/keyprovider.md of containers/ocicrypt).

mod command;
mod config;
mod protocol;
#[cfg(feature = "grpc")]
mod service;

use std::time::Duration;

use zeroize::Zeroizing;

use super::{PROVIDER, PacketKey, WrappingError};
use config::Invocation;
use protocol::Operation;

pub use config::{CONFIG_VARIABLE, Keyprovider, Keyproviders};

/// The longest reply that is read, in bytes.
pub const MAX_REPLY_BYTES: usize = 1 << 20;

/// How long a provider may take for one packet.
pub const REPLY_LIMIT: Duration = Duration::from_secs(30);

/// Why a keyprovider did not wrap or unwrap.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyproviderError {
    /// The configuration cannot be read.
    #[error("the keyproviders' configuration {file}: {problem}")]
    Config {
        /// The file.
        file: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// No provider of this name is configured.
    #[error(
        "no keyprovider {name:?} is configured; there are {known} (the variable {CONFIG_VARIABLE} names the file with them)"
    )]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The way in which the provider is to be called is not implemented.
    #[error("unsupported: the keyprovider {name:?} is called by {how}, which is not implemented: {reason}")]
    Unsupported {
        /// The provider.
        name: String,
        /// How it is to be called.
        how: &'static str,
        /// Why it is not implemented, and what to do instead.
        reason: &'static str,
    },
    /// The provider could not be called, failed, or took too long.
    #[error("the keyprovider {name:?} ({callee}) {problem}")]
    Failed {
        /// The provider.
        name: String,
        /// Its command, or its address.
        callee: String,
        /// What happened.
        problem: String,
    },
    /// The reply is not one of the protocol.
    #[error("the reply of the keyprovider {name:?} to {operation}: {problem}")]
    Reply {
        /// The provider.
        name: String,
        /// What it was asked for.
        operation: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// What a provider is told by a recipient or key without a parameter.
const NO_PARAMETER: &str = "Enabled";

/// A keyprovider to wrap for, with the parameters that it gets.
#[derive(Clone, Debug)]
pub struct ProviderRecipient {
    provider: Keyprovider,
    parameters: Vec<String>,
}

impl ProviderRecipient {
    /// The recipient `NAME[:PARAMETER]`.
    pub fn parse(text: &str, providers: &Keyproviders) -> Result<Self, KeyproviderError> {
        let (provider, parameter) = parse(text, providers)?;
        Ok(Self {
            provider,
            parameters: vec![parameter],
        })
    }

    /// The provider's name.
    pub fn name(&self) -> &str {
        self.provider.name()
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.parameters.extend_from_slice(&other.parameters);
    }

    pub(super) fn wrap(&self, private: &[u8]) -> Result<Vec<u8>, KeyproviderError> {
        let wrapped = call(&self.provider, Operation::Wrap, &self.parameters, private)?;
        Ok(wrapped.to_vec())
    }
}

/// A keyprovider that unwraps, with the parameter that it gets.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    provider: Keyprovider,
    parameters: Vec<String>,
}

impl ProviderKey {
    /// The key `NAME[:PARAMETER]`.
    pub fn parse(text: &str, providers: &Keyproviders) -> Result<Self, KeyproviderError> {
        let (provider, parameter) = parse(text, providers)?;
        Ok(Self {
            provider,
            parameters: vec![parameter],
        })
    }
}

impl PacketKey for ProviderKey {
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        if scheme.strip_prefix(PROVIDER) != Some(self.provider.name()) {
            return Ok(None);
        }
        Ok(Some(call(
            &self.provider,
            Operation::Unwrap,
            &self.parameters,
            packet,
        )?))
    }
}

fn parse(text: &str, providers: &Keyproviders) -> Result<(Keyprovider, String), KeyproviderError> {
    let (name, parameter) = text.split_once(':').unwrap_or((text, NO_PARAMETER));
    Ok((providers.get(name)?, parameter.to_owned()))
}

fn call(
    provider: &Keyprovider,
    operation: Operation,
    parameters: &[String],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyproviderError> {
    let name = provider.name();
    let request = protocol::request(operation, name, parameters, data)
        .map_err(|problem| reply(name, operation, problem))?;
    let failed = |callee: String| {
        move |problem| KeyproviderError::Failed {
            name: name.to_owned(),
            callee,
            problem,
        }
    };
    let answer = match provider.invocation() {
        Invocation::Command { path, arguments } => command::run(path, arguments, &request, provider.limit())
            .map_err(failed(path.display().to_string()))?,
        Invocation::Grpc { tls: true, .. } => {
            return Err(KeyproviderError::Unsupported {
                name: name.to_owned(),
                how: "gRPC over TLS",
                reason: "a command that passes the same JSON on to the service does the same",
            });
        }
        #[cfg(feature = "grpc")]
        Invocation::Grpc { address, .. } => {
            service::run(address, operation, &request, provider.limit()).map_err(failed(address.clone()))?
        }
        #[cfg(not(feature = "grpc"))]
        Invocation::Grpc { .. } => {
            return Err(KeyproviderError::Unsupported {
                name: name.to_owned(),
                how: "gRPC",
                reason: "Sealab was built without its feature grpc; a command that passes the same JSON on to the \
                         service does the same",
            });
        }
    };
    protocol::reply(operation, &answer).map_err(|problem| reply(name, operation, problem))
}

fn reply(name: &str, operation: Operation, problem: String) -> KeyproviderError {
    KeyproviderError::Reply {
        name: name.to_owned(),
        operation: operation.name(),
        problem,
    }
}
