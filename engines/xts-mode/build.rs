//! Reads the versions of the libraries from the workspace's `Cargo.lock`, so that the engine can name them.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// The dependencies that make the figures.
const NAMED: [&str; 2] = ["xts-mode", "aes"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    let lock = Path::new(&folder)
        .ancestors()
        .map(|folder| folder.join("Cargo.lock"))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("no Cargo.lock in {folder} nor above it; run cargo generate-lockfile"))?;
    println!("cargo::rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(&lock)?;

    let own = env::var("CARGO_PKG_NAME")?;
    let mut versions = String::new();
    for name in NAMED {
        let version = version(&text, &own, name)
            .ok_or_else(|| format!("{}: no version of {name} that {own} depends on", lock.display()))?;
        let separator = if versions.is_empty() { "" } else { ", " };
        write!(versions, "{separator}{name} {version}")?;
    }
    println!("cargo::rustc-env=LIBRARY_VERSIONS={versions}");
    Ok(())
}

/// The version of `name` that the package `dependent` uses. An entry names the version where the lock holds several.
fn version<'a>(lock: &'a str, dependent: &str, name: &str) -> Option<&'a str> {
    let packages = || lock.split("[[package]]").skip(1);
    let entry = packages()
        .find(|package| value(package, "name") == Some(dependent))?
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .find(|entry| entry.split(' ').next() == Some(name))?;
    match entry.split(' ').nth(1) {
        Some(version) => Some(version),
        None => value(
            packages().find(|package| value(package, "name") == Some(name))?,
            "version",
        ),
    }
}

fn value<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    package.lines().find_map(|line| {
        let (found, value) = line.split_once(" = ")?;
        (found == key).then(|| value.trim_matches('"'))
    })
}
