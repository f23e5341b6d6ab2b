//! Whether a file is fit for a target: findings with their place, their sound and their remedy.

mod faults;
mod format;
mod levels;

use std::path::Path;

use serde::Serialize;

use crate::error::DeliveryError;
use crate::reading::{Reading, read_back};
use crate::targets::{Force, Target};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file must not go out like this: the check does not pass.
    Fail,
    /// Listen to it, then decide.
    Warn,
    /// Good to know.
    Info,
}

impl Severity {
    /// What missing a figure of this force means.
    pub(crate) fn of(force: Force) -> Severity {
        match force {
            Force::Required => Severity::Fail,
            Force::Advised => Severity::Warn,
        }
    }
}

/// One thing that was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of finding it is; never changes.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in one sentence with figures.
    pub what: String,
    /// Where, in seconds from the start; `None` for the whole file.
    pub place_s: Option<f64>,
    /// How it sounds, or what happens because of it; may be empty.
    pub heard_as: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// The value that was measured, in `unit`.
    pub value: Option<f64>,
    /// The value that it was held against, in `unit`.
    pub limit: Option<f64>,
    /// The unit of both; empty for a count.
    pub unit: &'static str,
}

impl Finding {
    pub(crate) fn new(id: &'static str, severity: Severity, what: impl Into<String>) -> Finding {
        Finding {
            id,
            severity,
            what: what.into(),
            place_s: None,
            heard_as: String::new(),
            remedy: String::new(),
            value: None,
            limit: None,
            unit: "",
        }
    }

    pub(crate) fn at(self, place_s: Option<f64>) -> Finding {
        Finding { place_s, ..self }
    }

    pub(crate) fn heard(self, heard_as: impl Into<String>) -> Finding {
        Finding { heard_as: heard_as.into(), ..self }
    }

    pub(crate) fn mend(self, remedy: impl Into<String>) -> Finding {
        Finding { remedy: remedy.into(), ..self }
    }

    pub(crate) fn figure(self, value: f64, limit: f64, unit: &'static str) -> Finding {
        Finding { value: Some(value), limit: Some(limit), unit, ..self }
    }
}

/// A file that was checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The target's id.
    pub target: String,
    /// Whether nothing failed.
    pub passed: bool,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What was measured.
    pub reading: Reading,
}

/// Reads a file back and compares it with a target.
///
/// # Errors
/// When the file cannot be read or measured; what is wrong with its sound is a finding.
pub fn check(path: impl AsRef<Path>, target: &Target) -> Result<Checked, DeliveryError> {
    let reading = read_back(path)?;
    let findings = judge(&reading, target);
    Ok(Checked { target: target.id.to_string(), passed: passes(&findings), findings, reading })
}

/// Compares what was read from a file with a target: all findings, the worst first, each kind in a fixed order.
pub fn judge(reading: &Reading, target: &Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    format::judge(reading, target, &mut findings);
    levels::judge(reading, target, &mut findings);
    faults::judge(reading, target, &mut findings);
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Whether nothing failed.
pub fn passes(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Fail)
}
