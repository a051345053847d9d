//! `sealab layer serve`: an image's files in a folder, for reading.

mod filesystem;
mod mount;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::arguments::ServeArguments;
use super::opened::{Fetched, Opened};
use crate::{Done, interrupt};
use filesystem::ImageFilesystem;
use mount::Mountpoint;

#[derive(Serialize)]
struct Told {
    image: String,
    /// The manifest or index that the image's name stood for.
    digest: String,
    mountpoint: String,
    fetched: Fetched,
    /// How often something was read that was not what was sealed.
    refused: u64,
}

pub(super) fn serve(arguments: &ServeArguments) -> Done {
    let mountpoint = Mountpoint::check(&arguments.mountpoint)?;
    let interrupted = interrupt::flag()?;
    let opened = Arc::new(Opened::open(&arguments.reading, &interrupted)?);
    let refused = Arc::new(AtomicU64::new(0));
    let filesystem = ImageFilesystem::new(Arc::clone(&opened), Arc::clone(&refused));
    let image = arguments.reading.image.to_string();
    let mounted = mountpoint.mount(filesystem)?;
    let shown = arguments.mountpoint.display();
    let mut stderr = std::io::stderr();
    // Nobody is left to tell that standard error is gone; whoever reads files is.
    let _ = writeln!(
        stderr,
        "sealab: {image} ({}) is in {shown}, for reading; Ctrl-C ends it",
        opened.digest
    );
    mounted.until(&interrupted)?;
    let told = Told {
        image,
        digest: opened.digest.to_string(),
        mountpoint: shown.to_string(),
        fetched: opened.fetched(),
        refused: refused.load(Ordering::Relaxed),
    };
    let _ = writeln!(stderr, "sealab: {shown} is no longer mounted: {}", told.fetched);
    if arguments.reading.json {
        let text = serde_json::to_string_pretty(&told).map_err(std::io::Error::from)?;
        writeln!(std::io::stdout(), "{text}")?;
    }
    Ok(ExitCode::from(u8::from(told.refused > 0)))
}
