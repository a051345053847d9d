//! A real registry, Debian's `docker-registry`, on a port of this machine that the system chooses. What goes to and from it
//! is counted.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::{ProgramError, Running, bytes_of, needs, until};

use crate::ImagesError;
use crate::counted::CountedPort;

const PATIENCE: Duration = Duration::from_secs(30);

/// The registry, until it is dropped.
pub struct Registry {
    port: CountedPort,
    // Ends first what it is asked, then itself.
    _running: Running,
    data: PathBuf,
}

impl Registry {
    /// Starts one that keeps its images in `folder`, which it makes.
    ///
    /// # Errors
    /// It is not installed or does not start, or it was cancelled.
    pub fn start(folder: &Path, cancelled: &AtomicBool) -> Result<Self, ImagesError> {
        let program = needs("docker-registry", "docker-registry")?;
        fs::create_dir(folder).map_err(ImagesError::at(folder))?;
        let (configuration, data) = (folder.join("registry.yaml"), folder.join("data"));
        let text = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: \
             {{rootdirectory: {:?}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n",
            data.display().to_string()
        );
        fs::write(&configuration, text).map_err(ImagesError::at(&configuration))?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .arg(&configuration)
            .env("OTEL_TRACES_EXPORTER", "none");
        let mut running = Running::start(&mut command, "docker-registry")?;
        let address = until("the start of docker-registry", PATIENCE, cancelled, || {
            if let Some(status) = running.ended() {
                return Err(running.failure(status));
            }
            Ok(address(&running.stderr()))
        })?;
        let failed =
            |error| ImagesError::from(ProgramError::of("counting what goes to the registry", &error));
        Ok(Self {
            port: CountedPort::new(address).map_err(failed)?,
            _running: running,
            data,
        })
    }

    /// An image in it: host, port, name and tag.
    pub fn image(&self, name: &str, tag: &str) -> String {
        format!("{}/{name}:{tag}", self.port.address())
    }

    /// Bytes that went to and from it so far, with HTTP's own.
    pub fn transferred_bytes(&self) -> u64 {
        self.port.bytes()
    }

    /// Bytes of all blobs that it keeps: layers, manifests and configurations.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn stored_bytes(&self) -> Result<u64, ImagesError> {
        let blobs = self.data.join("docker/registry/v2/blobs");
        if !blobs.exists() {
            return Ok(0);
        }
        Ok(bytes_of(&blobs)?)
    }
}

/// Where it listens, once it has said so.
fn address(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("listening on ")?;
    let (address, _) = rest.split_once('"')?;
    address.parse().ok()
}
