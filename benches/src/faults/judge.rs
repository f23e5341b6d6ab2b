//! Holds what the assistant decided against what was planted.

use super::listen::Listener;
use crate::Failure;
use assistant::{Recording, Rules};
use demo::{Planted, Song};
use dsp::processors::{dehum, eq, rumble};
use session::{Decision, Document, Session, StepId, Strip};
use std::collections::BTreeMap;

/// Distances up to this are those between microphones, in seconds.
const DISTANCE_S: f64 = 0.002;

/// Of one kind of fault.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Count {
    pub(super) planted: usize,
    pub(super) found: usize,
    pub(super) invented: usize,
}

impl Count {
    pub(super) fn add(&mut self, other: Count) {
        self.planted += other.planted;
        self.found += other.found;
        self.invented += other.invented;
    }
}

/// What came of one session.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) kinds: BTreeMap<&'static str, Count>,
    /// Faults that nothing answers, and repairs of what was whole, in words.
    pub(super) missed: Vec<String>,
    pub(super) invented: Vec<String>,
}

/// Plans a session on what is measured of it, and counts.
pub(super) fn judge(song: &Song, listener: &mut Listener) -> Result<Verdict, Failure> {
    let (session, decisions) = planned(song, listener)?;
    let mut verdict = Verdict::default();
    for planted in &song.planted {
        let strip = session.tracks.values().find(|strip| has(strip, planted.track));
        let found = strip.is_some_and(|strip| match planted.fault {
            "too_quiet" => is_raised(song, planted, strip),
            _ => answers(planted, strip),
        });
        let count = Count { planted: 1, found: usize::from(found), invented: 0 };
        verdict.kinds.entry(planted.fault).or_default().add(count);
        if !found {
            let after = strip.map_or(String::new(), |strip| {
                format!(" (trim {:+.1} dB, fader {:+.1} dB)", strip.trim_db, strip.fader_db)
            });
            verdict.missed.push(format!("missed {} on {}{after}", planted.what, planted.track));
        }
    }
    for strip in session.tracks.values() {
        for kind in repairs(strip) {
            let planted = |fault: &str| song.planted.iter().any(|p| p.fault == fault && has(strip, p.track));
            let explained = match kind {
                "rumble" => {
                    // What is cut off on one side more than on the other stands off zero.
                    let only_offset = filter(strip).is_some_and(|filter| filter.freq_hz < 20.0);
                    planted("rumble")
                        || planted("dc_offset")
                        || (planted("clipping") && only_offset)
                        || of_another(strip, &decisions)
                }
                kind => planted(kind),
            };
            if !explained {
                let count = Count { invented: 1, ..Count::default() };
                verdict.kinds.entry(kind).or_default().add(count);
                let why: Vec<&str> = about(strip, &decisions).map(|decision| decision.why.as_str()).collect();
                verdict.invented.push(format!("invented {kind} on {}: {}", strip.id, why.join(" / ")));
            }
        }
    }
    Ok(verdict)
}

fn planned(song: &Song, listener: &mut Listener) -> Result<(Session, Vec<Decision>), Failure> {
    let recording = |track: &demo::Track| Recording {
        path: track.file_name.into(),
        sample_rate_hz: track.sample_rate_hz,
        channels: track.audio.channels(),
        duration_s: track.audio.frames() as f64 / f64::from(track.sample_rate_hz),
        depth: "24-bit integer".into(),
        ..Recording::default()
    };
    let recordings: Vec<Recording> = song.tracks.iter().map(recording).collect();
    let mut document = Document::new(&assistant::import(&recordings, song.title).session);
    let facts = listener.facts(song, &document.session()?)?;
    let mut all = Vec::new();
    for step in assistant::STEPS.iter().filter(|step| step.id() <= StepId::Dynamics) {
        let decisions = step.decide(&facts, &document.session()?, &Rules::default());
        session::apply(&mut document, &decisions)?;
        all.extend(decisions);
    }
    Ok((document.session()?, all))
}

fn has(strip: &Strip, file: &str) -> bool {
    strip.files.iter().any(|name| name.to_string_lossy() == file)
}

fn is_drum(strip: &Strip) -> bool {
    let role = strip.role.as_deref().unwrap_or_default();
    ["kick", "snare", "tom"].iter().any(|drum| role.starts_with(drum))
}

