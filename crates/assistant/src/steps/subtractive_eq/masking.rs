//! Room for what matters most: accompaniment steps back where it hides the lead, the bass where it hides the
//! kick.

use super::Cut;
use crate::masking::{Voice, hidden_share};
use crate::parts::{heard, lead, role};
use crate::power::band_shares;
use crate::rack::{Band, bell_db, shown_hz};
use crate::roles;
use crate::steps::static_mix::path_gain_db;
use crate::{Rules, SongFacts};
use measure::{Analysis, ERB_BANDS, ErbFrames};
use session::{Session, Strip};

/// Where cuts may stand, in hertz: half an octave apart, where voices and instruments are told apart.
const PLACES_HZ: [f64; 8] = [350.0, 500.0, 700.0, 1_000.0, 1_400.0, 2_000.0, 2_800.0, 4_000.0];
/// Narrowness of the cuts.
const Q: f64 = 1.0;
/// Deepest cut, and the steps in which cuts deepen, in dB.
const DEEPEST_DB: f64 = 3.0;
const STEP_DB: f64 = 1.0;
/// The sum of all cuts that make room on one track, in dB, and how many they are.
const MOST_DB: f64 = 6.0;
const MOST_PLACES: usize = 2;
/// The lead is worth the trouble when this much of it is hidden.
const HIDDEN: f64 = 0.15;
/// What lies farther than this under the strongest band of the moment is not what is heard of the lead, in dB.
const OWN_DB: f64 = 15.0;
/// A step has to uncover at least this much of the lead.
const WORTH: f64 = 0.003;
/// All steps together have to uncover at least this share of what was hidden.
const WORTH_ALL: f64 = 0.05;
/// At most so many rows are looked at, evenly over the song.
const MOST_ROWS: usize = 240;
/// Speech is understood by this range, in hertz (ANSI S3.5-1997, table 3: the most important bands), which
/// therefore counts double in a voice.
const SPEECH_HZ: (f64, f64) = (1_000.0, 4_000.0);
/// The kick's own range, in hertz.
const KICK_HZ: (f64, f64) = (35.0, 130.0);
/// Where the bass hides more of the kick than this, it steps back by so many dB.
const KICK_HIDDEN: f64 = 0.3;
const KICK_CUT_DB: f64 = 2.0;

type Frame = [f32; ERB_BANDS];

/// Some rows of a track behind its fader.
struct Part<'a> {
    strip: &'a Strip,
    frames: ErbFrames,
    /// Factors by band of the cuts so far.
    factors: [f64; ERB_BANDS],
    /// Cuts that make room, place and depth in dB.
    cuts: Vec<(f64, f64)>,
    gain: f64,
}

fn centres(analysis: &Analysis) -> Option<&[f64]> {
    (analysis.erb.centres_hz.len() == ERB_BANDS).then_some(analysis.erb.centres_hz.as_slice())
}

/// The chosen rows of a track; those beyond its end are silent.
fn pick(analysis: &Analysis, rows: &[usize]) -> ErbFrames {
    let erb = &analysis.erb;
    let row = |row: &usize| -> Frame {
        let mut frame = [0.0; ERB_BANDS];
        if *row < erb.rows() {
            frame.copy_from_slice(erb.row(*row));
        }
        frame
    };
    ErbFrames {
        frame_s: erb.frame_s,
        centres_hz: erb.centres_hz.clone(),
        power: rows.iter().flat_map(row).collect(),
        active: vec![true; rows.len()],
    }
}

/// Only what is heard of a part: the strong bands of each moment.
fn strong(mut frames: ErbFrames) -> ErbFrames {
    for row in frames.power.chunks_mut(ERB_BANDS) {
        let least = row.iter().copied().fold(0.0, f32::max) * audio::db_to_power(-OWN_DB) as f32;
        row.iter_mut().filter(|power| **power < least).for_each(|power| *power = 0.0);
    }
    frames
}

