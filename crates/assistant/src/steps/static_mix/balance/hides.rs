//! What others hide of each part, and the cuts that could uncover it.

use super::super::powers::Voiced;
use super::{Group, Problem, Room, RoomFor};
use crate::parts::role;
use crate::power::{Bands, band_shares};
use crate::rack::{bell_db, is_taken};
use crate::solve::{Cut, Hidden, Limit, Model, Solution};
use crate::{Rules, SongFacts, roles};
use measure::ERB_BANDS;
use session::Session;
use std::collections::BTreeSet;

/// Where cuts may stand, in hertz: half an octave apart, where voices and instruments are told apart; and their
/// narrowness.
const PLACES_HZ: [f64; 8] = [350.0, 500.0, 700.0, 1_000.0, 1_400.0, 2_000.0, 2_800.0, 4_000.0];
const Q: f64 = 1.0;
const KICK_Q: f64 = 1.2;
/// Deepest cut, the step in which cuts are set, and the least that is made, in dB.
const DEEPEST_DB: f64 = 3.0;
const KICK_DEEPEST_DB: f64 = 2.0;
const STEP_DB: f64 = 0.5;
const LEAST_DB: f64 = 1.0;
/// The sum of all cuts that make room on one track, in dB, and how many they are.
const MOST_DB: f64 = 6.0;
const MOST_PLACES: usize = 2;
/// All cuts together have to uncover at least this share of what was hidden.
const WORTH_ALL: f64 = 0.05;
/// What plays with the part that it hides for a smaller share of its time than this gives way only then.
const KEYED: f64 = 0.6;
/// Speech is understood by this range, in hertz (ANSI S3.5-1997, table 3: the most important bands), which
/// therefore counts double in a voice.
const SPEECH_HZ: (f64, f64) = (1_000.0, 4_000.0);
/// The kick's own range, in hertz.
const KICK_HZ: (f64, f64) = (35.0, 130.0);
/// At most so many rows are looked at, evenly over the song: of the lead, and of any other part.
const LEAD_ROWS: usize = 120;
const ROWS: usize = 50;

/// The lead is worth trouble when a seventh of it is hidden, and may not be lost; a third of the kick's low end always
/// is hidden.
const OF_LEAD: [Limit; 2] = [Limit { from: 0.15, spread: 0.6 }, Limit { from: 0.75, spread: 0.05 }];
const OF_KICK: Limit = Limit { from: 0.3, spread: 0.3 };
/// Parts in the foreground beside the lead, and in the background: half of them may be hidden.
const OF_PARTS: Limit = Limit { from: 0.5, spread: 1.5 };
const OF_BACKGROUND: Limit = Limit { from: 0.5, spread: 2.0 };
/// Nothing but what lies under everything by its nature may be lost: hidden to seven eighths, with bands on average 6 dB
/// under what surrounds them.
const LOST: Limit = Limit { from: 0.875, spread: 0.3 };

/// A cut that could be made.
pub(super) struct Candidate {
    source: usize,
    hz: f64,
    q: f64,
    key: Option<String>,
    part: RoomFor,
    pub(super) cut: Cut,
}

