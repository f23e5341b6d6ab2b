//! Steps 13 to 15 with references: tone, width and dynamics come near to one or several finished songs.
//!
//! Songs are compared at equal loudness, their quiet, middle and loud thirds each with each (see `portrait.rs`). Third
//! octaves are moved in tone, and in the level of their side, as far as asked and never beyond a limit that follows the
//! reference's own spread (`bands.rs`); a mix whose sides are too faint to be raised that far gets some (`spread.rs`); a
//! ride brings the loudness range nearer (`ride.rs`). All of it is foreseen from what was measured, then heard through the
//! whole chain and corrected by what is left ([`MatchPlan::corrected`]).

pub(crate) mod bands;
pub(crate) mod portrait;
mod ride;
mod spread;

pub use bands::Move;
use portrait::SECTIONS;

use crate::{Goal, MasterFacts};
use audio::{db_to_power, power_to_db};
use bands::Wishes;
use dsp::{Kind, Values};
use measure::Analysis;
use portrait::{Portrait, mean_of};
use session::{Change, Decision, Path, Session, StepId, Value};

/// A finished song to be near to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reference {
    /// What it is called.
    pub name: String,
    /// How much it counts beside others.
    pub weight: f64,
    /// What was measured of it.
    pub analysis: Analysis,
}

/// How near to come to the references, by aspect: 0 not at all, 1 as near as the bounds allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matching {
    /// Balance of the third octaves.
    pub tone: f64,
    /// Loudness range.
    pub dynamics: f64,
    /// Side against middle, band by band and as a whole.
    pub width: f64,
    /// Integrated loudness; at 0 that of the target stands.
    pub loudness: f64,
}

impl Default for Matching {
    /// Most of the tone, half of dynamics and width, the target's loudness.
    fn default() -> Matching {
        Matching { tone: 0.7, dynamics: 0.5, width: 0.5, loudness: 0.0 }
    }
}

/// Rendered and wished are alike within this: dB of the tone (RMS over the bands), dB of the width, LU of the range.
const ALIKE: (f64, f64, f64) = (0.3, 0.1, 0.2);
/// The tone is judged between these, in hertz: below and above are rumble and the ends of lossy files.
const HEARD_HZ: std::ops::RangeInclusive<f64> = 40.0..=12_500.0;
/// No band is moved farther than this from one round to the next, in dB.
const MOST_AT_ONCE_DB: f64 = 6.0;
/// A side gain within this everywhere needs no filter, in dB.
const NO_MOVE_DB: f64 = 0.05;
/// A curve that moves the lows by no more than this rings before the sound by less than -40 dB in linear phase, in dB.
const LINEAR_DB: f64 = 3.0;
/// A ride with care moves the level no farther than this, in dB, either way; at full strength half as far again.
const RIDE_DB: f64 = 6.0;
/// No less than this part of a ride is left by the compressors behind it.
const LEAST_YIELD: f64 = 0.5;
/// The lows, for that, in hertz.
const LOWS_HZ: f64 = 300.0;

/// What is done to come near to the references.
#[derive(Debug, Clone)]
pub struct MatchPlan {
    /// The mix with as much of its middle spread as `spread_percent` says.
    mix: Portrait,
    /// Side against middle of the mix as it came, in dB.
    came_wide_db: Option<f64>,
    spread_percent: f64,
    target: Portrait,
    matching: Matching,
    names: Vec<String>,
    course: Option<CourseOf>,
    wishes: Wishes,
    /// The loudness range to be heard, in LU; absent where the dynamics are left alone.
    range_lu: Option<f64>,
    tone: Vec<Move>,
    side: Vec<Move>,
    ride: ride::Ride,
    /// The range that was heard when the ride was drawn to it last, and the change that was asked for, in LU.
    drawn_lu: Option<(f64, f64)>,
}

/// The course is only read.
type CourseOf = std::sync::Arc<ride::Course>;

impl std::fmt::Debug for ride::Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Course")
    }
}

