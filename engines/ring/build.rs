//! Reads ring's version from the workspace's `Cargo.lock`: ring does not tell it at run time.

use std::{env, error::Error, fs, path::Path};

const LIBRARY: &str = "ring";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    let lock = Path::new(&folder)
        .ancestors()
        .map(|folder| folder.join("Cargo.lock"))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("no Cargo.lock in {folder} nor above it; run cargo generate-lockfile"))?;
    println!("cargo::rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(&lock)?;
    let mut versions = text.split("[[package]]").filter_map(|package| {
        let mut lines = package
            .lines()
            .map(|line| line.split_once(" = ").unwrap_or((line, "")));
        lines.find(|(key, value)| *key == "name" && value.trim_matches('"') == LIBRARY)?;
        lines.find_map(|(key, value)| (key == "version").then(|| value.trim_matches('"')))
    });
    let (Some(version), None) = (versions.next(), versions.next()) else {
        return Err(format!(
            "{}: it must hold exactly one version of {LIBRARY}",
            lock.display()
        )
        .into());
    };
    println!("cargo::rustc-env=LIBRARY_VERSION={version}");
    Ok(())
}
