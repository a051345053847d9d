//! Measures the sizes of the protobuf entries in a CRIU image set and prints them as `data/criu-entry-sizes.json` has
//! them: `cargo run -p sealab-memory --example criu-entry-sizes -- IMAGES-DIRECTORY SUBJECT`.
//!
//! Left out: files that an encrypting CRIU does not seal entry by entry (`pages-*`, `stats-*`, `cipher.img` and what
//! has no magic), the raw payload behind the first entry of ghost files and data images, and empty entries.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, process};

/// The first word of images since version 1.1; the image's own magic follows.
const COMMON_MAGIC: u32 = 0x5456_4319;
/// The inventory's own magic, which stands alone.
const INVENTORY_MAGIC: u32 = 0x5831_3116;
/// Images with raw bytes behind their first entry.
const WITH_PAYLOAD: [&str; 6] = [
    "ghost-file",
    "pipes-data",
    "fifo-data",
    "sk-queues",
    "tcp-stream",
    "bpfmap-data",
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [directory, subject] = &arguments[..] else {
        eprintln!("usage: criu-entry-sizes IMAGES-DIRECTORY SUBJECT");
        process::exit(2);
    };
    match measure(Path::new(directory)) {
        Ok(kinds) => println!("{}", show(subject, &kinds)),
        Err(reason) => {
            eprintln!("{directory}: {reason}");
            process::exit(2);
        }
    }
}

/// Entries by size, by kind.
type Kinds = BTreeMap<String, BTreeMap<usize, usize>>;

fn measure(directory: &Path) -> Result<Kinds, String> {
    let mut kinds = Kinds::new();
    for file in fs::read_dir(directory).map_err(|error| error.to_string())? {
        let path = file.map_err(|error| error.to_string())?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let Some(stem) = name.strip_suffix(".img") else {
            continue;
        };
        if stem.starts_with("pages-") || stem == "cipher" {
            continue;
        }
        // Process and object numbers: decimal, or hexadecimal for ghost files.
        let kind = match stem.rsplit_once('-') {
            Some((kind, number)) if u64::from_str_radix(number, 16).is_ok() => kind,
            _ => stem,
        };
        let image = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
        for size in entries(kind, &image).map_err(|reason| format!("{name}: {reason}"))? {
            if size > 0 {
                *kinds.entry(kind.to_owned()).or_default().entry(size).or_default() += 1;
            }
        }
    }
    if kinds.is_empty() {
        return Err("no CRIU image with entries is there".to_owned());
    }
    Ok(kinds)
}

fn entries(kind: &str, image: &[u8]) -> Result<Vec<usize>, String> {
    let word = |at: usize| {
        let bytes = image.get(at..at.checked_add(4)?)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    let mut at = match word(0) {
        Some(COMMON_MAGIC) => 8,
        Some(INVENTORY_MAGIC) => 4,
        _ => return Ok(Vec::new()),
    };
    let mut sizes = Vec::new();
    while at < image.len() {
        let size = word(at).ok_or_else(|| format!("the entry at {at} is cut short"))? as usize;
        at += 4;
        if image.len() - at < size {
            return Err(format!("the entry at {at} has {size} bytes, the file fewer"));
        }
        at += size;
        sizes.push(size);
        if WITH_PAYLOAD.contains(&kind) {
            break;
        }
    }
    Ok(sizes)
}

fn show(subject: &str, kinds: &Kinds) -> String {
    let mut lines = Vec::new();
    for (kind, sizes) in kinds {
        let sizes: Vec<String> = sizes
            .iter()
            .map(|(bytes, entries)| format!("{{ \"bytes\": {bytes}, \"entries\": {entries} }}"))
            .collect();
        lines.push(format!("    {kind:?}: [{}]", sizes.join(", ")));
    }
    format!(
        "{{\n  \"subject\": {subject:?},\n  \"method\": \"Sizes of the protobuf entries (their u32 length field) by \
         image file, read with examples/criu-entry-sizes.rs. Left out: pages and stats images, raw payloads behind \
         entries, empty entries.\",\n  \"kinds\": {{\n{}\n  }}\n}}",
        lines.join(",\n")
    )
}