impl MatchPlan {
    /// The plan for a pre-master; `None` without references, or where one side is silent.
    pub fn new(facts: &MasterFacts, goal: &Goal) -> Option<MatchPlan> {
        let songs = facts.references.iter().filter(|r| r.weight > 0.0);
        let songs: Vec<(Portrait, f64)> =
            songs.filter_map(|r| Some((Portrait::of(&r.analysis)?, r.weight))).collect();
        let target = mean_of(&songs)?;
        let mix = Portrait::of(&facts.premaster)?;
        let names: Vec<String> = facts.references.iter().map(|r| r.name.clone()).collect();
        let matching = goal.matching;
        let asks_for_range =
            matching.dynamics > 0.0 && mix.loudness_range_lu.and(target.loudness_range_lu).is_some();
        let course =
            ride::Course::of(&facts.premaster.loudness).filter(|_| asks_for_range).map(CourseOf::new);
        let with = |percent: f64| MatchPlan::spreading(percent, &mix, &target, matching);
        let mut plan = spread::least(matching.width, with);
        (plan.names, plan.course) = (names, course);
        plan.solve_ride(plan.mix.loudness_range_lu.map(|range| (range, 1.0)));
        plan.drawn_lu = None;
        Some(plan)
    }

    /// The plan with so much of the middle spread, without its ride.
    fn spreading(percent: f64, came: &Portrait, target: &Portrait, matching: Matching) -> MatchPlan {
        let mix = came.spread(percent);
        let toward = |have: Option<f64>, want: Option<f64>, strength: f64| {
            have.zip(want).filter(|_| strength > 0.0).map(|(have, want)| have + strength * (want - have))
        };
        let range = toward(mix.loudness_range_lu, target.loudness_range_lu, matching.dynamics);
        let spreads = |width: bool| -> Vec<f64> {
            target.bands.iter().map(|b| if width { b.width_spread_db } else { b.spread_db }).collect()
        };
        let wide = toward(came.width_db, target.width_db, matching.width);
        let wishes = Wishes {
            tone: bands::asked(&bands::missing(&mix, target, false), &spreads(false), matching.tone),
            side: bands::smoothed(&bands::asked(
                &bands::missing(&mix, target, true),
                &spreads(true),
                matching.width,
            )),
            wider_db: wide.zip(mix.width_db).map(|(want, have)| want - have),
        };
        let mut plan = MatchPlan {
            mix,
            came_wide_db: came.width_db,
            spread_percent: percent,
            target: target.clone(),
            matching,
            names: Vec::new(),
            course: None,
            wishes,
            range_lu: range,
            tone: Vec::new(),
            side: Vec::new(),
            ride: ride::Ride::default(),
            drawn_lu: None,
        };
        plan.solve();
        plan
    }

    /// How the sides would come out: by how much the whole is too wide, in dB, and how far the band that is driven farthest
    /// beyond what it wishes for itself is, in dB. `None` where the width is left alone.
    fn sides(&self) -> Option<(f64, f64)> {
        let want = self.wishes.wider_db?;
        let gains = self.tone.iter().zip(&self.side);
        let (mut before, mut after) = ((0.0, 0.0), (0.0, 0.0));
        for (band, (tone, side)) in self.mix.bands.iter().zip(gains) {
            let (mid, sides) = band.power;
            before = (before.0 + mid, before.1 + sides);
            let tone = db_to_power(tone.gain_db);
            after = (after.0 + tone * mid, after.1 + tone * db_to_power(side.gain_db) * sides);
        }
        let wider_db = power_to_db(after.1 / after.0) - power_to_db(before.1 / before.0);
        let beyond = self.side.iter().zip(&self.wishes.side).map(|(m, wish)| m.gain_db - wish);
        Some((wider_db - want, beyond.fold(f64::NEG_INFINITY, f64::max)))
    }

    /// The loudness to reach, in LUFS: the references' by their strength, else what stood before.
    pub fn loudness_lufs(&self, before: Option<f64>) -> Option<f64> {
        let (strength, theirs) = (self.matching.loudness, self.target.integrated_lufs);
        let from = before.or(self.mix.integrated_lufs);
        let near = theirs.zip(from).map(|(theirs, from)| from + strength * (theirs - from));
        if strength > 0.0 { near.or(before) } else { before }
    }

