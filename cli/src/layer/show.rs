//! `sealab layer show`.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use sealab_layer::LayerInfo;
use sealab_registry::Parts;
use serde::Serialize;

use super::LayerFailure;
use super::arguments::ShowArguments;
use super::staging::Source;
use crate::{Done, interrupt};

#[derive(Serialize)]
struct Shown<'a> {
    image: String,
    layers: &'a [LayerInfo],
}

pub(super) fn show(arguments: &ShowArguments) -> Done {
    let interrupted = interrupt::flag()?;
    let source = Source::open(&arguments.image, Parts::WithoutLayers, None, &interrupted)?;
    let layers = sealab_layer::show(&source.layout).map_err(LayerFailure::from)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let shown = Shown {
            image: arguments.image.to_string(),
            layers: &layers,
        };
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&shown).map_err(std::io::Error::from)?
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    for layer in &layers {
        writeln!(out, "{}", Line(layer))?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Line<'a>(&'a LayerInfo);

impl fmt::Display for Line<'_> {
    /// Names from the image are escaped: they are anybody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = self.0;
        write!(f, "layer {}", layer.layer)?;
        if let Some(platform) = &layer.platform {
            write!(f, " ({})", platform.escape_debug())?;
        }
        write!(
            f,
            ": {}, {} bytes, {}, ",
            layer.digest,
            layer.bytes,
            layer.media_type.escape_debug()
        )?;
        if !layer.encrypted {
            return f.write_str("not encrypted");
        }
        match (&layer.format, &layer.cipher) {
            (Some(format), _) => f.write_str(format)?,
            (None, Some(cipher)) => write!(f, "the unknown cipher {}", cipher.escape_debug())?,
            (None, None) => f.write_str("no cipher")?,
        }
        if let Some(chunk_bytes) = layer.chunk_bytes {
            write!(f, " in chunks of {chunk_bytes} bytes")?;
        }
        if layer.file_index {
            f.write_str(", with a file index")?;
        }
        f.write_str("; recipients:")?;
        for (number, packet) in layer.recipients.iter().enumerate() {
            for (place, recipient) in packet.iter().enumerate() {
                write!(f, " {number}.{place} jwe {}", recipient.algorithm.escape_debug())?;
                if let Some(id) = &recipient.key_id {
                    write!(f, " {}", id.escape_debug())?;
                }
                f.write_str(",")?;
            }
        }
        let mut packets = layer.packets.iter();
        packets.try_for_each(|(scheme, count)| write!(f, " {count} packets of {}", scheme.escape_debug()))
    }
}