fn scaled(frames: &ErbFrames, factors: &[f64; ERB_BANDS]) -> ErbFrames {
    let mut frames = frames.clone();
    for row in frames.power.chunks_mut(ERB_BANDS) {
        row.iter_mut().zip(factors).for_each(|(power, factor)| *power *= *factor as f32);
    }
    frames
}

fn factors(centres_hz: &[f64], bells: impl IntoIterator<Item = (f64, f64, f64)>) -> [f64; ERB_BANDS] {
    let mut factors = [1.0; ERB_BANDS];
    for (hz, gain_db, q) in bells {
        for (factor, centre) in factors.iter_mut().zip(centres_hz) {
            *factor *= audio::db_to_power(bell_db(*centre, hz, gain_db, q));
        }
    }
    factors
}

/// Rows in which one of the tracks plays, thinned out evenly.
fn rows_of(tracks: &[&Analysis]) -> Vec<usize> {
    let length = tracks.iter().map(|analysis| analysis.erb.rows()).max().unwrap_or(0);
    let plays = |row: &usize| tracks.iter().any(|a| a.erb.active.get(*row).copied().unwrap_or(false));
    let rows: Vec<usize> = (0..length).filter(plays).collect();
    let step = rows.len().div_ceil(MOST_ROWS).max(1);
    rows.into_iter().step_by(step).collect()
}

struct Scene<'a> {
    leads: Vec<(ErbFrames, f64)>,
    weights: [f64; ERB_BANDS],
    fixed: Vec<(ErbFrames, f64)>,
    parts: Vec<Part<'a>>,
    centres_hz: Vec<f64>,
}

impl<'a> Scene<'a> {
    fn new(
        free: &[&'a Strip],
        earlier: &[Cut],
        facts: &SongFacts,
        session: &'a Session,
        rules: &Rules,
    ) -> Option<Scene<'a>> {
        let now = |strip: &Strip| facts.tracks.get(&strip.id).map(|known| known.now());
        let leads = lead(session, rules);
        let analyses: Vec<&Analysis> = leads.iter().filter_map(|strip| now(strip)).collect();
        let first = analyses.first()?;
        let centres_hz = centres(first)?.to_vec();
        let rows = rows_of(&analyses);
        if rows.is_empty() {
            return None;
        }
        let gain = |strip: &Strip, analysis: &Analysis| {
            Voice::new(analysis, strip.fader_db + path_gain_db(session, strip)).gain
        };
        let mut scene = Scene {
            leads: Vec::new(),
            weights: weights(first, leads.first().is_some_and(|s| roles::family(role(s)) == "vocals")),
            fixed: Vec::new(),
            parts: Vec::new(),
            centres_hz,
        };
        let lead_role = leads.first().map_or(roles::UNKNOWN, |strip| role(strip));
        for strip in heard(session) {
            let Some(analysis) = now(strip).filter(|a| centres(a).is_some()) else { continue };
            let (frames, gain) = (pick(analysis, &rows), gain(strip, analysis));
            if leads.iter().any(|lead| lead.id == strip.id) {
                scene.leads.push((strong(frames), gain));
            } else if gives_way(role(strip), lead_role) && free.iter().any(|other| other.id == strip.id) {
                let bells = earlier.iter().filter(|cut| cut.track == strip.id);
                let bells = bells.map(|cut| (cut.band.freq_hz, cut.band.gain_db, cut.band.q));
                let factors = factors(&scene.centres_hz, bells);
                scene.parts.push(Part { strip, frames, factors, cuts: Vec::new(), gain });
            } else {
                scene.fixed.push((frames, gain));
            }
        }
        Some(scene)
    }