    /// What the references are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The moves of the tone, band by band.
    pub fn tone(&self) -> &[Move] {
        &self.tone
    }

    /// The moves of the side signal, band by band.
    pub fn side(&self) -> &[Move] {
        &self.side
    }

    /// What a signal misses of the references in each third octave at equal loudness, in dB, in the order of
    /// [`MatchPlan::tone`]; `None` where one of them does not play.
    pub fn missing(&self, of: &Analysis) -> Vec<Option<f64>> {
        let portrait = Portrait::of(of);
        portrait.map_or_else(Vec::new, |portrait| bands::missing(&portrait, &self.target, false))
    }

    /// What the references have in the mean: integrated loudness in LUFS, loudness range in LU, side against middle in dB.
    pub fn theirs(&self) -> [Option<f64>; 3] {
        [self.target.integrated_lufs, self.target.loudness_range_lu, self.target.width_db]
    }

    fn solve(&mut self) {
        let limits = |width: bool| -> Vec<f64> {
            let spread = |b: &portrait::Band| if width { b.width_spread_db } else { b.spread_db };
            let strength = if width { self.matching.width } else { self.matching.tone };
            self.target.bands.iter().map(|b| bands::limit_db(spread(b), strength)).collect()
        };
        let (tone_limits, side_limits) = (limits(false), limits(true));
        let (tone, side) = bands::gains(&self.mix, &self.wishes, (&tone_limits, &side_limits));
        let moves = |gains: Vec<f64>, limits: &[f64], width: bool| -> Vec<Move> {
            let missing = bands::missing(&self.mix, &self.target, width);
            let each = self.target.bands.iter().zip(gains).zip(limits).zip(missing);
            each.map(|(((band, gain), limit), missing)| Move {
                hz: band.hz,
                missing_db: missing.unwrap_or(0.0),
                spread_db: if width { band.width_spread_db } else { band.spread_db },
                limit_db: *limit,
                gain_db: (gain * 100.0).round() / 100.0,
            })
            .collect()
        };
        (self.tone, self.side) = (moves(tone, &tone_limits, false), moves(side, &side_limits, true));
    }

    /// The ride on the course as it was heard last, with the ride so far in it and a loudness range of `heard_lu`.
    ///
    /// What the course foresees differs from what a meter reads, in short songs by some LU: asked for is the change, of which what
    /// stands behind the ride leaves a part.
    fn solve_ride(&mut self, heard_lu: Option<(f64, f64)>) {
        let most_db = RIDE_DB * (0.5 + 0.5 * bands::freedom(self.matching.dynamics));
        let Some((course, change)) = self.course.as_ref().zip(self.range_lu.zip(heard_lu)) else { return };
        let (range_lu, (heard_lu, part)) = change;
        let change = (range_lu - heard_lu) / part;
        self.drawn_lu = Some((heard_lu, change));
        let as_it_is = course.range_lu(0.0, &self.ride, most_db).filter(|_| change.abs() > ALIKE.2);
        if let Some(foreseen) = as_it_is {
            self.ride = course.ride_to(foreseen + change, &self.ride, most_db);
        }
    }

    /// Which part of a change of the ride is heard behind the chain: as much as of the last one, once one was heard.
    fn yields(&self, heard_lu: f64) -> f64 {
        let last = self.drawn_lu.filter(|(_, asked)| asked.abs() > ALIKE.2);
        last.map_or(1.0, |(before, asked)| ((heard_lu - before) / asked).clamp(LEAST_YIELD, 1.0))
    }

    /// What is left after the chain, and a plan that makes up for it; `None` when there is nothing worth another round.
    ///
    /// `rendered` is the whole chain over the whole song, nothing cut at its ends. What stands at its limit stays there.
    pub fn corrected(&self, rendered: &Analysis) -> Option<MatchPlan> {
        self.corrected_behind(rendered, Some(0.0))
    }

