//! Made-up facts for tests: no audio is needed to ask what a step decides.

use crate::{Rules, SongFacts, Step, TrackFacts};
use measure::{Analysis, ERB_BANDS, ErbFrames, Facts, LoudnessSeries};
use session::{Decision, Document, Session, Strip, StripClass};

/// Rows of a made-up song: 30 s.
pub(crate) const ROWS: usize = 600;

/// A made-up recording: power in some bands, in some rows.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    /// Level of the active rows, in dBFS RMS.
    pub(crate) level_dbfs: f64,
    /// Where its power lies, in hertz.
    pub(crate) low_hz: f64,
    pub(crate) high_hz: f64,
    pub(crate) channels: usize,
    pub(crate) crest_db: f64,
    /// Plays in `on` of every `of` rows.
    pub(crate) on: usize,
    pub(crate) of: usize,
    /// Right against left, in dB.
    pub(crate) balance_db: f64,
    /// Level against the usual in dB, row by row.
    pub(crate) moves_db: Vec<f64>,
}

impl Sound {
    pub(crate) fn band(low_hz: f64, high_hz: f64) -> Sound {
        Sound {
            level_dbfs: -18.0,
            low_hz,
            high_hz,
            channels: 1,
            crest_db: 11.0,
            on: 1,
            of: 1,
            balance_db: 0.0,
            moves_db: Vec::new(),
        }
    }

    /// All in one band.
    pub(crate) fn tone(hz: f64) -> Sound {
        Sound::band(hz, hz)
    }

    /// What an instrument of the role is like, roughly.
    pub(crate) fn of_role(role: &str) -> Sound {
        // Staged: strokes peak at -10 dBFS.
        let strokes =
            |sound: Sound, crest_db: f64| Sound { on: 4, of: 10, crest_db, ..sound.at(-10.0 - crest_db) };
        match role {
            "kick" | "kick_in" | "kick_out" => strokes(Sound::band(45.0, 150.0), 16.0),
            "snare" | "snare_top" | "snare_bottom" => strokes(Sound::band(180.0, 5_000.0), 17.0),
            "hihat" => strokes(Sound::band(5_000.0, 14_000.0), 16.0),
            "overhead_left" | "overhead_right" | "overhead" => Sound::band(300.0, 14_000.0),
            "bass_di" | "bass_electric" => Sound::band(45.0, 400.0),
            "lead_vocal" | "backing_vocal" => Sound { on: 80, of: 100, ..Sound::band(200.0, 5_000.0) },
            "tambourine" | "shaker" => strokes(Sound::band(4_000.0, 12_000.0), 14.0),
            _ => Sound::band(150.0, 3_000.0),
        }
    }

    pub(crate) fn at(mut self, level_dbfs: f64) -> Sound {
        self.level_dbfs = level_dbfs;
        self
    }

    pub(crate) fn stereo(mut self) -> Sound {
        self.channels = 2;
        self
    }

    fn plays(&self, row: usize) -> bool {
        row % self.of < self.on
    }
}

fn centres_hz() -> Vec<f64> {
    let erb = |hz: f64| 21.4 * (1.0 + 0.00437 * hz).log10();
    let (low, high) = (erb(20.0), erb(20_000.0));
    let hz =
        |place: f64| (10f64.powf((low + place / ERB_BANDS as f64 * (high - low)) / 21.4) - 1.0) / 0.00437;
    (0..ERB_BANDS).map(|band| hz(band as f64 + 0.5)).collect()
}

