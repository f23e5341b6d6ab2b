//! Places between the loudspeakers.
//!
//! Low and leading elements stand in the centre, doubles opposite each other, single instruments on the side
//! that keeps the balance and away from what fills the same bands; the lower a sound, the nearer to the centre
//! (constraints after Perez Gonzalez & Reiss, *A real-time semiautonomous audio panning system for music
//! mixing*, 2010). Both loudspeakers end up equally loud.

use super::seats::{Wish, heard_at_db, is_tom, pairs, players, seen_by_audience, stem, wish};
use crate::import::side;
use crate::parts::{heard, is_point, part_of, path_gain_db, role};
use crate::power::{Rows, band_shares};
use crate::solve::Sides;
use crate::{Rules, SongFacts, TrackFacts};
use audio::{db_to_power, power_to_db};
use dsp::blocks::pan;
use measure::ERB_BANDS;
use session::{Session, Strip};
use std::collections::BTreeMap;

/// Below this the ear hears no place, and its octaves above widen the allowed stage.
const NO_PLACE_HZ: f64 = 150.0;
/// Right against left that is left alone, in LU.
const EVEN_LU: f64 = 0.4;
/// Singles stand no farther out than this.
const SINGLE_MOST: f64 = 75.0;
/// The same where nothing at all stands opposite.
const ONLY_MOST: f64 = 20.0;
/// So many singles are tried in all ways; more are placed one after another, the loudest first.
const TRIED: usize = 10;
/// What overheads have to differ by for the parts of a kit, on average, to tell the side they are seen from, in dB.
const LEAST_VIEW_DB: f64 = 0.3;
/// The weight of two parts that fill the same bands on the same side, against 1 LU of imbalance squared.
const CROWDING: f64 = 3.0;

/// A track and its place.
#[derive(Clone)]
pub(crate) struct Placed<'a> {
    pub(crate) track: &'a Strip,
    pub(crate) pan: f64,
    /// Set by a person, or not to be moved: stereo, or nothing to say.
    pub(crate) fixed: bool,
    /// May move to keep the balance.
    single: bool,
    /// The pair that it belongs to, where that may move.
    pair: Option<usize>,
    /// Side against middle of a stereo track, in dB.
    pub(crate) side_db: Option<f64>,
    pub(crate) reason: String,
    pub(crate) note: String,
    pub(crate) confidence: f64,
    pub(crate) centroid_hz: f64,
    /// Long-term loudness power on both loudspeakers.
    power: f64,
    /// Shares of left and right of a stereo track; `None` for a point.
    image: Option<(f64, f64)>,
    /// A point on two equal channels: the law of stereo files turns one of them down.
    doubled: bool,
    bands: [f64; ERB_BANDS],
}

impl Placed<'_> {
    /// Power on the left and the right loudspeaker at a pan.
    fn sides(&self, position: f64) -> (f64, f64) {
        let (left, right) =
            if self.image.is_some() || self.doubled { pan::balance(position) } else { pan::mono(position) };
        let of_point = if self.doubled { (0.5, 0.5) } else { (1.0, 1.0) };
        let (l, r) = self.image.unwrap_or(of_point);
        (self.power * l * left * left, self.power * r * right * right)
    }

    /// Where a point stands; `None` for a stereo track.
    pub(crate) fn point(&self) -> Option<Sides> {
        let position = (self.pan / 100.0).clamp(-1.0, 1.0);
        self.image.is_none().then_some(Sides::Point { position, doubled: self.doubled })
    }

    /// Share of the right loudspeaker of a stereo track; `None` for a point.
    pub(crate) fn right_share(&self) -> Option<f64> {
        self.image?;
        let (left, right) = self.sides(self.pan);
        (left + right > 0.0).then(|| right / (left + right))
    }
}

/// What moves out to the sides together: a single, or a pair.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Places in the list of [`Stage::placed`], each with its side: -1 left, 1 right.
    pub(crate) members: Vec<(usize, f64)>,
    /// Where such things usually stand, 0 to 1, how far that varies, and the farthest.
    pub(crate) wish: f64,
    pub(crate) spread: f64,
    pub(crate) most: f64,
}

/// How far places of singles and of pairs vary between good mixes, as a share of the stage.
const SINGLE_SPREAD: f64 = 0.2;
const PAIR_SPREAD: f64 = 0.1;

/// All tracks on the stage.
pub(crate) struct Stage<'a> {
    tracks: Vec<Placed<'a>>,
}

/// How far out a sound may stand, by the centre of its energy: 0 to 100.
fn widest(centroid_hz: f64) -> f64 {
    (0.5 * (centroid_hz / NO_PLACE_HZ).log2()).clamp(0.0, 1.0) * 100.0
}