    /// Share of the lead that is hidden, with one of the parts cut further.
    fn hidden(&self, tried: Option<(usize, f64)>) -> f64 {
        let eased: Vec<(ErbFrames, f64)> = self
            .parts
            .iter()
            .enumerate()
            .map(|(number, part)| {
                let mut factors = part.factors;
                if let Some((_, hz)) = tried.filter(|(tried, _)| *tried == number) {
                    let more = self::factors(&self.centres_hz, [(hz, -STEP_DB, Q)]);
                    factors.iter_mut().zip(more).for_each(|(factor, more)| *factor *= more);
                }
                (scaled(&part.frames, &factors), part.gain)
            })
            .collect();
        let leads: Vec<Voice> = self.leads.iter().map(|(erb, gain)| Voice { erb, gain: *gain }).collect();
        let others: Vec<Voice> =
            self.fixed.iter().chain(&eased).map(|(erb, gain)| Voice { erb, gain: *gain }).collect();
        hidden_share(&leads, &others, &self.weights).unwrap_or(0.0)
    }

    /// Deepens the cut that uncovers most, until none is worth it.
    fn make_room(&mut self, rules: &Rules) -> (f64, f64) {
        let before = self.hidden(None);
        let mut hidden = before;
        if before < HIDDEN {
            return (before, before);
        }
        let deepest = (DEEPEST_DB * rules.strength).min(DEEPEST_DB + 1.0);
        loop {
            let mut best: Option<(usize, f64, f64)> = None;
            for number in 0..self.parts.len() {
                for hz in PLACES_HZ {
                    if !self.parts[number].may_cut(hz, deepest) {
                        continue;
                    }
                    let after = self.hidden(Some((number, hz)));
                    if hidden - after >= WORTH && best.is_none_or(|(.., least)| after < least) {
                        best = Some((number, hz, after));
                    }
                }
            }
            let Some((number, hz, after)) = best else { return (before, hidden) };
            let more = factors(&self.centres_hz, [(hz, -STEP_DB, Q)]);
            self.parts[number].deepen(hz, &more);
            hidden = after;
        }
    }
}

impl Part<'_> {
    fn may_cut(&self, hz: f64, deepest_db: f64) -> bool {
        let all: f64 = self.cuts.iter().map(|(_, depth)| depth).sum();
        let fits = all + STEP_DB <= MOST_DB;
        match self.cuts.iter().find(|(place, _)| *place == hz) {
            Some((_, depth)) => fits && depth + STEP_DB <= deepest_db,
            None => fits && self.cuts.len() < MOST_PLACES && STEP_DB <= deepest_db,
        }
    }

    fn deepen(&mut self, hz: f64, more: &[f64; ERB_BANDS]) {
        match self.cuts.iter_mut().find(|(place, _)| *place == hz) {
            Some((_, depth)) => *depth += STEP_DB,
            None => self.cuts.push((hz, STEP_DB)),
        }
        self.factors.iter_mut().zip(more).for_each(|(factor, more)| *factor *= more);
    }
}

/// Accompaniment that gives way to the lead; colleagues of the same family do not: who of them leads is a guess.
fn gives_way(role: &str, lead_role: &str) -> bool {
    let family = |role: &str| match roles::family(role) {
        "brass" | "woodwinds" => "winds",
        other => other,
    };
    let accompanies = matches!(family(role), "guitars" | "keys" | "synths" | "strings" | "winds");
    accompanies && family(role) != family(lead_role)
}

/// Where the lead's own power lies; in a voice, what makes words understood counts double.
fn weights(lead: &Analysis, voice: bool) -> [f64; ERB_BANDS] {
    let mut weights = band_shares(lead);
    for (weight, hz) in weights.iter_mut().zip(&lead.erb.centres_hz) {
        if voice && (SPEECH_HZ.0..=SPEECH_HZ.1).contains(hz) {
            *weight *= 2.0;
        }
    }
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

pub(super) fn cuts(
    free: &[&Strip],
    earlier: &[Cut],
    facts: &SongFacts,
    session: &Session,
    rules: &Rules,
) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    if let Some(mut scene) = Scene::new(free, earlier, facts, session, rules) {
        let (before, after) = scene.make_room(rules);
        if before - after >= WORTH_ALL * before {
            cuts.extend(scene.parts.iter().flat_map(|part| for_lead(part, before, after, session, rules)));
        }
    }
    cuts.extend(for_kick(free, facts, session, rules));
    cuts
}

