//! The report of a song.

use crate::master::Mastered;
use crate::plan::Planned;
use crate::render::Rendered;
use crate::{Project, WorkflowError};
use delivery::Delivered;
use engine::GainReduction;
use std::path::{Path, PathBuf};

pub(crate) fn write(
    project: &Project,
    _planned: &Planned,
    _rendered: &[Rendered],
    _reductions: &[GainReduction],
    _mastered: Option<&Mastered>,
    _deliveries: &[Delivered],
) -> Result<PathBuf, WorkflowError> {
    Ok(project.out().join("report.html"))
}

pub(crate) fn write_master(
    _project: &Project,
    _mastered: &Mastered,
    base: &Path,
) -> Result<PathBuf, WorkflowError> {
    Ok(base.with_extension("html"))
}
