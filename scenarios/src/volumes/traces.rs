//! Block traces as workloads.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use sealab_blocks::trace::{Operation, Trace, database};
use serde::{Deserialize, Serialize};

/// The name of the trace that is shipped.
const DATABASE: &str = "database";

/// A trace that was looked at.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct TraceFile {
    /// As the scenario names it.
    pub name: String,
    /// Where it is; nothing for the one that is shipped.
    pub path: Option<PathBuf>,
    /// How long its reads and writes are on average, in bytes.
    pub request_bytes: u64,
}

impl TraceFile {
    /// The requests at a time in a replay: about what a database of a few clients makes.
    pub(super) const DEPTH: u32 = 8;

    /// The trace that the scenario file `file` names `name`, if it fits volumes of `size` bytes.
    pub(super) fn check(name: &str, file: &str, size: u64) -> Result<Self, String> {
        let path = (name != DATABASE).then(|| match Path::new(file).parent() {
            Some(folder) => folder.join(name),
            None => PathBuf::from(name),
        });
        let mut found = Self {
            name: name.to_owned(),
            path,
            request_bytes: 0,
        };
        let trace = found.load()?;
        if trace.size() > size {
            return Err(format!(
                "the trace {name} is of a volume of {} bytes; those here have {size}",
                trace.size()
            ));
        }
        let (reads, read) = trace.count(Operation::Read);
        let (writes, written) = trace.count(Operation::Write);
        if reads + writes == 0 {
            return Err(format!("the trace {name} neither reads nor writes"));
        }
        found.request_bytes = (read + written) / (reads + writes);
        Ok(found)
    }

    /// The trace itself.
    pub(super) fn load(&self) -> Result<Trace, String> {
        let Some(path) = &self.path else {
            return database().map_err(|error| format!("the shipped trace: {error}"));
        };
        let said = |error: String| format!("{}: {error}", path.display());
        let file =
            File::open(path).map_err(|error| said(format!("{error}; of traces, {DATABASE} is shipped")))?;
        Trace::read(BufReader::new(file)).map_err(|error| said(error.to_string()))
    }
}
