//! The tone of finished songs that a mix is to be near to.

use crate::finished_song::{nothing_heard, source_of};
use crate::heard::Heard;
use crate::listen::listen_to;
use crate::{Context, Project, WorkflowError};
use assistant::ReferenceTone;
use engine::Audio;
use measure::BandLevel;
use session::Session;
use std::path::PathBuf;

/// The references that are asked for, or else those that the session names, with their weights.
pub(crate) fn asked(project: &Project, session: &Session, request: &[(PathBuf, f64)]) -> Vec<(PathBuf, f64)> {
    match request.is_empty() {
        true => session.master.references.iter().map(|file| (project.resolve(file), 1.0)).collect(),
        false => request.to_vec(),
    }
}

/// Hears what of the references is not known already.
///
/// # Errors
/// When one cannot be read, or holds nothing that is heard.
pub(crate) fn measure(
    references: &[(PathBuf, f64)],
    heard: &mut Heard,
    context: &Context,
) -> Result<Vec<ReferenceTone>, WorkflowError> {
    let one = |(file, weight): &(PathBuf, f64)| {
        context.check()?;
        let sound = format!("reference-{}", Audio::open(std::slice::from_ref(file))?.hash());
        let third_octave_db: Vec<BandLevel> = match heard.recall(&sound) {
            Some(known) => known,
            None => {
                context.listener.stage("listening to a reference", None);
                let facts = listen_to(&source_of(file)?, context)?.facts;
                if facts.integrated_lufs.is_none() {
                    return Err(nothing_heard(file, "the reference "));
                }
                heard.remember(&sound, &facts.third_octave_db);
                facts.third_octave_db
            }
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(ReferenceTone { name, weight: *weight, third_octave_db })
    };
    references.iter().map(one).collect()
}