fn late_s(strip: &Strip) -> f64 {
    -strip.delay_frames / f64::from(demo::SESSION_RATE_HZ)
}

/// The band of a ring on a drum, in hertz.
fn ring_hz(strip: &Strip) -> Option<f64> {
    let insert = strip.insert("eq")?;
    let bands = eq::Settings::from_values(&insert.values).bands;
    (0..bands.len()).find(|place| insert.item_name(0, *place) == "ring").map(|place| bands[place].freq_hz)
}

/// What of a strip is a repair, by the fault it answers.
fn repairs(strip: &Strip) -> Vec<&'static str> {
    let there = |id: &str| strip.insert(id).is_some();
    let all = [
        ("rumble", there("clean")),
        ("hum", there("dehum") || there("hum")),
        ("noise", there("denoise") || (there("gate") && !is_drum(strip))),
        ("clicks", there("declick")),
        ("clipping", there("declip")),
        ("polarity", strip.invert),
        ("late_microphone", late_s(strip).abs() > DISTANCE_S),
        ("out_of_phase", there("polarity")),
        ("lopsided_low_end", there("low_mono")),
        ("silent", strip.mute),
        ("uneven", there("level")),
        ("ring", ring_hz(strip).is_some()),
    ];
    all.into_iter().filter(|(_, found)| *found).map(|(kind, _)| kind).collect()
}

fn filter(strip: &Strip) -> Option<rumble::Settings> {
    strip.insert("clean").map(|insert| rumble::Settings::from_values(&insert.values))
}

/// Whether a quiet recording is brought to a working level: half of the way to -18 dBFS, or, where it consists of strokes,
/// its peaks to where those of strokes stand, -10 dBFS, within 3 dB. Microphones of one source share their trim, so that
/// the fader raises the one that is too quiet among them.
fn is_raised(song: &Song, planted: &Planted, strip: &Strip) -> bool {
    let track = song.tracks.iter().find(|track| track.file_name == planted.track);
    let samples = track.into_iter().flat_map(|t| (0..t.audio.channels()).flat_map(|c| t.audio.channel(c)));
    let peak_dbfs = audio::gain_to_db(samples.fold(0.0, |peak: f64, x| peak.max(x.abs())));
    let raised_db = strip.trim_db + strip.fader_db.max(0.0);
    raised_db >= 0.5 * (-18.0 - planted.amount) || (peak_dbfs + strip.trim_db + 10.0).abs() <= 3.0
}

/// Whether a strip has what a fault asks for: in the right place, and about as much.
fn answers(planted: &Planted, strip: &Strip) -> bool {
    match planted.fault {
        "dc_offset" => filter(strip).is_some_and(|filter| filter.remove_dc),
        "rumble" => filter(strip).is_some_and(|filter| filter.freq_hz >= 20.0),
        "hum" => {
            let mains =
                strip.insert("dehum").map(|insert| dehum::Settings::from_values(&insert.values).mains);
            match mains {
                Some(dehum::Mains::Hz50) => planted.amount < 55.0,
                Some(dehum::Mains::Hz60) => planted.amount > 55.0,
                _ => strip.insert("hum").is_some(),
            }
        }
        // Beyond what its distance explains.
        "late_microphone" => {
            (planted.amount * 1e-3 - 3e-4..=planted.amount * 1e-3 + DISTANCE_S).contains(&late_s(strip))
        }
        "ring" => ring_hz(strip).is_some_and(|hz| (hz / planted.amount).log2().abs() < 1.0 / 6.0),
        fault => repairs(strip).contains(&fault),
    }
}

fn about<'a>(strip: &'a Strip, decisions: &'a [Decision]) -> impl Iterator<Item = &'a Decision> {
    let path = strip.path();
    let repair = |decision: &&Decision| matches!(decision.step, StepId::Preparation | StepId::Dynamics);
    decisions.iter().filter(move |decision| path.contains(decision.change.path())).filter(repair)
}

/// The filter of another microphone of the same drum, which all of them get.
fn of_another(strip: &Strip, decisions: &[Decision]) -> bool {
    about(strip, decisions).any(|decision| decision.why.contains("on another microphone of it"))
}
