//! A committed corpus, run through the function that its fuzz target runs.

use std::fs;
use std::path::Path;

/// Runs every file of `fuzz/corpus/<name>` through `check`, and holds each to its name: `accepted-…` is accepted,
/// `refused-…` is not. Panics at the first that differs, and if either kind is missing from `kinds`.
pub(crate) fn hold(root: &Path, name: &str, kinds: &[&str], check: impl Fn(&[u8]) -> bool) {
    let folder = root.join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for kind in kinds {
        let of_kind = |file: &&Path| file.file_name().unwrap().to_string_lossy().starts_with(kind);
        assert!(
            files.iter().map(|file| file.as_path()).any(|file| of_kind(&file)),
            "{} has no file whose name begins with {kind}",
            folder.display()
        );
    }
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let expected = match name.split('-').next() {
            Some("accepted") => true,
            Some("refused") => false,
            _ => panic!(
                "{}: the name must begin with accepted- or refused-",
                file.display()
            ),
        };
        // Printed only when the test fails: a panic inside the check does not name the file.
        println!("{}", file.display());
        assert_eq!(check(&fs::read(&file).unwrap()), expected, "{}", file.display());
    }
}
