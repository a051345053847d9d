//! `sealab volume serve`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealab_nbd::{Listener, Options, Server};
use sealab_volume::store::Access;

use super::arguments::ServeArguments;
use super::{VolumeFailure, stores};
use crate::{Done, interrupt};

/// How often a wait looks whether the user ended it.
const TICK: Duration = Duration::from_millis(50);

pub(super) fn serve(arguments: &ServeArguments) -> Done {
    let access = if arguments.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let volume = stores::open(&arguments.open, access, arguments.allow_discards)?;
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
    Ok(ExitCode::SUCCESS)
}