impl<'a> Stage<'a> {
    /// Chooses sides for every track that is heard, with faders in dB by id, and how far out such things usually
    /// stand; how far they do is solved with the levels.
    pub(crate) fn chosen(
        facts: &'a SongFacts,
        session: &'a Session,
        rules: &Rules,
        faders: &BTreeMap<&str, f64>,
    ) -> Stage<'a> {
        let mut stage = Stage::as_it_is(facts, session, rules, faders);
        stage.tracks.iter_mut().filter(|track| !track.fixed).for_each(|track| track.pan = 0.0);
        stage.place_fixed();
        stage.place_players();
        stage.place_kit(facts);
        stage.place_singles();
        stage
    }

    /// What may move farther in or out.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let mut units: Vec<(Option<usize>, Unit)> = Vec::new();
        for (place, track) in self.tracks.iter().enumerate() {
            if track.fixed || track.pan == 0.0 || !(track.single || track.pair.is_some()) {
                continue;
            }
            let member = (place, track.pan.signum());
            let of_pair = |unit: &&mut (Option<usize>, Unit)| track.pair.is_some() && unit.0 == track.pair;
            if let Some((_, unit)) = units.iter_mut().find(of_pair) {
                unit.members.push(member);
                continue;
            }
            let wish = track.pan.abs() / 100.0;
            let most = widest(track.centroid_hz) / 100.0;
            let (spread, most) = match track.pair {
                Some(_) => (PAIR_SPREAD, most.min(1.0)),
                None => (SINGLE_SPREAD, most.min(SINGLE_MOST / 100.0)),
            };
            units.push((track.pair, Unit { members: vec![member], wish, spread, most: most.max(wish) }));
        }
        // A pair whose other half a person has placed does not move.
        let whole = |(pair, unit): &(Option<usize>, Unit)| pair.is_none() || unit.members.len() == 2;
        units.into_iter().filter(whole).map(|(_, unit)| unit).collect()
    }

    /// Takes the places that were solved.
    pub(crate) fn take(&mut self, units: &[Unit], places: &[f64]) {
        for (unit, place) in units.iter().zip(places) {
            for (member, side) in &unit.members {
                let track = &mut self.tracks[*member];
                track.pan = side * (100.0 * place).round();
                let out = (100.0 * unit.most).round();
                if *place >= unit.most - 1e-6 && unit.wish < unit.most {
                    track.reason += &format!("; wanted farther out, stopped at the bound of {out:.0} %");
                } else if *place <= 1e-6 {
                    track.reason += "; wanted across, stopped in the middle";
                }
            }
        }
        self.round();
    }

    /// The stage with the pans that the session has.
    pub(crate) fn as_it_is(
        facts: &'a SongFacts,
        session: &'a Session,
        rules: &Rules,
        faders: &BTreeMap<&str, f64>,
    ) -> Stage<'a> {
        let tracks = heard(session).filter_map(|track| {
            let known = facts.tracks.get(&track.id)?;
            Some(placed(track, known, session, rules, faders.get(track.id.as_str()).copied()?))
        });
        Stage { tracks: tracks.collect() }
    }

    pub(crate) fn placed(&self) -> &[Placed<'a>] {
        &self.tracks
    }

    /// Right against left of the whole stage, in LU.
    pub(crate) fn lean_db(&self) -> f64 {
        lean_db(self.tracks.iter().map(|track| track.sides(track.pan)))
    }

    fn place_fixed(&mut self) {
        for track in self.tracks.iter_mut().filter(|track| !track.fixed) {
            match wish(role(track.track)) {
                Wish::Fixed(pan, what) => {
                    track.pan = pan;
                    track.reason = format!("it is {what}");
                    track.note = "side of the kit".to_string();
                    track.confidence = 0.95;
                }
                Wish::Wide(what) if side(&stem(track.track)).is_none() => {
                    track.pan = 0.0;
                    track.reason = format!("{what} fills the stage from the middle");
                    track.note = "centre, wide".to_string();
                    track.confidence = 0.6;
                }
                Wish::Centre(what) => {
                    track.pan = 0.0;
                    track.reason = format!("{what} stands in the middle");
                    track.note = "centre".to_string();
                    track.confidence = 0.9;
                }
                _ => {}
            }
        }
    }

    /// Pairs of one part opposite each other, exactly symmetric; who has no partner is a single.
    fn place_players(&mut self) {
        let mut parts: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for place in 0..self.tracks.len() {
            let track = &self.tracks[place];
            if track.fixed || track.image.is_some() {
                continue;
            }
            let Some(name) = players(track.track) else { continue };
            match parts.iter_mut().find(|(part, _)| *part == name) {
                Some((_, members)) => members.push(place),
                None => parts.push((name, vec![place])),
            }
        }
        for (name, mut members) in parts {
            members.sort_by_key(|place| crate::import::natural(&stem(self.tracks[*place].track)));
            let pairs = pairs(&members, |place| self.tracks[place].track);
            let paired: Vec<usize> = pairs.iter().flat_map(|(l, r)| [*l, *r]).collect();
            let count = pairs.len();
            for (nth, (left, right)) in pairs.into_iter().enumerate() {
                self.place_pair(left, right, nth, count);
            }
            let stereo = self.tracks.iter().any(|t| t.image.is_some() && part_of(role(t.track)).name == name);
            for alone in members.into_iter().filter(|place| !paired.contains(place)) {
                let middle = count > 0 && matches!(wish(role(self.tracks[alone].track)), Wish::Players(_));
                let track = &mut self.tracks[alone];
                let own_side = side(&stem(track.track)).is_some();
                if stereo && !own_side {
                    track.pan = 0.0;
                    track.reason = "the others of its part are stereo and have no gap for it".to_string();
                    track.note = "between the others".to_string();
                } else if middle && !own_side {
                    track.pan = 0.0;
                    track.reason = format!("{count} pair{} of its part stand around it", plural(count));
                    track.note = "between the pairs".to_string();
                } else {
                    track.single = !matches!(role(track.track), "overhead" | "drum_room");
                }
            }
        }
    }

    fn place_pair(&mut self, left: usize, right: usize, nth: usize, count: usize) {
        let out = match wish(role(self.tracks[left].track)) {
            Wish::Players(out) => out,
            // Keys, synths and percussion in two files called left and right are one stereo recording.
            _ => 100.0,
        };
        let named = side(&stem(self.tracks[left].track)).is_some();
        let family = crate::roles::family(role(self.tracks[left].track));
        let doubles = matches!(family, "guitars" | "vocals");
        let out = if named && !doubles { 100.0 } else { out };
        // Further pairs stand inside the first, evenly down to a third of its width.
        let inner = if count > 1 { 1.0 - 0.65 * nth as f64 / (count - 1) as f64 } else { 1.0 };
        let low = self.tracks[left].centroid_hz.min(self.tracks[right].centroid_hz);
        let out = (out * inner).min(widest(low)).round();
        for (place, other, pan) in [(left, right, -out), (right, left, out)] {
            let other = self.tracks[other].track.name().to_string();
            let track = &mut self.tracks[place];
            track.pan = pan;
            // What was recorded as one picture stays one.
            track.pair = (out < 100.0).then_some(place.min(left).min(right));
            track.reason =
                format!("it pairs with `{other}`, which stands opposite (energy around {low:.0} Hz)");
            track.note = format!("opposite {other}");
            track.confidence = if named { 0.9 } else { 0.7 };
        }
    }

    /// Hi-hat and toms stand where the overheads hear them, or else as the audience sees a right-handed kit.
    fn place_kit(&mut self, facts: &SongFacts) {
        let of_side = |wanted: &str, named: &str| {
            let is = |t: &&Placed| {
                role(t.track) == wanted
                    || (role(t.track) == "overhead" && stem(t.track).to_lowercase().ends_with(named))
            };
            let id = &self.tracks.iter().filter(|t| t.image.is_none()).find(is)?.track.id;
            Some(facts.tracks.get(id)?.now())
        };
        let overheads = of_side("overhead_left", "l").zip(of_side("overhead_right", "r"));
        let toms: Vec<usize> = (0..self.tracks.len()).filter(|n| is_tom(self.tracks[*n].track)).collect();
        let mut pieces: Vec<(usize, f64)> = Vec::new();
        let mut audience_db = 0.0;
        for (place, piece) in self.tracks.iter().enumerate() {
            let nth = toms.iter().position(|n| *n == place).unwrap_or(0);
            let Some(seen) = seen_by_audience(piece.track, nth, toms.len()) else { continue };
            if piece.image.is_some() {
                continue;
            }
            let now = facts.tracks.get(&piece.track.id).map(TrackFacts::now);
            let heard = overheads.zip(now).and_then(|((l, r), own)| heard_at_db(own, l, r));
            audience_db += heard.unwrap_or(0.0) * seen.signum();
            pieces.push((place, seen));
        }
        // One view for the whole kit.
        audience_db /= pieces.len().max(1) as f64;
        let known = audience_db.abs() >= LEAST_VIEW_DB;
        let view = if known { audience_db.signum() } else { 1.0 };
        for (place, seen) in pieces {
            let piece = &mut self.tracks[place];
            if piece.fixed {
                continue;
            }
            // Without overheads there is no picture to follow: such drums stand nearer to the middle, and programmed
            // ones, without a row of toms to be told apart, in it.
            piece.pan = match (overheads.is_some(), toms.len() > 1) {
                (true, _) => view * seen,
                (false, true) => (0.5 * seen).round(),
                (false, false) => 0.0,
            };
            piece.single = false;
            piece.confidence = if known { 0.8 } else { 0.5 };
            piece.note = if view > 0.0 { "the audience's view" } else { "the drummer's view" }.to_string();
            piece.reason = if known {
                let db = audience_db.abs();
                format!(
                    "the overheads hear the parts of the kit {db:.1} dB louder to these sides ({})",
                    piece.note
                )
            } else {
                "it stands as the audience sees a right-handed drummer, since no overheads tell otherwise"
                    .into()
            };
        }
    }

    /// Singles stand on the sides that keep the loudspeakers even and equal bands apart.
    fn place_singles(&mut self) {
        let mut singles: Vec<usize> = Vec::new();
        for place in 0..self.tracks.len() {
            let track = &mut self.tracks[place];
            let wish = wish(role(track.track));
            if track.fixed || track.image.is_some() || track.pan != 0.0 {
                continue;
            }
            let out = match wish {
                Wish::Single(out) if track.reason.is_empty() => out,
                // A voice without a partner stays in the middle, and gets its width from a return.
                Wish::Players(_) if track.single && !part_of(role(track.track)).name.contains("voc") => 45.0,
                _ => continue,
            };
            track.pan = out.min(widest(track.centroid_hz)).round();
            track.single = track.pan > 0.0;
            if track.single {
                singles.push(place);
            } else {
                track.reason = "so low a sound has no place but the middle".to_string();
                track.note = "low".to_string();
            }
        }
        let elsewhere = |(place, track): (usize, &Placed)| track.pan != 0.0 && !singles.contains(&place);
        if let [only] = singles[..]
            && !self.tracks.iter().enumerate().any(elsewhere)
        {
            // With nothing opposite it, a part far out makes the stage lean.
            self.tracks[only].pan = self.tracks[only].pan.min(ONLY_MOST);
        }
        // The loudest first, so that the smaller ones even out what is left.
        singles.sort_by(|a, b| {
            let (a, b) = (&self.tracks[*a], &self.tracks[*b]);
            b.power.total_cmp(&a.power).then_with(|| a.track.id.cmp(&b.track.id))
        });
        let tried = singles.len().min(TRIED);
        let mut best: Option<(f64, u32)> = None;
        for sides in 0..1u32 << tried {
            self.turn(&singles[..tried], sides);
            let cost = self.cost(&singles[..tried], &singles[tried..]);
            if best.is_none_or(|(least, _)| cost < least - 1e-9) {
                best = Some((cost, sides));
            }
        }
        self.turn(&singles[..tried], best.map_or(0, |(_, sides)| sides));
        for next in tried..singles.len() {
            let cost = |stage: &mut Stage, right: u32| {
                stage.turn(&singles[next..=next], right);
                stage.cost(&singles[..=next], &singles[next + 1..])
            };
            let (left, right) = (cost(self, 0), cost(self, 1));
            self.turn(&singles[next..=next], u32::from(right < left));
        }
        for place in singles {
            let track = &mut self.tracks[place];
            track.reason = format!(
                "alone in its part, it stands on the side that keeps both loudspeakers even and away from what \
                 plays around {:.0} Hz",
                track.centroid_hz
            );
            track.note = "for the balance".to_string();
            track.confidence = 0.6;
        }
    }

    /// Turns singles to the sides that the bits say: 0 left, 1 right.
    fn turn(&mut self, singles: &[usize], sides: u32) {
        for (nth, place) in singles.iter().enumerate() {
            let pan = &mut self.tracks[*place].pan;
            *pan = if sides >> nth & 1 == 1 { pan.abs() } else { -pan.abs() };
        }
    }

    /// Imbalance and crowding; those `not_yet` placed count as if in the centre.
    fn cost(&self, singles: &[usize], not_yet: &[usize]) -> f64 {
        let sides = self
            .tracks
            .iter()
            .enumerate()
            .map(|(place, track)| track.sides(if not_yet.contains(&place) { 0.0 } else { track.pan }));
        let lean = lean_db(sides);
        let mut crowding = 0.0;
        for (nth, a) in singles.iter().enumerate() {
            for b in &singles[nth + 1..] {
                let (a, b) = (&self.tracks[*a], &self.tracks[*b]);
                let common: f64 = a.bands.iter().zip(&b.bands).map(|(x, y)| x.min(*y)).sum();
                crowding += if a.pan.signum() == b.pan.signum() { common } else { 0.0 };
            }
        }
        lean * lean + CROWDING * crowding
    }

    /// Moves the singles in and out until the stage leans by `goal_db`.
    fn steer(&mut self, goal_db: f64) {
        let places: Vec<f64> = self.tracks.iter().map(|track| track.pan).collect();
        let away = |stage: &Stage| stage.lean_db() - goal_db;
        if away(self).abs() <= EVEN_LU {
            return;
        }
        let heavy = away(self).signum();
        // From as it is (0) to the heavy side's singles in the centre and the light side's far out (1).
        let mut least = 0.0;
        let mut most = 1.0;
        self.shift(&places, heavy, most);
        if away(self) * heavy < 0.0 {
            for _ in 0..30 {
                let middle = (least + most) / 2.0;
                self.shift(&places, heavy, middle);
                if away(self) * heavy > 0.0 { least = middle } else { most = middle }
            }
        }
    }

    fn shift(&mut self, places: &[f64], heavy: f64, part: f64) {
        for (track, place) in self.tracks.iter_mut().zip(places).filter(|(track, _)| track.single) {
            let limit = SINGLE_MOST.min(widest(track.centroid_hz));
            track.pan = if place.signum() == heavy {
                place * (1.0 - part)
            } else {
                (place.abs() * (1.0 + part)).min(limit.max(place.abs())).copysign(*place)
            };
        }
    }

    fn round(&mut self) {
        self.tracks.iter_mut().filter(|track| !track.fixed).for_each(|track| track.pan = track.pan.round());
    }
}

