//! Whether a file is fit for a target: findings with their place, their sound and their remedy.

mod faults;
mod format;
mod levels;
mod metadata;

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use crate::error::DeliveryError;
use crate::finding::{Finding, Mend, Remedy, Severity};
use crate::reading::{Look, Reading, read_observed};
use crate::targets::Target;

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
    let reading = read_observed(path.as_ref(), Look::Strange, &mut |_| ControlFlow::Continue(()))?;
    let findings = judge(&reading, target);
    Ok(Checked { target: target.id.to_string(), passed: passes(&findings), findings, reading })
}

/// Compares what was read from a file with a target: all findings, the worst first, each kind in a fixed order.
pub fn judge(reading: &Reading, target: &Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    format::judge(reading, target, &mut findings);
    levels::judge(reading, target, &mut findings);
    faults::judge(reading, target, &mut findings);
    metadata::judge(reading, &mut findings);
    for finding in &mut findings {
        without_new_coding(reading, finding);
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// What is coded with loss can only be changed by coding it once more: that is not done.
fn without_new_coding(reading: &Reading, finding: &mut Finding) {
    let Mend::By(remedy) = finding.mend else { return };
    if reading.lossy && remedy != Remedy::Tags {
        finding.price = "Coding it a second time, which takes away more".to_owned();
        finding.mend =
            Mend::Refused("the file is coded with loss already: mend its source and code that".to_owned());
    }
}

/// Whether nothing failed.
pub fn passes(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Fail)
}
