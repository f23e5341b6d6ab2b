//! The returns: their spaces, fitted to the song's tempo.

use crate::parts::lead;
use crate::rack::settings;
use crate::{Rules, SongFacts};
use dsp::processors::{decorrelator, delay, mid_side, reverb};
use dsp::{Kind, Values};
use session::{Change, Decision, Insert, Path, Session, StepId, Value};

/// A tempo that is surer than this is used.
const SURE: f64 = 0.5;
/// Songs slower than this are ballads, in beats per minute.
const SLOW_BPM: f64 = 84.0;
/// Bounds of the decay times, in seconds.
const PLATE_S: (f64, f64) = (1.2, 2.0);
const ROOM_S: (f64, f64) = (0.3, 0.6);
/// Decay in beats; a plate has faded by 30 dB when half of it is over, within a bar.
const PLATE_BEATS: f64 = 3.0;
const ROOM_BEATS: f64 = 0.75;
/// Without a tempo, in seconds.
const USUAL_PLATE_S: f64 = 1.6;
const USUAL_ROOM_S: f64 = 0.45;
const USUAL_PREDELAY_MS: f64 = 30.0;
/// Bounds of the plate's predelay, in ms.
const PREDELAY_MS: (f64, f64) = (10.0, 60.0);
const ROOM_PREDELAY_MS: f64 = 8.0;
/// Between the third and fourth repeat the echo has fallen by 30 dB.
const REPEATS: f64 = 3.5;
const REPEATS_DB: f64 = 30.0;

/// The song's tempo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tempo {
    bpm: f64,
    confidence: f64,
}

impl Tempo {
    pub(super) fn of(facts: &SongFacts, session: &Session) -> Option<Tempo> {
        let stated = session.song.tempo_bpm.map(|bpm| Tempo { bpm, confidence: 1.0 });
        let known = stated.or(facts.tempo.map(|(bpm, confidence)| Tempo { bpm, confidence }));
        known.filter(|tempo| tempo.confidence > SURE && (30.0..=300.0).contains(&tempo.bpm))
    }

    pub(super) fn is_slow(&self) -> bool {
        self.bpm < SLOW_BPM
    }

    fn beat_s(&self) -> f64 {
        60.0 / self.bpm
    }
}

/// A return that tracks can be sent to.
#[derive(Debug, Clone)]
pub(super) struct Return {
    /// What tracks ask for: `plate`, `room`, `slap`.
    pub(super) space: &'static str,
    /// Its name in the file: the same, unless a track or bus has it already.
    pub(super) id: String,
    pub(super) label: &'static str,
    pub(super) low_cut_hz: f64,
    pub(super) high_cut_hz: f64,
    inserts: Vec<(&'static Kind, Values)>,
    /// Why it takes only what it takes.
    so_that: &'static str,
    what: String,
    role: &'static str,
}

impl Return {
    /// All that can be made for the song.
    pub(super) fn all(
        tempo: Option<&Tempo>,
        facts: &SongFacts,
        session: &Session,
        rules: &Rules,
    ) -> Vec<Return> {
        let mut returns = vec![plate(tempo), room(tempo), wide()];
        returns.extend(tempo.map(|tempo| slap(tempo, facts, session, rules)));
        for one in &mut returns {
            let taken = |id: &str| session.tracks.contains_key(id) || session.buses.contains_key(id);
            while taken(&one.id) {
                one.id.push_str("_return");
            }
        }
        returns
    }

