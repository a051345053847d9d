//! All that one run of the bench found.

use crate::{Act, Finding};

/// One run of the bench.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttackRun {
    /// The version of sealab.
    pub sealab_version: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The command line that gave it.
    pub command: Vec<String>,
    /// The library that the formats were sealed and opened with, with its version.
    pub engine: String,
    /// The formats, in the order of reports.
    pub formats: Vec<FormatUnderAttack>,
    /// The acts that were asked for, in the order of reports.
    pub acts: Vec<Act>,
    /// One finding for each format and act of the same plane.
    pub findings: Vec<Finding>,
}

/// A format that was attacked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FormatUnderAttack {
    /// What it seals: `checkpoint`, …
    pub plane: &'static str,
    /// The stable identifier.
    pub id: &'static str,
    /// What it is, and which reader opened it.
    pub description: &'static str,
}

impl AttackRun {
    /// The finding on `act` for `format`, if both are of one plane.
    pub fn finding(&self, format: &FormatUnderAttack, act: &Act) -> Option<&Finding> {
        self.findings.iter().find(|finding| {
            finding.plane == format.plane
                && finding.plane == act.plane
                && finding.format == format.id
                && finding.attack == act.id
        })
    }

    /// What of the run belongs to each plane, in the order of its formats.
    pub fn planes(&self) -> Vec<(&'static str, Self)> {
        let mut planes: Vec<&'static str> = Vec::new();
        for format in &self.formats {
            if !planes.contains(&format.plane) {
                planes.push(format.plane);
            }
        }
        let of = |plane| {
            let mut run = self.clone();
            run.formats.retain(|format| format.plane == plane);
            run.acts.retain(|act| act.plane == plane);
            run.findings.retain(|finding| finding.plane == plane);
            (plane, run)
        };
        planes.into_iter().map(of).collect()
    }

    /// Findings that are not as expected.
    pub fn surprises(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.is_expected())
    }
}
