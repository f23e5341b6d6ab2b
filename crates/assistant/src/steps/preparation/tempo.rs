//! The tempo, where the players keep one.

use crate::SongFacts;
use crate::parts::{heard, role};
use crate::roles;
use session::{Decision, Path, Session, StepId};

/// Confidence from which a tempo is written down.
const SURE: f64 = 0.6;
/// So many tracks of drums and percussion speak for all.
const ENOUGH: usize = 3;

/// The song's tempo where the onsets are plain.
pub(super) fn tempo(facts: &SongFacts, session: &Session) -> Option<Decision> {
    let analysis = |track: &session::Strip| facts.tracks.get(&track.id).map(|known| &known.raw);
    let all: Vec<_> = heard(session).filter_map(analysis).collect();
    let beats = heard(session).filter(|track| matches!(roles::family(role(track)), "drums" | "percussion"));
    let beats: Vec<_> = beats.filter_map(analysis).collect();
    // Drums first: what they play is the beat. Where they are few, everybody is asked.
    let found = [beats.len() >= ENOUGH, true].into_iter().zip([&beats, &all]).find_map(|(ask, tracks)| {
        let tempo = measure::tempo(tracks.iter().map(|track| (track.onsets_s.as_slice(), &track.erb)))
            .filter(|_| ask)?;
        (tempo.confidence >= SURE).then_some((tempo, tracks))
    });
    let (tempo, tracks) = found?;
    let onsets: usize = tracks.iter().map(|track| track.onsets_s.len()).sum();
    let why = format!(
        "{:.1} beats per minute: {onsets} onsets of {} tracks follow this beat all through ({:.2} sure). Echoes and \
         releases are fitted to it.",
        tempo.bpm,
        tracks.len(),
        tempo.confidence
    );
    Some(
        Decision::set(StepId::Preparation, Path::new(["song", "tempo_bpm"]), tempo.bpm, why)
            .noted(format!("{:.2} sure", tempo.confidence))
            .measured("onsets", onsets as f64, "")
            .measured("certainty", tempo.confidence, "")
            .sure(tempo.confidence)
            .costs("echoes and releases that follow a wrong beat, should it be wrong")
            .unless("the beat is felt twice as fast or half as fast"),
    )
}
