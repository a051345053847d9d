//! Serves a volume without protection on a unix socket until its input ends:
//! `serve SOCKET memory BYTES`, `serve SOCKET file PATH` or `serve SOCKET direct PATH`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use sealab_nbd::{Listener, Options, Server};
use sealab_volume::plain::Plain;
use sealab_volume::store::{Access, DirectFileStore, FileStore, MemoryStore, Store};
use tokio::sync::oneshot;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, kind, what] = arguments.as_slice() else {
        return Err("give a socket, `memory` with bytes, or `file` or `direct` with a path".into());
    };
    let store: Arc<dyn Store> = match kind.as_str() {
        "memory" => Arc::new(MemoryStore::new(what.parse()?)),
        "file" => Arc::new(FileStore::open(what, Access::ReadWrite)?),
        "direct" => Arc::new(DirectFileStore::open(what, Access::ReadWrite)?),
        _ => return Err(format!("{kind}: not one of memory, file, direct").into()),
    };
    let block = store.alignment().max(512) as u32;
    let options = Options {
        broken: Arc::new(|error| eprintln!("a connection was closed: {error}")),
        ..Options::default()
    };
    let server = Server::new(Arc::new(Plain::new(store, block, false)?), options);
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
    Ok(())
}
