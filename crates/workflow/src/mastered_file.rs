//! What is told of one mastered file.

use crate::master::Mastered;
use crate::written::{WrittenFile, delivered_file, rendered_file, shown};
use crate::{AbFile, Project};
use serde::Serialize;
use std::path::Path;

/// One mastered file.
#[derive(Debug, Clone, Serialize)]
pub struct MasteredFile {
    /// The mix.
    pub source: String,
    /// Its session.
    pub session: String,
    /// The report.
    pub report: String,
    /// The mix before.
    pub before: WrittenFile,
    /// The master.
    pub master: WrittenFile,
    /// How near it came to the references, where there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<crate::Matched>,
    /// What was heard before anything was done, and what of it should go back to the mix.
    pub listening: Vec<crate::HeardFirst>,
    /// Before, after, references and takes at one loudness, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ab: Vec<AbFile>,
    /// What could not be reached, and why; and what was done to the mix before anything else.
    pub notes: Vec<String>,
    /// What the check of the master found, the worst first.
    pub findings: Vec<delivery::Finding>,
    /// The reasons, in order.
    pub decisions: Vec<session::Decision>,
}

impl MasteredFile {
    /// What `master` tells of a mix: its session, the report and the comparison that were written, and what was decided.
    pub(crate) fn of(
        mix: &Path,
        project: &Project,
        report: &Path,
        ab: Vec<AbFile>,
        mastered: Mastered,
    ) -> MasteredFile {
        MasteredFile {
            source: shown(mix),
            session: shown(&project.session_file()),
            report: shown(report),
            before: rendered_file("mix", mix, &mastered.premaster.facts),
            master: delivered_file("master", &mastered.delivered),
            matched: mastered.matched,
            listening: mastered.verdicts.iter().map(crate::HeardFirst::from).collect(),
            ab,
            notes: mastered
                .notes
                .into_iter()
                .chain(mastered.solved.and_then(|solved| solved.stopped))
                .collect(),
            findings: mastered.delivered.findings,
            decisions: mastered.decisions,
        }
    }
}