impl Problem<'_> {
    /// What should be heard: the lead first, then the low end of the kick, then every other part.
    /// Everything is as loud as a solution of the levels makes it.
    pub(super) fn hidden(&self, levels: &Solution, rules: &Rules) -> Vec<Hidden> {
        let mut hidden = Vec::new();
        // Gently mixed, being hidden moves less.
        let soft = |limit: Limit| Limit { spread: limit.spread / rules.strength.clamp(0.25, 1.5), ..limit };
        if let Some((lead, _)) = self.lead {
            let group = &self.groups[lead];
            hidden.extend(self.of_group(group, levels, &speech, LEAD_ROWS, OF_LEAD.map(soft).to_vec()));
        }
        hidden.extend(self.kick_hidden(levels, vec![soft(OF_KICK)]));
        for (n, group) in self.groups.iter().enumerate() {
            if self.lead.is_some_and(|(lead, _)| lead == n) {
                continue;
            }
            let limits = match group.part.name {
                "pads" | "vocal doubles" | "drum room" | "overheads" => continue,
                super::EFFECTS | "hi-hat" | "cymbals" | "percussion" | "ad libs" => vec![OF_BACKGROUND],
                _ => vec![OF_PARTS, LOST],
            };
            let limits = limits.into_iter().map(soft).collect();
            hidden.extend(self.of_group(group, levels, &|_, _| 1.0, ROWS, limits));
        }
        hidden
    }

    /// The place of the lead in that list.
    pub(super) fn lead_hidden(&self) -> Option<usize> {
        let (lead, _) = self.lead?;
        (!self.rows_of(&self.groups[lead], LEAD_ROWS).is_empty()).then_some(0)
    }

    fn kick_place(&self) -> usize {
        usize::from(self.lead_hidden().is_some())
    }

    fn tracks_of(&self, group: &Group) -> Vec<usize> {
        group.sources.iter().flat_map(|source| self.sources[*source].tracks.iter().copied()).collect()
    }

    /// Rows in which a part plays, thinned out evenly; none where its bands are not known.
    fn rows_of(&self, group: &Group, most: usize) -> Vec<usize> {
        let tracks = self.tracks_of(group);
        let known = tracks.iter().filter(|t| self.tracks[**t].facts.now().erb.rows() > 0);
        let rows: BTreeSet<usize> = known.flat_map(|t| self.tracks[*t].rows.active_rows()).collect();
        let step = rows.len().div_ceil(most).max(1);
        rows.into_iter().step_by(step).collect()
    }

    fn of_group(
        &self,
        group: &Group,
        levels: &Solution,
        counts: &dyn Fn(&Voiced, f64) -> f64,
        most: usize,
        limits: Vec<Limit>,
    ) -> Option<Hidden> {
        let rows = self.rows_of(group, most);
        if rows.is_empty() {
            return None;
        }
        let mut weights = [0.0; ERB_BANDS];
        for track in self.tracks_of(group) {
            let voiced = &self.tracks[track];
            let shares = band_shares(voiced.facts.now());
            for ((weight, share), hz) in weights.iter_mut().zip(shares).zip(self.centres_hz()) {
                *weight += share * counts(voiced, hz);
            }
        }
        let count = self.sources.len();
        let mut powers = vec![0f32; rows.len() * count * ERB_BANDS];
        let gains = levels.gains_db.iter().map(|db| audio::db_to_power(*db)).zip(&levels.tone);
        let factors: Vec<Bands> = gains.map(|(gain, tone)| tone.map(|tone| gain * tone)).collect();
        for (row, to) in rows.iter().zip(powers.chunks_mut(count * ERB_BANDS)) {
            for voiced in &self.tracks {
                let own = voiced.source * ERB_BANDS..(voiced.source + 1) * ERB_BANDS;
                voiced.add_row(*row, &factors[voiced.source], &mut to[own]);
            }
        }
        let point = |source: usize| match self.sources[source].tracks[..] {
            [track] => Some(track),
            _ => None,
        };
        Some(Hidden {
            own: (0..count).map(|source| group.sources.contains(&source)).collect(),
            hides: (0..count).map(|source| !self.hears(source, group)).collect(),
            track: match group.sources[..] {
                [source] => point(source),
                _ => None,
            },
            tracks: (0..count).map(point).collect(),
            at_db: levels.gains_db.clone(),
            whole_lufs: levels.whole_lufs,
            weights,
            powers,
            limits,
        })
    }

    /// Whether a source is a microphone that hears the part itself.
    fn hears(&self, source: usize, group: &Group) -> bool {
        let name = self.groups[self.sources[source].part].part.name;
        group.part.drums && matches!(name, "overheads" | "drum room")
    }

    fn kick_hidden(&self, levels: &Solution, limits: Vec<Limit>) -> Option<Hidden> {
        let group = self.groups.iter().find(|group| group.known && group.part.name == "kick")?;
        let low = |_: &Voiced, hz: f64| {
            if (KICK_HZ.0..=KICK_HZ.1).contains(&hz) { 1.0 } else { 0.0 }
        };
        let bass = |source: &usize| self.is_bass(*source);
        if !(0..self.sources.len()).any(|source| bass(&source)) {
            return None;
        }
        let mut hidden = self.of_group(group, levels, &low, ROWS, limits)?;
        // Only who could step back there.
        hidden.hides = (0..self.sources.len()).map(|source| bass(&source)).collect();
        Some(hidden)
    }

    fn is_bass(&self, source: usize) -> bool {
        let track = self.sources[source].tracks[0];
        roles::family(role(self.tracks[track].track)) == "bass"
    }

    /// All cuts that could make room.
    pub(super) fn candidates(&self, facts: &SongFacts, session: &Session, rules: &Rules) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let deepest_db = (DEEPEST_DB * rules.strength).min(DEEPEST_DB + 1.0);
        let lead = crate::parts::lead(session, rules);
        if let Some((group, _)) = self.lead.filter(|_| self.lead_hidden().is_some()) {
            let lead_role = lead.first().map_or(roles::UNKNOWN, |strip| role(strip));
            for source in 0..self.sources.len() {
                let own = role(self.tracks[self.sources[source].tracks[0]].track);
                if self.groups[group].sources.contains(&source) || !gives_way(own, lead_role) {
                    continue;
                }
                for hz in PLACES_HZ {
                    let bell = (hz, Q, deepest_db);
                    candidates.extend(self.candidate(source, group, bell, RoomFor::Lead, rules));
                }
            }
        }
        let kick = self.groups.iter().position(|group| group.known && group.part.name == "kick");
        if let Some((group, hz)) = kick.and_then(|group| Some((group, self.kick_hz(group, facts)?))) {
            let most_db = crate::words::tenth(KICK_DEEPEST_DB * rules.strength.min(1.5));
            for source in (0..self.sources.len()).filter(|source| self.is_bass(*source)) {
                let bell = (hz, KICK_Q, most_db);
                candidates.extend(self.candidate(source, group, bell, RoomFor::Kick, rules));
            }
        }
        candidates
    }

    fn candidate(
        &self,
        source: usize,
        group: usize,
        (hz, q, most_db): (f64, f64, f64),
        part: RoomFor,
        rules: &Rules,
    ) -> Option<Candidate> {
        let tracks = &self.sources[source].tracks;
        let free = |insert: &str| tracks.iter().all(|t| !is_taken(self.tracks[*t].track, insert, rules));
        let mut shape_db = [0.0; ERB_BANDS];
        for (shape, centre) in shape_db.iter_mut().zip(self.centres_hz()) {
            *shape = -bell_db(centre, hz, -STEP_DB, q) / STEP_DB;
        }
        let together = self.together(source, group);
        let key = match self.tracks_of(&self.groups[group])[..] {
            [track] if together < KEYED && free("room") => Some(self.tracks[track].track.id.clone()),
            _ => None,
        };
        if !free("eq") || most_db < LEAST_DB || together <= 0.0 {
            return None;
        }
        let share = if key.is_some() { together } else { 1.0 };
        let cut = Cut { source, shape_db, share, most_db, fixed_db: None };
        Some(Candidate { source, hz: crate::rack::round_hz(hz), q, key, part, cut })
    }

    /// Share of the time in which a source plays that a part plays as well.
    fn together(&self, source: usize, group: usize) -> f64 {
        let of = |tracks: &[usize]| -> BTreeSet<usize> {
            tracks.iter().flat_map(|t| self.tracks[*t].rows.active_rows()).collect()
        };
        let own = of(&self.sources[source].tracks);
        let part = of(&self.tracks_of(&self.groups[group]));
        own.intersection(&part).count() as f64 / own.len().max(1) as f64
    }

    /// The kick's fundamental: where it is strongest, or its pitch where that is near.
    fn kick_hz(&self, group: usize, facts: &SongFacts) -> Option<f64> {
        let first = *self.tracks_of(&self.groups[group]).first()?;
        let voiced = &self.tracks[first];
        let in_range = crate::tone::thirds(&voiced.facts.now().facts).into_iter();
        let strongest = in_range.filter(|(hz, _)| (KICK_HZ.0..=KICK_HZ.1).contains(hz));
        let (third_hz, _) = strongest.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let pitch = facts.tracks.get(&voiced.track.id).and_then(|known| known.raw.facts.pitch_median_hz);
        Some(pitch.filter(|hz| (hz / third_hz).max(third_hz / hz) < 1.3).unwrap_or(third_hz))
    }

    /// Decides on the cuts that are worth it, in steps that people set; the rest is none.
    pub(super) fn choose(&self, model: &mut Model, candidates: &[Candidate], found: &Solution) {
        let mut depths_db = vec![0.0; candidates.len()];
        for source in 0..self.sources.len() {
            let mut own: Vec<usize> = (0..candidates.len())
                .filter(|n| candidates[*n].source == source && found.depths_db[*n] >= LEAST_DB / 2.0)
                .collect();
            own.sort_by(|a, b| found.depths_db[*b].total_cmp(&found.depths_db[*a]).then(a.cmp(b)));
            let mut sum_db = 0.0;
            for n in own.into_iter().take(MOST_PLACES) {
                let most_db = candidates[n].cut.most_db;
                let depth_db = ((found.depths_db[n] / STEP_DB).round() * STEP_DB).max(LEAST_DB).min(most_db);
                if sum_db + depth_db <= MOST_DB {
                    sum_db += depth_db;
                    depths_db[n] = depth_db;
                }
            }
        }
        for (part, place) in [(RoomFor::Lead, 0), (RoomFor::Kick, self.kick_place())] {
            let own: Vec<usize> = (0..candidates.len()).filter(|n| candidates[*n].part == part).collect();
            if own.is_empty() {
                continue;
            }
            let mut without = depths_db.clone();
            own.iter().for_each(|n| without[*n] = 0.0);
            let before = model.hidden_with(found, &without)[place];
            let after = model.hidden_with(found, &depths_db)[place];
            if before - after < WORTH_ALL * before {
                depths_db = without;
            }
        }
        model.cuts.iter_mut().zip(&depths_db).for_each(|(cut, db)| cut.fixed_db = Some(*db));
    }

    /// The cuts that are made, by track.
    pub(super) fn rooms(&self, model: &Model, candidates: &[Candidate], solution: &Solution) -> Vec<Room> {
        let mut rooms = Vec::new();
        let none = model.hidden_with(solution, &vec![0.0; candidates.len()]);
        for (candidate, depth_db) in candidates.iter().zip(&solution.depths_db).filter(|(_, db)| **db > 0.0) {
            let place = if candidate.part == RoomFor::Lead { 0 } else { self.kick_place() };
            rooms.extend(self.sources[candidate.source].tracks.iter().map(|track| Room {
                track: self.tracks[*track].track.id.clone(),
                hz: candidate.hz,
                depth_db: *depth_db,
                q: candidate.q,
                stopped: *depth_db >= candidate.cut.most_db - 1e-9,
                key: candidate.key.clone(),
                part: candidate.part,
                before: none[place],
                after: solution.hidden[place],
            }));
        }
        rooms
    }
}

/// What counts of a lead: in a voice, what makes words understood counts double.
fn speech(voiced: &Voiced, hz: f64) -> f64 {
    let voice = roles::family(role(voiced.track)) == "vocals";
    if voice && (SPEECH_HZ.0..=SPEECH_HZ.1).contains(&hz) { 2.0 } else { 1.0 }
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