    pub(super) fn decision(&self, tempo: Option<&Tempo>) -> Decision {
        let path = Path::new(["return", &self.id]);
        let insert = |(kind, values): &(&'static Kind, Values)| {
            let mut insert = Insert::new(kind.id, kind);
            insert.values = values.clone();
            insert_value(&path, &insert)
        };
        let inserts: Vec<Value> = self.inserts.iter().map(insert).collect();
        let value = Value::table([
            ("label", Value::from(self.label)),
            ("role", Value::from(self.role)),
            ("insert", Value::from(inserts)),
        ]);
        let (at, evidence) = match tempo {
            Some(tempo) => (format!("at {:.0} beats per minute", tempo.bpm), ("tempo", tempo.bpm, "bpm")),
            None => ("without a known tempo".to_string(), ("low cut", self.low_cut_hz, "Hz")),
        };
        let why = format!(
            "{} {at}: {}; only {:.0} Hz to {:.0} Hz go in, so that {}.",
            self.label, self.what, self.low_cut_hz, self.high_cut_hz, self.so_that
        );
        Decision::new(StepId::Space, Change::Set { path, value }, why)
            .noted(self.what.clone())
            .measured(evidence.0, evidence.1, evidence.2)
            .sure(if tempo.is_some() { 0.7 } else { 0.5 })
            .costs("room in the mix, in which every tail masks what follows")
            .unless("the song wants another place")
    }
}

/// An insert as a table of the file.
fn insert_value(strip: &Path, insert: &Insert) -> Value {
    match Change::insert(strip, &insert.id, insert.kind, &insert.values) {
        Change::Set { value, .. } => value,
        _ => Value::from(Vec::<Value>::new()),
    }
}

fn plate(tempo: Option<&Tempo>) -> Return {
    let decay_s = tempo.map_or(USUAL_PLATE_S, |t| (PLATE_BEATS * t.beat_s()).clamp(PLATE_S.0, PLATE_S.1));
    // A 64th note, or a 32nd where that is too short.
    let predelay_ms = tempo.map_or(USUAL_PREDELAY_MS, |t| {
        let note_ms = t.beat_s() * 1000.0 / 16.0;
        (if note_ms < 25.0 { 2.0 * note_ms } else { note_ms }).clamp(PREDELAY_MS.0, PREDELAY_MS.1)
    });
    reverb_return(("plate", "Plate", "plate"), decay_s, predelay_ms, (250.0, 8_000.0), tempo.is_some())
}

fn room(tempo: Option<&Tempo>) -> Return {
    let decay_s = tempo.map_or(USUAL_ROOM_S, |t| (ROOM_BEATS * t.beat_s()).clamp(ROOM_S.0, ROOM_S.1));
    reverb_return(("room", "Room", "room"), decay_s, ROOM_PREDELAY_MS, (200.0, 7_000.0), tempo.is_some())
}

fn reverb_return(
    (id, label, style): (&'static str, &'static str, &'static str),
    decay_s: f64,
    predelay_ms: f64,
    (low_cut_hz, high_cut_hz): (f64, f64),
    in_tempo: bool,
) -> Return {
    let (decay_s, predelay_ms) = ((decay_s * 20.0).round() / 20.0, predelay_ms.round());
    let values = settings(
        &reverb::KIND,
        &[
            ("decay_s", decay_s),
            ("predelay_ms", predelay_ms),
            ("low_cut_hz", low_cut_hz),
            ("high_cut_hz", high_cut_hz),
            ("mix_percent", 100.0),
        ],
        &[("style", style)],
    );
    let fitted = if in_tempo { "fitted to the beat" } else { "of usual length" };
    let what = format!("{decay_s:.2} s of decay {fitted}, {predelay_ms:.0} ms of predelay");
    Return {
        space: id,
        id: id.to_string(),
        label,
        low_cut_hz,
        high_cut_hz,
        inserts: vec![(&reverb::KIND, values)],
        so_that: "it neither booms nor hisses",
        what,
        role: "reverb_return",
    }
}

/// Width for what is recorded in mono: the side alone of a decorrelated copy, which cancels in mono.
fn wide() -> Return {
    let low_cut_hz = 300.0;
    let unrelated =
        settings(&decorrelator::KIND, &[("amount_percent", 100.0), ("low_cut_hz", low_cut_hz)], &[]);
    // The deepest that it goes: what stays of the middle is 48 dB down.
    let side = settings(&mid_side::KIND, &[("mid_db", -48.0)], &[]);
    Return {
        space: "wide",
        id: "wide".to_string(),
        label: "Width",
        low_cut_hz,
        high_cut_hz: 20_000.0,
        inserts: vec![(&decorrelator::KIND, unrelated), (&mid_side::KIND, side)],
        so_that: "the low end stays in the middle",
        what: "only a side, unrelated to the middle, which vanishes in mono".to_string(),
        role: "fx_return",
    }
}

/// Echoes on the beat: quarters under quick syllables, dotted eighths under slow ones.
fn slap(tempo: &Tempo, facts: &SongFacts, session: &Session, rules: &Rules) -> Return {
    let (low_cut_hz, high_cut_hz) = (300.0, 6_000.0);
    let syllable_s = lead(session, rules)
        .first()
        .and_then(|strip| facts.tracks.get(&strip.id)?.now().facts.inter_onset_median_s);
    let quick = syllable_s.is_some_and(|s| s < 0.6 * tempo.beat_s());
    let (sync, note) = if quick { ("1_4", "quarters") } else { ("1_8_dotted", "dotted eighths") };
    let feedback_percent = (100.0 * audio::db_to_gain(-REPEATS_DB / REPEATS)).round();
    let values = settings(
        &delay::KIND,
        &[
            ("tempo_bpm", tempo.bpm),
            ("feedback_percent", feedback_percent),
            ("low_cut_hz", low_cut_hz),
            ("high_cut_hz", high_cut_hz),
            ("ducking_db", 8.0),
            ("mix_percent", 100.0),
        ],
        &[("sync", sync)],
    );
    let what =
        format!("echoes in {note}, {feedback_percent:.0} % of each comes again, 8 dB less while it sings");
    Return {
        space: "slap",
        id: "slap".to_string(),
        label: "Echo",
        low_cut_hz,
        high_cut_hz,
        inserts: vec![(&delay::KIND, values)],
        so_that: "it neither booms nor hisses",
        what,
        role: "delay_return",
    }
}
