//! Serves a file as a volume on a unix socket and writes a trace of what is asked of it, until its input ends:
//! `record SOCKET FILE TRACE`.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use sealab_blocks::trace::Recording;
use sealab_nbd::{Listener, Options, Server};
use sealab_volume::plain::Plain;
use sealab_volume::store::{Access, FileStore};
use tokio::sync::oneshot;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, file, trace] = arguments.as_slice() else {
        return Err("give a socket, a file and the trace's path".into());
    };
    let volume = Plain::new(Arc::new(FileStore::open(file, Access::ReadWrite)?), 4096, false)?;
    let recording = Arc::new(Recording::new(volume, File::create(trace)?));
    let server = Server::new(recording.clone(), Options::default());
    let listener = Listener::unix(Path::new(socket))?;
    let (say_stop, stop) = oneshot::channel();
    std::thread::spawn(move || {
        // Until the input ends, or cannot be read.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        say_stop.send(())
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(server.run(listener, async {
        // A thread that is gone stops the server too.
        let _ = stop.await;
    }))?;
    recording.finish()?;
    Ok(())
}
