//! Work on layers, watched, and what became of each.

use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sealab_engine::Primitive;
use sealab_layer::image::LayerChoice;
use sealab_layer::{LayerInfo, LayerOutcome, SealedDigest, Work};
use serde::Serialize;

use super::LayerFailure;
use super::arguments::Working;
use super::image::Image;
use crate::Done;
use crate::engine;
use crate::failure::Failure;
use crate::progress::Progress;

/// Does `work` with the engine that is asked for, its progress through `layers` shown as `what`.
pub(super) fn watched(
    what: &'static str,
    working: &Working,
    needed: &[Primitive],
    layers: &[LayerInfo],
    choice: &LayerChoice,
    interrupt: &AtomicBool,
    work: impl FnOnce(&Work<'_>) -> Result<Vec<LayerOutcome>, sealab_layer::Error>,
) -> Result<Vec<LayerOutcome>, Failure> {
    let engine = engine::open(working.engine.as_deref(), needed)?;
    let shown = Progress::start(what);
    let counter = shown.counter();
    if choice.layers.is_empty() && choice.platforms.is_empty() {
        let total = layers.iter().map(|layer| layer.bytes).sum();
        counter.total.store(total, Ordering::Relaxed);
    }
    let threads = working.threads.map(usize::from);
    let outcomes = work(&Work {
        engine: &*engine,
        threads: threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get)),
        progress: &|bytes| {
            counter.done.fetch_add(bytes, Ordering::Relaxed);
        },
        interrupt,
    });
    outcomes.map_err(|error| LayerFailure::from(error).into())
}

#[derive(Serialize)]
struct Told<'a> {
    image: String,
    layers: &'a [LayerOutcome],
}

/// Tells what became of the layers of `image`.
pub(super) fn tell(done: &str, image: &Image, outcomes: &[LayerOutcome], json: bool) -> Done {
    let mut out = std::io::stdout().lock();
    if json {
        let told = Told {
            image: image.to_string(),
            layers: outcomes,
        };
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&told).map_err(std::io::Error::from)?
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    for outcome in outcomes {
        write!(out, "layer {}", outcome.layer)?;
        if let Some(platform) = &outcome.platform {
            write!(out, " ({})", platform.escape_debug())?;
        }
        write!(out, ": {}, {}", outcome.format, outcome.written)?;
        if outcome.file_index {
            write!(out, ", with a file index")?;
        }
        if let Some(key) = &outcome.key {
            write!(out, ", opened by {key}")?;
        }
        if let Some(SealedDigest::Unknown) = outcome.sealed_digest {
            write!(out, ", without a sealed digest that can be verified")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{} layers {done}: {image}", outcomes.len())?;
    Ok(ExitCode::SUCCESS)
}