    /// The same, from the chain before its limiter, where that is known to leave the tone and to change the loudness range by
    /// so many LU; with `None` the ride stays as it is.
    pub fn corrected_behind(&self, rendered: &Analysis, range_change_lu: Option<f64>) -> Option<MatchPlan> {
        let got = Portrait::of(rendered)?;
        let left = self.left(&got);
        let width_off = self.width_off(&got);
        let got_lu = got.loudness_range_lu.zip(range_change_lu).map(|(range, change)| range + change);
        let range_off = self.range_lu.zip(got_lu).map(|(want, got)| want - got);
        let beyond = |off: Option<f64>, alike: f64| off.is_some_and(|off| off.abs() > alike);
        let tone_wanted = self.matching.tone > 0.0 && self.tone_off(&left) > ALIKE.0;
        if !tone_wanted && !beyond(width_off, ALIKE.1) && !beyond(range_off, ALIKE.2) {
            return None;
        }
        let mut next = self.clone();
        if self.matching.tone > 0.0 {
            let each = next.wishes.tone.iter_mut().zip(&left);
            each.for_each(|(wish, left)| *wish += left.clamp(-MOST_AT_ONCE_DB, MOST_AT_ONCE_DB));
        }
        next.wishes.wider_db = self.wishes.wider_db.zip(width_off).map(|(w, off)| w + off);
        next.solve();
        if beyond(range_off, ALIKE.2) {
            next.course = ride::Course::of(&rendered.loudness).map(CourseOf::new);
            next.solve_ride(got_lu.map(|got| (got, self.yields(got))));
        }
        let same = next.tone == self.tone && next.side == self.side && next.ride == self.ride;
        (!same).then_some(next)
    }

    /// What each band of a rendered master still misses of what was asked for, in dB.
    fn left(&self, got: &Portrait) -> Vec<f64> {
        // At full strength nothing should be missing any more; below it, what was not asked for.
        let first = bands::missing(&self.mix, &self.target, false);
        let spreads: Vec<f64> = self.target.bands.iter().map(|b| b.spread_db).collect();
        let asked = bands::asked(&first, &spreads, self.matching.tone);
        let now = bands::missing(got, &self.target, false);
        let meant = first.iter().zip(asked).map(|(first, asked)| first.map_or(0.0, |first| first - asked));
        now.iter().zip(meant).map(|(now, meant)| now.map_or(0.0, |now| now - meant)).collect()
    }

    /// How far the bands that can still move are off, in dB RMS: those at their limit stay there.
    fn tone_off(&self, left: &[f64]) -> f64 {
        let free = |m: &Move| m.gain_db.abs() < m.limit_db - 0.02 && HEARD_HZ.contains(&m.hz);
        let off: Vec<f64> = self.tone.iter().zip(left).filter(|(m, _)| free(m)).map(|(_, l)| l * l).collect();
        (off.iter().sum::<f64>() / off.len().max(1) as f64).sqrt()
    }

    /// How far side against middle of the whole is off, in dB; `None` where the width is left alone.
    fn width_off(&self, got: &Portrait) -> Option<f64> {
        let goal = self.came_wide_db.zip(self.target.width_db);
        let goal = goal.map(|(have, want)| have + self.matching.width * (want - have));
        self.wishes.wider_db.and(goal).zip(got.width_db).map(|(want, got)| want - got)
    }