/// Pans that move the measured lean of a mix by `change_db`, of singles only: what [`Stage::steer`] can do.
pub(crate) fn steered(mut stage: Stage, change_db: f64) -> Vec<(String, f64)> {
    for track in &mut stage.tracks {
        let wish = wish(role(track.track));
        let of_pair = stage_pair(&wish, track.track);
        track.single = !track.fixed && track.image.is_none() && track.pan != 0.0 && !of_pair;
    }
    let goal = stage.lean_db() + change_db;
    stage.steer(goal);
    stage.round();
    let moved = stage.tracks.iter().filter(|track| track.single && track.pan != track.track.pan);
    moved.map(|track| (track.track.id.clone(), track.pan)).collect()
}

/// Whether a track's place belongs to a pair or to the kit.
fn stage_pair(wish: &Wish, track: &Strip) -> bool {
    matches!(wish, Wish::Fixed(..) | Wish::Centre(_) | Wish::Wide(_))
        || crate::roles::family(role(track)) == "drums"
        || side(&stem(track)).is_some()
        || track.pan.abs() > SINGLE_MOST
}

/// Right against left of powers on both loudspeakers, in LU.
fn lean_db(sides: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (left, right) = sides.fold((0.0, 0.0), |(l, r), (left, right)| (l + left, r + right));
    if left > 0.0 && right > 0.0 { (power_to_db(right) - power_to_db(left)).clamp(-60.0, 60.0) } else { 0.0 }
}

