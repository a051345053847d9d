//! Which keyproviders there are: the file that `OCICRYPT_KEYPROVIDER_CONFIG` names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{KeyproviderError, REPLY_LIMIT};

/// The environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "OCICRYPT_KEYPROVIDER_CONFIG";

const MAX_CONFIG_BYTES: usize = 64 << 10;

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "key-providers")]
    providers: BTreeMap<String, Attributes>,
}

#[derive(Deserialize)]
struct Attributes {
    cmd: Option<Command>,
    grpc: Option<String>,
    #[serde(rename = "grpc-tls")]
    tls: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Command {
    path: PathBuf,
    args: Option<Vec<String>>,
}

/// How a provider is called.
#[derive(Clone, Debug)]
pub(super) enum Invocation {
    Command {
        path: PathBuf,
        arguments: Vec<String>,
    },
    Grpc {
        /// `host:port`.
        #[cfg_attr(
            not(feature = "grpc"),
            expect(dead_code, reason = "without the feature no service is called")
        )]
        address: String,
        /// Whether the connection is to be encrypted.
        tls: bool,
    },
}

/// A keyprovider.
#[derive(Clone, Debug)]
pub struct Keyprovider {
    name: String,
    invocation: Invocation,
    limit: Duration,
}

impl Keyprovider {
    /// The name, which is the end of its annotations' name too.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }
}

/// The keyproviders of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Keyproviders {
    providers: BTreeMap<String, Keyprovider>,
}

impl Keyproviders {
    /// Those of the file that the environment names; none where it names no file.
    pub fn from_environment() -> Result<Self, KeyproviderError> {
        match std::env::var_os(CONFIG_VARIABLE) {
            Some(path) if !path.is_empty() => Self::read(Path::new(&path)),
            _ => Ok(Self::default()),
        }
    }

    /// Those of the file `path`.
    pub fn read(path: &Path) -> Result<Self, KeyproviderError> {
        let wrong = |problem: String| KeyproviderError::Config {
            file: path.display().to_string(),
            problem,
        };
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_CONFIG_BYTES as u64 + 1).read_to_end(&mut text))
            .map_err(|error| wrong(error.to_string()))?;
        if text.len() > MAX_CONFIG_BYTES {
            return Err(wrong(format!("it has more than {MAX_CONFIG_BYTES} bytes")));
        }
        let config: Config = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let providers = config.providers.into_iter().map(|(name, attributes)| {
            // What names annotations, and stands before a colon in recipients.
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
                return Err(wrong(format!(
                    "a keyprovider is called {name:.100?}; a name is of printable ASCII without spaces and colons"
                )));
            }
            let invocation = match (attributes.cmd, attributes.grpc) {
                // Where there are both, ocicrypt takes the command.
                (Some(command), _) => Invocation::Command {
                    path: command.path,
                    arguments: command.args.unwrap_or_default(),
                },
                (None, Some(address)) if !address.is_empty() => Invocation::Grpc {
                    address,
                    tls: attributes.tls.is_some(),
                },
                _ => {
                    return Err(wrong(format!(
                        "the keyprovider {name:?} has neither \"cmd\" with a \"path\" nor \"grpc\"; it must have one"
                    )));
                }
            };
            let provider = Keyprovider {
                name: name.clone(),
                invocation,
                limit: REPLY_LIMIT,
            };
            Ok((name, provider))
        });
        Ok(Self {
            providers: providers.collect::<Result<_, _>>()?,
        })
    }

    /// The same with another limit of time for each packet.
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.providers
            .values_mut()
            .for_each(|provider| provider.limit = limit);
        self
    }

    /// The provider called `name`.
    pub fn get(&self, name: &str) -> Result<Keyprovider, KeyproviderError> {
        self.providers.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.providers.keys().map(String::as_str).collect();
            KeyproviderError::Unknown {
                name: name.to_owned(),
                known: if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                },
            }
        })
    }
}