    /// The plan as decisions about the master: curve, image, ride.
    pub fn decisions(&self, session: &Session) -> Vec<Decision> {
        let strip = session.master.strip.path();
        let Some(kind) = dsp::kind("phase_eq") else { return Vec::new() };
        let names = self.names.join(", ");
        let mut decisions = Vec::new();
        decisions.extend(self.spread_decision(&strip));
        if self.matching.tone > 0.0 && moves_anything(&self.tone) {
            let change = Change::insert(&strip, "match", kind, &curve(kind, &self.tone, false));
            let why = format!(
                "{} toward {names} ({:.0} % of the difference at equal loudness, {SECTIONS} sections each with its like): {}.",
                "Third octaves",
                100.0 * self.matching.tone,
                farthest(&self.tone)
            );
            let decision = Decision::new(StepId::MasteringEq, change, why).sure(0.7);
            decisions.push(told(decision, &self.tone).unless("a reference of another kind of music"));
        }
        if self.wishes.wider_db.is_some() && moves_anything(&self.side) {
            let change = Change::insert(&strip, "image", kind, &curve(kind, &self.side, true));
            let (from, to) = (self.came_wide_db.unwrap_or(0.0), self.target.width_db.unwrap_or(0.0));
            let why = format!(
                "The sides stand {from:.1} dB against the middle, in {names} {to:.1} dB: {}.",
                farthest(&self.side)
            );
            let decision = Decision::new(StepId::Stereo, change, why).sure(0.6);
            decisions
                .push(told(decision, &self.side).unless("a mix that must stay narrow for vinyl or clubs"));
        }
        let ride = self.ride.points();
        let moved = ride.iter().fold(0.0, |most: f64, p| most.max(p.1.abs()));
        if moved > 0.1 {
            let (from, to) = (self.mix.loudness_range_lu, self.target.loudness_range_lu);
            let (from, to) = (from.unwrap_or(0.0), to.unwrap_or(0.0));
            let why = format!(
                "Loudness range {from:.1} LU, in {names} {to:.1} LU: a ride of up to {moved:.1} dB brings quiet and loud \
                 parts {}.",
                if from > to { "together" } else { "apart" }
            );
            let path = Path::new(["master", "automation", "trim_db"]);
            let decision = Decision::set(StepId::MasteringCompression, path, Value::points(ride), why);
            decisions.push(
                decision
                    .measured("loudness range", from, "LU")
                    .measured("of the references", to, "LU")
                    .sure(0.6),
            );
        }
        decisions
    }
}

fn moves_anything(moves: &[Move]) -> bool {
    moves.iter().any(|m| m.gain_db.abs() > NO_MOVE_DB)
}

/// The two bands that are moved farthest, in words.
fn farthest(moves: &[Move]) -> String {
    let mut sorted: Vec<&Move> = moves.iter().collect();
    sorted.sort_by(|a, b| b.gain_db.abs().total_cmp(&a.gain_db.abs()));
    let each = sorted.iter().take(2).map(|m| {
        let held = if m.gain_db.abs() >= m.limit_db - 0.01 { " (its limit)" } else { "" };
        format!("{:+.1} dB at {:.0} Hz{held}", m.gain_db, m.hz)
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The evidence: what was missing where most was, and how far the reference lets it be moved.
fn told(decision: Decision, moves: &[Move]) -> Decision {
    let worst = moves.iter().max_by(|a, b| a.gain_db.abs().total_cmp(&b.gain_db.abs()));
    let Some(worst) = worst else { return decision };
    decision
        .measured(format!("missing at {:.0} Hz", worst.hz), worst.missing_db, "dB")
        .measured("spread of the references there", worst.spread_db, "dB")
        .measured("limit there", worst.limit_db, "dB")
}

/// The equaliser that draws the moves. The image keeps its time in linear phase; so does a tone whose lows hardly move.
/// Where they move more, they would ring before the sound: there they are of minimum phase.
fn curve(kind: &Kind, moves: &[Move], side: bool) -> Values {
    let mut values = Values::neutral(kind);
    let low = moves.iter().filter(|m| m.hz < LOWS_HZ).fold(0.0, |most: f64, m| most.max(m.gain_db.abs()));
    let phase = if side || low <= LINEAR_DB { "linear" } else { "mixed" };
    values.set_choice(kind, "phase", phase).expect("a phase");
    if side {
        values.set_choice(kind, "curve_channel", "side").expect("a channel");
    }
    for m in moves {
        let item = values.push(kind, "points").expect("the equaliser has points");
        values.set(kind, &format!("points.{item}.freq_hz"), m.hz).expect("a point has a frequency");
        values.set(kind, &format!("points.{item}.gain_db"), m.gain_db).expect("a point has a gain");
    }
    values
}

#[cfg(test)]
mod tests;
