//! Whether a figure can be what its CPU profile says: a cell that cannot is marked suspect.

use std::collections::HashMap;

use sealab_engine::Primitive;
use sealab_record::{Cell, CellStatus, EngineRecord, Operation};

/// Without AES instructions AES is many times slower; a cell above this share of its native speed has not lost them.
const SOFTWARE_SHARE: f64 = 0.6;

/// Marks cells whose profile is contradicted by what the worker saw, by the code path that the library took, or by
/// the figure itself. `hides_aes` tells which profiles hide AES; `contradictions` holds what a worker saw nonetheless.
pub(crate) fn mark_suspects(
    cells: &mut [Cell],
    engines: &[EngineRecord],
    contradictions: &HashMap<(String, String), Vec<String>>,
    hides_aes: impl Fn(&str) -> bool,
) {
    let path = |cell: &Cell| {
        engines
            .iter()
            .find(|engine| engine.id == cell.engine && engine.cpu_profile == cell.cpu_profile)
    };
    let native: HashMap<_, f64> = cells
        .iter()
        .filter(|cell| !hides_aes(&cell.cpu_profile) && path(cell).is_some_and(|engine| engine.hardware_aes))
        .filter_map(|cell| Some((place(cell), cell.throughput_bytes_per_s?.median)))
        .fold(HashMap::new(), |mut fastest, (place, median)| {
            let entry = fastest.entry(place).or_insert(median);
            *entry = entry.max(median);
            fastest
        });
    for cell in cells
        .iter_mut()
        .filter(|cell| cell.status == CellStatus::Measured)
    {
        let seen = contradictions.get(&(cell.engine.clone(), cell.cpu_profile.clone()));
        let reason = if let Some(seen) = seen.filter(|seen| !seen.is_empty()) {
            Some(format!("the process still sees {}", seen.join(", ")))
        } else if hides_aes(&cell.cpu_profile) {
            let hardware = path(cell).is_some_and(|engine| engine.hardware_aes);
            let speed = cell.throughput_bytes_per_s.map(|figure| figure.median);
            let share = speed
                .zip(native.get(&place(cell)))
                .map(|(speed, native)| speed / native);
            match share {
                _ if hardware => Some("the library says that it uses AES instructions".to_owned()),
                Some(share) if share > SOFTWARE_SHARE && bound_by_aes(&cell.format) => Some(format!(
                    "{:.0} % of its speed with AES instructions",
                    share * 100.0
                )),
                _ => None,
            }
        } else {
            None
        };
        if let Some(reason) = reason {
            cell.status = CellStatus::Suspect;
            cell.reason = Some(format!(
                "contradicts the CPU profile {}: {reason}",
                cell.cpu_profile
            ));
        }
    }
}

/// The cell but for its CPU profile.
fn place(cell: &Cell) -> (String, String, String, String, u64, usize, Operation) {
    (
        cell.scenario.clone(),
        cell.engine.clone(),
        cell.format.clone(),
        cell.workload.clone(),
        cell.unit_bytes,
        cell.threads,
        cell.operation,
    )
}

/// Whether the format's speed is AES's own: in others a hash may hide the difference.
fn bound_by_aes(format: &str) -> bool {
    sealab_checkpoint::format(format).is_some_and(|format| {
        format
            .primitives()
            .iter()
            .all(|primitive: &Primitive| primitive.uses_aes())
    })
}

#[cfg(test)]
mod tests {
    use sealab_record::Figure;

    use super::*;

    fn cell(cpu_profile: &str, format: &str, median: f64) -> Cell {
        Cell {
            scenario: "s".to_owned(),
            engine: "e".to_owned(),
            cpu_profile: cpu_profile.to_owned(),
            plane: "page".to_owned(),
            format: format.to_owned(),
            operation: Operation::Seal,
            workload: "w".to_owned(),
            unit_bytes: 4096,
            threads: 1,
            status: CellStatus::Measured,
            reason: None,
            verified: true,
            throughput_bytes_per_s: Some(Figure {
                median,
                low: median,
                high: median,
            }),
            rate: None,
            samples: vec![median],
            sample_conditions: Vec::new(),
            space: None,
            traffic: None,
            along: None,
            memory: None,
            transactions: None,
        }
    }

    fn engine(cpu_profile: &str, hardware_aes: bool) -> EngineRecord {
        EngineRecord {
            id: "e".to_owned(),
            library: "E".to_owned(),
            version: "1".to_owned(),
            cpu_profile: cpu_profile.to_owned(),
            mechanism: "cpuid-trap".to_owned(),
            code_path: String::new(),
            hardware_aes,
            evidence: Vec::new(),
            primitives: Vec::new(),
            available: true,
            reason: None,
        }
    }

    fn judge(
        format: &str,
        native: f64,
        software: f64,
        says_hardware: bool,
        sees: &[&str],
    ) -> (CellStatus, CellStatus) {
        let mut cells = [cell("native", format, native), cell("no-aes", format, software)];
        let engines = [engine("native", true), engine("no-aes", says_hardware)];
        let sees = sees.iter().map(|feature| (*feature).to_owned()).collect();
        let contradictions = HashMap::from([(("e".to_owned(), "no-aes".to_owned()), sees)]);
        mark_suspects(&mut cells, &engines, &contradictions, |profile| {
            profile == "no-aes"
        });
        (cells[0].status, cells[1].status)
    }

    #[test]
    fn a_profile_that_took_effect_is_believed() {
        let measured = (CellStatus::Measured, CellStatus::Measured);
        assert_eq!(judge("aes-256-xts", 10.0, 0.3, false, &[]), measured);
        assert_eq!(judge("chacha20-poly1305", 1.0, 1.0, false, &[]), measured);
    }

    #[test]
    fn each_contradiction_makes_a_cell_suspect() {
        let suspect = (CellStatus::Measured, CellStatus::Suspect);
        assert_eq!(judge("aes-256-xts", 10.0, 9.5, false, &[]), suspect);
        assert_eq!(judge("aes-256-xts", 10.0, 0.3, true, &[]), suspect);
        assert_eq!(judge("aes-256-xts", 10.0, 0.3, false, &["aes"]), suspect);
    }
}
