//! Finished files against a target: `check`, and the remedies that it can apply.

mod mending;

use crate::{Context, WorkflowError};
use delivery::{Checked, Finding, Mend, Preview, Severity, Target, Targets};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub use mending::{MendRequest, Mended};

/// What to hold files against.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// The target's id.
    pub target: String,
    /// A file with a person's own rows of targets; without it, `targets.toml` in the current folder.
    pub targets: Option<PathBuf>,
    /// The same for the preview of streaming services; without it, `services.toml`.
    pub services: Option<PathBuf>,
    /// Apply remedies; nothing is mended without it.
    pub mend: Option<MendRequest>,
}

/// A file, its check and what the services will do to it.
#[derive(Debug, Clone, Serialize)]
pub struct CheckedFile {
    /// The check.
    #[serde(flatten)]
    pub checked: Checked,
    /// What each streaming service will do.
    pub services: Vec<Preview>,
    /// What was mended, where that was asked for and there was something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mended: Option<Mended>,
}

/// What `check` prints.
#[derive(Debug, Clone, Serialize)]
pub struct CheckResult {
    /// Names the form of this object.
    pub schema: &'static str,
    /// One per file that could be read, in the order given.
    pub files: Vec<CheckedFile>,
    /// Those that could not be read, and why.
    pub unreadable: Vec<crate::Unreadable>,
    /// Whether every file passed; where remedies were applied, every file that is there now.
    pub passed: bool,
    /// Whether remedies were only planned.
    pub dry_run: bool,
}

/// Holds finished files against a target, and mends what is asked for and can be.
///
/// # Errors
/// When the target or a table cannot be read, or none of the files; what is wrong with their sound is a finding.
pub fn check(
    paths: &[PathBuf],
    request: &CheckRequest,
    context: &Context,
) -> Result<CheckResult, WorkflowError> {
    let targets = crate::targets::targets_at(request.targets.as_deref(), Path::new(""), context)?;
    let target = targets.find(&request.target)?;
    let rows = crate::services::services(request.services.as_deref(), Path::new(""), context)?;
    let one = |path: &PathBuf| {
        let checked = checked(path, target, context)?;
        let facts = &checked.reading.facts;
        let services = delivery::preview_of(&rows, facts.integrated_lufs, facts.true_peak_dbtp);
        Ok(CheckedFile { checked, services, mended: None })
    };
    let results = paths.iter().map(one).collect();
    let (mut files, unreadable) = crate::measure_files::readable(paths, results)?;
    one_layout(target, &mut files);
    if let Some(mend) = &request.mend {
        for file in &mut files {
            file.mended = mending::mend(&file.checked, target, mend, context)?;
        }
    }
    let passes = |file: &CheckedFile| match file.mended.as_ref().and_then(|mended| mended.checked.as_ref()) {
        Some(after) => after.passed,
        None => file.checked.passed,
    };
    let passed = unreadable.is_empty() && files.iter().all(passes);
    let dry_run = request.mend.as_ref().is_some_and(|mend| mend.dry_run);
    Ok(CheckResult { schema: "tonmeister.check/1", files, unreadable, passed, dry_run })
}

/// The check of one file, with what is wrong with the codes in its tags.
pub(crate) fn checked(path: &Path, target: &Target, context: &Context) -> Result<Checked, WorkflowError> {
    context.check()?;
    context.listener.stage(&format!("checking {}", path.display()), None);
    let mut checked = delivery::check(path, target)?;
    checked.findings.extend(codes(&checked));
    checked.findings.sort_by_key(|finding| finding.severity);
    checked.passed = delivery::passes(&checked.findings);
    Ok(checked)
}

/// Registered numbers in the tags that cannot be.
fn codes(checked: &Checked) -> Vec<Finding> {
    let tags = &checked.reading.tags;
    let wrong = |id, text: &Option<String>, read: fn(&str) -> Result<String, String>| {
        let what = read(text.as_deref()?).err()?;
        let finding =
            Finding::new(id, Severity::Warn, format!("The tags say \"{}\": {what}.", text.as_deref()?));
        Some(finding.heard("Plays and sales are counted for somebody else, or for nobody.").advise(
            "Write the right number into the session or the album file, and deliver again.",
            "Nothing",
            "which number was meant is not in the file",
        ))
    };
    let isrc = wrong("isrc", &tags.isrc, session::codes::isrc);
    let barcode = wrong("barcode", &tags.barcode, session::codes::barcode);
    isrc.into_iter().chain(barcode).collect()
}

/// Where a target wants all files alike, those with other channels than most have a finding more.
fn one_layout(target: &Target, files: &mut [CheckedFile]) {
    let mono = files.iter().filter(|file| file.checked.reading.channels == 1).count();
    if !target.one_layout || mono == 0 || mono == files.len() {
        return;
    }
    let (most, word) = if 2 * mono > files.len() { (1, "mono") } else { (2, "stereo") };
    for checked in files.iter_mut().map(|file| &mut file.checked) {
        let channels = checked.reading.channels;
        if channels == most {
            continue;
        }
        let what = format!("The file has {channels} channels; most of the others are {word}.");
        checked.findings.push(
            Finding::new("one_layout", Severity::Fail, what).heard("It may be refused.").advise(
                "Deliver all files mono, or all stereo.",
                "Nothing, for speech",
                "which of the two is meant is for somebody who knows the book",
            ),
        );
        checked.findings.sort_by_key(|finding| finding.severity);
        checked.passed = false;
    }
}

/// All targets, or those with these ids. `file` has a person's own rows; without it, `targets.toml` in the current folder.
///
/// # Errors
/// When the file has a mistake, or an id is not known.
pub fn targets(ids: &[String], file: Option<&Path>, context: &Context) -> Result<Vec<Target>, WorkflowError> {
    let targets: Targets = crate::targets::targets_at(file, Path::new(""), context)?;
    if ids.is_empty() {
        return Ok(targets.rows().to_vec());
    }
    ids.iter().map(|id| Ok(targets.find(id)?.clone())).collect()
}

/// Whether a finding has a remedy that is applied.
pub(crate) fn can_be_mended(finding: &Finding) -> bool {
    matches!(finding.mend, Mend::By(_))
}