fn placed<'a>(
    track: &'a Strip,
    known: &'a TrackFacts,
    session: &Session,
    rules: &Rules,
    fader_db: f64,
) -> Placed<'a> {
    let now = known.now();
    let rows = Rows::of(now);
    let all: Vec<usize> = (0..rows.power.len()).collect();
    let gain_db = fader_db + path_gain_db(session, track);
    let doubled = now.facts.channels == 2 && is_point(now);
    let stereo = (now.facts.channels == 2 || track.files.len() == 2) && !doubled;
    let ratio = db_to_power(now.facts.balance_db.unwrap_or(0.0).clamp(-60.0, 60.0));
    let yours = rules.is_yours(&track.path().child("pan"));
    Placed {
        track,
        pan: track.pan,
        fixed: yours || stereo,
        single: false,
        pair: None,
        side_db: now.facts.side_mid_db.filter(|_| stereo),
        reason: String::new(),
        note: String::new(),
        confidence: 0.6,
        centroid_hz: now.facts.centroid_hz.unwrap_or(1_000.0).max(1.0),
        power: rows.mean(&all) * db_to_power(gain_db),
        image: stereo.then(|| (1.0 / (1.0 + ratio), ratio / (1.0 + ratio))),
        doubled,
        bands: band_shares(now),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
