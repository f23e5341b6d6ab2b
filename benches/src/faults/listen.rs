//! What is measured of the recordings of a session; recordings without a fault are measured once.

use crate::Failure;
use assistant::{FileFacts, Relation, SongFacts, TrackFacts};
use audio::{Buffer, Layout};
use demo::Song;
use measure::{Analysis, Options};
use session::{Session, Strip};
use std::collections::BTreeMap;

/// Farther than any microphone of one source stands from another.
const MAX_LAG_S: f64 = 0.030;

/// What was measured of recordings without a fault.
#[derive(Default)]
pub(super) struct Listener {
    known: BTreeMap<String, Analysis>,
}

fn files(strip: &Strip) -> Vec<String> {
    strip.files.iter().map(|file| file.to_string_lossy().into_owned()).collect()
}

/// The sound of a track: one file, or left and right.
fn sound(song: &Song, strip: &Strip) -> Option<Buffer> {
    let names = files(strip);
    let of = |name: &String| song.tracks.iter().find(|track| track.file_name == name.as_str());
    let found: Option<Vec<_>> = names.iter().map(of).collect();
    let channels: Vec<Vec<f64>> = found?
        .iter()
        .flat_map(|track| (0..track.audio.channels()).map(|c| track.audio.channel(c).to_vec()))
        .collect();
    Some(Buffer::from_channels(&channels))
}

impl Listener {
    /// The facts of a song whose session the importer made.
    pub(super) fn facts(&mut self, song: &Song, session: &Session) -> Result<SongFacts, Failure> {
        let mut facts = SongFacts { sample_rate_hz: demo::SESSION_RATE_HZ, ..SongFacts::default() };
        for (id, strip) in &session.tracks {
            let audio = sound(song, strip).ok_or("a track without its recording")?;
            let names = files(strip);
            let faulty = song.planted.iter().any(|planted| names.iter().any(|name| name == planted.track));
            let key = names.join("+");
            let raw = match self.known.get(&key).filter(|_| !faulty) {
                Some(known) => known.clone(),
                None => {
                    let raw = analysed(&audio)?;
                    if !faulty {
                        self.known.insert(key, raw.clone());
                    }
                    raw
                }
            };
            facts.duration_s = facts.duration_s.max(raw.facts.duration_s);
            let file = FileFacts {
                names,
                sample_rate_hz: demo::SESSION_RATE_HZ,
                depth: "24-bit integer".into(),
                duration_s: raw.facts.duration_s,
                ..FileFacts::default()
            };
            facts.tracks.insert(id.clone(), TrackFacts { file, raw, strip: None });
        }
        facts.relations = relations(song, session)?;
        Ok(facts)
    }
}

fn analysed(audio: &Buffer) -> Result<Analysis, Failure> {
    let options = Options { true_peak_factor: 4, music: false, ..Options::default() };
    let layout = Layout::from_channels(audio.channels());
    Ok(measure::analyse(&audio.as_block(), f64::from(demo::SESSION_RATE_HZ), layout, options)?)
}

fn relations(song: &Song, session: &Session) -> Result<Vec<Relation>, Failure> {
    let mut relations = Vec::new();
    for (track, reference) in assistant::microphone_groups(session) {
        let of = |id: &str| session.tracks.get(id).and_then(|strip| sound(song, strip));
        let Some((far, near)) = of(&track).zip(of(&reference)) else { continue };
        let rate_hz = f64::from(demo::SESSION_RATE_HZ);
        let found = measure::delay_and_polarity(&near.as_block(), &far.as_block(), rate_hz, MAX_LAG_S)?;
        relations.extend(found.map(|found| Relation {
            track,
            reference,
            lag_frames: found.delay_frames,
            inverted: found.inverted,
            confidence: found.confidence,
            correlation: found.correlation.abs(),
            gain_db: found.sum_gain_db,
        }));
    }
    Ok(relations)
}