/// The analysis that a meter would make of such a recording.
pub(crate) fn analysis(sound: &Sound) -> Analysis {
    let centres_hz = centres_hz();
    let nearest = |hz: f64| {
        let distance = |n: &usize| (centres_hz[*n] / hz).ln().abs();
        (0..ERB_BANDS).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap()
    };
    let (from, to) = (nearest(sound.low_hz), nearest(sound.high_hz));
    let usual = audio::db_to_power(sound.level_dbfs) / (to - from + 1) as f64;
    let mut erb = ErbFrames { frame_s: 0.05, centres_hz: centres_hz.clone(), ..ErbFrames::default() };
    for row in 0..ROWS {
        let moved = audio::db_to_power(sound.moves_db.get(row).copied().unwrap_or(0.0));
        let on = if sound.plays(row) { moved } else { 1e-9 };
        erb.power
            .extend((0..ERB_BANDS).map(|b| if (from..=to).contains(&b) { (usual * on) as f32 } else { 0.0 }));
        erb.active.push(sound.plays(row));
    }
    let peak = sound.level_dbfs + sound.crest_db;
    let facts = Facts {
        sample_rate_hz: 48_000.0,
        channels: sound.channels,
        frames: ROWS * 2400,
        duration_s: ROWS as f64 * 0.05,
        true_peak_dbtp: Some(peak),
        sample_peak_dbfs: Some(peak - 0.1),
        active_rms_dbfs: Some(sound.level_dbfs),
        active_crest_db: Some(sound.crest_db),
        active_share: sound.on as f64 / sound.of as f64,
        below_25_hz_db: Some(-60.0),
        centroid_hz: Some((sound.low_hz * sound.high_hz).sqrt()),
        balance_db: (sound.channels == 2).then_some(sound.balance_db),
        correlation: (sound.channels == 2).then_some(0.4),
        mono_loss_db: (sound.channels == 2).then_some(1.5),
        ..Facts::default()
    };
    Analysis { facts, loudness: LoudnessSeries::default(), erb, ..Analysis::default() }
}

/// A session of tracks `(id, role)`, each sounding like its role.
pub(crate) fn song(tracks: &[(&str, &str)]) -> (Session, SongFacts) {
    let sounds: Vec<(&str, &str, Sound)> =
        tracks.iter().map(|(id, role)| (*id, *role, Sound::of_role(role))).collect();
    song_of(&sounds)
}

/// A session of tracks `(id, role, sound)`; the role `unknown` is left out.
pub(crate) fn song_of(tracks: &[(&str, &str, Sound)]) -> (Session, SongFacts) {
    let mut session = Session::new();
    let mut facts = SongFacts { sample_rate_hz: 48_000, duration_s: 30.0, ..SongFacts::default() };
    for (id, role, sound) in tracks {
        let mut strip = Strip::new(StripClass::Track, *id);
        strip.files = vec![format!("{id}.wav").into()];
        strip.label = Some(id.replace('_', " "));
        strip.role = Some(role.to_string()).filter(|role| role != "unknown");
        session.add(strip);
        let raw = analysis(sound);
        facts.tracks.insert(id.to_string(), TrackFacts { raw, ..TrackFacts::default() });
    }
    (session, facts)
}

/// The session with decisions in it. Fails where one cannot be written, or leaves the reader a problem.
pub(crate) fn applied(session: &Session, decisions: &[Decision]) -> Session {
    let mut document = Document::new(session);
    session::apply(&mut document, decisions).unwrap();
    document.session().unwrap()
}

/// Runs one step and checks what holds for all of them: a reason with a number in it and a measurement behind
/// it, a confidence, the step's own number, no path decided twice, and settings that the session takes.
pub(crate) fn decide(step: &dyn Step, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Decision> {
    let decisions = step.decide(facts, session, rules);
    for decision in &decisions {
        let text = format!("{decision:?}");
        assert_eq!(decision.step, step.id(), "{text}");
        assert!(decision.why.ends_with('.') && decision.why.len() > 20, "{text}");
        assert!(
            !decision.evidence.is_empty() && decision.evidence.iter().all(|e| e.value.is_finite()),
            "{text}"
        );
        assert!((0.0..=1.0).contains(&decision.confidence), "{text}");
        // A place in the chain is a part of the decision that put the insert there.
        let placed = matches!(decision.change, session::Change::Place { .. });
        assert!(placed || !(decision.costs.is_empty() || decision.unless.is_empty()), "{text}");
    }
    let mut paths: Vec<(String, bool)> = decisions
        .iter()
        .map(|d| (d.change.path().to_string(), matches!(d.change, session::Change::Place { .. })))
        .collect();
    paths.sort();
    let count = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), count, "a path is decided twice");
    applied(session, &decisions);
    decisions
}
