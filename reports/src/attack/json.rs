//! The findings as JSON.

use sealab_attack_record::AttackRun;

/// The findings as a JSON array of objects: `plane`, `format`, `attack`, `guarantee`, `verdict`, `expected` (null where
/// nothing is), `detail` and `reason`. It ends with a line feed.
pub fn attack_json(run: &AttackRun) -> String {
    // Strings and enumerations alone, so nothing can fail.
    let mut text = serde_json::to_string_pretty(&run.findings).unwrap_or_default();
    text.push('\n');
    text
}
