//! A scenario file is planned within its bounds, or refused with its place.

use std::collections::HashSet;
use std::time::Duration;

use sealab_scenario::{Vocabulary, parse, plan};

use crate::{place, refusal};

const FILE: &str = "file.yaml";

/// Whether `data` is accepted; panics where anything is out of bounds.
pub(crate) fn check(data: &[u8]) -> bool {
    // A file that is not UTF-8 is refused when it is read.
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    // Fixed, so that an input means the same on every machine.
    let words = Vocabulary {
        engines: vec!["rustcrypto", "openssl", "aws-lc", "ring", "gnutls"],
        cpu_profiles: ["native", "aes-ni", "no-aes"].map(str::to_owned).to_vec(),
    };
    let planned = match parse(text, FILE).and_then(|scenario| plan(scenario, FILE, &words)) {
        Ok(planned) => planned,
        Err(error) => {
            let message = error.to_string();
            refusal::is_one_line(&message);
            place::is_told(&message, FILE, text);
            return false;
        }
    };
    assert!(planned.cells.len() <= 10_000, "{} cells", planned.cells.len());
    assert!((1..=1000).contains(&planned.rounds), "{} rounds", planned.rounds);
    let sample = Duration::from_millis(1)..=Duration::from_secs(10);
    assert!(sample.contains(&planned.sample), "{:?} a sample", planned.sample);
    for workload in &planned.workloads {
        assert_eq!(workload.validate().map_err(|error| error.to_string()), Ok(()));
        refusal::is_one_line(&workload.to_string());
    }
    let mut seen = HashSet::new();
    for cell in &planned.cells {
        assert!(words.engines.contains(&cell.engine), "{cell:?}");
        assert!(words.cpu_profiles.contains(&cell.cpu_profile), "{cell:?}");
        assert!(cell.workload < planned.workloads.len(), "{cell:?}");
        assert!((1..=256).contains(&cell.threads), "{cell:?}");
        if let Some(unit) = cell.unit_bytes {
            assert!((16..=16 << 20).contains(&unit) && unit % 16 == 0, "{cell:?}");
        }
        assert!(seen.insert(cell), "{cell:?} is planned twice");
    }
    true
}