fn for_lead(part: &Part, before: f64, after: f64, session: &Session, rules: &Rules) -> Vec<Cut> {
    let lead = lead(session, rules).first().map(|strip| strip.name().to_string()).unwrap_or_default();
    let mut places = part.cuts.clone();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    let cut = |(number, (hz, depth_db)): (usize, &(f64, f64))| {
        let name = if number == 0 { "room".to_string() } else { format!("room_{}", number + 1) };
        let (before, after) = (before * 100.0, after * 100.0);
        let why = format!(
            "Makes room for `{lead}`: {depth_db:.1} dB less at {}. The accompaniment hid {before:.0} % of it; with all \
             cuts together {after:.0} %.",
            shown_hz(*hz)
        );
        Cut {
            track: part.strip.id.clone(),
            band: Band::bell(name, *hz, -depth_db, Q),
            why,
            note: format!("{lead} hidden {before:.0} to {after:.0} %"),
            evidence: vec![("hidden before", before, "%"), ("hidden after", after, "%")],
            confidence: 0.6,
            unless: "this part is what the song is about",
        }
    };
    places.iter().enumerate().map(cut).collect()
}

/// The bass leaves the kick its fundamental where it hides it.
fn for_kick(free: &[&Strip], facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Cut> {
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Strip> {
        heard(session).filter(|t| wanted(role(t))).collect()
    };
    let kicks = of(&|role| matches!(role, "kick" | "kick_in" | "kick_out" | "kick_electronic"));
    let basses = of(&|role| roles::family(role) == "bass");
    let now = |strip: &Strip| facts.tracks.get(&strip.id).map(|known| known.now());
    let Some(first) = kicks.iter().find_map(|kick| now(kick)).filter(|a| centres(a).is_some()) else {
        return Vec::new();
    };
    let voice = |strip: &&Strip| {
        let analysis = now(strip)?;
        centres(analysis)?;
        Some(Voice::new(analysis, strip.fader_db + path_gain_db(session, strip)))
    };
    let (kick_voices, bass_voices): (Vec<Voice>, Vec<Voice>) =
        (kicks.iter().filter_map(voice).collect(), basses.iter().filter_map(voice).collect());
    let mut weights = band_shares(first);
    for (weight, hz) in weights.iter_mut().zip(&first.erb.centres_hz) {
        if !(KICK_HZ.0..=KICK_HZ.1).contains(hz) {
            *weight = 0.0;
        }
    }
    let Some(hidden) =
        hidden_share(&kick_voices, &bass_voices, &weights).filter(|share| *share > KICK_HIDDEN)
    else {
        return Vec::new();
    };
    let in_range = crate::tone::thirds(&first.facts).into_iter();
    let strongest = in_range.filter(|(hz, _)| (KICK_HZ.0..=KICK_HZ.1).contains(hz));
    let Some((third_hz, _)) = strongest.max_by(|a, b| a.1.total_cmp(&b.1)) else { return Vec::new() };
    let raw_pitch = facts.tracks.get(&kicks[0].id).and_then(|known| known.raw.facts.pitch_median_hz);
    let hz = raw_pitch.filter(|hz| (hz / third_hz).max(third_hz / hz) < 1.3).unwrap_or(third_hz);
    let depth_db = crate::words::tenth(KICK_CUT_DB * rules.strength.min(1.5));
    let cut = |strip: &&Strip| Cut {
        track: strip.id.clone(),
        band: Band::bell("kick", hz, -depth_db, 1.2),
        why: format!(
            "Leaves the kick its fundamental: {depth_db:.1} dB less at {}; the bass hid {:.0} % of the kick's low end.",
            shown_hz(hz),
            hidden * 100.0
        ),
        note: format!("hid {:.0} % of the kick", hidden * 100.0),
        evidence: vec![("low end of the kick that was hidden", hidden * 100.0, "%")],
        confidence: 0.6,
        unless: "the bass shall carry the low end",
    };
    let cuttable = basses.iter().filter(|bass| free.iter().any(|other| other.id == bass.id));
    cuttable.filter(|_| depth_db >= 0.5).map(cut).collect()
}
