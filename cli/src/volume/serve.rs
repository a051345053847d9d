//! `sealab volume serve`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealab_nbd::{Listener, Options, Server};
use sealab_volume::Volume;
use sealab_volume::store::Access;

use super::arguments::{Format, ServeArguments};
use super::tending::{QUIET, Tended, Tending};
use super::{VolumeFailure, sealed_log, stores};
use crate::failure::Failure;
use crate::{Done, interrupt};

/// How often a wait looks whether the user ended it.
const TICK: Duration = Duration::from_millis(50);

/// A volume, and what works on it besides its clients.
type Opened = (Arc<dyn Volume>, Option<Tending>);

pub(super) fn serve(arguments: &ServeArguments) -> Done {
    let access = if arguments.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let (volume, tending) = open(arguments, access)?;
    let listener = match (&arguments.socket, arguments.listen) {
        (Some(path), _) => Listener::unix(path),
        (None, Some(address)) => Listener::tcp(address),
        (None, None) => return Err(VolumeFailure::Call("--socket or --listen is needed".to_owned()).into()),
    }
    .map_err(VolumeFailure::from)?;
    let interrupted = interrupt::flag()?;
    let mut out = std::io::stdout();
    match (&arguments.socket, listener.address()) {
        (Some(path), _) => writeln!(out, "nbd+unix:///{}?socket={}", arguments.name, path.display())?,
        (None, Some(address)) => writeln!(out, "nbd://{address}/{}", arguments.name)?,
        (None, None) => {}
    }
    out.flush()?;
    let options = Options {
        name: arguments.name.clone(),
        read_only: arguments.read_only,
        broken: Arc::new(|error| {
            // Nobody is left to tell that standard error is gone.
            let _ = writeln!(std::io::stderr(), "sealab: a connection was closed: {error}");
        }),
        ..Options::default()
    };
    let server = Server::new(volume, options);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = async {
        while !interrupted.load(Ordering::Relaxed) {
            tokio::time::sleep(TICK).await;
        }
    };
    runtime
        .block_on(server.run(listener, stop))
        .map_err(VolumeFailure::from)?;
    drop(tending);
    Ok(ExitCode::SUCCESS)
}

fn open(arguments: &ServeArguments, access: Access) -> Result<Opened, Failure> {
    let refused = |message: &str| Err(VolumeFailure::Call(message.to_owned()).into());
    if stores::format(&arguments.open)? != Format::SealedLog {
        if arguments.index_memory.is_some() {
            return refused("--index-memory goes with a sealed log only");
        }
        let volume = stores::open(&arguments.open, access, arguments.allow_discards)?;
        return Ok((volume, None));
    }
    if arguments.allow_discards {
        return refused(
            "--allow-discards does not go with a sealed log, which takes discards and passes none on",
        );
    }
    let memory = arguments.index_memory.map(|size| size.bytes());
    let volume = Arc::new(Tended::new(sealed_log::open(&arguments.open, access, memory)?));
    let tending = (!arguments.read_only).then(|| Tending::start(volume.clone(), QUIET));
    Ok((volume, tending))
}
